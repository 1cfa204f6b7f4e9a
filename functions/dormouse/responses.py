"""What the front door answers by itself, as a caller of the runtime protocol reads it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from dormouse.domain.coldness import ForcedDown
from dormouse.domain.invocation import Execution, InvocationResponse
from dormouse.domain.parked_request import ParkedRequest
from dormouse.domain.spec import PRINCIPALS_TAG
from dormouse.errors import LocationError

# Whoever comes back at once finds nothing new.
SOON_SECONDS = 5


class Refused(Exception):
    """The request is answered, and nothing is done; `response` says why."""

    def __init__(self, response: InvocationResponse) -> None:
        super().__init__(response.status)
        self.response = response


def with_headers(response: InvocationResponse, headers: Mapping[str, str]) -> InvocationResponse:
    """Add headers, in lower case."""
    return replace(response, headers={**response.headers, **headers})


# -------------------------------------------------------------------------------------- the formats


def runtime_error(
    status: int, error_type: str, message: str, *, retry_after_seconds: int | None = None
) -> InvocationResponse:
    """Answer as SageMaker's runtime does, so that boto3 raises the exception of that name."""
    response = _error(status, error_type, {"Message": message})
    if retry_after_seconds is None:
        return response
    return with_headers(response, {"retry-after": str(retry_after_seconds)})


def _unavailable(message: str, retry_after_seconds: int) -> InvocationResponse:
    return runtime_error(
        503, "ServiceUnavailable", message, retry_after_seconds=retry_after_seconds
    )


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
    return _json(status, {"__type": error_type, **members}, {"x-amzn-errortype": error_type})


def _json(
    status: int, members: Mapping[str, object], headers: Mapping[str, str]
) -> InvocationResponse:
    return InvocationResponse(
        status, {"content-type": "application/json", **headers}, json.dumps(members).encode()
    )


# ------------------------------------------------------------ what is no request of this front door


def unknown_operation(method: str, path: str) -> InvocationResponse:
    """Answer a path that the front door does not have."""
    return runtime_error(
        404,
        "UnknownOperationException",
        f"{method} {path} is not known here: POST /endpoints/{{EndpointName}}/invocations and "
        "/endpoints/{EndpointName}/async-invocations are, and GET and DELETE /requests/{id}",
    )


def bad_request(message: str) -> InvocationResponse:
    """Answer what can't be read or obeyed; the message names the part."""
    return runtime_error(400, "ValidationError", message)


def body_too_large(size: int, limit: int) -> InvocationResponse:
    """Answer a body, or an object in S3, that SageMaker would not take."""
    return runtime_error(
        413,
        "RequestTooLargeException",
        f"the input has {size} bytes; SageMaker takes {limit} at the most",
    )


def bad_location(error: LocationError) -> InvocationResponse:
    """Answer an InputLocation that can't be read."""
    if error.is_forbidden:
        return runtime_error(403, "AccessDeniedException", str(error))
    if error.is_too_large:
        return runtime_error(413, "RequestTooLargeException", str(error))
    return bad_request(str(error))


def unknown_endpoint(endpoint: str, account_id: str) -> InvocationResponse:
    """Answer as SageMaker does where there is no endpoint of this name."""
    return bad_request(f"Endpoint {endpoint} of account {account_id} not found.")


# -------------------------------------------------------------------------------- who may invoke it


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
    return _unavailable(
        f"Dormouse can't say yet who may invoke the endpoint {endpoint}: {why}. The request was "
        "not executed. Try again.",
        retry_after_seconds,
    )


# ------------------------------------------------------------------ an endpoint that does not serve


def cold(endpoint: str, cause: str, retry_after_seconds: int) -> InvocationResponse:
    """Answer a request whose demand is recorded. `cause` is a clause of which the endpoint is the
    subject.
    """
    return _unavailable(
        f"Endpoint {endpoint} {cause}. The request was not executed. Try again in about "
        f"{retry_after_seconds} seconds.",
        retry_after_seconds,
    )


