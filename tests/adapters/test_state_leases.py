"""Leases and demand: raised before they are acknowledged, and never taken back by a slow clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.ledger import Decision, Lease, Ledger

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
LEASE = timedelta(seconds=110)
DECISION = Decision("stay up", "recent activity", "needed")


@pytest.fixture
def known(table: EndpointsTable) -> EndpointsTable:
    """A table in which `reviews` is known."""
    table.record_decision("reviews", DECISION, NOW, Ledger())
    return table


def lease(table: EndpointsTable, now: datetime, *, is_request: bool = True) -> Lease:
    """Take a lease as a container with this clock does."""
    return table.take_lease("reviews", now, now + LEASE, is_request=is_request)


def test_a_lease_notes_the_request_that_it_is_for(known: EndpointsTable) -> None:
    """In one write, so that a claim sees both or neither."""
    taken = lease(known, NOW)

    assert taken == Lease(NOW + LEASE, known.read("reviews"))
    assert taken.ledger.lease_until == NOW + LEASE
    assert taken.ledger.last_request_at == NOW
    assert not taken.ledger.has_unmet_demand


def test_a_lease_of_a_warm_up_is_no_request(known: EndpointsTable) -> None:
    """The idle clock goes on."""
    assert lease(known, NOW, is_request=False).until == NOW + LEASE
    assert known.read("reviews").last_request_at is None


def test_a_lease_that_is_later_stays_and_covers(known: EndpointsTable) -> None:
    """Another container's clock is ahead, or its interval longer."""
    lease(known, LATER)
    before = known.read("reviews")

    for is_request in (True, False):
        assert lease(known, NOW, is_request=is_request) == Lease(LATER + LEASE, before)
    assert known.read("reviews") == before


def test_a_lease_is_what_the_table_keeps(known: EndpointsTable) -> None:
    """No container sends by a moment that the reconciler does not see."""
    taken = lease(known, NOW + timedelta(microseconds=1999))
    assert taken.until == NOW + LEASE + timedelta(milliseconds=1)
    again = lease(known, NOW + timedelta(microseconds=1999))
    assert again.until == taken.until


def test_a_request_under_the_lease_of_a_warm_up_is_noted(known: EndpointsTable) -> None:
    """The lease that is later stays, and the request is later than the last one."""
    lease(known, NOW)
    lease(known, LATER, is_request=False)

    taken = lease(known, LATER - timedelta(seconds=1))

    assert taken == Lease(LATER + LEASE, known.read("reviews"))
    assert taken.ledger.last_request_at == LATER - timedelta(seconds=1)


def test_a_longer_lease_with_an_older_request(known: EndpointsTable) -> None:
    """Each goes forward by itself."""
    lease(known, LATER)
    taken = known.take_lease("reviews", NOW, LATER + LEASE * 2, is_request=True)
    assert taken.until == LATER + LEASE * 2
    assert known.read("reviews").last_request_at == LATER


def test_no_lease_for_what_is_not_known(table: EndpointsTable) -> None:
    """A misspelt name makes no item; what is managed no more is refused."""
    assert lease(table, NOW) == Lease(None, Ledger())
    assert table.read_all() == {}
    table.raise_demand("reviews", NOW, NOW, has_requests=False)
    assert lease(table, NOW) == Lease(None, table.read("reviews"))


def test_no_lease_while_it_is_closing(known: EndpointsTable) -> None:
    """Not even one that would not be longer; the ledger says why."""
    lease(known, LATER)
    closing = known.begin_closing(
        "reviews", known.read("reviews"), "idle", LATER, is_forced=False, warm_set=()
    )
    assert closing is not None
    for now in (NOW, LATER, LATER + LEASE):
        assert lease(known, now) == Lease(None, closing)
    assert known.read("reviews") == closing


def test_a_refused_lease_costs_no_second_call(
    known: EndpointsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal itself brings what stands there."""
    known.begin_closing("reviews", Ledger(), "idle", NOW, is_forced=True, warm_set=())
    monkeypatch.setattr(EndpointsTable, "_read", None)
    assert lease(known, NOW).ledger.closing is not None


def test_a_lease_that_becomes_possible_between_two_steps(
    table: EndpointsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not known when it was refused, and is when it is read."""
    read = EndpointsTable._read

    def late(self: EndpointsTable, key: str) -> object:
        self.record_decision(key, DECISION, NOW, Ledger())
        return read(self, key)

    monkeypatch.setattr(EndpointsTable, "_read", late)
    assert lease(table, NOW).until == NOW + LEASE


def test_a_demand_is_always_raised(table: EndpointsTable) -> None:
    """It is news once, until it is met or too old."""
    first = table.raise_demand("reviews", NOW, NOW, has_requests=False)
    assert first.is_news
    assert first.ledger == Ledger(1, 0, demand_at=NOW, last_request_at=NOW)
    second = table.raise_demand("reviews", LATER, NOW, has_requests=False)
    assert not second.is_news
    assert second.ledger == Ledger(2, 0, demand_at=LATER, last_request_at=LATER)
    assert table.raise_demand(
        "reviews", LATER, LATER + timedelta(milliseconds=1), has_requests=False
    ).is_news
    table.mark_met("reviews", 3)
    assert table.raise_demand("reviews", LATER, NOW, has_requests=False).is_news
    assert first.is_written
    assert second.is_written


def test_parked_requests_are_remembered_until_none_is_left(table: EndpointsTable) -> None:
    """A held one does not hide them; what comes since the look keeps them."""
    assert table.raise_demand("reviews", NOW, NOW, has_requests=True).ledger.has_requests
    assert table.raise_demand("reviews", NOW, NOW, has_requests=False).ledger.has_requests
    table.clear_requests("reviews", 1)
    assert table.read("reviews").has_requests
    table.clear_requests("reviews", 2)
    assert not table.read("reviews").has_requests
    assert table.read("reviews").demand_version == 2


def test_where_no_request_waits_none_is_cleared(table: EndpointsTable) -> None:
    """And no item is made of what was never seen."""
    table.clear_requests("reviews", 0)
    assert table.read_all() == {}


def test_a_slow_clock_takes_nothing_back(known: EndpointsTable) -> None:
    """The demand is raised all the same, and its times stay where they are later."""
    known.raise_demand("reviews", LATER, LATER, has_requests=False)
    raised = known.raise_demand("reviews", NOW, NOW, has_requests=True)
    assert raised.ledger == known.read("reviews")
    assert raised.ledger == Ledger(
        2,
        0,
        demand_at=LATER,
        last_request_at=LATER,
        has_requests=True,
        decision=DECISION,
        decided_at=NOW,
    )
    lease(known, LATER + LEASE)
    again = known.raise_demand("reviews", LATER, NOW, has_requests=False)
    assert again.ledger == known.read("reviews")
    assert again.ledger == replace(
        raised.ledger,
        demand_version=3,
        last_request_at=LATER + LEASE,
        lease_until=LATER + LEASE * 2,
    )


def test_what_is_said_of_a_demand_is_what_the_table_keeps(table: EndpointsTable) -> None:
    """To the millisecond."""
    now = NOW + timedelta(microseconds=123_456)
    for has_requests in (False, True):
        raised = table.raise_demand("reviews", now, now, has_requests=has_requests)
        assert raised.ledger == table.read("reviews")
    assert not raised.is_news
