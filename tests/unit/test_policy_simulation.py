"""What a simulation makes of a policy: the rule minute by minute, and the bound."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse_policy.always_on import AlwaysOn
from dormouse_policy.break_even import BreakEven
from dormouse_policy.clairvoyant import clairvoyant
from dormouse_policy.fixed import Fixed
from dormouse_policy.policy import Advice, Policy, Situation, Stakes
from dormouse_policy.simulation import Demand, Outcome, simulate

END = 400
DEMANDS = st.dictionaries(st.integers(0, END - 1), st.integers(1, 9), max_size=25).map(
    lambda counts: Demand(tuple(sorted(counts.items())), 0, END)
)


@dataclass(frozen=True)
class ByTheClock:
    """A policy that starts by the clock, and whose timeout depends on the half-hour and on what it
    has learned; asked in between, it says the same.
    """

    period: int
    timeouts: tuple[int, ...]
    name: str = "by the clock"

    def begin(self) -> list[int]:
        return []

    def learn(self, state: list[int], minute: int, count: int) -> list[int]:
        return [*state, minute * count]

    def advise(self, state: list[int], at: Situation) -> Advice:
        review_at = (at.now // 30 + 1) * 30
        if not at.is_on:
            return Advice(at.now + -at.now % self.period, review_at, "it starts by the clock")
        timeout = self.timeouts[(at.now // 30 + sum(state)) % len(self.timeouts)]
        since = at.idle_since or 0
        return Advice(max(at.now, since + timeout), review_at, "it stops by the half-hour")


POLICIES = st.one_of(
    st.builds(Fixed, st.integers(1, 60)),
    st.builds(BreakEven, st.builds(Stakes, st.integers(1, 9), st.integers(1, 60).map(float))),
    st.just(AlwaysOn()),
    st.builds(
        ByTheClock,
        st.integers(20, 200),
        st.lists(st.integers(1, 40), min_size=1, max_size=4).map(tuple),
    ),
)


def minute_by_minute(
    demand: Demand, policy: Policy[Any], wake: int, scored_from: int
) -> tuple[int, int, int, int, list[int]]:
    """The rule as it is written, asked each minute: minutes, cold ones, requests, starts, paid."""
    counts, state = dict(demand.counts), policy.begin()
    since: int | None = None
    idle_since: int | None = None
    cold, starts, paid = [], [], []
    for minute in range(demand.begin, demand.end):
        count = counts.get(minute, 0)
        stops = False
        if count:
            if since is None:
                since = minute
                starts.append(minute)
            if minute < since + wake:
                cold.append((minute, count))
            idle_since = max(minute, since + wake)
            state = policy.learn(state, minute, count)
        elif since is None or minute >= since + wake:
            advice = policy.advise(state, Situation(minute, idle_since, since is not None))
            if advice.change_at is not None and advice.change_at <= minute:
                if since is None:
                    since = minute
                    starts.append(minute)
                else:
                    stops = True
        if since is not None:
            paid.append(minute)
        since = None if stops else since
    return (
        sum(minute >= scored_from for minute in paid),
        sum(minute >= scored_from for minute, _ in cold),
        sum(count for minute, count in cold if minute >= scored_from),
        sum(minute >= scored_from for minute in starts),
        paid,
    )


@given(DEMANDS, POLICIES, st.integers(1, 9), st.integers(0, END))
def test_silences_that_are_passed_over_change_nothing(
    demand: Demand, policy: Policy[Any], wake: int, scored_from: int
) -> None:
    """Asked as seldom as its advice allows, a policy does what it does when asked each minute."""
    outcome = simulate(demand, policy, wake, scored_from)
    *figures, paid = minute_by_minute(demand, policy, wake, scored_from)
    assert [
        outcome.endpoint_minutes,
        outcome.cold_minutes,
        outcome.cold_requests,
        outcome.starts,
    ] == figures
    assert [minute for since, until in outcome.spells for minute in range(since, until)] == paid


@given(DEMANDS, POLICIES, st.integers(1, 9), st.integers(0, END))
def test_what_is_history_is_not_scored(
    demand: Demand, policy: Policy[Any], wake: int, scored_from: int
) -> None:
    """The two parts are the whole; nothing is done otherwise."""
    whole = simulate(demand, policy, wake, 0)
    late = simulate(demand, policy, wake, scored_from)
    early = simulate(
        Demand(
            tuple((minute, count) for minute, count in demand.counts if minute < scored_from),
            0,
            scored_from,
        ),
        policy,
        wake,
        0,
    )
    assert late.spells == whole.spells
    assert early.endpoint_minutes + late.endpoint_minutes == whole.endpoint_minutes
    assert early.cold_requests + late.cold_requests == whole.cold_requests
    assert early.starts + late.starts == whole.starts


def test_a_timeout_counts_from_readiness_where_the_requests_were_cold() -> None:
    """Asked in minute 10 it is on from 15; idle for 7 at the end of 22."""
    outcome = simulate(Demand(((10, 3),), 0, 100), Fixed(7), 5, 0)
    assert outcome == Outcome(13, 1, 3, 1, ((10, 23),))


def test_what_is_asked_while_it_starts_is_cold_and_starts_nothing() -> None:
    """Until the minute in which it is on."""
    outcome = simulate(Demand(((10, 1), (14, 2), (15, 4)), 0, 100), Fixed(7), 5, 0)
    assert outcome == Outcome(13, 2, 3, 1, ((10, 23),))


def test_who_is_idle_in_vain_is_paid_for_to_the_end() -> None:
    """And what nobody asks for is not."""
    assert simulate(Demand(((90, 1),), 0, 100), Fixed(60), 5, 0).spells == ((90, 100),)
    assert simulate(Demand((), 0, 100), Fixed(60), 5, 0) == Outcome(0, 0, 0, 0, ())
    assert simulate(Demand((), 0, 100), AlwaysOn(), 5, 40) == Outcome(60, 0, 0, 0, ((0, 100),))


# --------------------------------------------------------------------------------------- the bound


def cheapest(active: frozenset[int], wake: int, delay_cost: int, end: int) -> int:
    """Try everything, from a start before the first minute on."""
    off, on = -1, 0

    @cache
    def cost(minute: int, state: int) -> int:
        if minute == end:
            return 0
        is_asked = minute in active
        if state == off:
            started = 1 + cost(minute + 1, wake - 1)
            return delay_cost + started if is_asked else min(cost(minute + 1, off), started)
        if state > on:
            return 1 + delay_cost * is_asked + cost(minute + 1, state - 1)
        return 1 + min(cost(minute + 1, on), cost(minute + 1, off))

    return cost(-wake, off)


@given(
    st.frozensets(st.integers(0, 39), max_size=8),
    st.integers(1, 6),
    st.integers(0, 20),
)
def test_the_bound_is_the_optimum(active: frozenset[int], wake: int, more: int) -> None:
    """Where a delayed minute is worth a start at least."""
    demand = Demand(tuple((minute, 1) for minute in sorted(active)), 0, 40)
    bound = clairvoyant(demand, wake, 0)
    assert bound.endpoint_minutes == cheapest(active, wake, wake + more, 40)
    assert (bound.cold_minutes, bound.cold_requests) == (0, 0)
    assert bound.starts == len(bound.spells)


@given(DEMANDS, POLICIES, st.integers(1, 9), st.integers(0, 30))
def test_nobody_beats_the_bound(demand: Demand, policy: Policy[Any], wake: int, more: int) -> None:
    """Which pays for a start before the first request, where others may be cold."""
    outcome = simulate(demand, policy, wake, 0)
    cost = outcome.endpoint_minutes + (wake + more) * outcome.cold_minutes
    assert clairvoyant(demand, wake, 0).endpoint_minutes <= cost


@pytest.mark.parametrize(
    ("minutes", "spells"),
    [
        ((20,), ((15, 21),)),
        ((20, 26), ((15, 27),)),
        ((20, 27), ((15, 21), (22, 28))),
        ((3, 20), ((15, 21),)),
    ],
)
def test_it_bridges_what_a_start_would_cost(
    minutes: tuple[int, ...], spells: tuple[tuple[int, int], ...]
) -> None:
    """A gap as long as a start is bridged, and it sees what is scored alone."""
    demand = Demand(tuple((minute, 1) for minute in minutes), 0, 60)
    assert clairvoyant(demand, 5, 10).spells == spells
