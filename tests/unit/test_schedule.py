"""The grammar of schedules, and the windows that follow from it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.named_schedules import NO_NAMES, parse_named_schedules, parse_schedule
from dormouse.domain.schedule import DAYS, ScheduleError, Window

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Etc/GMT+5", "Asia/Kathmandu"]

times = st.integers(0, 24 * 60 - 1)
days = st.one_of(
    st.just("daily"),
    st.sampled_from(DAYS),
    st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)).map("-".join),
)


def written(minutes: int) -> str:
    """Write a time of day."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def terms(draw: st.DrawFn) -> str:
    """Draw one window, as a user may write it."""
    begins = draw(times)
    ends = draw((times | st.just(24 * 60)).filter(lambda end: end != begins))
    zone = draw(st.sampled_from(["", *(f" {zone}" for zone in ZONES)]))
    return f"{draw(days)} {written(begins)}-{written(ends)}{zone}"


schedules = st.lists(terms(), min_size=1, max_size=4).map(" + ".join)


@given(schedules)
def test_what_is_parsed_prints_and_is_parsed_again(text: str) -> None:
    """What is printed is the same schedule, and prints the same."""
    schedule = parse_schedule(text)

    assert parse_schedule(str(schedule)) == schedule
    assert str(parse_schedule(str(schedule))) == str(schedule)


@given(st.text(max_size=60) | st.text(alphabet="Mon-Fri 0819:+@UTC/", max_size=40))
def test_any_text_is_a_schedule_or_an_error_that_quotes_it(text: str) -> None:
    """Nothing else is ever raised."""
    try:
        parse_schedule(text)
    except ScheduleError as error:
        assert "as in" in str(error)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "''"),
        ("Mon-Fry 08:00-18:00", "'Fry' is no day"),
        ("Mon-Tue-Wed 08:00-18:00", "'Mon-Tue-Wed' are no days"),
        ("Mon,Tue 08:00-18:00", "'Mon,Tue' is no day"),
        ("Mon-Fri 8:00-18:00", "'8:00' is no time"),
        ("Mon-Fri 08:00-25:00", "'25:00' is no time"),
        ("Mon-Fri 08:60-18:00", "'08:60' is no time"),
        ("Mon-Fri 08:00", "'08:00' has no end"),
        ("Mon-Fri 24:00-06:00", "'24:00' is no beginning"),
        ("Mon-Fri 08:00-08:00", "begins and ends at the same time"),
        ("Mon-Fri 08:00-18:00 Berlin", "'Berlin' is no time zone"),
        ("Mon-Fri 08:00-18:00 ../../etc/passwd", "'../../etc/passwd' is no time zone"),
        ("Mon-Fri 08:00-18:00 Europe", "'Europe' is no time zone"),
        ("Mon-Fri 08:00-18:00  UTC", "is no window"),
        ("Mon-Fri 08:00-18:00 + ", "'' is no window"),
        ("Mon-Fri 08:00-18:00 - holidays", "'holidays' is no calendar"),
        ("Mon-Fri 08:00-18:00 - @", "'@' is no name"),
        ("@office", "no schedule named 'office'"),
        ("Mon-Fri 08:00-18:00 - @holidays", "no calendar named 'holidays'"),
    ],
)
def test_a_bad_part_is_named_with_an_example(text: str, part: str) -> None:
    """Whoever reads it knows what to write instead."""
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text)

    assert part in str(caught.value)
    assert "as in" in str(caught.value)


def test_days_and_zones_are_printed_in_one_way() -> None:
    """Whichever way they were written."""
    assert str(parse_schedule("mon-SUN 08:00-18:00")) == "daily 08:00-18:00 UTC"
    assert str(parse_schedule("Fri-Mon 22:00-24:00 Europe/Berlin")) == (
        "Fri-Mon 22:00-24:00 Europe/Berlin"
    )


