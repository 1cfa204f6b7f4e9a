"""The use of models: what is counted, under which model, and that it adds up in any order."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.latencies import Latencies
from dormouse.domain.usage import (
    NO_MODEL,
    OTHERS,
    MinutePart,
    Tally,
    caller_of,
    hottest,
    minute_of,
    model_of,
    tally_of,
    usage_of,
)
from tests.fakes.exchanges import AT, exchange

MINUTE = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
COUNTS = st.integers(0, 10**6)
TALLIES = st.builds(
    Tally,
    requests=COUNTS,
    errors_4xx=COUNTS,
    errors_5xx=COUNTS,
    cold=COUNTS,
    waited=st.integers(0, 10**9).map(lambda ms: timedelta(milliseconds=ms)),
    bytes_in=COUNTS,
    bytes_out=COUNTS,
    latency=st.dictionaries(st.integers(0, 88), st.integers(1, 10**6), max_size=4).map(Latencies),
)
NAMES = st.sampled_from(["", "a", "b", "c"])
PARTS = st.builds(
    MinutePart,
    endpoint=st.just("reviews"),
    minute=st.integers(0, 5).map(lambda number: MINUTE + timedelta(minutes=number)),
    name=st.uuids().map(str),
    models=st.dictionaries(NAMES, TALLIES, max_size=3),
    callers=st.dictionaries(NAMES, COUNTS, max_size=3),
)


def test_a_prediction_is_counted() -> None:
    """Its bytes, its latency, and how long it has waited."""
    assert tally_of(exchange(waited=timedelta(seconds=90.0004))) == Tally(
        requests=1,
        cold=1,
        waited=timedelta(seconds=90),
        bytes_in=5,
        bytes_out=7,
        latency=Latencies.of(timedelta(milliseconds=20)),
    )


@pytest.mark.parametrize(
    ("status", "errors"),
    [(200, (0, 0)), (399, (0, 0)), (400, (1, 0)), (499, (1, 0)), (500, (0, 1))],
)
def test_errors_are_told_apart(status: int, errors: tuple[int, int]) -> None:
    """And are no uses of the model."""
    tally = tally_of(exchange(status=status))
    assert (tally.errors_4xx, tally.errors_5xx) == errors
    assert tally.uses == 1 - sum(errors)


def test_what_sagemaker_was_not_asked_has_no_latency() -> None:
    """It would tell nothing of the model."""
    tally = tally_of(exchange(status=503, is_asked=False))
    assert tally.latency == Latencies()
    assert tally.errors_5xx == 1


@pytest.mark.parametrize("status", [200, 424, 429, 500, 503, 504])
def test_it_counts_under_the_model_that_was_asked(status: int) -> None:
    """An alias's target, not the alias."""
    assert model_of(exchange("a.tar.gz", alias="a@live", status=status)) == "a.tar.gz"


@pytest.mark.parametrize("status", [400, 403, 404, 413])
def test_a_name_that_was_refused_is_no_model(status: int) -> None:
    """Callers can invent as many as they like."""
    assert model_of(exchange("invented", status=status)) == NO_MODEL


def test_a_name_that_nobody_was_asked_for_is_no_model() -> None:
    """Nor is none, nor one that no object in S3 can have."""
    assert model_of(exchange("a", status=503, is_asked=False)) == NO_MODEL
    assert model_of(exchange(None)) == NO_MODEL
    assert model_of(exchange("")) == NO_MODEL
    assert model_of(exchange("é" * 500)) == "é" * 500
    assert model_of(exchange("é" * 501)) == NO_MODEL
    assert model_of(exchange("\ud800")) == NO_MODEL


def test_a_caller_has_a_name_that_can_be_kept() -> None:
    """Else it is one of the others."""
    assert caller_of(exchange(principal="arn:aws:iam::1:user/jo")) == "arn:aws:iam::1:user/jo"
    for unfit in ("", "x" * 641, "\ud800"):
        assert caller_of(exchange(principal=unfit)) == OTHERS


def test_a_minute_begins_with_its_first_second() -> None:
    """In UTC, whatever the zone it is told in."""
    half = timezone(timedelta(hours=5, minutes=45))
    assert minute_of(MINUTE) == minute_of(MINUTE + timedelta(seconds=59.999999)) == MINUTE
    assert minute_of(AT.astimezone(half)) == MINUTE
    assert minute_of(AT.astimezone(half)).tzinfo is UTC


@given(TALLIES, TALLIES, TALLIES)
def test_counts_merge_in_any_order(a: Tally, b: Tally, c: Tally) -> None:
    """Commutative, associative, and nothing is added by none."""
    assert a.plus(b) == b.plus(a)
    assert a.plus(b).plus(c) == a.plus(b.plus(c))
    assert a.plus(Tally()) == a


@given(
    st.lists(PARTS, max_size=6).flatmap(
        lambda parts: st.tuples(st.just(parts), st.permutations(parts))
    )
)
def test_minutes_merge_in_any_order(both: tuple[list[MinutePart], Sequence[MinutePart]]) -> None:
    """And every request of the window is there once."""
    parts, shuffled = both
    since, until = MINUTE + timedelta(minutes=1), MINUTE + timedelta(minutes=4)
    usage = usage_of(parts, since, until)
    assert usage == usage_of(shuffled, since, until)
    assert sum(tally.requests for tally in usage.models.values()) == sum(
        tally.requests
        for part in parts
        for tally in part.models.values()
        if since <= part.minute < until
    )
    assert sum(usage.callers.values()) == sum(
        sum(part.callers.values()) for part in parts if since <= part.minute < until
    )


@given(st.lists(st.tuples(NAMES, TALLIES, NAMES), max_size=8))
def test_a_part_adds_up_what_is_added_to_it(added: list[tuple[str, Tally, str]]) -> None:
    """As many single ones would."""
    whole = MinutePart("reviews", MINUTE, "container-1")
    for model, tally, caller in added:
        whole = whole.plus(model, tally, caller)
    single = [
        MinutePart("reviews", MINUTE, "x").plus(model, tally, caller)
        for model, tally, caller in added
    ]
    until = MINUTE + timedelta(minutes=1)
    assert usage_of([whole], MINUTE, until) == usage_of(single, MINUTE, until)


def test_the_hottest_have_answered_most() -> None:
    """Of equals the one that was used last, then by name. No errors, and no model is none."""
    later = MINUTE + timedelta(minutes=1)
    parts = [
        MinutePart("reviews", later, "1", {"late": Tally(2), "b": Tally(1), NO_MODEL: Tally(99)}),
        MinutePart("reviews", MINUTE, "2", {"early": Tally(2), "b": Tally(1), "a": Tally(5)}),
        MinutePart("reviews", later, "3", {"c": Tally(2), "broken": Tally(7, 3, 4), "a": Tally(1)}),
    ]
    assert hottest(parts, 10) == ["a", "b", "c", "late", "early"]
    assert hottest(parts, 1) == ["a"]
    assert hottest(parts, 0) == hottest(parts, -1) == hottest([], 5) == []
