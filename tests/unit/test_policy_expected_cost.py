"""The dynamic programme against every plan that there is."""

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dormouse_policy.expected_cost import Step, expect


def minutes(chances: Sequence[float]) -> list[Step]:
    """Steps of a minute each."""
    return [Step(at, 1, chance) for at, chance in enumerate(chances)]


def cost_of(plan: Sequence[bool], steps: Sequence[Step], wake: int, delay: float) -> float:
    """What a plan costs that says for each minute whether it is paid for, for one that is off
    before it: by its definition, minute by minute.
    """
    cost, unasked, ready = 0.0, 1.0, -1
    for at, (step, is_paid) in enumerate(zip(steps, plan, strict=True)):
        if not is_paid:
            ready = -1
            cost += unasked * step.chance * delay
        else:
            ready = at + wake if ready < 0 else ready
            gone = at - (ready - wake)
            left = max(0.0, 1 - (2 * gone + 1) / (2 * wake))
            cost += unasked * (1 - step.chance / 2 + step.chance * delay * left)
        unasked *= 1 - step.chance
    return cost


def is_possible(plan: Sequence[bool], wake: int) -> bool:
    """Whether each start is carried through."""
    at = 0
    while at < len(plan):
        if not plan[at]:
            at += 1
            continue
        end = next((then for then in range(at, len(plan)) if not plan[then]), len(plan))
        if end - at < wake and end < len(plan):
            return False
        at = end
    return True


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=7),
    st.integers(1, 3),
    st.floats(0, 300),
)
def test_no_plan_costs_less(chances: list[float], wake: int, delay: float) -> None:
    """And one costs as much."""
    steps = minutes(chances)
    plans = [plan for plan in product((False, True), repeat=len(steps)) if is_possible(plan, wake)]
    best = min(cost_of(plan, steps, wake, delay) for plan in plans)
    assert expect(steps, wake, delay).off[0] == pytest.approx(best, abs=1e-9)


def test_where_nobody_ever_asks_it_stops_at_once_and_never_starts() -> None:
    """Whatever a delay would cost."""
    expected = expect(minutes([0.0] * 50), 5, 1000.0)
    assert all(expected.stops)
    assert not any(expected.starts)


def test_where_somebody_is_sure_to_ask_it_waits() -> None:
    """If that costs less than the delay."""
    steps = minutes([0.0] * 4 + [1.0])
    assert not expect(steps, 5, 60.0).stops[0]
    assert expect(steps, 5, 3.0).stops[0]


def test_it_starts_so_that_it_is_ready_when_somebody_asks() -> None:
    """Not sooner: that would be paid for, and spare nothing."""
    expected = expect(minutes([0.0] * 30 + [1.0]), 5, 60.0)
    assert expected.starts.index(True) == 25
