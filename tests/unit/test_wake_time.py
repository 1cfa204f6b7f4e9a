"""What Retry-After says: by the endpoint's own wakes, and how far the present one has come."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.wake_time import expected_wake, retry_after_seconds

NOW = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)
PRIOR = timedelta(minutes=8)


def minutes(*wakes: float) -> list[timedelta]:
    """Some wakes that took so long."""
    return [timedelta(minutes=wake) for wake in wakes]


def test_before_there_are_any_the_prior_holds() -> None:
    """The setting."""
    assert expected_wake((), PRIOR) == PRIOR


def test_one_slow_wake_does_not_count() -> None:
    """The median is taken, not the mean."""
    assert expected_wake(minutes(5, 6, 30), PRIOR) == timedelta(minutes=6)
    assert expected_wake(minutes(5, 6), PRIOR) == timedelta(minutes=5.5)


def test_a_wake_under_way_takes_only_what_is_left_of_it() -> None:
    """It began when its creation was asked for."""
    started_at = NOW - timedelta(minutes=2)
    assert retry_after_seconds(minutes(6), PRIOR, None, NOW) == 360
    assert retry_after_seconds(minutes(6), PRIOR, started_at, NOW) == 240


def test_one_that_takes_longer_than_expected_takes_a_tenth_more() -> None:
    """Nobody is sent away for as long again."""
    started_at = NOW - timedelta(minutes=7)
    assert retry_after_seconds(minutes(6), PRIOR, started_at, NOW) == 36


def test_nobody_is_told_to_come_back_at_once() -> None:
    """Unless a wake takes no longer than that."""
    started_at = NOW - timedelta(minutes=5, seconds=59)
    assert retry_after_seconds(minutes(6), PRIOR, started_at, NOW) == 5
    assert retry_after_seconds([timedelta(seconds=2)], PRIOR, None, NOW) == 2


@given(
    st.lists(st.timedeltas(timedelta(seconds=1), timedelta(hours=1)), max_size=9),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=1)),
)
def test_it_is_always_a_time_to_come(wakes: list[timedelta], ago: timedelta | None) -> None:
    """Positive, and no longer than a whole wake."""
    started_at = None if ago is None else NOW - ago
    seconds = retry_after_seconds(wakes, PRIOR, started_at, NOW)
    assert 1 <= seconds <= expected_wake(wakes, PRIOR).total_seconds() + 1
