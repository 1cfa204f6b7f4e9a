"""A histogram of latencies: what it tells is near the truth, and adding up changes nothing."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.latencies import Latencies

LATENCIES = st.timedeltas(timedelta(0), timedelta(minutes=15))
MEASURED = st.timedeltas(timedelta(microseconds=100), timedelta(minutes=15))


def histogram(latencies: list[timedelta]) -> Latencies:
    """Count them all."""
    counted = Latencies()
    for latency in latencies:
        counted = counted.plus(Latencies.of(latency))
    return counted


@given(st.lists(MEASURED, min_size=1, max_size=60), st.floats(0.01, 1))
def test_a_quantile_is_within_a_tenth(latencies: list[timedelta], share: float) -> None:
    """Of the one that a sorted list would tell, by the nearest rank: 9.1 % off at the most."""
    true = sorted(latencies)[math.ceil(share * len(latencies)) - 1]
    told = histogram(latencies).quantile(share)
    assert told is not None
    assert abs(told - true) <= true * 0.0911 + timedelta(microseconds=1)


@given(st.lists(LATENCIES), st.lists(LATENCIES), st.lists(LATENCIES))
def test_it_merges_exactly(a: list[timedelta], b: list[timedelta], c: list[timedelta]) -> None:
    """In any order, however they were counted."""
    one, two, three = histogram(a), histogram(b), histogram(c)
    assert one.plus(two) == two.plus(one) == histogram([*a, *b])
    assert one.plus(two).plus(three) == one.plus(two.plus(three)) == histogram([*c, *a, *b])
    assert one.plus(Latencies()) == one


@given(st.lists(LATENCIES))
def test_what_is_written_is_read(latencies: list[timedelta]) -> None:
    """The same again."""
    counted = histogram(latencies)
    assert Latencies.parse(counted.write()) == counted


def test_it_is_small() -> None:
    """A few letters for each bucket that is not empty."""
    counted = histogram([timedelta(milliseconds=ms) for ms in (20, 20, 21, 500)])
    assert counted.write() == "30:3 47:1"


def test_none_have_no_quantile() -> None:
    """Nor has what was never asked of SageMaker."""
    assert Latencies().quantile(0.5) is None
    assert Latencies().write() == ""


@pytest.mark.parametrize(
    ("latency", "told"),
    [
        (timedelta(0), timedelta(microseconds=100)),
        (timedelta(microseconds=-5), timedelta(microseconds=100)),
        (timedelta(microseconds=100), timedelta(microseconds=100)),
        (timedelta(days=1), Latencies.of(timedelta(minutes=15)).quantile(1)),
    ],
)
def test_what_lies_outside_is_told_as_the_nearest(latency: timedelta, told: timedelta) -> None:
    """Nothing is faster than 0.1 ms, nothing lasts longer than 15 minutes."""
    assert Latencies.of(latency).quantile(0.5) == told


@pytest.mark.parametrize("word", ["41", "41:", ":3", "41:0", "89:1", "41:-3", "41:3,42:1", "٤:1"])
def test_what_is_no_histogram_is_quoted(word: str) -> None:
    """The bad part of it alone."""
    with pytest.raises(ValueError, match="not a bucket of latencies") as caught:
        Latencies.parse(f"30:3 {word} 47:1")
    assert repr(word) in str(caught.value)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """By ValueError alone; what is read has only buckets that there are."""
    try:
        counted = Latencies.parse(text)
    except ValueError:
        return
    assert Latencies.parse(counted.write()) == counted
    assert all(count > 0 for count in counted.counts.values())
