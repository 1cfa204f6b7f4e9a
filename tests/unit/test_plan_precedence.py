"""The rule of precedence: of two rules that apply, the earlier one decides."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dormouse.domain.endpoint import Absent, EndpointStatus, Observation
from dormouse.domain.ledger import Ledger
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from tests.unit.planning import DEMAND, IDLE, NOW, SLEEPING, plan, seen

SERVING = seen(EndpointStatus.IN_SERVICE)
HELD: dict[str, Any] = {"hold_until": NOW + timedelta(hours=1)}
ASLEEP: dict[str, Any] = {"slept_version": 4, "slept_at": NOW - timedelta(minutes=1)}

PAIRS: list[tuple[Rule, Rule, Ledger, Observation, Action]] = [
    # the one that wins, the other one, what both apply to, action
    (Rule.HOLD, Rule.SLEEP, replace(SLEEPING, **HELD), Absent(), Action.START),
    (Rule.HOLD, Rule.SLEEP, replace(SLEEPING, **HELD), SERVING, Action.STAY_UP),
    (Rule.HOLD, Rule.WAITING_WORK, replace(DEMAND, **HELD), Absent(), Action.START),
    (Rule.HOLD, Rule.RECENT_ACTIVITY, replace(DEMAND, **HELD), SERVING, Action.STAY_UP),
    (Rule.HOLD, Rule.OTHERWISE_DOWN, replace(IDLE, **HELD), Absent(), Action.START),
    (Rule.HOLD, Rule.OTHERWISE_DOWN, replace(IDLE, **HELD), SERVING, Action.STAY_UP),
    (Rule.SLEEP, Rule.WAITING_WORK, replace(DEMAND, **ASLEEP), Absent(), Action.STAY_DOWN),
    (Rule.SLEEP, Rule.RECENT_ACTIVITY, replace(DEMAND, **ASLEEP), SERVING, Action.STOP),
    (Rule.SLEEP, Rule.OTHERWISE_DOWN, SLEEPING, Absent(), Action.STAY_DOWN),
    (Rule.SLEEP, Rule.OTHERWISE_DOWN, SLEEPING, SERVING, Action.STOP),
    (Rule.WAITING_WORK, Rule.RECENT_ACTIVITY, DEMAND, Absent(), Action.START),
    (Rule.WAITING_WORK, Rule.OTHERWISE_DOWN, DEMAND, Absent(), Action.START),
    (Rule.RECENT_ACTIVITY, Rule.OTHERWISE_DOWN, DEMAND, SERVING, Action.STAY_UP),
]


@pytest.mark.parametrize(("winner", "loser", "ledger", "observation", "action"), PAIRS)
def test_the_earlier_rule_decides(
    winner: Rule, loser: Rule, ledger: Ledger, observation: Observation, action: Action
) -> None:
    """hold > sleep > waiting work > recent activity > otherwise down."""
    decided = plan(ledger, observation)

    assert (decided.rule, decided.action) == (winner, action), loser


def test_every_pair_is_tried() -> None:
    """In the order that the README states."""
    order = [
        Rule.HOLD,
        Rule.SLEEP,
        Rule.WAITING_WORK,
        Rule.RECENT_ACTIVITY,
        Rule.OTHERWISE_DOWN,
    ]

    assert {(winner, loser) for winner, loser, *_ in PAIRS} == {
        (winner, loser) for i, winner in enumerate(order) for loser in order[i + 1 :]
    }


def test_without_the_winner_the_other_one_decides() -> None:
    """So that each pair above is one of rules that both apply."""
    without: dict[Rule, dict[str, Any]] = {
        Rule.HOLD: {"hold_until": None},
        Rule.SLEEP: {"slept_version": None, "slept_at": None},
        Rule.WAITING_WORK: {"demand_at": None},
        Rule.RECENT_ACTIVITY: {"last_request_at": None},
    }
    for winner, loser, ledger, observation, _ in PAIRS:
        if (winner, loser) == (Rule.WAITING_WORK, Rule.RECENT_ACTIVITY):
            continue  # recent activity keeps what serves and starts nothing
        assert plan(replace(ledger, **without[winner]), observation).rule is loser