def waited_in_vain(
    endpoint: str, cause: str, seconds: int, retry_after_seconds: int
) -> InvocationResponse:
    """Answer a request that was held for as long as its caller, or its endpoint's tag, wanted."""
    return _unavailable(
        f"Endpoint {endpoint} {cause}. The request was held for {seconds} seconds, and not "
        f"executed. Try again in about {retry_after_seconds} seconds.",
        retry_after_seconds,
    )


def still_being_answered(endpoint: str, retry_after_seconds: int) -> InvocationResponse:
    """Answer a repetition whose time is over, while the request that it repeats is not answered."""
    return _unavailable(
        f"The same request was sent before, and still waits for the endpoint {endpoint} or its "
        "answer. It was not executed twice. Try again.",
        retry_after_seconds,
    )


def no_place(endpoint: str, retry_after_seconds: int) -> InvocationResponse:
    """Answer a request that can't be held, since so many are."""
    return _unavailable(
        f"Endpoint {endpoint} does not serve yet, and all places to wait for it are taken. It is "
        "being started; the request was not executed. Try again in about "
        f"{retry_after_seconds} seconds, or send Prefer: respond-async.",
        retry_after_seconds,
    )


def demand_not_recorded(endpoint: str, retry_after_seconds: int) -> InvocationResponse:
    """Answer a request that could not even be noted: nothing is on its way."""
    return _unavailable(
        f"Dormouse could not record that a request needs the endpoint {endpoint}. It was neither "
        "executed nor kept. Try again.",
        retry_after_seconds,
    )


def refused(endpoint: str, why: str, retry_after_seconds: int) -> InvocationResponse:
    """Answer a request for an endpoint that can't be started before its owner mends something."""
    return _unavailable(
        f"Endpoint {endpoint} can't be started: {why}. The request was not executed.",
        retry_after_seconds,
    )


def kept_down(endpoint: str, forced: ForcedDown, now: datetime) -> InvocationResponse:
    """Answer a request for an endpoint that a rule keeps down for longer than it can wait. Nothing
    is noted: nobody waits for it.
    """
    seconds = forced.retry_after_seconds(now)
    when = (
        "Try again when that has ended."
        if forced.until is None
        else f"Try again at {_moment(forced.until)}, in {seconds} seconds."
    )
    return _unavailable(
        f"Endpoint {endpoint} is not started: {forced.words}. The request was neither executed nor "
        f"kept. {when}",
        seconds,
    )


# ------------------------------------------------------------------------- SageMaker did not answer


def unreachable(why: str) -> InvocationResponse:
    """Answer a request that never reached SageMaker: safe to try again."""
    return runtime_error(503, "ServiceUnavailable", f"SageMaker could not be reached: {why}")


def unanswered(why: str, execution: Execution | None = None) -> InvocationResponse:
    """Answer a request that may have run, and must not be repeated unasked."""
    message = f"SageMaker did not answer: {why}. The model may have executed the request."
    return replace(_model_error(message, 504, why), execution=execution)


def response_too_large(size: int, limit: int) -> InvocationResponse:
    """Answer a prediction that Lambda can't carry."""
    message = (
        f"The model answered {size} bytes; a Lambda response carries {limit} at most, written as "
        "JSON (three quarters of that where the body is not text)."
    )
    return _model_error(message, 200, "")


# --------------------------------------------------------------------------- what could not be kept


def conflict(name: str) -> InvocationResponse:
    """Answer another request under a name that is taken."""
    return runtime_error(
        409,
        "ConflictException",
        f"another request of yours has this {name} already, with other headers or another body",
    )


def backlog_full(endpoint: str, limit: int, retry_after_seconds: int) -> InvocationResponse:
    """Answer a request that would be one too many."""
    return runtime_error(
        429,
        "ThrottlingException",
        f"{limit} requests wait for the endpoint {endpoint} already, which is the limit. This one "
        "was not kept.",
        retry_after_seconds=retry_after_seconds,
    )


