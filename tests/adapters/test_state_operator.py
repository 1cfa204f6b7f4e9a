"""What an operator writes: a hold, a sleep, the tombstone of the deployment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.ledger import Decision, Ledger

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
DECISION = Decision("stay up", "recent activity", "needed")


@pytest.fixture
def known(table: EndpointsTable) -> EndpointsTable:
    """A table in which `reviews` is known, and was asked for once."""
    table.record_decision("reviews", DECISION, NOW)
    table.record_demand("reviews", NOW, NOW, known_only=True)
    return table


def demand(table: EndpointsTable) -> None:
    """Let a cold request come."""
    table.record_demand("reviews", LATER, LATER, known_only=True)


def park(table: EndpointsTable) -> None:
    """Let a request be parked."""
    table.raise_demand("reviews", LATER, LATER, has_requests=True)


def hold(table: EndpointsTable) -> None:
    """Let an operator hold it."""
    table.record_hold("reviews", LATER + timedelta(hours=1), LATER)


def test_a_sleep_overrules_the_demand_that_came_before_it(known: EndpointsTable) -> None:
    """In one write: whatever comes after it has a higher version."""
    known.record_hold("reviews", LATER + timedelta(hours=1), NOW)
    known.record_sleep("reviews", LATER)

    ledger = known.read("reviews")
    assert (ledger.slept_version, ledger.slept_at, ledger.hold_until) == (2, LATER, None)
    assert ledger.is_put_to_sleep
    assert not ledger.has_unmet_demand


@pytest.mark.parametrize("something", [demand, park, hold])
def test_demand_that_comes_after_the_sleep_ends_it(
    known: EndpointsTable, something: Callable[[EndpointsTable], None]
) -> None:
    """Though it may come in the same moment, on another machine's clock."""
    known.record_sleep("reviews", LATER + timedelta(seconds=5))
    something(known)

    assert not known.read("reviews").is_put_to_sleep
    assert known.read("reviews").has_unmet_demand


def test_a_warm_request_after_the_sleep_does_not_end_it(known: EndpointsTable) -> None:
    """Only what found it down, or an operator, is demand."""
    known.record_sleep("reviews", NOW)
    known.take_lease("reviews", LATER, LATER, is_request=True)
    assert known.read("reviews").is_put_to_sleep


def test_after_a_sleep_the_next_cold_request_is_news(known: EndpointsTable) -> None:
    """However soon it comes after the last one, and whatever was met."""
    long_ago = NOW - timedelta(hours=1)
    assert not known.record_demand("reviews", LATER, long_ago, known_only=True).is_written
    known.record_sleep("reviews", LATER)
    assert known.record_demand("reviews", LATER, long_ago, known_only=True).is_written
    assert not known.record_demand("reviews", LATER, long_ago, known_only=True).is_written


def test_what_nobody_ever_asked_for_can_be_put_to_sleep(table: EndpointsTable) -> None:
    """Version 0; and the first demand ends it."""
    table.record_sleep("reviews", NOW)
    assert table.read("reviews") == Ledger(slept_version=0, slept_at=NOW)
    assert table.read("reviews").is_put_to_sleep
    assert table.record_demand("reviews", NOW, NOW, known_only=False).is_written
    assert not table.read("reviews").is_put_to_sleep


def test_a_hold_is_a_demand_and_the_longest_counts(table: EndpointsTable) -> None:
    """Of two operators, the second does not cut the first one's short."""
    for number, (hours, held) in enumerate(((2, 2), (1, 2), (2, 2), (3, 3)), start=1):
        table.record_hold("reviews", NOW + timedelta(hours=hours), NOW)
        ledger = table.read("reviews")
        assert ledger.hold_until == NOW + timedelta(hours=held)
        assert ledger.demand_version == number
    assert table.read("reviews").last_request_at is None


@pytest.mark.parametrize("meanwhile", ["sleep", "release"])
def test_a_shorter_hold_is_kept_where_the_longer_one_goes_meanwhile(
    table: EndpointsTable, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """Its operator was told that it is held."""
    table.record_hold("reviews", NOW + timedelta(hours=2), NOW)
    update = EndpointsTable._update
    calls = []

    def interrupted(self: EndpointsTable, *args: object, **kwargs: object) -> object:
        calls.append(args)
        if len(calls) == 2:
            monkeypatch.setattr(EndpointsTable, "_update", update)
            if meanwhile == "sleep":
                self.record_sleep("reviews", LATER)
            else:
                self.release_hold("reviews")
        return update(self, *args, **kwargs)  # type: ignore[arg-type] # passed on as they come

    monkeypatch.setattr(EndpointsTable, "_update", interrupted)
    table.record_hold("reviews", NOW + timedelta(hours=1), LATER)

    ledger = table.read("reviews")
    assert ledger.hold_until == NOW + timedelta(hours=1)
    assert ledger.demand_version == 2
    assert not ledger.is_put_to_sleep


def test_a_release_drops_the_hold_and_nothing_else(known: EndpointsTable) -> None:
    """Without one it is no error."""
    before = known.read("reviews")
    known.record_hold("reviews", LATER, NOW)
    for _ in range(2):
        known.release_hold("reviews")
    assert known.read("reviews") == replace(before, demand_version=2)


def test_the_tombstone_is_written_once_and_can_be_taken_away(table: EndpointsTable) -> None:
    """The first time stays; and it is no endpoint."""
    assert table.removal_began_at() is None
    table.begin_removal(NOW)
    table.begin_removal(LATER)
    assert table.removal_began_at() == NOW
    assert table.read_all() == {}
    assert table.read_all() == {}
    table.cancel_removal()
    assert table.removal_began_at() is None
    assert table.read_all() == {}
    table.begin_removal(LATER)
    assert table.removal_began_at() == LATER


def test_to_cancel_what_never_began_is_no_error(table: EndpointsTable) -> None:
    """The stack is created."""
    table.cancel_removal()
    assert table.removal_began_at() is None
    assert table.read_all() == {}
