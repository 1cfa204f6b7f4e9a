"""The policies that know one duration: fixed, and break-even."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse_policy.always_on import AlwaysOn
from dormouse_policy.break_even import BreakEven
from dormouse_policy.fixed import Fixed
from dormouse_policy.policy import Situation, Stakes
from dormouse_policy.simulation import Demand, simulate

FIXED = Fixed(15)
BREAK_EVEN = BreakEven(Stakes(wake=5, delay_cost=10.0))


@pytest.mark.parametrize("policy", [FIXED, BREAK_EVEN])
@pytest.mark.parametrize(
    ("situation", "change_at", "words"),
    [
        (Situation(100, 100, is_on=True), 115, "idle for 0 of 15 minutes: stay up"),
        (Situation(114, 100, is_on=True), 115, "idle for 14 of 15 minutes: stay up"),
        (Situation(115, 100, is_on=True), 115, "idle for 15 of 15 minutes: stop"),
        (Situation(170, 100, is_on=True), 170, "idle for 70 of 15 minutes: stop"),
        (Situation(100, None, is_on=True), 100, "nobody ever asked: stop"),
        (Situation(100, 100, is_on=False), None, "started when somebody asks: stay down"),
        (Situation(100, None, is_on=False), None, "started when somebody asks: stay down"),
    ],
)
def test_it_stops_when_the_timeout_has_passed_and_starts_nothing(
    policy: Fixed | BreakEven, situation: Situation, change_at: int | None, words: str
) -> None:
    """And has nothing more to say however long it is asked."""
    advice = policy.advise(policy.begin(), situation)

    assert (advice.change_at, advice.review_at, advice.words) == (change_at, None, words)


def test_half_a_minute_is_rounded_up() -> None:
    """As everywhere."""
    assert BreakEven(Stakes(5, 10.5)).timeout == 16


def test_their_names_are_those_of_the_tags() -> None:
    """Always on has none."""
    assert [each.name for each in (FIXED, BREAK_EVEN, AlwaysOn())] == [
        "fixed",
        "break-even",
        "always-on",
    ]


@given(st.integers(1, 10), st.integers(1, 60), st.integers(1, 300))
def test_a_gap_costs_at_most_twice_what_hindsight_would_have_paid(
    wake: int, delay_cost: int, gap: int
) -> None:
    """As minutes of the endpoint, where a wake delays one minute; no sooner or later stop promises
    as little.
    """
    first = 100
    second = first + wake + gap
    timeout = wake + delay_cost
    # The requests of the first minute start it and are counted from when it is on.
    demand = Demand(((first, 1), (second, 1)), 0, second + wake)

    outcome = simulate(demand, BreakEven(Stakes(wake, float(delay_cost))), wake, first)

    # The first wake, and the last, are anybody's.
    paid = outcome.endpoint_minutes + delay_cost * outcome.cold_minutes - 2 * wake - delay_cost
    # To stay up through the gap, or to wake it again.
    hindsight = min(gap, timeout)
    assert paid <= 2 * hindsight + 1  # the minute at whose end it is stopped
