"""Schedules: the windows of a week in which an endpoint is kept up, or down.

    Mon-Fri 08:00-18:00 Europe/Berlin + Sat 10:00-14:00 Europe/Berlin - @holidays

A window is a state to be in, not an edge to be caught. It belongs to the day on which it begins. It
begins when the zone's clock first shows the one time and ends when it last shows the other; where
the clock leaves a time out, the first later one counts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from dormouse.domain.wall_clock import first_shown, last_shown

HORIZON = timedelta(days=15)
"""How far ahead windows are looked for."""

EXAMPLE = "Mon-Fri 08:00-18:00 Europe/Berlin"

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NUMBERS = {name.lower(): number for number, name in enumerate(DAYS)}
_EVERY_DAY = frozenset(range(7))
_DAILY = "daily"
_UTC = "UTC"

_TERM = re.compile(r"(?P<days>\S+) (?P<times>\S+)( (?P<zone>\S+))?")
_TIME = re.compile(r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_A_DAY = 24 * 60


class ScheduleError(ValueError):
    """A schedule that can't be obeyed; the message names the bad part and shows an example."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time from one moment up to, but not including, another, both in UTC."""

    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Term:
    """One window of some days of the week. Times are in minutes after midnight; one that ends no
    later than it begins does so on the next day.
    """

    days: frozenset[int]
    begins: int
    ends: int
    zone: str

    def __str__(self) -> str:
        """Write it so that it reads back."""
        times = f"{_write_time(self.begins)}-{_write_time(self.ends)}"
        return f"{_write_days(self.days)} {times} {self.zone}"


@dataclass(frozen=True, slots=True)
class Reference:
    """The terms of a schedule that has a name."""

    name: str
    schedule: "Schedule"

    def __str__(self) -> str:
        """Write it so that it reads back."""
        return f"@{self.name}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days, in whichever zone a term has, on which none of its windows begins."""

    name: str
    days: frozenset[date]

    def __str__(self) -> str:
        """Write it so that it reads back."""
        return f"@{self.name}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Windows that are repeated each week, but for the days of calendars."""

    parts: tuple[Term | Reference, ...]
    without: tuple[Calendar, ...] = ()

    def __str__(self) -> str:
        """Write it so that `parse_schedule` reads it back."""
        written = " + ".join(str(part) for part in self.parts)
        return written + "".join(f" - {calendar}" for calendar in self.without)

    def window_at(self, moment: datetime) -> Window | None:
        """Find the window around a moment; those that touch or overlap are one. None: there is
        none. One that goes on for weeks is shown from three days before up to the horizon.
        """
        windows = _windows(self, moment.astimezone(UTC).date())
        return next((each for each in windows if each.begins_at <= moment < each.ends_at), None)

    def next_window(self, after: datetime) -> Window | None:
        """Find the first window that begins after a moment, within the horizon."""
        windows = _windows(self, after.astimezone(UTC).date())
        until = after + HORIZON
        return next((each for each in windows if after < each.begins_at <= until), None)


@lru_cache(maxsize=10_000)
def _windows(schedule: Schedule, around: date) -> tuple[Window, ...]:
    """List every window that may matter from a day (in UTC) on, in their order, those that touch as
    one.
    """
    # A day may be another one in the zone, and an overnight window began on the day before.
    days = [around + timedelta(days=offset) for offset in range(-3, HORIZON.days + 3)]
    windows = [
        window
        for term, left_out in _terms(schedule, frozenset())
        for day in days
        if day.weekday() in term.days and day not in left_out
        if (window := _window(term, day)) is not None
    ]
    merged: list[Window] = []
    for window in sorted(windows, key=lambda each: each.begins_at):
        if merged and window.begins_at <= (before := merged[-1]).ends_at:
            merged[-1] = Window(before.begins_at, max(before.ends_at, window.ends_at))
        else:
            merged.append(window)
    return tuple(merged)


