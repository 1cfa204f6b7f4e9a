"""EventBridge Scheduler's expressions: what is valid, and when a schedule runs. Pure.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
YEARS = range(1970, 2200)
UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
# From one 29 February to the next around a year that is no leap year, such as 2100.
MOST_DAYS = 366 * 9


class InvalidExpressionError(ValueError):
    """The expression is none that the Scheduler takes."""


@dataclass(frozen=True, slots=True)
class Rate:
    """rate(value unit)."""

    interval: timedelta


@dataclass(frozen=True, slots=True)
class At:
    """at(yyyy-mm-ddThh:mm:ss), without a zone."""

    moment: datetime


@dataclass(frozen=True, slots=True)
class Cron:
    """cron(minutes hours day-of-month month day-of-week year), without a zone."""

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    years: frozenset[int]
    is_day: Callable[[date], bool]


def parse(expression: str) -> Rate | At | Cron:
    """Read an expression.

    Raises:
        InvalidExpressionError: the Scheduler refuses it.
    """
    match = re.fullmatch(r"([a-z]+)\((.*)\)", expression)
    kind, text = match.groups() if match else ("", "")
    readers: dict[str, Callable[[str], Rate | At | Cron]] = {
        "rate": _rate,
        "at": _at,
        "cron": _cron,
    }
    try:
        return readers[kind](text)
    except (KeyError, ValueError) as error:
        raise InvalidExpressionError(f"Invalid Schedule Expression {expression}.") from error


def _rate(text: str) -> Rate:
    match = re.fullmatch(r"([1-9]\d*) (minute|hour|day)s?", text)
    if match is None:
        raise ValueError(text)
    return Rate(int(match[1]) * UNITS[match[2]])


def _at(text: str) -> At:
    moment = datetime.fromisoformat(text)
    if moment.isoformat(timespec="seconds") != text or moment.tzinfo is not None:
        raise ValueError(text)
    return At(moment)


def _cron(text: str) -> Cron:
    minutes, hours, day, month, weekday, year = text.split()
    # Either names the days, and then the other one is a question mark.
    if (day == "?") == (weekday == "?"):
        raise ValueError(text)
    days = day if weekday == "?" else weekday
    rule = _day_of_month if weekday == "?" else _day_of_week
    rules = [rule(part) for part in days.upper().split(",")]
    return Cron(
        _values(minutes, range(60)),
        _values(hours, range(24)),
        _values(month, range(1, 13), MONTHS),
        _values(year, YEARS),
        lambda day: any(fits(day) for fits in rules),
    )


def _values(text: str, span: range, names: Sequence[str] = ()) -> frozenset[int]:
    found: set[int] = set()
    for part in text.upper().split(","):
        body, slash, step = part.partition("/")
        first, dash, last = body.partition("-")
        low = span[0] if body == "*" else _number(first, span, names)
        high = low
        if dash:
            high = _number(last, span, names)
        elif slash or body == "*":
            high = span[-1]
        if low > high:
            raise ValueError(part)
        found |= set(range(low, high + 1, _number(step, range(1, len(span))) if slash else 1))
    return frozenset(found)


def _number(text: str, span: range, names: Sequence[str] = ()) -> int:
    number = span[names.index(text)] if text in names else int(text)
    if number not in span:
        raise ValueError(text)
    return number


def _day_of_month(part: str) -> Callable[[date], bool]:
    span = range(1, 32)
    if part == "L":
        return lambda day: day.day == _last(day)
    if part == "LW":
        return lambda day: day == _nearest_workday(day.replace(day=_last(day)))
    if part.endswith("W"):
        number = _number(part[:-1], span)
        return lambda day: number <= _last(day) and day == _nearest_workday(day.replace(day=number))
    numbers = _values(part, span)
    return lambda day: day.day in numbers


def _day_of_week(part: str) -> Callable[[date], bool]:
    span = range(1, 8)
    name, hash_sign, which = part.partition("#")
    if hash_sign:
        weekday, nth = _number(name, span, WEEKDAYS), _number(which, range(1, 6))
        return lambda day: _weekday(day) == weekday and (day.day - 1) // 7 + 1 == nth
    if part.endswith("L"):
        # Alone it is Saturday, the last day of the week.
        weekday = _number(part[:-1] or "SAT", span, WEEKDAYS)
        return lambda day: _weekday(day) == weekday and (part == "L" or day.day + 7 > _last(day))
    numbers = _values(part, span, WEEKDAYS)
    return lambda day: _weekday(day) in numbers


def _weekday(day: date) -> int:
    """1 is Sunday."""
    return day.isoweekday() % 7 + 1


def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_workday(day: date) -> date:
    """Monday to Friday, in the same month."""
    shift = {6: -1, 7: 1}.get(day.isoweekday(), 0)
    if not 1 <= day.day + shift <= _last(day):
        shift = -2 * shift
    return day + timedelta(days=shift)


def zone_of(name: str) -> tzinfo:
    """Find a time zone.

    Raises:
        InvalidExpressionError: there is none of the name.
    """
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise InvalidExpressionError(f"Invalid Schedule Expression Timezone {name}.") from error


def next_run(
    schedule: Rate | At | Cron, zone: tzinfo, began_at: datetime, after: datetime
) -> datetime | None:
    """Say when a schedule that began then runs next, None if never again. All times are in UTC.

    A time that a change to summer time leaves out is skipped, and one that is there twice runs
    once, the first time.
    """
    match schedule:
        case Rate():
            times = max((after - began_at) // schedule.interval, 0) + 1
            return began_at + times * schedule.interval
        case At():
            moment = _in_utc(schedule.moment, zone)
            return moment if moment is not None and moment > after else None
        case Cron():
            return _next_of_cron(schedule, zone, after)


def _next_of_cron(cron: Cron, zone: tzinfo, after: datetime) -> datetime | None:
    first = after.astimezone(zone).date()
    for offset in range(MOST_DAYS):
        day = first + timedelta(days=offset)
        if day.year not in cron.years or day.month not in cron.months or not cron.is_day(day):
            continue
        for hour in sorted(cron.hours):
            for minute in sorted(cron.minutes):
                wall = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001
                moment = _in_utc(wall, zone)
                if moment is not None and moment > after:
                    return moment
    return None


def _in_utc(wall: datetime, zone: tzinfo) -> datetime | None:
    """A clock's time in a zone, None if the clock never shows it."""
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == wall else None


