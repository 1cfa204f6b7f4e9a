"""Schedules and calendars that have names: what is broken spoils only who refers to it."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.named_schedules import (
    CALENDARS,
    NO_NAMES,
    SCHEDULES,
    UNREAD,
    NamedSchedules,
    parse_named_schedules,
    parse_schedule,
)
from dormouse.domain.schedule import ScheduleError

OFFICE = "Mon-Fri 08:00-18:00 Europe/Berlin - @holidays"
HOLIDAYS = ["2026-12-25", "2026-12-28/2027-01-01"]
DOCUMENT = {
    SCHEDULES: {"office": OFFICE, "broken": "Mon-Fry 08:00-18:00", "again": "@office"},
    CALENDARS: {
        "holidays": HOLIDAYS,
        "fair": ["2026-12-22"],
        "odd": ["Xmas"],
        "back": ["2026-12-25/2026-12-24"],
    },
}
NAMED = parse_named_schedules(json.dumps(DOCUMENT))

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,9}", fullmatch=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES | st.text(max_size=9), inner, max_size=3)
    ),
)


def utc(text: str) -> datetime:
    """Read a moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def why(text: str, named: NamedSchedules) -> str:
    """Say why a schedule is refused."""
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text, named)
    return str(caught.value)


def test_a_named_schedule_with_its_holidays() -> None:
    """2026-12-24 is a Thursday; the Friday after it is left out, as is the week that follows."""
    schedule = parse_schedule("@office + Sat 10:00-12:00 Europe/Berlin", NAMED)

    assert str(schedule) == "@office + Sat 10:00-12:00 Europe/Berlin"
    assert schedule.window_at(utc("2026-12-24T09:00")) is not None
    assert schedule.window_at(utc("2026-12-25T09:00")) is None
    assert schedule.window_at(utc("2026-12-26T09:30")) is not None
    assert schedule.window_at(utc("2026-12-31T09:00")) is None
    assert schedule.window_at(utc("2027-01-04T09:00")) is not None


def test_its_own_holidays_are_for_its_own_windows() -> None:
    """2026-12-25 is a Friday: the office is closed, and the evening is not."""
    schedule = parse_schedule("@office + daily 20:00-21:00", NAMED)

    assert schedule.window_at(utc("2026-12-25T09:00")) is None
    assert schedule.window_at(utc("2026-12-25T20:30")) is not None


def test_a_calendar_of_the_tag_is_for_every_window_in_it() -> None:
    """Those of the named schedule among them, beside its own; 2026-12-22 is a Tuesday."""
    schedule = parse_schedule("@office + daily 20:00-21:00 - @fair", NAMED)

    assert schedule.window_at(utc("2026-12-22T09:00")) is None
    assert schedule.window_at(utc("2026-12-22T20:30")) is None
    assert schedule.window_at(utc("2026-12-23T20:30")) is not None
    assert schedule.window_at(utc("2026-12-25T09:00")) is None


def test_two_calendars() -> None:
    """Either closes the day."""
    schedule = parse_schedule("daily 08:00-09:00 - @holidays - @fair", NAMED)

    assert schedule.window_at(utc("2026-12-22T08:30")) is None
    assert schedule.window_at(utc("2026-12-25T08:30")) is None
    assert schedule.window_at(utc("2026-12-26T08:30")) is not None


def test_a_night_that_begins_before_a_holiday_goes_on_into_it() -> None:
    """It belongs to the day on which it begins."""
    schedule = parse_schedule("daily 22:00-06:00 Europe/Berlin - @holidays", NAMED)

    assert schedule.window_at(utc("2026-12-25T03:00")) is not None
    assert schedule.window_at(utc("2026-12-25T23:00")) is None
    assert schedule.window_at(utc("2026-12-26T03:00")) is None


def test_a_holiday_is_a_date_in_the_zone_of_the_window() -> None:
    """The 25th begins in Auckland on the 24th, at 11:00 UTC, and is over there at 11:00."""
    schedule = parse_schedule("daily 08:00-18:00 Pacific/Auckland - @holidays", NAMED)

    assert schedule.window_at(utc("2026-12-24T20:00")) is None
    assert schedule.window_at(utc("2026-12-25T20:00")) is not None


