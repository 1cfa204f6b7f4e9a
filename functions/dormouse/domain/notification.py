"""How the end of a request is told: to a topic, and in the place of an output that will not come.

The message is the one of SageMaker's own asynchronous inference, so what reads that reads this:
https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
Under `dormouse` it adds what SageMaker has no member for.

Both are made of the record alone: told twice, it is the same.
"""

import json
from datetime import UTC, datetime

from dormouse.domain.invocation import InvocationResponse
from dormouse.domain.parked_request import ParkedRequest, Status

# By the names of SageMaker's message.
_REQUEST_HEADERS = {
    "accept": "accept",
    "contentType": "content-type",
    "customAttributes": "x-amzn-sagemaker-custom-attributes",
}


def notification(request: ParkedRequest, region: str) -> str:
    """Write the message about a request that has ended."""
    is_answered = request.status is Status.ANSWERED
    message: dict[str, object] = {
        "awsRegion": region,
        "eventTime": _moment(request.finished_at),
        "receivedTime": _moment(request.accepted_at),
        "invocationStatus": "Completed" if is_answered else "Failed",
    }
    if not is_answered:
        message["failureReason"] = request.reason or ""
    message["requestParameters"] = _without_none(
        **{name: request.headers.get(header) for name, header in _REQUEST_HEADERS.items()},
        endpointName=request.endpoint,
        inputLocation=request.input_location,
    )
    if is_answered:
        message["responseParameters"] = _without_none(
            contentType=request.result.headers.get("content-type") if request.result else None,
            outputLocation=request.output_location,
        )
    else:
        message["responseParameters"] = _without_none(failureLocation=request.failure_location)
    message |= {
        "inferenceId": request.inference_id or request.id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
        "dormouse": _without_none(
            requestId=request.id,
            status=request.status,
            targetModel=request.target_model or None,
        ),
    }
    return json.dumps(message)


def failure_document(request: ParkedRequest, response: InvocationResponse | None) -> bytes:
    """Write, as JSON, what is found in the place of an output: why there is none.

    `response` is what was answered instead of a prediction, if anything was; of a body that is no
    text, what is none is replaced.
    """
    document = _without_none(
        endpointName=request.endpoint,
        targetModel=request.target_model or None,
        inferenceId=request.inference_id or request.id,
        status=request.status,
        failureReason=request.reason or "",
        failureTime=_moment(request.finished_at),
    )
    if response is not None:
        document["response"] = {
            "statusCode": response.status,
            "contentType": response.headers.get("content-type", ""),
            "body": response.body.decode(errors="replace"),
        }
    return json.dumps(document).encode()


def _without_none(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}


def _moment(at: datetime | None) -> str | None:
    """Write it as SageMaker does, 2026-02-14T17:25:49.000Z."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
