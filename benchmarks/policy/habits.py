"""Workloads of regular habits, from a seed: jobs of a clock, and office hours.

The public traces have hardly any, and a law that has seen none does not know what to make of an
endpoint that was asked at nine on each of twenty days.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.policy.traces import DAY, HISTORY, Workload
from dormouse_policy.simulation import Demand

GROUP = "habits"
DAYS = 28
_WEEKEND = 5


def habits(number: int, seed: int) -> Sequence[Workload]:
    """Make so many, of each kind in turn."""
    # Not for secrets.
    draw = random.Random(seed)
    kinds = list(_KINDS)
    return [_workload(kinds[at % len(kinds)], at, draw) for at in range(number)]


def _workload(kind: str, at: int, draw: random.Random) -> Workload:
    hour, weekday = draw.randrange(6, 12), draw.randrange(7)
    missed, jitter = draw.choice((0.0, 0.05, 0.15)), draw.choice((0, 2, 8))
    minutes = set[int]()
    for day in range(DAYS):
        for begin, asked in _KINDS[kind](draw, (day + weekday) % 7):
            if draw.random() >= missed:
                first = day * DAY + hour * 60 + begin + draw.randint(-jitter, jitter)
                minutes |= {first, *(first + each for each in asked)}
    counts = tuple((minute, 1) for minute in sorted(minutes) if 0 <= minute < DAYS * DAY)
    return Workload(GROUP, f"{kind}-{at}", Demand(counts, 0, DAYS * DAY), HISTORY)


# What comes on a weekday, 0 to 6: when it begins, in minutes after the workload's own hour, and in
# which minutes after that somebody asks.
_Asked = Iterator[tuple[int, Sequence[int]]]


def _daily(draw: random.Random, weekday: int) -> _Asked:
    yield 0, range(draw.randint(1, 5))


def _every_six_hours(draw: random.Random, weekday: int) -> _Asked:
    for begin in range(-360, 720, 360):
        yield begin, range(3)


def _twice_a_working_day(draw: random.Random, weekday: int) -> _Asked:
    if weekday < _WEEKEND:
        for begin in (0, 240):
            yield begin, [minute for minute in range(5) if draw.random() < 0.6]


def _weekly(draw: random.Random, weekday: int) -> _Asked:
    if weekday == 1:
        yield 0, [minute for minute in range(30) if draw.random() < 0.5]


def _office_hours(draw: random.Random, weekday: int) -> _Asked:
    if weekday < _WEEKEND:
        rate = draw.choice((0.03, 0.1, 0.3))
        hours = draw.randint(7, 9)
        yield 0, [minute for minute in range(hours * 60) if draw.random() < rate]


_KINDS: Mapping[str, Callable[[random.Random, int], _Asked]] = {
    "daily": _daily,
    "office-hours": _office_hours,
    "weekly": _weekly,
    "every-six-hours": _every_six_hours,
    "twice-a-working-day": _twice_a_working_day,
}