def test_a_named_schedule_may_be_longer_than_a_tag() -> None:
    """That is what it is for."""
    text = " + ".join(f"Mon-Fri {hour:02}:00-{hour:02}:30 Europe/Berlin" for hour in range(24))
    named = parse_named_schedules(json.dumps({SCHEDULES: {"long": text}}))

    assert len(text) > 256
    assert parse_schedule("@long", named).window_at(utc("2026-03-02T22:15")) is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@broken", "@broken is broken in the SSM parameter: 'Mon-Fry 08:00-18:00': 'Fry' is no"),
        ("@again", "'@office' has a name, and no schedule with a name can refer to another"),
        ("daily 08:00-09:00 - @odd", "@odd is broken in the SSM parameter: 'Xmas' is no day"),
        ("daily 08:00-09:00 - @back", "'2026-12-25/2026-12-24' ends before it begins"),
        ("@none", "no schedule named 'none' in the SSM parameter: write it there, as in {\"sch"),
        ("daily 08:00-09:00 - @none", "no calendar named 'none' in the SSM parameter: write it"),
        # What is a calendar is no schedule.
        ("@holidays", "no schedule named 'holidays'"),
        ("daily 08:00-09:00 - @office", "no calendar named 'office'"),
        ("@no/name", "'@no/name' is no name"),
    ],
)
def test_a_broken_entry_spoils_only_who_refers_to_it(text: str, words: str) -> None:
    """Which names it, and what is wrong; the office is as it was."""
    assert words in why(text, NAMED)
    assert parse_schedule("@office", NAMED).window_at(utc("2026-12-24T09:00")) is not None


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ("2026-12-25", "is no list of days"),
        (["2026-12-25", 20261226], "20261226 is no day"),
        (["2026-02-30"], "'2026-02-30' is no day"),
        (["20261225"], "'20261225' is no day"),
        (["2026-W52-5"], "'2026-W52-5' is no day"),
        (["2026-12-25/"], "'2026-12-25/' is no day"),
        (["2026-01-01/2027-12-31"], "more than 366 days later"),
        (["9999-12-31", "0001-01-01/9999-12-31"], "more than 366 days later"),
    ],
)
def test_a_broken_calendar_says_which_day_and_how(days: object, words: str) -> None:
    """With an example, and other calendars are as they were."""
    named = parse_named_schedules(json.dumps({CALENDARS: {"odd": days, "holidays": HOLIDAYS}}))

    refused = why("daily 08:00-09:00 - @odd", named)
    assert words in refused
    assert "2026-12-25" in refused
    assert len(named.calendars["holidays"]) == 6


@pytest.mark.parametrize("text", ["", "[]", "null", "schedules: {}", '{"schedules": ', "[" * 9999])
def test_a_document_that_is_no_object_is_told_to_everybody_who_refers_to_it(text: str) -> None:
    """And to nobody else."""
    named = parse_named_schedules(text)

    assert "the SSM parameter can't be read: it is no JSON" in why("@office", named)
    assert "the SSM parameter can't be read" in why("daily 08:00-09:00 - @holidays", named)
    assert parse_schedule("daily 08:00-09:00", named) == parse_schedule("daily 08:00-09:00")


def test_a_section_that_is_no_object_spoils_that_section() -> None:
    """Schedules without calendars are as they were."""
    document = {SCHEDULES: {"office": OFFICE, "shop": "Sat 10:00-14:00"}, CALENDARS: HOLIDAYS}
    named = parse_named_schedules(json.dumps(document))

    assert parse_schedule("@shop", named).window_at(utc("2026-03-07T11:00")) is not None
    assert "its calendars are no JSON object of names" in why("@office", named)
    assert "its calendars are no JSON object of names" in why("daily 08:00-09:00 - @fair", named)


