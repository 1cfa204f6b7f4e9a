"""What the clock of a time zone shows, and when: right on the days on which it is changed.

https://peps.python.org/pep-0495/
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


@lru_cache(maxsize=20_000)
def first_shown(zone: ZoneInfo, day: date, minutes: int) -> datetime:
    """Say when the zone's clock first shows so many minutes after midnight, up to 24 hours; or,
    where it leaves that out, the first later time. In UTC.
    """
    wall = _wall(day, minutes)
    earlier, later = _both(zone, wall)
    if earlier <= later:
        return earlier
    return _change(zone, later, earlier)


@lru_cache(maxsize=20_000)
def last_shown(zone: ZoneInfo, day: date, minutes: int) -> datetime:
    """Say when it shows that for the last time; or, where it leaves that out, the first later time.
    In UTC.
    """
    wall = _wall(day, minutes)
    earlier, later = _both(zone, wall)
    if earlier <= later:
        return later
    return _change(zone, later, earlier)


def day_at(zone: ZoneInfo, moment: datetime) -> date:
    """Say which day it is there."""
    return moment.astimezone(zone).date()


def _wall(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minutes)


def _both(zone: ZoneInfo, wall: datetime) -> tuple[datetime, datetime]:
    """Read a time by the offset of before a change, and by that of after it. Where it is shown
    twice, the first is the earlier one; where it is left out, the later one; else they are one.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    return first.astimezone(UTC), second.astimezone(UTC)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Find, to the second, when the clock is changed between two moments."""
    offset = after.astimezone(zone).utcoffset()
    second = timedelta(seconds=1)
    while after - before > second:
        middle = before + (after - before) // 2 // second * second
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after
