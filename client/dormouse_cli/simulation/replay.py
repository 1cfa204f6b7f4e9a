"""What each policy would have made of the same traffic, by the code that decides in the Lambda."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dormouse_cli.simulation.traffic import DAY_MINUTES, Traffic, Workload
from dormouse_policy.always_on import AlwaysOn
from dormouse_policy.break_even import BreakEven
from dormouse_policy.clairvoyant import clairvoyant
from dormouse_policy.fixed import Fixed
from dormouse_policy.forecast import Forecast
from dormouse_policy.policy import Policy, Stakes
from dormouse_policy.simulation import Demand, Outcome, simulate

FIXED_MINUTES = (3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440)
"""The grid of fixed timeouts."""

ALWAYS_ON, BREAK_EVEN, FORECAST, CLAIRVOYANT = "always-on", "break-even", "forecast", "clairvoyant"
_FIXED = "fixed-"
COMPARED_FIXED = f"{_FIXED}30"
# What is hardly cheaper is no reason to do more.
HARDLY = Fraction(1, 100)
LONGEST_HISTORY = 7 * DAY_MINUTES


@dataclass(frozen=True, slots=True)
class Terms:
    """What all policies are judged by: minutes of a start, of the knob, and of history.

    `delay_cost` is how many minutes of the endpoint one delayed minute is worth.
    """

    wake: int
    delay_cost: int
    history: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one policy would have made of it, over the minutes that are scored.

    `waits` are the minutes that cold requests would have waited, each with how many did, the
    shortest first. `spells` are when endpoints were paid for, from a minute to before another.
    """

    name: str
    label: str
    requests: int
    up_minutes: int
    cold_minutes: int
    starts: int
    waits: tuple[tuple[int, int], ...]
    spells: tuple[tuple[int, int], ...]
    cold: tuple[tuple[int, int], ...]

    @property
    def is_fixed(self) -> bool:
        """Whether it is one of the grid."""
        return self.timeout is not None

    @property
    def timeout(self) -> int | None:
        """After how many idle minutes it stops, if it is one of the grid."""
        _, is_fixed, minutes = self.name.partition(_FIXED)
        return int(minutes) if is_fixed else None

    @property
    def cold_requests(self) -> int:
        """How many would have waited."""
        return sum(number for _, number in self.waits)

    @property
    def cold_share(self) -> float:
        """Which part of all requests would have waited."""
        return self.cold_requests / self.requests if self.requests else 0.0

    @property
    def median_wait(self) -> int | None:
        """What half of those that waited would have waited at most, in minutes."""
        seen = 0
        for minutes, number in self.waits:
            seen += number
            if 2 * seen >= self.cold_requests:
                return minutes
        return None

    @property
    def longest_wait(self) -> int | None:
        """What the last of them would have waited, in minutes."""
        return self.waits[-1][0] if self.waits else None

    @property
    def mean_delay(self) -> Fraction:
        """How many minutes a request would have waited on average, of all requests."""
        waited = sum(minutes * number for minutes, number in self.waits)
        return Fraction(waited, self.requests) if self.requests else Fraction(0)

    def cost(self, delay_cost: int) -> int:
        """Return what it comes to in minutes of the endpoint, with what delays are worth."""
        return self.up_minutes + delay_cost * self.cold_minutes


@dataclass(frozen=True, slots=True)
class BundledPair:
    """One policy for all traffic in one endpoint, and summed up over an endpoint for each."""

    one: Replayed
    many: Replayed

    @property
    def label(self) -> str:
        """The policy's."""
        return self.one.label


@dataclass(frozen=True, slots=True)
class Bundling:
    """The same traffic in one endpoint, and in so many."""

    number: int
    pairs: tuple[BundledPair, ...]

    def of(self, name: str) -> BundledPair:
        """Return what a policy would have made of both."""
        return next(pair for pair in self.pairs if pair.one.name == name)


def steps_of(traffic: Traffic) -> int:
    """Say how many replays there are at the most, as `replay` and `compare` tell of them."""
    several = len(traffic.workloads)
    return len(_policies(Terms(1, 1, 0))) + 1 + (2 * several if several > 1 else 0)


def replay(traffic: Traffic, terms: Terms, advanced: Callable[[int], None]) -> tuple[Replayed, ...]:
    """Have each policy decide over all traffic in one endpoint; the bound comes last."""
    replayed = []
    asked = _Asked(traffic.bundled(), traffic, terms)
    for name, label, policy in _policies(terms):
        replayed.append(asked.replayed(name, label, policy))
        advanced(1)
    replayed.append(asked.bound())
    advanced(1)
    return tuple(replayed)


