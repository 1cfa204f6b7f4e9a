"""Durations and ends as users write them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dormouse_cli.durations import (
    LONGEST_HOLD,
    SHORTEST_HOLD,
    format_duration,
    parse_duration,
    parse_since,
    parse_until,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 16, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"), [("60s", 60), ("90s", 90), ("15m", 900), ("2h", 7200), ("168h", 604800)]
)
def test_a_duration(text: str, seconds: int) -> None:
    """A whole number and a unit, both ends of the range included."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "2", "h", "2 h", "-2h", "1.5h", "2d", "2H", "2h\n", "٢h", "1e3s", "99999999999s"]
)
def test_what_is_no_duration_is_quoted(text: str) -> None:
    """With an example of what is."""
    with pytest.raises(ValueError, match="is not a duration: write a whole number") as error:
        parse_duration(text)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize("text", ["59s", "0s", "169h", "604801s"])
def test_what_is_too_short_or_too_long_learns_the_range(text: str) -> None:
    """As the control API has it."""
    with pytest.raises(ValueError, match="from 1m to 168h is allowed"):
        parse_duration(text)


@given(st.integers(int(SHORTEST_HOLD.total_seconds()), int(LONGEST_HOLD.total_seconds())))
def test_a_written_duration_reads_back(seconds: int) -> None:
    """In whatever unit it was written."""
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


@given(st.text())
@example("1h")
def test_any_text_is_a_duration_within_bounds_or_is_refused(text: str) -> None:
    """There is no third way."""
    try:
        duration = parse_duration(text)
    except ValueError:
        return
    assert SHORTEST_HOLD <= duration <= LONGEST_HOLD


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("2026-11-23T18:00Z", datetime(2026, 11, 23, 18, tzinfo=UTC)),
        ("2026-11-23T18:00:30+02:00", datetime(2026, 11, 23, 16, 0, 30, tzinfo=UTC)),
        ("2026-11-23T18:00", datetime(2026, 11, 23, 17, tzinfo=UTC)),
        ("2026-11-23 18:00", datetime(2026, 11, 23, 17, tzinfo=UTC)),
        # It is 17:25 in Berlin.
        ("18:00", datetime(2026, 11, 22, 17, tzinfo=UTC)),
        ("17:25", datetime(2026, 11, 23, 16, 25, tzinfo=UTC)),
        ("8:00", datetime(2026, 11, 23, 7, tzinfo=UTC)),
        ("0:00", datetime(2026, 11, 22, 23, tzinfo=UTC)),
    ],
)
def test_an_end(text: str, until: datetime) -> None:
    """With a zone, without one, and as a time of day."""
    assert parse_until(text, now=NOW, zone=BERLIN) == until


def test_an_end_without_zone_is_this_machine_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own rules of daylight saving, at that time of the year."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert parse_until("2027-07-01T12:00", now=NOW) == datetime(2027, 7, 1, 16, tzinfo=UTC)
        assert parse_until("12:00", now=NOW) == datetime(2026, 11, 22, 17, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_day_that_is_longer_by_an_hour() -> None:
    """Tomorrow's 12:00 is tomorrow's, though the clocks go back in between."""
    now = datetime(2026, 10, 24, 12, 30, tzinfo=BERLIN)
    assert parse_until("12:00", now=now, zone=BERLIN) == datetime(2026, 10, 25, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-11-23", "18", "18:0", "2026-13-01T00:00Z", "2026-11-23T18:00+25:00",
     "20261123T1800", "2026-11-23T18:00Z\n", "0001-01-01T00:00+10:00"],
)  # fmt: skip
def test_what_is_no_end_is_quoted(text: str) -> None:
    """With examples of what is."""
    with pytest.raises(ValueError, match="is not a time: write 18:00") as error:
        parse_until(text, now=NOW, zone=BERLIN)
    assert repr(text) in str(error.value)


def test_a_time_of_day_that_no_clock_shows() -> None:
    """It has the form, and is none."""
    with pytest.raises(ValueError, match="from 0:00 to 23:59"):
        parse_until("24:00", now=NOW, zone=BERLIN)


def test_what_has_passed_is_refused() -> None:
    """An end that is now holds nothing."""
    with pytest.raises(ValueError, match="has passed already"):
        parse_until("2026-11-22T16:25Z", now=NOW, zone=BERLIN)


@given(
    st.one_of(
        st.text(),
        st.from_regex(r"[0-9]{1,2}:[0-9]{2}", fullmatch=True),
        st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]Z?", fullmatch=True),
    )
)
@example("9999-12-31T23:59")
@example("0001-01-01T00:00")
def test_any_text_is_an_end_to_come_or_is_refused(text: str) -> None:
    """A time of day is never more than a day ahead."""
    try:
        until = parse_until(text, now=NOW, zone=BERLIN)
    except ValueError:
        return
    assert until > NOW
    assert until.tzinfo is UTC
    if len(text) <= len("18:00"):
        assert until - NOW <= timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("1h", datetime(2026, 11, 22, 15, 25, tzinfo=UTC)),
        ("0s", NOW),
        ("72h", datetime(2026, 11, 19, 16, 25, tzinfo=UTC)),
        ("2026-11-22T16:00Z", datetime(2026, 11, 22, 16, tzinfo=UTC)),
        ("2026-11-22T16:00", datetime(2026, 11, 22, 15, tzinfo=UTC)),
        # It is 17:25 in Berlin.
        ("17:25", NOW),
        ("17:26", datetime(2026, 11, 21, 16, 26, tzinfo=UTC)),
        ("8:00", datetime(2026, 11, 22, 7, tzinfo=UTC)),
        ("18:00", datetime(2026, 11, 21, 17, tzinfo=UTC)),
    ],
)
def test_since(text: str, since: datetime) -> None:
    """A duration ago, a time in UTC, or of this machine; a time of day is the last one."""
    assert parse_since(text, now=NOW, zone=BERLIN) == since


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is neither a duration nor a time"),
        ("1 hour", "is neither a duration nor a time"),
        ("2026-11-22", "is neither a duration nor a time"),
        ("24:00", "is not a time of day"),
        ("2026-11-22T16:26Z", "is yet to come"),
        ("999999999h", "is out of range"),
    ],
)
def test_what_has_not_passed_is_quoted(text: str, why: str) -> None:
    """And told apart."""
    with pytest.raises(ValueError, match=why) as error:
        parse_since(text, now=NOW, zone=BERLIN)
    assert repr(text) in str(error.value)


@given(st.text() | st.from_regex(r"[0-9]{1,9}[smh]|[0-9]{1,2}:[0-9]{2}", fullmatch=True))
def test_any_text_has_passed_or_is_refused(text: str) -> None:
    """There is no third way."""
    try:
        since = parse_since(text, now=NOW, zone=BERLIN)
    except ValueError:
        return
    assert since <= NOW
