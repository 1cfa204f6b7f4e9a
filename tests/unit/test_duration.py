"""Durations are read as written, or refused in a sentence that quotes them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.duration import format_duration, parse_duration

ANY = {"shortest": timedelta(0), "longest": timedelta(days=40_000_000)}


@pytest.mark.parametrize(
    ("text", "seconds"), [("60s", 60), ("15m", 900), ("2h", 7200), ("168h", 604800), ("0s", 0)]
)
def test_an_integer_and_a_unit(text: str, seconds: int) -> None:
    """Seconds, minutes and hours."""
    assert parse_duration(text, **ANY) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "15", "m", "15 m", "1.5h", "-5m", "15M", "1h30m", "٣m", "7d"])
def test_other_forms_are_refused_with_the_text(text: str) -> None:
    """No guessing: 15M might be months, 1.5h needs no rounding rule."""
    with pytest.raises(ValueError, match="is not a duration") as refusal:
        parse_duration(text, **ANY)
    assert repr(text) in str(refusal.value)


def test_bounds_are_inclusive_and_named() -> None:
    """The sentence says what would be allowed."""
    bounds = {"shortest": timedelta(seconds=60), "longest": timedelta(days=7)}

    assert parse_duration("60s", **bounds) == timedelta(seconds=60)
    assert parse_duration("168h", **bounds) == timedelta(days=7)
    for text in ("59s", "0m", "169h", "10081m"):
        with pytest.raises(ValueError, match="from 1m to 168h is allowed"):
            parse_duration(text, **bounds)


@given(st.integers(min_value=0, max_value=10**9))
def test_what_is_written_reads_back(seconds: int) -> None:
    """format_duration and parse_duration are inverse on whole seconds."""
    duration = timedelta(seconds=seconds)

    if len(format_duration(duration)) <= 10:
        assert parse_duration(format_duration(duration), **ANY) == duration


@given(st.text())
def test_any_text_is_read_or_refused_by_value_error(text: str) -> None:
    """No other exception escapes, and what is read is within the bounds."""
    try:
        duration = parse_duration(text, shortest=timedelta(minutes=1), longest=timedelta(days=7))
    except ValueError:
        return
    assert timedelta(minutes=1) <= duration <= timedelta(days=7)
