"""A lease covers a whole call, however long that takes."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.lease import LeaseTerms

NOW = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)
SECONDS = st.integers(1, 600).map(lambda seconds: timedelta(seconds=seconds))


@given(SECONDS, SECONDS, SECONDS, SECONDS)
def test_it_covers_calls_for_exactly_the_interval(
    interval: timedelta, read_timeout: timedelta, margin: timedelta, later: timedelta
) -> None:
    """And what begins under it ends before it, with the margin left."""
    terms = LeaseTerms(interval, read_timeout, margin)
    until = terms.until(NOW)

    assert terms.covers(until, NOW + later) == (later <= interval)
    if terms.covers(until, NOW + later):
        assert NOW + later + read_timeout + margin <= until
