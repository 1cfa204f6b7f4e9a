"""Durations as users write them: an integer and a unit, such as `15m`."""

import re
from datetime import timedelta

_SECONDS_BY_UNIT = {"s": 1, "m": 60, "h": 3600}
_WRITTEN = re.compile(r"(?P<number>[0-9]{1,9})(?P<unit>[smh])", re.ASCII)


def parse_duration(text: str, *, shortest: timedelta, longest: timedelta) -> timedelta:
    """Read an integer followed by `s`, `m` or `h`, bounded on both sides (inclusive).

    Raises:
        ValueError: the text has another form or lies outside the bounds; the message quotes it.
    """
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(f"{text!r} is not a duration: write an integer and s, m or h, as in 15m")
    duration = timedelta(seconds=int(written["number"]) * _SECONDS_BY_UNIT[written["unit"]])
    if not shortest <= duration <= longest:
        raise ValueError(
            f"{text!r} is out of range: from {format_duration(shortest)} "
            f"to {format_duration(longest)} is allowed, as in {format_duration(longest)}"
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


def in_words(duration: timedelta) -> str:
    """Write a duration as sentences do: what `format_duration` would write in seconds has minutes,
    too, as in 23m 12s. Fractions of a second are dropped.
    """
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    return f"{minutes}m {seconds}s" if minutes and seconds else format_duration(duration)
