"""What becomes of an endpoint when the deployment goes: every status, and whose it is."""

import pytest

from dormouse.domain.endpoint import Absent, EndpointStatus, Ownership
from dormouse.domain.plan import Action
from dormouse.domain.removal import SETTLED, decide_removal
from dormouse.domain.rule import Rule
from tests.unit.planning import ABSENT, STATUSES, observed

S = EndpointStatus
US, THEM = "dormouse-stack", "other-stack"
CREATED_BY_US = {
    ABSENT: (Action.STAY_DOWN, Rule.REMOVAL),
    S.CREATING: (Action.WAIT, Rule.IN_TRANSITION),
    S.IN_SERVICE: (Action.STOP, Rule.REMOVAL),
    S.UPDATING: (Action.WAIT, Rule.IN_TRANSITION),
    S.SYSTEM_UPDATING: (Action.WAIT, Rule.IN_TRANSITION),
    S.ROLLING_BACK: (Action.WAIT, Rule.IN_TRANSITION),
    S.UPDATE_ROLLBACK_FAILED: (Action.STOP, Rule.REMOVAL),
    S.DELETING: (Action.WAIT, Rule.IN_TRANSITION),
    S.FAILED: (Action.CLEAR, Rule.BROKEN),
    S.OUT_OF_SERVICE: (Action.CLEAR, Rule.BROKEN),
}
NOT_CREATED_BY_US = {
    "by another": Ownership(created_by=THEM),
    "handed over": Ownership(adopted_by=US),
    "another's, handed over": Ownership(created_by=THEM, adopted_by=US),
    "untagged": Ownership(),
}


def test_the_table_has_every_status() -> None:
    """None may be left running by an oversight."""
    assert set(CREATED_BY_US) == set(STATUSES)


@pytest.mark.parametrize("status", STATUSES)
def test_what_this_deployment_has_created_goes(status: EndpointStatus | None) -> None:
    """As soon as SageMaker allows; and only what is gone is settled."""
    decided = decide_removal(observed(status), Ownership(created_by=US), US)

    assert (decided.action, decided.rule) == CREATED_BY_US[status]
    assert "the stack dormouse-stack is being deleted" in decided.reason
    assert (decided.action in SETTLED) == (status is ABSENT)


@pytest.mark.parametrize("whose", NOT_CREATED_BY_US)
@pytest.mark.parametrize("status", EndpointStatus)
def test_what_it_has_not_created_is_released(status: EndpointStatus, whose: str) -> None:
    """Its owner has it back in the status in which it is."""
    decided = decide_removal(observed(status), NOT_CREATED_BY_US[whose], US)

    assert (decided.action, decided.rule) == (Action.RELEASE, Rule.REMOVAL)
    assert decided.reason == "the stack dormouse-stack is being deleted, and has not created it"
    assert decided.action in SETTLED


def test_what_is_absent_has_no_owner() -> None:
    """There is nothing to ask for tags."""
    assert decide_removal(Absent(), Ownership(), US).action is Action.STAY_DOWN


def test_what_was_planned_by_name_is_settled_by_name() -> None:
    """`cleanup` reads the actions of another function's answer, which is JSON."""
    assert {"stay down", "release"} == SETTLED
    assert "stop" not in SETTLED
