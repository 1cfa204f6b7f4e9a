"""What an operator, a schedule or an event asks for: a tick, or that an endpoint be up or down."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dormouse.domain.duration import format_duration, parse_duration
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
    """Be up as after one request."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Be up for so long, or until then: a duration, or a moment with a time zone."""

    endpoint: str
    how_long: timedelta | datetime

    def ends_at(self, now: datetime) -> datetime:
        """Say when it ends, if it begins now.

        Raises:
            IntentError: a moment that is nearer or farther than a hold may last.
        """
        if isinstance(self.how_long, timedelta):
            return now + self.how_long
        if not now + SHORTEST_HOLD <= self.how_long <= now + LONGEST_HOLD:
            raise IntentError(
                f'"until": {self.how_long.isoformat()} must be from '
                f"{format_duration(SHORTEST_HOLD)} to {format_duration(LONGEST_HOLD)} from now"
            )
        return self.how_long


@dataclass(frozen=True, slots=True)
class Release:
    """Be held no longer; whether it stays up is judged by use."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class Sleep:
    """Be held no longer, and be down until newer demand."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class Suspend:
    """Be down until resumed, whoever asks for it; a hold stays, and counts again after that."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Be suspended no longer, and have failed with no EndpointConfig. It is no demand."""

    endpoint: str


Intent = Wake | Hold | Release | Sleep | Suspend | Resume

# What may be asked of an endpoint, and what may be said with it.
INTENTS: Mapping[str, tuple[str, ...]] = {
    "wake": ("for",),
    "hold": ("for", "until"),
    "release": (),
    "sleep": (),
    "suspend": (),
    "resume": (),
}

# What an event may say with each of them: `id` is for the logs.
_OF_EVENTS = ("action", "endpoint", "id", "by")

# Who asks by an event that does not say so.
UNNAMED = "a direct invocation"


def parse_tick(event: object) -> Tick | None:
    """Read an invocation of `reconcile`: a schedule's, a nudge's or EventBridge's; None: no tick.

    Of an event only the endpoint's name is taken: it makes a tick come sooner, and the tick looks
    for itself (events come twice and out of order). An `id` is for the logs alone.

    Raises:
        IntentError: it has the form of a tick, but a bad part; the message names that.
    """
    if not isinstance(event, dict):
        return None
    if event.get("detail-type") == STATE_CHANGE:
        detail = event.get("detail")
        if not isinstance(detail, dict):
            raise IntentError('"detail" must be a JSON object')
        return Tick(_endpoint(detail, "EndpointName"))
    if event.get("action") != "reconcile":
        return None
    _only(event, "action", "endpoint", "id")
    return Tick(_endpoint(event, "endpoint") if "endpoint" in event else None)


def parse_intent(event: object) -> Intent:
    """Read a direct or scheduled invocation, such as
    `{"action": "wake", "endpoint": "dormouse", "for": "2h"}`. Who asks is not part of it: see
    `read_asker`.

    Raises:
        IntentError: it has another form; the message names the part.
    """
    if not isinstance(event, dict):
        raise IntentError(f"the event must be a JSON object, not {type(event).__name__}")
    action = event.get("action")
    if not isinstance(action, str) or action not in INTENTS:
        raise IntentError(f'"action" must be one of {", ".join(INTENTS)}, not {action!r}')
    _only(event, *_OF_EVENTS, *INTENTS[action])
    members = {k: v for k, v in event.items() if k not in _OF_EVENTS}
    return read_intent(action, _endpoint(event, "endpoint"), members)


def read_asker(event: object) -> str:
    """Read who asks by a direct or scheduled invocation, such as `"by": "schedule"`. Lambda does
    not tell who has invoked it, so whoever may invoke it is believed.

    Raises:
        IntentError: it is no text, an empty one, or one that can't be printed.
    """
    if not isinstance(event, Mapping) or "by" not in event:
        return UNNAMED
    by = event["by"]
    if not isinstance(by, str) or not by.strip() or not by.isprintable():
        raise IntentError(f'"by" must say who asks, such as "schedule", not {by!r:.100}')
    return by.strip()


def read_intent(action: str, endpoint: str, members: object) -> Intent:
    """Put an intent together from its verb, an endpoint's name, and what else was said with it.

    Raises:
        IntentError: the verb or a member is not known, or has a bad value; the message names it.
    """
    if not isinstance(members, Mapping):
        raise IntentError(f"the body must be a JSON object, not {type(members).__name__}")
    _only(members, *INTENTS[action])
    match action:
        case "wake":
            return Hold(endpoint, _duration(members["for"])) if "for" in members else Wake(endpoint)
        case "hold":
            return Hold(endpoint, _how_long(members))
        case "release":
            return Release(endpoint)
        case "sleep":
            return Sleep(endpoint)
        case "suspend":
            return Suspend(endpoint)
        case _:
            return Resume(endpoint)


def _endpoint(event: Mapping[object, object], key: str) -> str:
    name = event.get(key)
    if not isinstance(name, str) or not is_endpoint_name(name):
        raise IntentError(f'"{key}" must be the name of an endpoint, not {name!r}')
    return name


def _how_long(members: Mapping[object, object]) -> timedelta | datetime:
    if ("for" in members) == ("until" in members):
        raise IntentError('a hold takes either "for", such as "2h", or "until"')
    return _duration(members["for"]) if "for" in members else _moment(members["until"])


def _duration(text: object) -> timedelta:
    if not isinstance(text, str):
        raise IntentError(f'"for" must be a duration such as "2h", not {text!r}')
    try:
        return parse_duration(text, shortest=SHORTEST_HOLD, longest=LONGEST_HOLD)
    except ValueError as error:
        raise IntentError(f'"for": {error}') from error


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise IntentError(
            f'"until" must be a time with its zone, such as "2026-02-14T18:00:00Z", not {text!r}'
        )
    return moment


def _only(members: Mapping[object, object], *known: str) -> None:
    # A misspelt key must not turn "wake for two hours" into a wake without a duration.
    unknown = sorted(str(key) for key in members if key not in known)
    if unknown:
        are = f"{', '.join(known)} are" if known else "nothing is"
        raise IntentError(f'"{unknown[0]}" is not known here: {are}')
