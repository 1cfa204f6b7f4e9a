"""What `dormouse simulate` shows is what ticks do: the same spells, to the minute."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain import idle_policy
from dormouse.domain.activity import Measured
from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.endpoint import Absent, EndpointStatus, Present
from dormouse.domain.idle_policy import beginning_of, learned, minute_of, policy_of, stakes_of
from dormouse.domain.ledger import Ledger
from dormouse.domain.plan import Action, decide
from dormouse.domain.spec import Policy, Spec
from dormouse.domain.timing import Timing
from dormouse_policy.policy import Advice, Situation, Stakes
from dormouse_policy.simulation import Demand, simulate
from tests.unit.planning import NOW

BEGIN = minute_of(NOW)
WAKE = 5
SPEC = Spec("reviews", "reviews-config", policy=Policy.FORECAST)
# As in a simulation everything is known at once.
TIMING = Timing(timedelta(0), timedelta(0), timedelta(hours=1), timedelta(minutes=WAKE))


@dataclass(frozen=True, slots=True)
class Habits:
    """The minutes of an hour in which somebody has asked."""

    minutes: tuple[int, ...] = ()

    def write(self) -> str:
        """Write it so that it reads back."""
        return json.dumps(self.minutes)

    @classmethod
    def parse(cls, text: str) -> "Habits":
        """Read what was written."""
        return cls(tuple(json.loads(text)))


@dataclass(frozen=True, slots=True)
class Hourly:
    """A policy that expects at each hour whom it has seen in another."""

    stakes: Stakes

    name = "forecast"

    def begin(self) -> Habits:
        """Know nobody."""
        return Habits()

    def learn(self, state: Habits, minute: int, count: int) -> Habits:
        """Remember the minute of the hour."""
        return Habits(tuple(sorted({*state.minutes, minute % 60})))

    def advise(self, state: Habits, at: Situation) -> Advice:
        """Be up for those who come within twelve minutes, and seven after the last."""
        review_at = at.now + 17
        if not at.is_on:
            starts = (m for m in range(at.now, at.now + 60) if (m + WAKE) % 60 in state.minutes)
            return Advice(next(starts, None), review_at, "")
        stop = at.now if at.idle_since is None else max(at.now, at.idle_since + 7)
        while any((stop + ahead) % 60 in state.minutes for ahead in range(1, 13)):
            stop += 1
            if stop > at.now + 60:
                return Advice(None, review_at, "")
        return Advice(stop, review_at, "")


def ticks(counts: Mapping[int, int], end: int, spec: Spec) -> list[tuple[int, int]]:
    """Tick at the beginning of each minute, and at each request that finds it cold; say when it was
    there.
    """
    spells, since = list[tuple[int, int]](), None
    seen: Absent | Present = Absent()
    ledger = Ledger(wakes=(timedelta(minutes=WAKE),))
    stakes = stakes_of(spec, timedelta(minutes=WAKE))
    if spec.policy is Policy.FORECAST:
        history = DemandHistory(beginning_of(BEGIN), learned(stakes, None, []))
        ledger = replace(ledger, demand_history=history)
    for minute in range(BEGIN, end):
        now = beginning_of(minute)
        if since is not None and minute == since + WAKE:
            seen = _present(EndpointStatus.IN_SERVICE, minute)
            met = ledger.demand_version
            ledger = replace(ledger, serving_since=now, met_version=met)
        asks = minute in counts
        # The tick at its beginning comes before the request.
        for at in (now, now + timedelta(seconds=1))[: 1 + asks]:
            if at > now:
                ledger = replace(ledger, last_request_at=at)
                if ledger.serving_since is None:
                    version = ledger.demand_version + 1
                    ledger = replace(ledger, demand_version=version, demand_at=at)
            plan = decide(spec, ledger, seen, Measured(None), timing=TIMING, now=at)
            if plan.action is Action.START:
                since, seen = minute, _present(EndpointStatus.CREATING, minute)
                ledger = replace(ledger, created_at=at)
            elif plan.action is Action.STOP:
                assert since is not None
                spells.append((since, minute))
                since, seen, ledger = None, Absent(), ledger.without_life()
        if asks and ledger.demand_history is not None:
            text = learned(stakes, ledger.demand_history.forecast, [(minute, counts[minute])])
            history = DemandHistory(beginning_of(minute + 1), text)
            ledger = replace(ledger, demand_history=history)
    return spells if since is None else [*spells, (since, end)]


def _present(status: EndpointStatus, minute: int) -> Present:
    return Present("arn", status, "reviews-config", ("AllTraffic",), beginning_of(minute))


demands = st.dictionaries(st.integers(BEGIN, BEGIN + 300), st.integers(1, 9), max_size=12)


def simulated(counts: Mapping[int, int], end: int, spec: Spec) -> list[tuple[int, int]]:
    """Say when it was there by the simulation."""
    demand = Demand(tuple(sorted(counts.items())), BEGIN, end)
    policy = policy_of(spec, timedelta(minutes=WAKE))
    return list(simulate(demand, policy, WAKE, BEGIN).spells)


@given(demands)
def test_a_forecast_starts_and_stops_in_the_same_minutes(counts: dict[int, int]) -> None:
    """Though it is asked at other moments: each tick remembers what was said lately."""
    end = BEGIN + 400
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idle_policy, "Forecast", Hourly)
        patch.setattr(idle_policy, "ForecastState", Habits)

        assert ticks(counts, end, SPEC) == simulated(counts, end, SPEC)


def test_the_forecast_costs_in_ticks_what_it_costs_in_a_simulation() -> None:
    """Over five days of office hours, of which it knows too little at first. A tick asks it more
    often, and begins a few minutes sooner or later.
    """
    chance, counts = Random(8), dict[int, int]()
    for day in range(5):
        minute = BEGIN + day * 1440 + 180 + chance.randrange(30)
        while minute < BEGIN + day * 1440 + 660:
            counts[minute] = 1
            minute += chance.choice([1, 2, 3, 10, 40, 90])
    end, spec = BEGIN + 5 * 1440, replace(SPEC, delay_cost=timedelta(hours=4))

    expected, found = simulated(counts, end, spec), ticks(counts, end, spec)

    assert len(found) == len(expected)
    assert _up(found) == pytest.approx(_up(expected), rel=0.02)


def _up(spells: Sequence[tuple[int, int]]) -> int:
    return sum(until - since for since, until in spells)


def _timed(minutes: int, *, is_fixed: bool) -> Spec:
    duration = timedelta(minutes=minutes)
    if is_fixed:
        return replace(SPEC, policy=Policy.FIXED, idle_timeout=duration)
    return replace(SPEC, policy=Policy.BREAK_EVEN, delay_cost=duration)


@given(demands, st.integers(WAKE + 1, 40), st.booleans())
def test_a_timeout_stops_in_the_same_minutes(
    counts: dict[int, int], minutes: int, is_fixed: bool
) -> None:
    """Where whoever finds it cold comes again when it is on."""
    end, spec = BEGIN + 400, _timed(minutes, is_fixed=is_fixed)
    counts = {**counts, **{minute + WAKE: 1 for minute in counts}}

    assert ticks(counts, end, spec) == simulated(counts, end, spec)


@given(st.integers(1, 40), st.booleans())
def test_a_timeout_that_nobody_has_used_begins_when_it_serves(minutes: int, is_fixed: bool) -> None:
    """To the second; a simulation counts from the end of the first minute in which it is on."""
    end, spec = BEGIN + 400, _timed(minutes, is_fixed=is_fixed)
    ((since, until),) = simulated({BEGIN: 1}, end, spec)

    assert ticks({BEGIN: 1}, end, spec) == [(since, until - 1)]
