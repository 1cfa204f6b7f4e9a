"""Errors, and how each looks to a caller of the runtime protocol."""

import json

from dormouse.domain.invocation import InvocationResponse


class AwsError(Exception):
    """AWS refused a call or did not answer; the message says which call and why."""


class UnmanagedEndpointError(Exception):
    """Nobody asked Dormouse to manage this endpoint; the message names it."""


def runtime_error(
    status: int, error_type: str, message: str, *, retry_after_seconds: int | None = None
) -> InvocationResponse:
    """Answer as SageMaker's runtime does, so that boto3 raises the exception of that name.

    botocore takes the name from the header, and the message from `Message` of the body.
    """
    headers = {"content-type": "application/json", "x-amzn-errortype": error_type}
    if retry_after_seconds is not None:
        headers["retry-after"] = str(retry_after_seconds)
    return InvocationResponse(status, headers, json.dumps({"Message": message}).encode())


def unknown_operation(method: str, path: str) -> InvocationResponse:
    """Answer a path that the runtime protocol does not have."""
    return runtime_error(
        404,
        "UnknownOperationException",
        f"{method} {path} is not known here: POST /endpoints/{{EndpointName}}/invocations is",
    )


def cold(endpoint: str, retry_after_seconds: int) -> InvocationResponse:
    """Answer a request whose demand is recorded: the endpoint is on its way."""
    return runtime_error(
        503,
        "ServiceUnavailable",
        f"Endpoint {endpoint} is asleep and is being started for this request, which was not "
        f"executed. Try again in about {retry_after_seconds} seconds.",
        retry_after_seconds=retry_after_seconds,
    )


def demand_not_recorded(endpoint: str, retry_after_seconds: int) -> InvocationResponse:
    """Answer a cold request that could not even be noted: nothing is on its way."""
    return runtime_error(
        503,
        "ServiceUnavailable",
        f"Endpoint {endpoint} is asleep, and Dormouse could not record that this request needs it. "
        "The request was not executed. Try again.",
        retry_after_seconds=retry_after_seconds,
    )


def unreachable(why: str) -> InvocationResponse:
    """Answer a request that never reached SageMaker: safe to try again."""
    return runtime_error(503, "ServiceUnavailable", f"SageMaker could not be reached: {why}")


def unanswered(why: str) -> InvocationResponse:
    """Answer a request that may have run: 424, since boto3 never repeats a ModelError by itself."""
    body = {
        "Message": f"SageMaker did not answer: {why}. The model may have executed the request.",
        "OriginalStatusCode": 504,
        "OriginalMessage": why,
        "LogStreamArn": "",
    }
    headers = {"content-type": "application/json", "x-amzn-errortype": "ModelError"}
    return InvocationResponse(424, headers, json.dumps(body).encode())


def response_too_large(size: int, limit: int) -> InvocationResponse:
    """Answer a prediction that Lambda can't carry."""
    body = {
        "Message": f"The model answered {size} bytes; a Lambda response carries {limit} at most "
        "(three quarters of that where the body is not text).",
        "OriginalStatusCode": 200,
        "OriginalMessage": "",
        "LogStreamArn": "",
    }
    headers = {"content-type": "application/json", "x-amzn-errortype": "ModelError"}
    return InvocationResponse(424, headers, json.dumps(body).encode())
