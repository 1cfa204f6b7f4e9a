"""How an endpoint stands in one word, and what happens next in one clause."""

from datetime import UTC, datetime

import pytest

from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.ledger import Decision
from dormouse.domain.outlook import State, state_of, what_next, when_next
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from tests.unit.planning import ABSENT, STATUSES, observed

S = EndpointStatus
UNTIL = datetime(2026, 2, 16, 18, 0, tzinfo=UTC)
STATES = {
    ABSENT: State.ASLEEP,
    S.CREATING: State.WAKING,
    S.IN_SERVICE: State.SERVING,
    S.UPDATING: State.SERVING,
    S.SYSTEM_UPDATING: State.SERVING,
    S.ROLLING_BACK: State.SERVING,
    S.UPDATE_ROLLBACK_FAILED: State.SERVING,
    S.DELETING: State.STOPPING,
    S.FAILED: State.FAILED,
    S.OUT_OF_SERVICE: State.FAILED,
}


def test_each_status_has_its_state() -> None:
    """Five words; serving is what SageMaker answers in."""
    assert {status: state_of(observed(status)) for status in STATUSES} == STATES
    assert {s for s in EndpointStatus if s.is_serving} == {
        s for s, state in STATES.items() if state is State.SERVING
    }


def test_one_that_is_closing_is_stopping() -> None:
    """SageMaker says InService, but nobody is let through; what has failed has failed."""
    closing = {status: state_of(observed(status), is_closing=True) for status in STATUSES}
    stopping = {
        status: State.STOPPING if state is State.SERVING else state
        for status, state in STATES.items()
    }
    assert closing == stopping


def decision(action: Action, rule: Rule, until: datetime | None = None) -> Decision:
    """A decision as it is recorded."""
    return Decision(action.value, rule.value, "why", until)


@pytest.mark.parametrize(
    ("decided", "words", "at"),
    [
        (None, "it is looked at with the next tick, within a minute", None),
        (decision(Action.START, Rule.WAITING_WORK, UNTIL), "SageMaker creates it", None),
        (decision(Action.START, Rule.HOLD, UNTIL), "SageMaker creates it", None),
        (
            decision(Action.CLOSE, Rule.OTHERWISE_DOWN, UNTIL),
            "SageMaker deletes it then, unless somebody asks for it before",
            UNTIL,
        ),
        (
            decision(Action.CLOSE, Rule.SLEEP, UNTIL),
            "SageMaker deletes it then; the next request, wake or hold starts it again",
            UNTIL,
        ),
        (decision(Action.CLOSE, Rule.REMOVAL, UNTIL), "it stays down: Dormouse goes", UNTIL),
        (
            decision(Action.REOPEN, Rule.RECENT_ACTIVITY, UNTIL),
            "it answers as before; it is looked at again with each tick",
            None,
        ),
        (
            decision(Action.STOP, Rule.OTHERWISE_DOWN),
            "SageMaker deletes it; the next request, wake or hold starts it again",
            None,
        ),
        (
            decision(Action.STOP, Rule.SLEEP),
            "SageMaker deletes it; the next request, wake or hold starts it again",
            None,
        ),
        (decision(Action.STOP, Rule.REMOVAL), "it stays down: Dormouse goes", None),
        (
            decision(Action.CLEAR, Rule.BROKEN),
            "SageMaker deletes it; it is created again if somebody waits for it",
            None,
        ),
        (
            decision(Action.UPDATE, Rule.RECENT_ACTIVITY),
            "SageMaker moves it to that EndpointConfig; it serves meanwhile",
            None,
        ),
        (
            decision(Action.STAY_DOWN, Rule.OTHERWISE_DOWN),
            "the next request, wake or hold starts it",
            None,
        ),
        (
            decision(Action.STAY_DOWN, Rule.SLEEP),
            "the next request, wake or hold starts it",
            None,
        ),
        (decision(Action.STAY_DOWN, Rule.REMOVAL), "it stays down: Dormouse goes", None),
        (
            decision(Action.STAY_DOWN, Rule.OTHERWISE_DOWN, UNTIL),
            "the next request, wake or hold starts it; a window of its own begins, or what its "
            "forecast expects",
            UNTIL,
        ),
        (
            decision(Action.STAY_DOWN, Rule.SUSPENDED),
            "it stays down until it is resumed",
            None,
        ),
        (decision(Action.STOP, Rule.SUSPENDED), "it stays down until it is resumed", None),
        (
            decision(Action.STAY_DOWN, Rule.BUDGET, UNTIL),
            "it stays down until the month ends",
            UNTIL,
        ),
        (
            decision(Action.CLOSE, Rule.BLACKOUT, UNTIL),
            "it stays down until the window ends",
            UNTIL,
        ),
        (
            decision(Action.STAY_DOWN, Rule.BLACKOUT, UNTIL),
            "it stays down until the window ends",
            UNTIL,
        ),
        (
            decision(Action.STOP, Rule.MAX_UP),
            "SageMaker deletes it; the next request, wake or hold starts it again",
            None,
        ),
        (
            decision(Action.STAY_DOWN, Rule.CIRCUIT, UNTIL),
            "it is tried again then, or once it is resumed",
            UNTIL,
        ),
        (
            decision(Action.STAY_DOWN, Rule.CIRCUIT),
            "it is tried again once it is resumed, or another EndpointConfig is asked for",
            None,
        ),
        (
            decision(Action.WAIT, Rule.STUCK),
            "it is looked at again with each tick, and AWS Support can end it",
            None,
        ),
        (
            decision(Action.STAY_UP, Rule.SCHEDULE, UNTIL),
            "when the window ends, it is judged by its use",
            UNTIL,
        ),
        (
            decision(Action.STAY_UP, Rule.MIN_UP, UNTIL),
            "it may stop then, unless it is used before",
            UNTIL,
        ),
        (
            decision(Action.STAY_UP, Rule.HOLD, UNTIL),
            "when the hold ends, it is judged by its use",
            UNTIL,
        ),
        (
            decision(Action.STAY_UP, Rule.RECENT_ACTIVITY, UNTIL),
            "it may stop then, unless it is used before",
            UNTIL,
        ),
        (
            decision(Action.STAY_UP, Rule.FORECAST, UNTIL),
            "it may stop then, unless it is used before",
            UNTIL,
        ),
        (decision(Action.START, Rule.FORECAST, UNTIL), "SageMaker creates it", None),
        (
            decision(Action.STAY_UP, Rule.FAIL_SAFE),
            "it is looked at again with each tick",
            None,
        ),
        (
            decision(Action.WAIT, Rule.IN_TRANSITION),
            "it is looked at again with each tick",
            None,
        ),
        (
            decision(Action.WAIT, Rule.REFUSED),
            "nothing, for as long as that is so; it is looked at each minute",
            None,
        ),
        (decision(Action.RELEASE, Rule.REMOVAL), "nothing: its owner has it back", None),
    ],
)
def test_what_follows_a_decision(decided: Decision | None, words: str, at: datetime | None) -> None:
    """Staying up and closing have a time: until when a start is wanted is not when it happens."""
    assert what_next(decided) == words
    assert when_next(decided) == at


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("rule", Rule)
def test_every_decision_has_a_next(action: Action, rule: Rule) -> None:
    """Whatever is recorded can be shown; what a table holds is text."""
    for until in (None, UNTIL):
        words = what_next(decision(action, rule, until))
        assert words
        assert not words.endswith(".")
