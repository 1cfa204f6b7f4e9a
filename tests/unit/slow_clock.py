"""A slow and obvious reference for schedules: it walks through the minutes of some days, and looks
at what the clock of a zone shows in each.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from dormouse.domain.schedule import DAYS, Window

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

# `localtime` is the machine's own, and no schedule can name it.
ZONES = sorted(available_timezones() - {"localtime"})


@dataclass(frozen=True)
class Slot:
    """One window as it is meant: the weekdays (Monday is 0), the minutes after midnight from which
    and to which, and the zone.
    """

    days: Collection[int]
    begins: int
    ends: int
    zone: str

    def __str__(self) -> str:
        """Write it as a user does; the days follow one another."""
        named = [DAYS[day] for day in self.days]
        days = named[0] if len(named) == 1 else f"{named[0]}-{named[-1]}"
        days = "daily" if len(named) == 7 else days
        return f"{days} {written(self.begins)}-{written(self.ends)} {self.zone}"


def written(minutes: int) -> str:
    """Write a time of day."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


class SlowClock:
    """What a zone's clock shows in each minute from three days before a day (in UTC) to the end of
    the third day after it.
    """

    def __init__(self, zone_name: str, around: date) -> None:
        zone = ZoneInfo(zone_name)
        start = datetime.combine(around, time(), UTC) - 3 * DAY
        moments = [start + MINUTE * number for number in range(7 * 24 * 60)]
        shown = [at.astimezone(zone).replace(tzinfo=None) for at in moments]
        self.shown = list(zip(moments, shown, strict=True))
        self.firsts = dict(reversed(list(zip(shown, moments, strict=True))))
        self.lasts = dict(zip(shown, moments, strict=True))
        self.days = [around + DAY * number for number in range(-3, 3)]

    def first(self, wall: datetime) -> datetime:
        """The first minute that shows this time; or, if none does, the first that shows a later
        one.
        """
        return self.firsts.get(wall) or self._first_later(wall)

    def last(self, wall: datetime) -> datetime:
        """The last minute that shows it; or, if none does, the first that shows a later one."""
        return self.lasts.get(wall) or self._first_later(wall)

    def _first_later(self, wall: datetime) -> datetime:
        return next(at for at, shown in self.shown if shown > wall)

    def windows(self, slot: Slot, without: Collection[date] = ()) -> Sequence[Window]:
        """List those that begin and end within what was walked through."""
        found = []
        for day in self.days:
            midnight = datetime.combine(day, time())
            end_day = midnight if slot.ends > slot.begins else midnight + DAY
            begins, ends = midnight + MINUTE * slot.begins, end_day + MINUTE * slot.ends
            if day.weekday() not in slot.days or day in without:
                continue
            if begins < self.shown[0][1] or ends > self.shown[-1][1]:
                continue
            begins_at, ends_at = self.first(begins), self.last(ends)
            if begins_at < ends_at:
                found.append(Window(begins_at, ends_at))
        return found


@lru_cache(maxsize=8)
def slow_clock(zone_name: str, around: date) -> SlowClock:
    """Walk through the same minutes once, for a while: each has many."""
    return SlowClock(zone_name, around)


def joined(windows: Collection[Window]) -> Sequence[Window]:
    """Make one of those that touch or overlap."""
    found: list[Window] = []
    for window in sorted(windows, key=lambda each: each.begins_at):
        if found and window.begins_at <= found[-1].ends_at:
            last = found.pop()
            found.append(Window(last.begins_at, max(last.ends_at, window.ends_at)))
        else:
            found.append(window)
    return found
