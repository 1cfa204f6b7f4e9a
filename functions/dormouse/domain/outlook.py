"""How an endpoint stands, in one word, and what happens to it next, in one clause."""

from datetime import datetime
from enum import StrEnum
from typing import assert_never

from dormouse.domain.endpoint import Absent, EndpointStatus, Observation, Present
from dormouse.domain.ledger import Decision
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule


class State(StrEnum):
    """SageMaker's nine statuses, and its silence, as somebody sees them who wants an answer."""

    ASLEEP = "asleep"
    WAKING = "waking"
    SERVING = "serving"
    STOPPING = "stopping"
    FAILED = "failed"


def state_of(seen: Observation, *, is_closing: bool = False) -> State:
    """Say how it stands. One that is closing still serves, but nobody is let through to it."""
    match seen:
        case Absent():
            return State.ASLEEP
        case Present(status=EndpointStatus.CREATING):
            return State.WAKING
        case Present(status=EndpointStatus.DELETING):
            return State.STOPPING
        case Present(status=EndpointStatus.FAILED | EndpointStatus.OUT_OF_SERVICE):
            return State.FAILED
        case Present() if is_closing:
            return State.STOPPING
        case Present():
            return State.SERVING
        case _:
            assert_never(seen)


_ASKED_FOR = "the next request, wake or hold starts it"
_EACH_TICK = "it is looked at again with each tick"

_NEXT = {
    Action.START: "SageMaker creates it",
    Action.CLOSE: f"SageMaker deletes it then; {_ASKED_FOR} again",
    Action.REOPEN: f"it answers as before; {_EACH_TICK}",
    Action.STOP: f"SageMaker deletes it; {_ASKED_FOR} again",
    Action.CLEAR: "SageMaker deletes it; it is created again if somebody waits for it",
    Action.UPDATE: "SageMaker moves it to that EndpointConfig; it serves meanwhile",
    Action.STAY_UP: _EACH_TICK,
    Action.STAY_DOWN: _ASKED_FOR,
    Action.WAIT: _EACH_TICK,
    Action.MEASURE: _EACH_TICK,
    Action.RELEASE: "nothing: its owner has it back",
}

# What keeps it down whoever asks for it.
_FORCED = {
    Rule.SUSPENDED: "it stays down until it is resumed",
    Rule.BUDGET: "it stays down until the month ends",
    Rule.BLACKOUT: "it stays down until the window ends",
}
# What says by itself when it ends.
_TIMED = frozenset({Rule.BUDGET, Rule.BLACKOUT, Rule.CIRCUIT, Rule.OTHERWISE_DOWN})


def what_next(decision: Decision | None) -> str:
    """Say what follows after the latest decision, and on what."""
    if decision is None:
        return "it is looked at with the next tick, within a minute"
    action = Action(decision.action)
    match decision.rule:
        case Rule.REFUSED:
            return "nothing, for as long as that is so; it is looked at each minute"
        case Rule.STUCK:
            return "it is looked at again with each tick, and AWS Support can end it"
        case Rule.SUSPENDED | Rule.BUDGET | Rule.BLACKOUT:
            return _FORCED[Rule(decision.rule)]
        case Rule.CIRCUIT:
            return _once_closed(decision)
        case Rule.REMOVAL if action in (Action.CLOSE, Action.STOP, Action.STAY_DOWN):
            return "it stays down: Dormouse goes"
        case _:
            return _by_action(action, decision)


def _by_action(action: Action, decision: Decision) -> str:
    match action:
        case Action.CLOSE if decision.rule == Rule.OTHERWISE_DOWN:
            return "SageMaker deletes it then, unless somebody asks for it before"
        case Action.STAY_DOWN if when_next(decision) is not None:
            return f"{_ASKED_FOR}; a window of its own begins, or what its forecast expects"
        case Action.STAY_UP if decision.rule == Rule.HOLD:
            return "when the hold ends, it is judged by its use"
        case Action.STAY_UP if decision.rule == Rule.SCHEDULE:
            return "when the window ends, it is judged by its use"
        case Action.STAY_UP if decision.until is not None:
            return "it may stop then, unless it is used before"
        case _:
            return _NEXT[action]


def _once_closed(decision: Decision) -> str:
    """Say when the circuit is closed."""
    if decision.until is None:
        return "it is tried again once it is resumed, or another EndpointConfig is asked for"
    return "it is tried again then, or once it is resumed"


def when_next(decision: Decision | None) -> datetime | None:
    """Say when that is, where it has a time.

    Only staying up or down has, and closing: until when a start is wanted is not when it happens.
    """
    if decision is None:
        return None
    match decision.action:
        case Action.STAY_UP | Action.CLOSE:
            return decision.until
        case Action.STAY_DOWN if decision.rule in _TIMED:
            return decision.until
        case _:
            return None