def topic_not_listed(topic: str, named_by: str) -> InvocationResponse:
    """Answer a request that is to be told to a topic which the deployment does not publish to."""
    return bad_request(
        f"{named_by} names the topic {topic!r:.300}, which is not among the CompletionTopicArns of "
        "the deployment. The request was not kept."
    )


# ------------------------------------------------------------------------------------ what was kept


def accepted(
    request: ParkedRequest,
    location: str,
    *,
    position: int | None,
    expected_at: datetime | None,
    retry_after_seconds: int,
) -> InvocationResponse:
    """Say how an accepted request stands that has no answer yet, and where to ask again.

    `position` counts from 1; None where it is being answered, or not known.
    """
    headers = {
        "location": location,
        "retry-after": str(retry_after_seconds),
        "cache-control": "no-store",
    }
    return _json(202, _standing(request, position, expected_at), headers)


def cancelled(request: ParkedRequest) -> InvocationResponse:
    """Say that it will not be answered, as its caller wants."""
    return _json(200, _standing(request, None, None), {"cache-control": "no-store"})


def accepted_async(
    inference_id: str, location: str, output_location: str, failure_location: str
) -> InvocationResponse:
    """Answer InvokeEndpointAsync."""
    headers = {
        "location": location,
        "x-amzn-sagemaker-outputlocation": output_location,
        "x-amzn-sagemaker-failurelocation": failure_location,
    }
    return _json(202, {"InferenceId": inference_id}, headers)


def _standing(
    request: ParkedRequest, position: int | None, expected_at: datetime | None
) -> dict[str, object]:
    return {
        "id": request.id,
        "status": request.status.value,
        "position": position,
        "accepted_at": _moment(request.accepted_at),
        "expires_at": _moment(request.expires_at),
        "expected_at": None if expected_at is None else _moment(expected_at),
        "inference_id": request.inference_id,
        "target_model": request.target_model or None,
        "reason": request.reason,
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def no_such_request(request_id: str) -> InvocationResponse:
    """Answer who asks for what there is not."""
    return runtime_error(
        404,
        "ResourceNotFoundException",
        f"there is no request {request_id!r:.200}, or none any more",
    )


def not_yours(request_id: str, caller_arn: str) -> InvocationResponse:
    """Answer who asks for somebody else's request."""
    return runtime_error(
        403,
        "AccessDeniedException",
        f"{caller_arn or 'An unknown caller'} has not sent the request {request_id}",
    )


def never_answered(request: ParkedRequest) -> InvocationResponse:
    """Answer who asks for a request that has expired or was cancelled."""
    reason = request.reason or "nobody knows why"
    return runtime_error(
        410, "GoneException", f"request {request.id} is {request.status}: {reason}"
    )


def result_gone(request_id: str) -> InvocationResponse:
    """Answer who asks for a result that was kept for as long as results are."""
    message = f"request {request_id} was answered, and its result is no longer kept"
    return runtime_error(410, "GoneException", message)


def failed(request: ParkedRequest) -> InvocationResponse:
    """Answer who asks for a request that has failed without a response to show."""
    reason = request.reason or "nobody knows why"
    return _model_error(f"request {request.id} has failed: {reason}", 500, reason)


def too_late_to_cancel(request: ParkedRequest) -> InvocationResponse:
    """Answer who would cancel what is being answered, or has ended."""
    return runtime_error(
        409,
        "ConflictException",
        f"request {request.id} can't be cancelled: it is {request.status}",
    )


def records_unreachable(retry_after_seconds: int = SOON_SECONDS) -> InvocationResponse:
    """Answer a request for which Dormouse would have to look something up, and can't."""
    return _unavailable(
        "Dormouse can't reach what it has recorded. Nothing was executed or kept for this request. "
        "Try again.",
        retry_after_seconds,
    )
