"""What exists is changed only where its own tags say that it is this deployment's to change."""

import pytest

from dormouse.domain.endpoint import Ownership
from dormouse.domain.plan import Action, Plan, guard
from dormouse.domain.rule import Rule

US, THEM = "dormouse-stack", "other-stack"
OURS = [
    Ownership(created_by=US),
    Ownership(adopted_by=US),
    Ownership(created_by=US, adopted_by=US),
    Ownership(created_by=THEM, adopted_by=US),  # handed over by the other deployment's owner
    Ownership(created_by=US, adopted_by=THEM),
]
NOT_OURS = {
    Ownership(): "no deployment has created it, and it is not tagged "
    "dormouse:adopted-by=dormouse-stack, by which its owner would hand it over",
    Ownership(created_by=THEM): "the deployment other-stack has created it",
    Ownership(adopted_by=THEM): "it was handed over to the deployment other-stack",
    Ownership(created_by=THEM, adopted_by="third"): "the deployment other-stack has created it",
    Ownership(created_by=US.upper()): "the deployment DORMOUSE-STACK has created it",
}


def planned(action: Action) -> Plan:
    """Plan an action for a reason."""
    return Plan(action, Rule.OTHERWISE_DOWN, "no request for 15m")


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("ownership", OURS)
def test_what_is_ours_is_done_as_planned(action: Action, ownership: Ownership) -> None:
    """Created by this deployment, or handed over to it."""
    assert guard(planned(action), ownership, US) == planned(action)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(("ownership", "whose"), NOT_OURS.items())
def test_what_is_not_ours_is_left_as_it_is(
    action: Action, ownership: Ownership, whose: str
) -> None:
    """And says whose it is, and what else would be done."""
    held_back = guard(planned(action), ownership, US)

    assert held_back == Plan(
        Action.WAIT,
        Rule.REFUSED,
        f"left as it is, since {whose}; otherwise the plan would be: {action}, no request for 15m",
    )
    assert not held_back.is_forced_stop