def utc(text: str) -> datetime:
    """Read a moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment", "begins", "ends"),
    [
        # 2026-03-02 is a Monday.
        ("Mon 08:00-18:00", "2026-03-02T08:00", "2026-03-02T08:00", "2026-03-02T18:00"),
        ("Mon 08:00-18:00", "2026-03-02T17:59", "2026-03-02T08:00", "2026-03-02T18:00"),
        ("Mon 08:00-18:00", "2026-03-02T18:00", None, None),
        # Overnight: it belongs to the Monday, and is over on the Tuesday.
        ("Mon 22:00-06:00", "2026-03-03T05:59", "2026-03-02T22:00", "2026-03-03T06:00"),
        ("Mon 22:00-06:00", "2026-03-02T05:59", None, None),
        # Over the end of the week: Sunday the 8th is in, Tuesday the 10th is not.
        ("Sat-Mon 09:00-10:00", "2026-03-08T09:30", "2026-03-08T09:00", "2026-03-08T10:00"),
        ("Sat-Mon 09:00-10:00", "2026-03-10T09:30", None, None),
        # Auckland is 13 hours ahead: its Monday begins on Sunday noon.
        (
            "Mon 00:00-24:00 Pacific/Auckland",
            "2026-03-01T11:00",
            "2026-03-01T11:00",
            "2026-03-02T11:00",
        ),
        # Windows that touch are one.
        (
            "Mon 08:00-12:00 + Mon 12:00-18:00",
            "2026-03-02T09:00",
            "2026-03-02T08:00",
            "2026-03-02T18:00",
        ),
        # 2026-03-29, a Sunday: Berlin's clock goes from 02:00 to 03:00, at 01:00 UTC.
        (
            "Sun 02:30-05:00 Europe/Berlin",
            "2026-03-29T01:00",
            "2026-03-29T01:00",
            "2026-03-29T03:00",
        ),
        ("Sun 02:15-02:45 Europe/Berlin", "2026-03-29T01:00", None, None),
        (
            "Sun 01:00-02:30 Europe/Berlin",
            "2026-03-29T00:30",
            "2026-03-29T00:00",
            "2026-03-29T01:00",
        ),
        # 2026-10-25, a Sunday: it goes from 03:00 back to 02:00, at 01:00 UTC.
        (
            "Sun 02:30-04:00 Europe/Berlin",
            "2026-10-25T01:00",
            "2026-10-25T00:30",
            "2026-10-25T03:00",
        ),
        (
            "Sun 01:00-02:30 Europe/Berlin",
            "2026-10-25T01:15",
            "2026-10-24T23:00",
            "2026-10-25T01:30",
        ),
        (
            "Sat 22:00-06:00 Europe/Berlin",
            "2026-10-25T04:59",
            "2026-10-24T20:00",
            "2026-10-25T05:00",
        ),
    ],
)
def test_a_window_with_its_date(
    text: str, moment: str, begins: str | None, ends: str | None
) -> None:
    """Literal dates, the weekday beside them."""
    expected = Window(utc(begins), utc(ends)) if begins and ends else None

    assert parse_schedule(text).window_at(utc(moment)) == expected


def test_the_next_window_begins_strictly_after() -> None:
    """From within one, it is the one after that."""
    schedule = parse_schedule("Mon-Fri 08:00-18:00")

    # Friday the 6th, and Monday the 9th.
    assert schedule.next_window(utc("2026-03-06T07:59")) == Window(
        utc("2026-03-06T08:00"), utc("2026-03-06T18:00")
    )
    assert schedule.next_window(utc("2026-03-06T08:00")) == Window(
        utc("2026-03-09T08:00"), utc("2026-03-09T18:00")
    )


NAMED = parse_named_schedules(
    '{"schedules": {"office": "Mon-Fri 08:00-18:00 Europe/Berlin - @holidays",'
    ' "broken": "Mon-Fry 08:00-18:00", "again": "@office"},'
    ' "calendars": {"holidays": ["2026-12-25", "2026-12-28/2027-01-01"], "odd": ["Xmas"],'
    ' "back": ["2026-12-25/2026-12-24"], "fair": ["2026-12-22"]}}'
)


def test_a_named_schedule_with_its_holidays() -> None:
    """2026-12-24 is a Thursday; the Friday after it is left out, as is the week that follows."""
    schedule = parse_schedule("@office + Sat 10:00-12:00 Europe/Berlin", NAMED)

    assert str(schedule) == "@office + Sat 10:00-12:00 Europe/Berlin"
    assert schedule.window_at(utc("2026-12-24T09:00")) is not None
    assert schedule.window_at(utc("2026-12-25T09:00")) is None
    assert schedule.window_at(utc("2026-12-26T09:30")) is not None
    assert schedule.window_at(utc("2026-12-31T09:00")) is None
    assert schedule.window_at(utc("2027-01-04T09:00")) is not None


def test_a_calendar_of_the_tag_is_for_every_window_in_it() -> None:
    """Those of the named schedule among them, beside its own; 2026-12-22 is a Tuesday."""
    schedule = parse_schedule("@office + daily 20:00-21:00 - @fair", NAMED)

    assert schedule.window_at(utc("2026-12-22T09:00")) is None
    assert schedule.window_at(utc("2026-12-22T20:30")) is None
    assert schedule.window_at(utc("2026-12-23T20:30")) is not None
    assert schedule.window_at(utc("2026-12-25T20:30")) is not None


def test_a_night_that_begins_before_a_holiday_goes_on_into_it() -> None:
    """It belongs to the day on which it begins."""
    schedule = parse_schedule("daily 22:00-06:00 Europe/Berlin - @holidays", NAMED)

    assert schedule.window_at(utc("2026-12-25T03:00")) is not None
    assert schedule.window_at(utc("2026-12-25T23:00")) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@broken", "'Fry' is no day"),
        ("@again", "no schedule with a name can refer to another"),
        ("daily 08:00-09:00 - @odd", "'Xmas' is no day"),
        ("daily 08:00-09:00 - @back", "ends before it begins"),
        ("@none", "no schedule named 'none'"),
    ],
)
def test_a_broken_entry_spoils_only_who_refers_to_it(text: str, words: str) -> None:
    """The office is as it was."""
    with pytest.raises(ScheduleError, match=words):
        parse_schedule(text, NAMED)
    assert parse_schedule("@office", NAMED).window_at(utc("2026-12-24T09:00")) is not None


@given(st.text() | st.recursive(st.none() | st.text(), st.lists).map(str))
def test_any_document_is_read(text: str) -> None:
    """Whoever refers to something in a broken one is told; nobody else is."""
    named = parse_named_schedules(text)

    assert parse_schedule("daily 08:00-09:00", named) == parse_schedule("daily 08:00-09:00")
    with pytest.raises(ScheduleError):
        parse_schedule("@office", named)


def test_without_a_document_there_are_no_names() -> None:
    """As where the parameter is empty."""
    assert parse_named_schedules("{}") == NO_NAMES


@given(schedules, st.integers(0, 7 * 365 * 24 * 60))
def test_windows_follow_one_another(text: str, minutes: int) -> None:
    """The next one begins later than this one ends, and is found from anywhere before it."""
    now = utc("2024-01-01T00:00") + timedelta(minutes=minutes)
    schedule = parse_schedule(text)
    here, coming = schedule.window_at(now), schedule.next_window(now)

    if here is not None:
        assert here.begins_at <= now < here.ends_at
    if coming is not None:
        assert now < coming.begins_at <= now + timedelta(days=15)
        assert schedule.window_at(coming.begins_at) is not None
        assert schedule.window_at(coming.begins_at - timedelta(microseconds=1)) is None
    if here is not None and coming is not None:
        assert here.ends_at < coming.begins_at