def _terms(schedule: Schedule, left_out: frozenset[date]) -> Iterator[tuple[Term, frozenset[date]]]:
    """List the terms, those of named schedules among them, with the days on which each is off."""
    left_out = left_out.union(*(calendar.days for calendar in schedule.without))
    for part in schedule.parts:
        if isinstance(part, Reference):
            yield from _terms(part.schedule, left_out)
        else:
            yield part, left_out


def _window(term: Term, day: date) -> Window | None:
    zone = ZoneInfo(term.zone)
    last_day = day if term.ends > term.begins else day + timedelta(days=1)
    begins_at = first_shown(zone, day, term.begins)
    ends_at = last_shown(zone, last_day, term.ends)
    return Window(begins_at, ends_at) if begins_at < ends_at else None


@lru_cache(maxsize=10_000)
def parse_term(text: str) -> Term:
    """Read one window, such as `Mon-Fri 08:00-18:00 Europe/Berlin`.

    Raises:
        ScheduleError: it has another form; the message names the bad part.
    """
    written = _TERM.fullmatch(text)
    if written is None:
        raise ScheduleError(
            f"{quoted(text)} is no window: write days, times and a time zone, as in {EXAMPLE}"
        )
    begins, ends = _read_times(text, written["times"])
    return Term(
        _read_days(text, written["days"]), begins, ends, _read_zone(text, written["zone"] or _UTC)
    )


def quoted(written: object) -> str:
    """Quote what was written: a tag's value as it is, what is much longer cut."""
    return f"{written!r:.300}"


def refusal(text: str, part: str, what: str, example: str = EXAMPLE) -> ScheduleError:
    """Say of a part of what was written what is wrong with it, and show how it may be."""
    return ScheduleError(f"{quoted(text)}: {quoted(part)} {what}, as in {example}")


def is_name(text: str) -> bool:
    """Whether a schedule or a calendar can have this name."""
    return _NAME.fullmatch(text) is not None


def _read_days(text: str, days: str) -> frozenset[int]:
    if days.lower() == _DAILY:
        return _EVERY_DAY
    names = days.split("-")
    if len(names) > 2 or _DAILY in (name.lower() for name in names):
        raise refusal(text, days, f"are no days: write one, the first and the last, or {_DAILY}")
    for name in names:
        if name.lower() not in _NUMBERS:
            raise refusal(text, name, f"is no day: write one of {' '.join(DAYS)} or {_DAILY}")
    first, last = _NUMBERS[names[0].lower()], _NUMBERS[names[-1].lower()]
    return frozenset((first + offset) % 7 for offset in range((last - first) % 7 + 1))


def _read_times(text: str, times: str) -> tuple[int, int]:
    begins, dash, ends = times.partition("-")
    if not dash:
        raise refusal(text, times, "has no end: write two times")
    first, last = _read_time(text, begins), _read_time(text, ends)
    if first == _A_DAY:
        raise refusal(text, begins, "is no beginning: write 00:00 and the next day")
    if first == last:
        what = "begins and ends at the same time: for whole days write 00:00-24:00"
        raise refusal(text, times, what, "Sat-Sun 00:00-24:00")
    return first, last


def _read_time(text: str, time: str) -> int:
    written = _TIME.fullmatch(time)
    minutes = -1 if written is None else int(written["hour"]) * 60 + int(written["minute"])
    is_time = written is not None and int(written["minute"]) < 60 and minutes <= _A_DAY
    if not is_time:
        raise refusal(text, time, "is no time from 00:00 to 24:00, with two digits each")
    return minutes


def _read_zone(text: str, zone: str) -> str:
    if zone not in _zones():
        raise refusal(text, zone, "is no time zone: write its name in the IANA database")
    return zone


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    # `localtime` is whatever the machine's is.
    return frozenset(available_timezones() - {"localtime"})


def _write_time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _write_days(days: frozenset[int]) -> str:
    if days == _EVERY_DAY:
        return _DAILY
    # They follow one another, perhaps over the end of the week.
    first = next(day for day in sorted(days) if (day - 1) % 7 not in days)
    last = (first + len(days) - 1) % 7
    return DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}"
