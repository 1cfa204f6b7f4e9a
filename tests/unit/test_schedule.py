"""The grammar of schedules, and the windows that follow from it."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dormouse.domain.named_schedules import parse_named_schedules, parse_schedule
from dormouse.domain.schedule import DAYS, HORIZON, ScheduleError, Window
from tests.unit.slow_clock import ZONES, Slot, joined, slow_clock, written

NAMED = parse_named_schedules(
    '{"schedules": {"office": "Mon-Fri 08:00-18:00 Europe/Berlin - @holidays"},'
    ' "calendars": {"holidays": ["2026-12-25", "2026-12-28/2027-01-01"], "fair": ["2026-12-22"]}}'
)

times = st.integers(0, 24 * 60 - 1)
days = st.one_of(
    st.just("daily"),
    st.sampled_from(DAYS),
    st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)).map("-".join),
)


@st.composite
def terms(draw: st.DrawFn) -> str:
    """Draw one window, as a user may write it."""
    begins = draw(times)
    ends = draw((times | st.just(24 * 60)).filter(lambda end: end != begins))
    zone = draw(st.just("") | st.sampled_from(ZONES).map(" {}".format))
    named = draw(days | days.map(str.upper) | days.map(str.lower))
    return f"{named} {written(begins)}-{written(ends)}{zone}"


schedules = st.lists(terms(), min_size=1, max_size=4).map(" + ".join)


@st.composite
def with_names(draw: st.DrawFn) -> str:
    """Draw a schedule that may refer to what has a name."""
    parts = draw(st.lists(terms() | st.just("@office"), min_size=1, max_size=4))
    calendars = draw(st.lists(st.sampled_from(["holidays", "fair"]), max_size=2))
    return " + ".join(parts) + "".join(f" - @{name}" for name in calendars)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Draw a schedule in which something was struck out, doubled or mistyped."""
    text = draw(with_names())
    at = draw(st.integers(0, len(text) - 1))
    put = draw(st.sampled_from(["", text[at] * 2, *"09:-+@/. ,A\u00a0\u0663"]) | st.characters())
    return text[:at] + put + text[at + 1 :]


@given(with_names())
def test_what_is_parsed_prints_and_is_parsed_again(text: str) -> None:
    """What is printed is the same schedule, and prints the same."""
    schedule = parse_schedule(text, NAMED)

    assert parse_schedule(str(schedule), NAMED) == schedule
    assert str(parse_schedule(str(schedule), NAMED)) == str(schedule)


@given(st.text(max_size=60) | st.text(alphabet="Mon-Fri 0819:+@UTC/", max_size=40) | damaged())
def test_any_text_is_a_schedule_or_an_error_with_an_example(text: str) -> None:
    """Nothing else is ever raised."""
    try:
        schedule = parse_schedule(text, NAMED)
    except ScheduleError as error:
        assert "as in" in str(error)
    else:
        assert parse_schedule(str(schedule), NAMED) == schedule


@given(st.text(min_size=1, max_size=30) | st.sampled_from(ZONES).map(lambda zone: f"../{zone}"))
def test_any_zone_is_known_or_an_error(zone: str) -> None:
    """Paths too: only names of the list are ever looked up."""
    try:
        parse_schedule(f"daily 08:00-18:00 {zone}")
    except ScheduleError as error:
        assert "as in Mon-Fri 08:00-18:00 Europe/Berlin" in str(error)
    else:
        assert zone in ZONES


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "''"),
        ("Mon-Fry 08:00-18:00", "'Fry' is no day"),
        ("Mon-Tue-Wed 08:00-18:00", "'Mon-Tue-Wed' are no days"),
        ("daily-Fri 08:00-18:00", "'daily-Fri' are no days"),
        ("Mon-Fri 08:00 - 18:00", "'08:00' has no end"),
        ("Mon-Fri 08:00-18:00 /etc", "'/etc' is no time zone"),
        ("Mon-Fri 08:00-18:00 localtime", "'localtime' is no time zone"),
        ("Mon-Fri 08:00-18:00 europe/berlin", "'europe/berlin' is no time zone"),
        ("Mon-Fri 08:00-18:00 - @a + Sat 08:00-09:00", "'@a + Sat 08:00-09:00' is no calendar"),
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
        # Over the night in which it goes forward: an hour less.
        (
            "Sat 22:00-06:00 Europe/Berlin",
            "2026-03-29T03:59",
            "2026-03-28T21:00",
            "2026-03-29T04:00",
        ),
        # 2026-04-24, a Friday: Cairo has no midnight, from 24:00 it goes on at 01:00, 22:00 UTC.
        (
            "Thu 20:00-24:00 Africa/Cairo",
            "2026-04-23T21:59",
            "2026-04-23T18:00",
            "2026-04-23T22:00",
        ),
        (
            "Fri 00:00-06:00 Africa/Cairo",
            "2026-04-23T22:00",
            "2026-04-23T22:00",
            "2026-04-24T03:00",
        ),
        # 2026-11-01, a Sunday: Havana has two, from 01:00 it goes back to 00:00, at 05:00 UTC.
        (
            "Sat 22:00-24:00 America/Havana",
            "2026-11-01T04:30",
            "2026-11-01T02:00",
            "2026-11-01T05:00",
        ),
        (
            "Sun 00:00-00:30 America/Havana",
            "2026-11-01T04:45",
            "2026-11-01T04:00",
            "2026-11-01T05:30",
        ),
        # As far east and west as there are zones: Monday begins on Sunday, or ends on Tuesday.
        (
            "Mon 08:00-18:00 Pacific/Kiritimati",
            "2026-03-01T18:00",
            "2026-03-01T18:00",
            "2026-03-02T04:00",
        ),
        ("Mon 18:00-24:00 Etc/GMT+12", "2026-03-03T11:59", "2026-03-03T06:00", "2026-03-03T12:00"),
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


