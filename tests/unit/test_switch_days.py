"""Windows on the days on which clocks are changed: every zone's, from 2024 to 2030.

**How the cases are chosen.** Every moment of those years at which a zone's offset from UTC changes
is looked for, in all zones. Zones that change by the same amounts at the same moments show the same
time throughout, so one of each such group is compared with the slow reference; under the other
names of the group the same windows must come out.

Around each change, the windows begin and end in all combinations of: a quarter of an hour before
what is left out or shown twice, its beginning, its middle, its end, a quarter of an hour later, and
midnight (00:00, 24:00). So there are windows within one day and overnight ones; in turn, they are
of every day, of the day of the change alone, and of the day before alone.

A window that is found has to have the beginning and the end of the reference's, and so does the
next: so the state is right at each instant, and not only at those that are looked at.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from dormouse.domain.named_schedules import parse_schedule
from dormouse.domain.schedule import Window
from tests.unit.slow_clock import DAY, MINUTE, ZONES, Slot, joined, slow_clock

BEGIN, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
NOON = 12 * 60

Change = tuple[datetime, timedelta, timedelta]
"""When, and the offsets before and after."""


def offset(zone: ZoneInfo, at: datetime) -> timedelta:
    """By how much its clock is ahead of UTC."""
    found = at.astimezone(zone).utcoffset()
    assert found is not None
    return found


@cache
def changes_of(zone_name: str) -> tuple[Change, ...]:
    """Find every change of those years. (No zone has two within a day that undo one another.)"""
    zone, found = ZoneInfo(zone_name), []
    before = offset(zone, BEGIN)
    for number in range((END - BEGIN).days):
        at = BEGIN + DAY * number
        if offset(zone, at + DAY) != before:
            minute = next(
                at + MINUTE * step
                for step in range(24 * 60 + 1)
                if offset(zone, at + MINUTE * step) != before
            )
            found.append((minute, before, offset(zone, minute)))
            before = offset(zone, at + DAY)
    return tuple(found)


def groups() -> Sequence[Sequence[str]]:
    """Group the zones that show the same throughout those years."""
    found: dict[tuple[timedelta, tuple[Change, ...]], list[str]] = {}
    for name in ZONES:
        found.setdefault((offset(ZoneInfo(name), BEGIN), changes_of(name)), []).append(name)
    return list(found.values())


GROUPS = groups()
CHANGING = [names for names in GROUPS if changes_of(names[0])]
FIXED = [names for names in GROUPS if not changes_of(names[0])]


def slots(zone_name: str, change: Change) -> Iterator[tuple[date, Slot]]:
    """Choose windows as said above, and the day around which to look."""
    at, before, after = change
    low, high = sorted((at + shift).replace(tzinfo=None) for shift in (before, after))
    quarter = timedelta(minutes=15)
    edges = (low - quarter, low, low + (high - low) / 2, high, high + quarter)
    times = sorted({edge.hour * 60 + edge.minute for edge in edges} | {0})
    weekday = low.weekday()
    number = 0
    for begins in times:
        for ends in (*times, 24 * 60):
            if begins != ends:
                days = (range(7), [weekday], [(weekday - 1) % 7])[number % 3]
                yield low.date(), Slot(days, begins, ends, zone_name)
                number += 1


def window_here(windows: Sequence[Window], at: datetime) -> Window | None:
    """Find the one around a moment."""
    return next((each for each in windows if each.begins_at <= at < each.ends_at), None)


def check(day: date, slot: Slot) -> None:
    """Compare with the reference at each edge, just before it, and at the ends of the days."""
    schedule = parse_schedule(str(slot))
    windows = joined(slow_clock(slot.zone, day).windows(slot))
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    since, until = midnight - DAY, midnight + 2 * DAY
    edges = {edge for each in windows for edge in (each.begins_at, each.ends_at)}
    looks = {look for edge in edges for look in (edge, edge - timedelta(microseconds=1))}
    for at in sorted(look for look in looks | {since, until} if since <= look <= until):
        expected = window_here(windows, at)
        found = schedule.window_at(at)
        if expected is None or (slot.begins == 0 and slot.ends == 24 * 60):
            # What has no end is cut at other moments.
            assert (found is None) == (expected is None), (str(slot), at)
        else:
            assert found == expected, (str(slot), at)
        coming = next((each for each in windows if each.begins_at > at), None)
        if coming is not None:
            assert schedule.next_window(at) == coming, (str(slot), at)


@pytest.mark.parametrize("names", CHANGING, ids=lambda names: names[0])
def test_windows_are_those_of_the_slow_reference(names: Sequence[str]) -> None:
    """Around every change of each group of zones."""
    for change in changes_of(names[0]):
        for day, slot in slots(names[0], change):
            check(day, slot)


@pytest.mark.parametrize("names", FIXED, ids=lambda names: names[0])
def test_a_clock_that_is_never_changed(names: Sequence[str]) -> None:
    """There is no switch day: a window on one day, and one overnight."""
    day = date(2027, 6, 16)  # a Wednesday
    for slot in (Slot([2], 8 * 60, 18 * 60, names[0]), Slot([1, 2], 22 * 60, 6 * 60, names[0])):
        check(day, slot)


@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_the_other_zones_of_a_group_have_the_same_windows(names: Sequence[str]) -> None:
    """Under each name: a window that begins within what is left out or shown twice."""
    usual = offset(ZoneInfo(names[0]), BEGIN)
    for at, before, after in changes_of(names[0]) or [(BEGIN, usual, usual)]:
        middle = at + (before + after) / 2
        begins = middle.hour * 60 + middle.minute
        found = set()
        for name in names:
            slot = Slot(range(7), begins, (begins + NOON) % (24 * 60), name)
            found.add(parse_schedule(str(slot)).next_window(at - DAY))
        assert len(found) == 1
        assert found != {None}


def test_no_zone_is_left_out() -> None:
    """And the changes are the ones that are known: literal dates, all of them Sundays there."""
    assert sorted(name for names in GROUPS for name in names) == ZONES
    berlin, new_york, lord_howe = (
        {at for at, _, _ in changes_of(name)}
        for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
    )
    assert len(berlin) == len(new_york) == len(lord_howe) == 14
    assert datetime(2026, 3, 29, 1, tzinfo=UTC) in berlin
    assert datetime(2026, 10, 25, 1, tzinfo=UTC) in berlin
    assert datetime(2026, 3, 8, 7, tzinfo=UTC) in new_york
    # 02:00 on Sunday the 5th of April, by half an hour.
    assert datetime(2026, 4, 4, 15, tzinfo=UTC) in lord_howe
