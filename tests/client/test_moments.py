"""Times as the control API writes them, and as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse_cli.moments import (
    format_moment,
    local_clock,
    parse_moment,
    relative,
    spoken,
    stopwatch,
)

NOW = datetime(2026, 11, 22, 16, 25, 49, 120_000, tzinfo=UTC)


def test_the_control_api_s_times_are_read_and_written() -> None:
    """In UTC; what is written is to the second."""
    assert parse_moment("2026-11-22T16:25:49.120Z") == NOW
    assert format_moment(NOW) == "2026-11-22T16:25:49Z"


@pytest.mark.parametrize(
    "text", ["", "now", "2026-11-22T16:25:49", "2026-11-22", "0001-01-01T00:00:00+10:00"]
)
def test_what_is_no_time_of_the_api_is_refused(text: str) -> None:
    """A time without zone is none."""
    with pytest.raises(ValueError, match=r"."):
        parse_moment(text)


@given(st.text())
def test_any_text_is_a_time_in_utc_or_is_refused(text: str) -> None:
    """There is no third way."""
    try:
        assert parse_moment(text).tzinfo is UTC
    except ValueError:
        return


@given(st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_a_written_time_reads_back(moment: datetime) -> None:
    """The same."""
    assert parse_moment(format_moment(moment)) == moment


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (3599, "1 h"), (3900, "1 h 5 min"),
     (86_400 - 61, "23 h 59 min"), (90_000, "25 h"), (172_800, "2 days"), (-5, "0 s")],
)  # fmt: skip
def test_spoken(seconds: float, words: str) -> None:
    """Two units at most, rounded to the nearest."""
    assert spoken(seconds) == words


def test_relative_to_now() -> None:
    """Before, after, and neither."""
    assert relative(NOW + timedelta(minutes=12), NOW) == "in 12 min"
    assert relative(NOW - timedelta(hours=3), NOW) == "3 h ago"
    assert relative(NOW + timedelta(milliseconds=10), NOW) == "now"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (5, "0:05"), (480, "8:00"), (3723, "1:02:03"), (-1, "0:00")]
)
def test_stopwatch(seconds: float, shown: str) -> None:
    """As a clock shows it."""
    assert stopwatch(seconds) == shown


def test_a_clock_shows_its_date_if_it_is_not_today_s() -> None:
    """And its year, if that is another one."""
    noon = datetime.now().astimezone().replace(hour=12, minute=5)
    assert local_clock(noon, noon) == "12:05"
    year = noon.replace(year=2027, month=6, day=15)
    assert local_clock(year.replace(day=14), year) == "Mon 14 Jun 12:05"
    assert local_clock(year.replace(year=2026), year) == "2026-06-15 12:05"