def test_what_is_astray_spoils_nobody_and_is_told_to_who_misses_it() -> None:
    """Beside what is asked for, under the wrong key."""
    document = {**DOCUMENT, "shop": "Sat 10:00-14:00", "office": "Sat 10:00-14:00"}
    named = parse_named_schedules(json.dumps(document))

    assert parse_schedule("@office", named) == parse_schedule("@office", NAMED)
    assert "no schedule named 'shop'" in why("@shop", named)
    assert "'shop' is neither schedules nor calendars" in why("@shop", named)


def test_a_schedule_and_a_calendar_may_have_one_name() -> None:
    """The one that is broken is not the other."""
    named = parse_named_schedules(
        json.dumps({SCHEDULES: {"x": "Mon 08:00-09:00"}, CALENDARS: {"x": ["Xmas"]}})
    )

    assert parse_schedule("@x", named).window_at(utc("2026-03-02T08:30")) is not None
    assert "'Xmas' is no day" in why("Mon 08:00-09:00 - @x", named)


def test_a_text_that_is_very_long_is_cut() -> None:
    """An error goes into tables, notices and logs."""
    named = parse_named_schedules(json.dumps({SCHEDULES: {"x": "Mon 08:00-09:00 " + "x" * 5000}}))

    assert len(why("@x", named)) < 1000


def test_unread_names_are_taken_as_they_are() -> None:
    """For those who only need to know whether it is well formed; its windows are none."""
    schedule = parse_schedule("@office + daily 08:00-09:00 - @holidays", UNREAD)

    assert str(schedule) == "@office + daily 08:00-09:00 UTC - @holidays"
    assert parse_schedule("@office", UNREAD).window_at(utc("2026-03-02T08:30")) is None
    assert parse_schedule("@office", UNREAD).next_window(utc("2026-03-02T08:30")) is None
    assert "is no name" in why("@", UNREAD)


def test_without_a_document_there_are_no_names() -> None:
    """As where the parameter is empty."""
    assert parse_named_schedules("{}") == NO_NAMES


@given(st.text() | JSON.map(json.dumps))
def test_any_document_is_read(text: str) -> None:
    """Nothing is raised, and nobody is harmed who does not refer to it."""
    named = parse_named_schedules(text)

    assert parse_schedule("daily 08:00-09:00", named) == parse_schedule("daily 08:00-09:00")


@given(
    st.dictionaries(NAMES, JSON, max_size=4),
    st.dictionaries(NAMES, JSON, max_size=4),
    st.dictionaries(st.text(max_size=9), JSON, max_size=2),
)
def test_sound_entries_stand_whatever_is_beside_them(
    schedules: dict[str, Any], calendars: dict[str, Any], astray: dict[str, Any]
) -> None:
    """Each broken one is told by its name, with an example."""
    document = {
        **astray,
        SCHEDULES: {**schedules, "the-office": "Mon-Fri 08:00-18:00 - @the-holidays"},
        CALENDARS: {**calendars, "the-holidays": HOLIDAYS},
    }
    named = parse_named_schedules(json.dumps(document))

    sound = parse_schedule("@the-office", named)
    assert sound.window_at(utc("2026-12-24T09:00")) is not None
    assert sound.window_at(utc("2026-12-25T09:00")) is None
    for name in schedules:
        assert (name in named.schedules) != ((SCHEDULES, name) in named.faults)
    for name in calendars:
        assert (name in named.calendars) != ((CALENDARS, name) in named.faults)
    assert all("as in" in fault or "write" in fault for fault in named.faults.values())


@given(st.dates(), st.integers(0, 400))
def test_any_span_is_its_days_or_refused(first: date, number: int) -> None:
    """Up to the last date that there is."""
    if (date.max - first).days < number:
        number = 0
    last = first + timedelta(days=number)
    document = {CALENDARS: {"span": [f"{first.isoformat()}/{last.isoformat()}"]}}
    named = parse_named_schedules(json.dumps(document))

    if number > 366:
        assert (CALENDARS, "span") in named.faults
    else:
        days = named.calendars["span"]
        assert len(days) == number + 1
        assert (min(days), max(days)) == (first, last)
