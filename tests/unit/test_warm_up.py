"""When a warm-up is over, and what is left of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dormouse.domain.warm_up import WarmUp

NOW = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=10)
WARM_UP = WarmUp(("a", "b", "c"), frozenset({"b"}), NOW, UNTIL)


def test_what_is_left_keeps_its_order() -> None:
    """The most used first."""
    assert WARM_UP.left == ("a", "c")


def test_it_ends_when_that_is_noted_and_at_its_time_at_the_latest() -> None:
    """Until then it goes on."""
    assert WARM_UP.end(UNTIL - timedelta(seconds=1)) is None
    assert WARM_UP.end(UNTIL + timedelta(minutes=1)) == UNTIL
    assert replace(WARM_UP, ended_at=NOW).end(UNTIL + timedelta(minutes=1)) == NOW
