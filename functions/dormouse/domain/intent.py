"""What a direct invocation of `reconcile` asks for."""

from dataclasses import dataclass
from datetime import timedelta

from dormouse.domain.duration import parse_duration
from dormouse.domain.spec import is_endpoint_name

SHORTEST_HOLD = timedelta(seconds=60)
LONGEST_HOLD = timedelta(days=7)

STATE_CHANGE = "SageMaker Endpoint State Change"


class IntentError(ValueError):
    """An invocation that asks for nothing known; the message names the bad part."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Look at every managed endpoint, or at one alone."""

    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Wake:
    """Start an endpoint. With `hold_for` it stays up so long; without, as after one request."""

    endpoint: str
    hold_for: timedelta | None = None


Intent = Tick | Wake


def parse_intent(event: object) -> Intent:
    """Read an invocation: a schedule's, a nudge's, EventBridge's or an operator's.

    Of an event only the endpoint's name is taken: it makes a tick come sooner, and the tick looks
    for itself (events come twice and out of order). An `id` is for the logs alone.

    Raises:
        IntentError: the event has another form; the message names the part.
    """
    if not isinstance(event, dict):
        raise IntentError(f"the event must be a JSON object, not {type(event).__name__}")
    if event.get("detail-type") == STATE_CHANGE:
        detail = event.get("detail")
        if not isinstance(detail, dict):
            raise IntentError('"detail" must be a JSON object')
        return Tick(_endpoint(detail, "EndpointName"))
    match event.get("action"):
        case "reconcile":
            _only(event, "action", "endpoint", "id")
            return Tick(_endpoint(event, "endpoint") if "endpoint" in event else None)
        case "wake":
            _only(event, "action", "endpoint", "for", "id")
            hold_for = _hold(event["for"]) if "for" in event else None
            return Wake(_endpoint(event, "endpoint"), hold_for)
        case other:
            raise IntentError(f'"action" must be "reconcile" or "wake", not {other!r}')


def _endpoint(event: dict[object, object], key: str) -> str:
    name = event.get(key)
    if not isinstance(name, str) or not is_endpoint_name(name):
        raise IntentError(f'"{key}" must be the name of an endpoint, not {name!r}')
    return name


def _hold(text: object) -> timedelta:
    if not isinstance(text, str):
        raise IntentError(f'"for" must be a duration such as "2h", not {text!r}')
    try:
        return parse_duration(text, shortest=SHORTEST_HOLD, longest=LONGEST_HOLD)
    except ValueError as error:
        raise IntentError(f'"for": {error}') from error


def _only(event: dict[object, object], *known: str) -> None:
    # A misspelt key must not turn "wake for two hours" into a wake without a duration.
    unknown = sorted(str(key) for key in event if key not in known)
    if unknown:
        raise IntentError(f'"{unknown[0]}" is not known here: {", ".join(known)} are')