def _moment(value: Any) -> datetime | None:
    """StartDate and EndDate: seconds in the API, ISO 8601 in a template."""
    if value is None:
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Runs:
    """Knows of each schedule, by a key, when it is due."""

    def __init__(self) -> None:
        self._next: dict[Hashable, tuple[Hashable, datetime | None]] = {}

    def is_due(self, key: Hashable, schedule: Mapping[str, Any], now: datetime) -> bool:
        """Say whether a schedule is due now, and remember that it was. One that was changed begins
        anew; of several runs that were missed there is one.
        """
        changed_at = datetime.fromtimestamp(schedule["LastModificationDate"], UTC)
        expression = schedule["ScheduleExpression"]
        start, end = _moment(schedule.get("StartDate")), _moment(schedule.get("EndDate"))

        def following(after: datetime) -> datetime | None:
            zone = zone_of(schedule.get("ScheduleExpressionTimezone") or "UTC")
            return next_run(parse(expression), zone, max(changed_at, start or changed_at), after)

        version, due_at = self._next.get(key, (None, None))
        if version != (changed_at, expression):
            due_at = following(changed_at)
        is_due = due_at is not None and now >= due_at and schedule.get("State") == "ENABLED"
        if is_due:
            is_due = (start is None or now >= start) and (end is None or now <= end)
            due_at = following(now)
        self._next[key] = ((changed_at, expression), due_at)
        return is_due
