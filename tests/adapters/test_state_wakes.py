"""The wake and the warm-up: noted once for each life of an endpoint."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.ledger import Ledger
from dormouse.domain.wake_time import REMEMBERED_WAKES
from dormouse.domain.warm_up import WarmUp

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
WARM_UP = WarmUp(("a", "b", "c"), frozenset(), NOW, NOW + timedelta(minutes=10))


def serve(table: EndpointsTable, wake: timedelta | None, warm_up: WarmUp | None = None) -> bool:
    """Note that it serves."""
    return table.record_serving("reviews", table.read("reviews"), NOW, wake, warm_up)


def end(table: EndpointsTable) -> None:
    """End this life of it."""
    seen = table.read("reviews")
    ledger = table.begin_closing("reviews", seen, "idle", NOW, is_forced=True, warm_set=())
    assert ledger is not None
    assert table.begin_deleting("reviews", ledger, LATER)
    assert table.record_gone("reviews", ledger)


def test_what_is_started_does_not_serve(table: EndpointsTable) -> None:
    """Somebody else has deleted it, and no closing has ended that life."""
    serve(table, timedelta(minutes=5), WARM_UP)
    table.record_invoked("reviews", "a", NOW)
    for now in (NOW, LATER):
        table.record_start("reviews", now, None)
        assert table.read("reviews") == Ledger(started_at=now, wakes=(timedelta(minutes=5),))
    assert serve(table, None, WARM_UP)
    assert table.read("reviews").warm_up == WARM_UP


def test_it_is_noted_once_that_it_serves(table: EndpointsTable) -> None:
    """Of two ticks, the second changes nothing."""
    table.record_start("reviews", NOW, None)
    assert serve(table, timedelta(seconds=312.5), WARM_UP)
    ledger = table.read("reviews")
    assert ledger == Ledger(
        serving_since=NOW, wakes=(timedelta(seconds=312.5),), warm_up=WARM_UP, created_at=NOW
    )
    assert not serve(table, timedelta(seconds=1), replace(WARM_UP, began_at=LATER))
    assert table.read("reviews") == ledger


@pytest.mark.parametrize("is_forced", [False, True])
def test_what_is_closing_is_not_noted_to_serve(table: EndpointsTable, is_forced: bool) -> None:
    """Nor does its warm-up begin."""
    ledger = table.begin_closing("reviews", Ledger(), "idle", NOW, is_forced=is_forced, warm_set=())
    assert not serve(table, timedelta(minutes=5), WARM_UP)
    assert table.read("reviews") == ledger


def test_an_adopted_endpoint_tells_nothing_of_wakes(table: EndpointsTable) -> None:
    """It was not seen to start; the next life replaces its warm-up."""
    assert serve(table, None, WARM_UP)
    assert table.read("reviews").wakes == ()
    end(table)
    assert serve(table, None)
    assert table.read("reviews").warm_up is None


def test_the_latest_wakes_are_remembered(table: EndpointsTable) -> None:
    """In their order, newest last."""
    for minutes in range(REMEMBERED_WAKES + 3):
        assert serve(table, timedelta(minutes=minutes))
        end(table)
    minutes_kept = range(3, REMEMBERED_WAKES + 3)
    assert table.read("reviews").wakes == tuple(timedelta(minutes=m) for m in minutes_kept)


def test_models_are_noted_once_they_are_invoked(table: EndpointsTable) -> None:
    """By several at once, in any order, and twice."""
    serve(table, None, WARM_UP)
    for model in ("c", "a", "c"):
        table.record_invoked("reviews", model, NOW)
    warm_up = table.read("reviews").warm_up
    assert warm_up == replace(WARM_UP, invoked=frozenset({"a", "c"}))
    assert warm_up.left == ("b",)


def test_a_late_message_is_not_noted_in_another_warm_up(table: EndpointsTable) -> None:
    """Nor where there is none, nor in one that is gone."""
    table.record_invoked("reviews", "a", NOW)
    assert table.read_all() == {}
    serve(table, None, WARM_UP)
    table.record_invoked("reviews", "a", NOW)
    end(table)
    table.record_invoked("reviews", "b", NOW)
    later = replace(WARM_UP, began_at=LATER)
    serve(table, None, later)
    table.record_invoked("reviews", "c", NOW)
    table.end_warm_up("reviews", WARM_UP, LATER)
    assert table.read("reviews").warm_up == later


def test_a_warm_up_ends_once(table: EndpointsTable) -> None:
    """The idle clock starts then; what is invoked afterwards is noted still."""
    serve(table, None, WARM_UP)
    table.end_warm_up("reviews", WARM_UP, NOW)
    table.end_warm_up("reviews", WARM_UP, LATER)
    table.record_invoked("reviews", "a", NOW)
    assert table.read("reviews").warm_up == replace(WARM_UP, ended_at=NOW, invoked=frozenset({"a"}))


def test_a_warm_up_is_read_as_it_was_written(table: EndpointsTable) -> None:
    """Though it has ended as it began, since there is nothing to load."""
    ended = WarmUp((), frozenset({"z"}), NOW, LATER, ended_at=NOW)
    serve(table, None, ended)
    assert table.read("reviews").warm_up == ended