def compare(
    traffic: Traffic,
    terms: Terms,
    replays: Sequence[Replayed],
    names: Sequence[str],
    advanced: Callable[[int], None],
) -> Bundling | None:
    """Compare one endpoint with one for each, under these policies; None where there is but one."""
    if len(traffic.workloads) == 1:
        return None
    by_name = {each.name: each for each in replays}
    pairs = []
    for name, label, policy in _policies(terms):
        if name not in names:
            continue
        parts = []
        for workload in traffic.workloads:
            parts.append(_Asked(workload, traffic, terms).replayed(name, label, policy))
            advanced(1)
        pairs.append(BundledPair(by_name[name], _summed(parts)))
    return Bundling(len(traffic.workloads), tuple(pairs))


def choose(replays: Sequence[Replayed], terms: Terms) -> Replayed:
    """Take the cheapest of those that need no tuning: always on, the default, the forecast.

    The later in this order only if it is clearly cheaper. Fixed timeouts are left out: which is the
    best of many is known in hindsight alone.
    """
    by_name = {each.name: each for each in replays}
    chosen = by_name[ALWAYS_ON]
    for name in (BREAK_EVEN, FORECAST):
        other = by_name.get(name, chosen)
        if other.cost(terms.delay_cost) < chosen.cost(terms.delay_cost) * (1 - HARDLY):
            chosen = other
    return chosen


def _policies(terms: Terms) -> list[tuple[str, str, Policy[Any]]]:
    """Name every policy, with how it is shown, in the order in which they are shown."""
    stakes = Stakes(terms.wake, terms.delay_cost)
    timeout = terms.wake + terms.delay_cost
    return [
        (ALWAYS_ON, "always on", AlwaysOn()),
        *((f"{_FIXED}{each}", f"fixed {_written(each)}", Fixed(each)) for each in FIXED_MINUTES),
        (BREAK_EVEN, f"break-even ({_written(timeout)})", BreakEven(stakes)),
        (FORECAST, FORECAST, Forecast(stakes)),
    ]


def _written(minutes: int) -> str:
    """Write a timeout as in its tag: `30m`, `2h`."""
    return f"{minutes}m" if minutes % 60 else f"{minutes // 60}h"


class _Asked:
    """What one endpoint is asked, and by what terms that is scored."""

    def __init__(self, workload: Workload, traffic: Traffic, terms: Terms) -> None:
        # A start before it all, so that what is always on serves from the beginning.
        self._demand = Demand(workload.counts, traffic.begin - terms.wake, traffic.end)
        self._wake = terms.wake
        self._scored_from = traffic.begin + terms.history

    def replayed(self, name: str, label: str, policy: Policy[Any]) -> Replayed:
        """Have a policy decide over it."""
        outcome = simulate(self._demand, policy, self._wake, self._scored_from)
        return self._told(name, label, outcome)

    def bound(self) -> Replayed:
        """Return what nobody can do better."""
        outcome = clairvoyant(self._demand, self._wake, self._scored_from)
        return self._told(CLAIRVOYANT, CLAIRVOYANT, outcome)

    def _told(self, name: str, label: str, outcome: Outcome) -> Replayed:
        cold = tuple(self._cold(outcome))
        waits: Counter[int] = Counter()
        for _, count, wait in cold:
            waits[wait] += count
        return Replayed(
            name,
            label,
            sum(count for minute, count in self._demand.counts if minute >= self._scored_from),
            outcome.endpoint_minutes,
            outcome.cold_minutes,
            outcome.starts,
            tuple(sorted(waits.items())),
            outcome.spells,
            tuple((minute, count) for minute, count, _ in cold),
        )

    def _cold(self, outcome: Outcome) -> Iterator[tuple[int, int, int]]:
        """Give each scored minute that found it starting, with its requests and their wait."""
        never = (self._demand.end, self._demand.end)
        spells = iter(outcome.spells)
        since, until = next(spells, never)
        for minute, count in self._demand.counts:
            while until <= minute and (since, until) != never:
                since, until = next(spells, never)
            if self._scored_from <= minute < since + self._wake:
                yield minute, count, since + self._wake - minute


def _summed(parts: Sequence[Replayed]) -> Replayed:
    waits: Counter[int] = Counter()
    cold: Counter[int] = Counter()
    for part in parts:
        waits.update(dict(part.waits))
        cold.update(dict(part.cold))
    return Replayed(
        parts[0].name,
        parts[0].label,
        sum(part.requests for part in parts),
        sum(part.up_minutes for part in parts),
        sum(part.cold_minutes for part in parts),
        sum(part.starts for part in parts),
        tuple(sorted(waits.items())),
        tuple(sorted(spell for part in parts for spell in part.spells)),
        tuple(sorted(cold.items())),
    )
