"""How an endpoint stands, in one word, and what happens to it next, in one clause."""

from datetime import datetime
from enum import StrEnum
from typing import assert_never

from dormouse.domain.endpoint import Absent, EndpointStatus, Observation, Present
from dormouse.domain.ledger import Decision
from dormouse.domain.plan import Action, Rule


class State(StrEnum):
    """SageMaker's nine statuses, and its silence, as somebody sees them who wants an answer."""

    ASLEEP = "asleep"
    WAKING = "waking"
    SERVING = "serving"
    STOPPING = "stopping"
    FAILED = "failed"


def state_of(seen: Observation) -> State:
    """Say how it stands."""
    match seen:
        case Absent():
            return State.ASLEEP
        case Present(status=EndpointStatus.CREATING):
            return State.WAKING
        case Present(status=EndpointStatus.DELETING):
            return State.STOPPING
        case Present(status=EndpointStatus.FAILED | EndpointStatus.OUT_OF_SERVICE):
            return State.FAILED
        case Present():
            return State.SERVING
        case _:
            assert_never(seen)


_ASKED_FOR = "the next request, wake or hold starts it"


def what_next(decision: Decision | None) -> str:
    """Say what follows after the latest decision, and on what."""
    if decision is None:
        return "it is looked at with the next tick, within a minute"
    if decision.rule == Rule.REFUSED:
        return "nothing, for as long as that is so; it is looked at each minute"
    match Action(decision.action):
        case Action.START:
            return "SageMaker creates it"
        case Action.STOP | Action.STAY_DOWN if decision.rule == Rule.REMOVAL:
            return "it stays down: Dormouse goes"
        case Action.STOP:
            return f"SageMaker deletes it; {_ASKED_FOR} again"
        case Action.CLEAR:
            return "SageMaker deletes it; it is created again if somebody waits for it"
        case Action.UPDATE:
            return "SageMaker moves it to that EndpointConfig; it serves meanwhile"
        case Action.STAY_DOWN:
            return _ASKED_FOR
        case Action.STAY_UP if decision.rule == Rule.HOLD:
            return "when the hold ends, it is judged by its use"
        case Action.STAY_UP if decision.until is not None:
            return "it may stop then, unless it is used before"
        case Action.STAY_UP | Action.WAIT | Action.MEASURE:
            return "it is looked at again with each tick"
        case Action.RELEASE:
            return "nothing: its owner has it back"


def when_next(decision: Decision | None) -> datetime | None:
    """Say when that is, where it has a time.

    Only staying up has: until when a start is wanted is not when it happens.
    """
    if decision is None or decision.action != Action.STAY_UP:
        return None
    return decision.until
