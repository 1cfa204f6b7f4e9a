"""Times as the control API writes them, and as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_moment(text: str) -> datetime:
    """Read `2026-11-22T16:25:49.120Z`.

    Raises:
        ValueError: it is another form, or has no zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None


def format_moment(moment: datetime) -> str:
    """Write it as the control API does, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_instant(moment: datetime) -> str:
    """Write it as the control API does, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def spoken(seconds: float) -> str:
    """Say how long in at most two units: `45 s`, `12 min`, `3 h 5 min`, `2 days`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} days"


def stopwatch(seconds: float) -> str:
    """Write how long as a clock does: `0:05`, `8:00`, `1:02:03`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def relative(moment: datetime, now: datetime) -> str:
    """Say how far it is from now: `in 12 min`, `3 h ago`, `now`."""
    seconds = (moment - now).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"in {spoken(seconds)}" if seconds > 0 else f"{spoken(-seconds)} ago"


def local_clock(moment: datetime, now: datetime) -> str:
    """Write it in this machine's time: `16:25`, or with its date if that isn't today's."""
    here = moment.astimezone()
    today = now.astimezone().date()
    if here.date() == today:
        return here.strftime("%H:%M")
    if here.year == today.year:
        return f"{here:%a} {here.day} {here:%b %H:%M}"
    return here.strftime("%Y-%m-%d %H:%M")


def told(moment: datetime, now: datetime) -> str:
    """Write it in local time, and how far it is: `16:25 (in 12 min)`."""
    return f"{local_clock(moment, now)} ({relative(moment, now)})"
