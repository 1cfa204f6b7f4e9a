"""Making the exchange of a request that has ended, for the capture and the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dormouse import responses
from dormouse.domain.exchange import Exchange, Way
from dormouse.domain.invocation import (
    Execution,
    InvocationRequest,
    InvocationResponse,
    error_members,
    error_message,
    error_type,
)
from dormouse.domain.parked_request import Kind, ParkedRequest, Status
from dormouse.domain.principals import name_of
from dormouse.domain.usage import Arrival
from dormouse.errors import AwsError, MissingPayloadError
from dormouse.handled import Fate, Handled
from dormouse.ports import Payloads

# One that is parked has not ended, and what repeats another is that other's.
_NOT_TOLD = frozenset({Fate.JOINED, Fate.PARKED, Fate.REFUSED, Fate.DENIED, Fate.UNKNOWN_ENDPOINT})

_DEMANDS = frozenset({Fate.PARKED, Fate.TURNED_AWAY, Fate.UNDECIDED})

# A message may have any length.
_LONGEST_ERROR = 1000


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request that has waited; `missing` says why it is not at hand."""

    content: bytes
    missing: str | None = None


def read_body(request: ParkedRequest, payloads: Payloads) -> Body:
    """Read the body of a request that has ended, if it still can be read."""
    try:
        return Body(payloads.get(request.body_key))
    except MissingPayloadError as error:
        return Body(b"", f"its body is lost: {error}")
    except AwsError as error:
        return Body(b"", f"its body could not be read: {error}")


def exchange_of(
    request: InvocationRequest,
    handled: Handled,
    arrived_at: datetime,
    ended_at: datetime,
    event_id: str,
) -> Exchange | None:
    """Make the exchange of a request that was let in, and answered at the door; None where that is
    none of its own, or of an endpoint that nobody manages.
    """
    if handled.fate in _NOT_TOLD or not handled.is_managed:
        return None
    is_held, response = handled.held_seconds is not None, handled.response
    is_own = handled.fate is Fate.UNANSWERED
    return Exchange(
        event_id=event_id,
        endpoint=request.endpoint,
        way=Way.HELD if is_held else Way.DIRECT,
        arrived_at=arrived_at,
        ended_at=ended_at,
        principal=name_of(request.caller),
        asked_model=request.target_model,
        inference_id=request.headers.get("x-amzn-sagemaker-inference-id") or None,
        custom_attributes=_custom_attributes(request.headers),
        content_type=_content_type(request.headers),
        body=request.body,
        response=response,
        is_cold=handled.is_cold,
        waited=_waited(timedelta(seconds=handled.held_seconds or 0), response) if is_held else None,
        error=_message(response) if is_own else _error_of(response),
    )


def arrival_of(endpoint: str, handled: Handled, arrived_at: datetime) -> Arrival | None:
    """Make the arrival of a request that was let in, and without an exchange is demand all the
    same: it is kept, or would have been; None where it has an exchange, or is no demand.
    """
    if handled.exchange is not None or not handled.is_managed or handled.is_repetition:
        return None
    return Arrival(endpoint, arrived_at) if handled.fate in _DEMANDS else None


def exchange_of_parked(
    request: ParkedRequest,
    body: Body,
    response: InvocationResponse | None = None,
    execution: Execution | None = None,
    error: str | None = None,
) -> Exchange:
    """Make the exchange of an accepted request that has ended. `response` is the model's or
    SageMaker's; without one, its caller is told what Dormouse says, and `execution` is the call
    that brought none. `error` says why, where the request's own reason may quote the model.
    """
    ended_at = request.finished_at or request.expires_at
    error = error or request.reason
    if response is not None:
        error = _error_of(response)
    elif request.status is Status.EXPIRED:
        response = responses.never_answered(request)
    else:
        response = replace(responses.failed(request), execution=execution)
    return Exchange(
        event_id=request.id,
        endpoint=request.endpoint,
        way=Way.ASYNC if request.kind is Kind.ASYNC_INVOCATION else Way.PARKED,
        arrived_at=request.accepted_at,
        ended_at=ended_at,
        principal=request.principal,
        asked_model=request.target_model or None,
        inference_id=request.inference_id,
        custom_attributes=_custom_attributes(request.headers),
        content_type=_content_type(request.headers),
        body=body.content,
        response=response,
        is_cold=request.is_cold,
        waited=_waited(ended_at - request.accepted_at, response),
        error=error,
        body_missing=body.missing,
    )


def _waited(in_all: timedelta, response: InvocationResponse) -> timedelta:
    """Take off what SageMaker has taken."""
    called = timedelta(0) if response.execution is None else response.execution.latency
    return max(in_all - called, timedelta(0))


def _error_of(response: InvocationResponse) -> str | None:
    """Say why there is no prediction. What a model says itself may quote its input, and is left to
    the body, of which the policy says whether and how it is kept.
    """
    if 200 <= response.status < 300:
        return None
    if response.status == 424:
        status = error_members(response).get("OriginalStatusCode", "unknown")
        return f"{error_type(response):.100}: original status {status!s:.20}"
    return _message(response)


def _message(response: InvocationResponse) -> str:
    kind = error_type(response) or f"status {response.status}"
    return f"{kind:.100}: {error_message(response)}"[:_LONGEST_ERROR]


def _custom_attributes(headers: Mapping[str, str]) -> str | None:
    return headers.get("x-amzn-sagemaker-custom-attributes") or None


def _content_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "application/octet-stream")
