"""Minutes laid over one another as a week by hour: what was asked, what was up, what was cold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import tzinfo

from dormouse_cli.simulation.traffic import DAY_MINUTES, moment_of

HOURS, DAYS = 24, 7
# Some clocks differ from UTC by a quarter of an hour, none by less.
_SLOT_MINUTES = 15
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(slots=True)
class Hour:
    """All that fell into one hour of the week, in however many weeks there were."""

    minutes: int = 0
    requests: int = 0
    up_minutes: int = 0
    cold_requests: int = 0

    @property
    def is_seen(self) -> bool:
        """Whether there is any such hour."""
        return self.minutes > 0

    @property
    def hourly_requests(self) -> float:
        """How many requests there were in such an hour, on average."""
        return self.requests * 60 / self.minutes if self.minutes else 0.0

    @property
    def up_share(self) -> float:
        """For which part of it an endpoint was paid for."""
        return self.up_minutes / self.minutes if self.minutes else 0.0


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days of 24 hours, by the names of its days."""

    days: tuple[str, ...]
    hours: tuple[tuple[Hour, ...], ...]
    zone_name: str | None

    @property
    def all_hours(self) -> list[Hour]:
        """Each of them."""
        return [hour for day in self.hours for hour in day]


def week_of(
    counts: Iterable[tuple[int, int]],
    *,
    up: Iterable[tuple[int, int]],
    cold: Iterable[tuple[int, int]],
    begin: int,
    end: int,
    zone: tzinfo | None,
) -> Week:
    """Lay the minutes from `begin` to before `end` over one another.

    `counts` and `cold` are minutes with their requests, `up` the spells from a minute to before
    another; what lies outside is left out. With a zone minutes count from 1970, and the week is as
    its clock shows it, from Monday on; without one it begins with minute 0.
    """
    hours = [[Hour() for _ in range(HOURS)] for _ in range(DAYS)]
    found = _clock(zone)
    for slot_begin, slot_end in _slots(begin, end):
        _at(hours, found(_slot(slot_begin))).minutes += slot_end - slot_begin
    for minute, count in counts:
        if begin <= minute < end:
            _at(hours, found(_slot(minute))).requests += count
    for minute, count in cold:
        if begin <= minute < end:
            _at(hours, found(_slot(minute))).cold_requests += count
    for since, until in up:
        for slot_begin, slot_end in _slots(max(since, begin), min(until, end)):
            _at(hours, found(_slot(slot_begin))).up_minutes += slot_end - slot_begin
    days = _WEEKDAYS if zone else tuple(f"d {number}" for number in range(1, DAYS + 1))
    return Week(days, tuple(map(tuple, hours)), None if zone is None else str(zone))


def _at(hours: list[list[Hour]], place: tuple[int, int]) -> Hour:
    return hours[place[0]][place[1]]


def _clock(zone: tzinfo | None) -> Callable[[int], tuple[int, int]]:
    """Return what tells the day and the hour of a slot, and remembers it."""
    known: dict[int, tuple[int, int]] = {}

    def told(slot: int) -> tuple[int, int]:
        if slot not in known:
            if zone is None:
                known[slot] = slot // DAY_MINUTES % DAYS, slot // 60 % HOURS
            else:
                here = moment_of(slot).astimezone(zone)
                known[slot] = here.weekday(), here.hour
        return known[slot]

    return told


def _slot(minute: int) -> int:
    return minute - minute % _SLOT_MINUTES


def _slots(begin: int, end: int) -> Iterable[tuple[int, int]]:
    """Cut minutes where quarters of an hour begin."""
    while begin < end:
        following = min(_slot(begin) + _SLOT_MINUTES, end)
        yield begin, following
        begin = following
