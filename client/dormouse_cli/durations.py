"""Durations and ends as users write them: `2h`, `18:00`, `2026-11-23T18:00Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

_SECONDS_BY_UNIT = {"s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"(?P<number>[0-9]{1,9})(?P<unit>[smh])", re.ASCII)
_CLOCK = re.compile(r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})", re.ASCII)
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)

_DAY = timedelta(days=1)
# Logs are kept for ten years at most.
_LONGEST_AGO = timedelta(hours=87600)

# What the control API takes.
SHORTEST_HOLD = timedelta(seconds=60)
LONGEST_HOLD = timedelta(hours=168)


def parse_duration(
    text: str, *, shortest: timedelta = SHORTEST_HOLD, longest: timedelta = LONGEST_HOLD
) -> timedelta:
    """Read a whole number followed by `s`, `m` or `h`, bounded on both sides (inclusive).

    Raises:
        ValueError: the text has another form or lies outside the bounds; the message quotes it.
    """
    written = _DURATION.fullmatch(text)
    if written is None:
        raise ValueError(f"{text!r} is not a duration: write a whole number and s, m or h, as 2h")
    duration = timedelta(seconds=int(written["number"]) * _SECONDS_BY_UNIT[written["unit"]])
    if not shortest <= duration <= longest:
        raise ValueError(
            f"{text!r} is out of range: from {format_duration(shortest)} "
            f"to {format_duration(longest)} is allowed"
        )
    return duration


def format_duration(duration: timedelta) -> str:
    """Write a duration in the largest unit that divides it, so that `parse_duration` reads it back.

    Fractions of a second are dropped.
    """
    seconds = int(duration.total_seconds())
    for unit in ("h", "m"):
        size = _SECONDS_BY_UNIT[unit]
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def parse_until(text: str, *, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Read when a hold ends: `2026-11-23T18:00Z`, the same without zone, or `18:00`.

    Without a zone it is the time of `zone`, or of this machine if None. `18:00` is the next one,
    today or tomorrow. Returns a time in UTC that lies after `now` (which has a zone).

    Raises:
        ValueError: the text has another form, or has passed; the message quotes it.
    """
    if (clock := _CLOCK.fullmatch(text)) is not None:
        return _next(clock, text, now, zone)
    until = _date_time(text, zone)
    if until is None:
        raise ValueError(
            f"{text!r} is not a time: write 18:00, 2026-11-23T18:00 or 2026-11-23T18:00Z"
        )
    if until <= now:
        raise ValueError(f"{text!r} has passed already")
    return until


def parse_since(text: str, *, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Read a time that has passed: `1h` ago, `2026-11-23T18:00Z`, the same without zone, `18:00`.

    Without a zone it is the time of `zone`, or of this machine if None. `18:00` is the last one,
    today or yesterday. Returns a time in UTC that is not after `now` (which has a zone).

    Raises:
        ValueError: the text has another form, or is yet to come; the message quotes it.
    """
    if _DURATION.fullmatch(text) is not None:
        try:
            return now - parse_duration(text, shortest=timedelta(0), longest=_LONGEST_AGO)
        except OverflowError:
            raise ValueError(f"{text!r} is out of range") from None
    if (clock := _CLOCK.fullmatch(text)) is not None:
        return _last(clock, text, now, zone)
    moment = _date_time(text, zone)
    if moment is None:
        raise ValueError(
            f"{text!r} is neither a duration nor a time: write 1h, 18:00, 2026-11-23T18:00 or "
            "2026-11-23T18:00Z"
        )
    if moment > now:
        raise ValueError(f"{text!r} is yet to come")
    return moment


def _date_time(text: str, zone: tzinfo | None) -> datetime | None:
    if _DATE_TIME.fullmatch(text) is None:
        return None
    try:
        return _in_utc(datetime.fromisoformat(text), zone)
    except (ValueError, OverflowError):
        return None


def _next(clock: re.Match[str], text: str, now: datetime, zone: tzinfo | None) -> datetime:
    wall, today = _time_of_day(clock, text), now.astimezone(zone).date()
    until = _in_utc(datetime.combine(today, wall), zone)
    if until <= now:
        until = _in_utc(datetime.combine(today + _DAY, wall), zone)
    return until


def _last(clock: re.Match[str], text: str, now: datetime, zone: tzinfo | None) -> datetime:
    wall, today = _time_of_day(clock, text), now.astimezone(zone).date()
    since = _in_utc(datetime.combine(today, wall), zone)
    if since > now:
        since = _in_utc(datetime.combine(today - _DAY, wall), zone)
    return since


def _time_of_day(clock: re.Match[str], text: str) -> time:
    try:
        return time(int(clock["hour"]), int(clock["minute"]))
    except ValueError:
        raise ValueError(f"{text!r} is not a time of day: from 0:00 to 23:59") from None


def _in_utc(moment: datetime, zone: tzinfo | None) -> datetime:
    if moment.tzinfo is None and zone is not None:
        moment = moment.replace(tzinfo=zone)
    # A moment without zone counts as this machine's, by its own rules of daylight saving.
    return moment.astimezone(UTC)
