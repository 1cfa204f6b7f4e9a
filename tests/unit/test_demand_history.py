"""The days of demand: what is written is read, in little space, and nothing else is."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dormouse.domain.demand_history import (
    MINUTES_A_DAY,
    DemandDay,
    beginning_of_day,
    parse_counts,
    write_counts,
)

counts = st.dictionaries(st.integers(0, MINUTES_A_DAY - 1), st.integers(1, 10**12))


@given(counts)
@example({0: 1, 1439: 10**18 - 1})
@example(dict.fromkeys(range(MINUTES_A_DAY), 1))
def test_what_is_written_is_read(by_minute: dict[int, int]) -> None:
    """Whichever minutes, whatever counts, in whatever order they are given."""
    assert parse_counts(write_counts(by_minute)) == by_minute
    assert list(parse_counts(write_counts(by_minute))) == sorted(by_minute)


@given(st.text("0123456789=, é", max_size=40) | st.text(max_size=40))
@example("0=1 1=1")
def test_whatever_is_read_means_what_is_written_of_it(text: str) -> None:
    """All else is refused."""
    try:
        by_minute = parse_counts(text)
    except ValueError:
        return
    assert parse_counts(write_counts(by_minute)) == by_minute
    assert all(0 <= minute < MINUTES_A_DAY and count > 0 for minute, count in by_minute.items())


def test_neighbours_share_a_run() -> None:
    """As the documentation has it."""
    assert write_counts({541: 1, 600: 1, 540: 3}) == "540=3,1 600=1"
    assert write_counts({}) == ""
    assert parse_counts("") == {}


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("540=3 541:1", "'541:1' is no run"),
        ("540=3,0", "'540=3,0' is no run"),
        ("540=", "'540=' is no run"),
        ("0540=1", "'0540=1' is no run"),
        ("540=1,,1", "'540=1,,1' is no run"),
        ("\N{ARABIC-INDIC DIGIT FIVE}=1", "is no run"),
        ("540=1,1 541=1", "'541=1' begins before"),
        ("600=1 540=1", "'540=1' begins before"),
        ("1439=1,1", "'1439=1,1' goes beyond"),
        ("9999=1", "'9999=1' goes beyond"),
    ],
)
def test_what_is_no_day_is_refused(text: str, quoted: str) -> None:
    """The part that is not is quoted."""
    with pytest.raises(ValueError, match=quoted):
        parse_counts(text)


def test_a_day_takes_little_space() -> None:
    """A request each minute; one every other minute, which is the worst of few; many each."""
    assert len(write_counts(dict.fromkeys(range(MINUTES_A_DAY), 1))) < 3_000
    assert len(write_counts(dict.fromkeys(range(0, MINUTES_A_DAY, 2), 9))) < 4_500
    assert len(write_counts(dict.fromkeys(range(MINUTES_A_DAY), 999))) < 6_000


def test_the_minutes_of_a_day_are_those_of_utc() -> None:
    """In order, whatever order they were counted in."""
    day = DemandDay(date(2026, 2, 16), datetime(2026, 2, 17, tzinfo=UTC), {600: 1, 0: 2})

    assert beginning_of_day(day.day) == datetime(2026, 2, 16, tzinfo=UTC)
    assert list(day.minutes().items()) == [
        (datetime(2026, 2, 16, tzinfo=UTC), 2),
        (datetime(2026, 2, 16, tzinfo=UTC) + timedelta(hours=10), 1),
    ]