def slots() -> st.SearchStrategy[list[Slot]]:
    """Draw some windows as they are meant."""
    names = st.sampled_from(ZONES)

    @st.composite
    def slot(draw: st.DrawFn, zone: str) -> Slot:
        first, number = draw(st.integers(0, 6)), draw(st.integers(1, 7))
        begins = draw(times)
        ends = draw((times | st.just(24 * 60)).filter(lambda end: end != begins))
        # In the order in which they are written, over the end of the week.
        return Slot([(first + more) % 7 for more in range(number)], begins, ends, zone)

    return names.flatmap(lambda zone: st.lists(slot(zone), min_size=1, max_size=3))


@given(slots(), st.dates(date(2024, 1, 1), date(2030, 12, 31)), st.integers(), st.booleans())
@settings(max_examples=200)
def test_the_state_is_that_of_the_slow_reference(
    meant: list[Slot], day: date, seed: int, is_free: bool
) -> None:
    """At any instant of any day, in any zone; on one from whose date on there are holidays too."""
    calendar = {day, day + timedelta(days=1)} if is_free else set[date]()
    holidays = ", ".join(f'"{each}"' for each in calendar)
    named = parse_named_schedules(f'{{"calendars": {{"free": [{holidays}]}}}}')
    schedule = parse_schedule(" + ".join(str(slot) for slot in meant) + " - @free", named)
    clock = slow_clock(meant[0].zone, day)
    expected = [window for slot in meant for window in clock.windows(slot, calendar)]
    begins_at = [window.begins_at for window in joined(expected)]
    midnight, random = datetime(day.year, day.month, day.day, tzinfo=UTC), Random(seed)

    for _ in range(30):
        at = midnight + timedelta(milliseconds=random.randrange(24 * 60 * 60 * 1000))
        is_in = any(each.begins_at <= at < each.ends_at for each in expected)
        assert (schedule.window_at(at) is not None) == is_in
        coming = next((each for each in begins_at if each > at), None)
        if coming is not None:
            found = schedule.next_window(at)
            assert found is not None
            assert found.begins_at == coming


def test_nothing_is_looked_for_beyond_the_horizon() -> None:
    """A window that comes once in a month of holidays: 2026-12-07 is a Monday, as is the 28th."""
    named = parse_named_schedules('{"calendars": {"off": ["2026-12-08/2026-12-27"]}}')
    schedule = parse_schedule("Mon 08:00-18:00 - @off", named)

    assert schedule.next_window(utc("2026-12-07T08:00")) is None
    found = schedule.next_window(utc("2026-12-28T08:00") - HORIZON)
    assert found == Window(utc("2026-12-28T08:00"), utc("2026-12-28T18:00"))
    assert schedule.next_window(utc("2026-12-28T07:59") - HORIZON) is None


def test_one_without_an_end_is_found_at_any_moment() -> None:
    """It is never over, and no other one begins."""
    schedule = parse_schedule("daily 00:00-24:00 Europe/Berlin")

    for hours in range(0, 14 * 24, 5):
        at = utc("2026-03-20T00:30") + timedelta(hours=hours)
        window = schedule.window_at(at)
        assert window is not None
        assert window.ends_at > at + timedelta(days=14)
        assert schedule.next_window(at) is None


def test_a_moment_may_be_told_in_any_zone() -> None:
    """It is the instant that counts."""
    schedule = parse_schedule("Mon 08:00-18:00")
    at = datetime.fromisoformat("2026-03-02T22:00+14:00")

    assert schedule.window_at(at) == schedule.window_at(utc("2026-03-02T08:00"))
    assert schedule.window_at(at) is not None
