"""Windows on the days on which clocks are changed: every zone's, from 2024 to 2030.

The reference is slow and obvious: it walks through the minutes of three days, and looks at what the
zone's clock shows in each.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest

from dormouse.domain.named_schedules import parse_schedule
from dormouse.domain.schedule import DAYS, Window

BEGIN, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@cache
def changes_of(zone_name: str) -> tuple[datetime, ...]:
    """Find every moment of those years at which the zone's offset changes, to the minute."""
    zone, found = ZoneInfo(zone_name), []
    at = BEGIN
    while at < END:
        until = at + DAY
        if at.astimezone(zone).utcoffset() != until.astimezone(zone).utcoffset():
            minute = at
            while minute.astimezone(zone).utcoffset() == at.astimezone(zone).utcoffset():
                minute += MINUTE
            found.append(minute)
        at = until
    return tuple(found)


def zones_by_changes() -> Mapping[tuple[object, ...], str]:
    """Name one zone for each way of changing clocks: all zones are among them, since two that
    change by the same amounts at the same moments show the same.
    """
    ways: dict[tuple[object, ...], str] = {}
    for name in sorted(available_timezones() - {"localtime"}):
        zone = ZoneInfo(name)
        changes = tuple(
            (at, (at - MINUTE).astimezone(zone).utcoffset(), at.astimezone(zone).utcoffset())
            for at in changes_of(name)
        )
        # Those that never change are no case here.
        if changes:
            ways.setdefault(changes, name)
    return ways


class Clock:
    """What a zone's clock shows in each minute of the days around a change."""

    def __init__(self, zone_name: str, around: datetime) -> None:
        zone = ZoneInfo(zone_name)
        first = around - 2 * DAY
        moments = [first + MINUTE * number for number in range(4 * 24 * 60)]
        self.shown = [(at, at.astimezone(zone).replace(tzinfo=None)) for at in moments]

    def first(self, wall: datetime) -> datetime:
        """The first minute that shows this time; or, if none does, the first that shows a later
        one.
        """
        exact = [at for at, shown in self.shown if shown == wall]
        return exact[0] if exact else min(at for at, shown in self.shown if shown > wall)

    def last(self, wall: datetime) -> datetime:
        """The last minute that shows it; or, if none does, the first that shows a later one."""
        exact = [at for at, shown in self.shown if shown == wall]
        return exact[-1] if exact else min(at for at, shown in self.shown if shown > wall)


def cases(zone_name: str, change: datetime) -> Sequence[tuple[str, date, time, time, bool]]:
    """Choose windows that begin, end, or lie at, before, within and after what is left out or shown
    twice, and such as go on overnight; each as text, with its day and its times.
    """
    zone = ZoneInfo(zone_name)
    before = (change - MINUTE).astimezone(zone).utcoffset()
    after = change.astimezone(zone).utcoffset()
    assert before is not None
    assert after is not None
    edges = sorted(
        {
            (change + offset + shift).replace(tzinfo=None)
            for offset in (before, after)
            for shift in (-75 * MINUTE, -15 * MINUTE, 0 * MINUTE, 15 * MINUTE, 75 * MINUTE)
        }
    )
    chosen = []
    for begins in edges:
        for ends in edges:
            is_next = ends.date() == begins.date() + DAY and ends.time() < begins.time()
            if (begins.date() == ends.date() and begins < ends) or is_next:
                day = DAYS[begins.weekday()]
                text = f"{day} {begins:%H:%M}-{ends:%H:%M} {zone_name}"
                chosen.append((text, begins.date(), begins.time(), ends.time(), is_next))
    return chosen


@pytest.mark.parametrize("zone_name", zones_by_changes().values())
def test_windows_are_those_of_the_slow_reference(zone_name: str) -> None:
    """In every minute from an hour and a half before each window to as long after it, by steps of
    five minutes and at its edges.
    """
    for change in changes_of(zone_name):
        clock = Clock(zone_name, change)
        for text, day, begins, ends, is_next in cases(zone_name, change):
            begins_at = clock.first(datetime.combine(day, begins))
            last_day = day + DAY if is_next else day
            ends_at = clock.last(datetime.combine(last_day, ends))
            window = Window(begins_at, ends_at) if begins_at < ends_at else None
            schedule = parse_schedule(text)
            looks = [begins_at, begins_at - MINUTE, ends_at, ends_at - MINUTE]
            looks += [begins_at + MINUTE * step for step in range(-90, 200, 5)]
            for at in looks:
                is_in = window is not None and begins_at <= at < ends_at
                assert schedule.window_at(at) == (window if is_in else None), (text, at)
            coming = schedule.next_window(begins_at - MINUTE)
            assert (coming == window) or window is None, text


def test_all_zones_that_change_their_clocks_are_tried() -> None:
    """Hundreds of names, fewer ways of changing."""
    ways = zones_by_changes()

    assert {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} & set(
        available_timezones()
    ) <= {name for name in available_timezones() if changes_of(name)}
    assert sum(len(changes_of(name)) for name in ways.values()) >= 14 * 10
