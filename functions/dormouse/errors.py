"""Errors, and how each looks to a caller of the runtime protocol."""

import json
from dataclasses import replace

from dormouse.domain.invocation import InvocationResponse
from dormouse.domain.spec import PRINCIPALS_TAG


class AwsError(Exception):
    """AWS refused a call or did not answer; the message says which call and why."""


class AwsDeniedError(AwsError):
    """IAM refused a call."""


class UnmanagedEndpointError(Exception):
    """Nobody asked Dormouse to manage this endpoint; the message names it."""


class RefusedEndpointError(Exception):
    """What is asked for this endpoint can't be obeyed, so it is left as it is; the message says
    why.
    """


class MissingPayloadError(Exception):
    """The body of a request or a result is not, or no longer, there; the message names its key."""


class LocationError(Exception):
    """An object in S3 that a caller named can't be used; the message says which and why."""

    def __init__(
        self, message: str, *, is_forbidden: bool = False, is_too_large: bool = False
    ) -> None:
        super().__init__(message)
        self.is_forbidden = is_forbidden
        self.is_too_large = is_too_large


def runtime_error(
    status: int, error_type: str, message: str, *, retry_after_seconds: int | None = None
) -> InvocationResponse:
    """Answer as SageMaker's runtime does, so that boto3 raises the exception of that name."""
    response = _error(status, error_type, {"Message": message})
    if retry_after_seconds is None:
        return response
    headers = {**response.headers, "retry-after": str(retry_after_seconds)}
    return replace(response, headers=headers)


def _model_error(message: str, original_status: int, original_message: str) -> InvocationResponse:
    """Answer 424, which boto3 never repeats by itself, in the shape of SageMaker's ModelError."""
    members = {
        "Message": message,
        "OriginalStatusCode": original_status,
        "OriginalMessage": original_message,
        "LogStreamArn": "",
    }
    return _error(424, "ModelError", members)


def _error(status: int, error_type: str, members: dict[str, object]) -> InvocationResponse:
    # botocore takes the name from the header or else from __type; both, since a proxy on the way
    # may drop headers that it doesn't know.
    headers = {"content-type": "application/json", "x-amzn-errortype": error_type}
    return InvocationResponse(
        status, headers, json.dumps({"__type": error_type, **members}).encode()
    )


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


def refused(endpoint: str, reason: str, retry_after_seconds: int) -> InvocationResponse:
    """Answer a request for an endpoint that can't be started before its owner mends something."""
    return runtime_error(
        503,
        "ServiceUnavailable",
        f"Endpoint {endpoint} is asleep and can't be started: it is {reason}. The request was not "
        "executed.",
        retry_after_seconds=retry_after_seconds,
    )


def denied(caller_arn: str, endpoint: str) -> InvocationResponse:
    """Answer a caller whom the endpoint's owner has not listed, as IAM would."""
    return runtime_error(
        403,
        "AccessDeniedException",
        f"{caller_arn or 'An unknown caller'} is not authorized to invoke the endpoint {endpoint}: "
        f"the tag {PRINCIPALS_TAG} of its EndpointConfig does not list it.",
    )


def permission_unknown(endpoint: str, why: str, retry_after_seconds: int) -> InvocationResponse:
    """Answer a request while it can't be said who may invoke the endpoint: nothing is executed."""
    return runtime_error(
        503,
        "ServiceUnavailable",
        f"Dormouse can't say yet who may invoke the endpoint {endpoint}: {why}. The request was "
        "not executed. Try again.",
        retry_after_seconds=retry_after_seconds,
    )


def unreachable(why: str) -> InvocationResponse:
    """Answer a request that never reached SageMaker: safe to try again."""
    return runtime_error(503, "ServiceUnavailable", f"SageMaker could not be reached: {why}")


def unanswered(why: str) -> InvocationResponse:
    """Answer a request that may have run, and must not be repeated unasked."""
    message = f"SageMaker did not answer: {why}. The model may have executed the request."
    return _model_error(message, 504, why)


def response_too_large(size: int, limit: int) -> InvocationResponse:
    """Answer a prediction that Lambda can't carry."""
    message = (
        f"The model answered {size} bytes; a Lambda response carries {limit} at most, written as "
        "JSON (three quarters of that where the body is not text)."
    )
    return _model_error(message, 200, "")
