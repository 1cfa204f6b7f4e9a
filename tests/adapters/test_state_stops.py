"""The teardown: its claim stands on what was seen, and is lost where something has come since."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.ledger import Closing, Decision, Ledger
from dormouse.domain.warm_up import WarmUp

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
LEASE_UNTIL = LATER + timedelta(minutes=2)
PASSED = LEASE_UNTIL + timedelta(seconds=1)
DECISION = Decision("stay up", "recent activity", "needed")


@pytest.fixture
def known(table: EndpointsTable) -> EndpointsTable:
    """A table in which `reviews` is known, was asked for once, and serves."""
    table.record_decision("reviews", DECISION, NOW, Ledger())
    table.record_demand("reviews", NOW, NOW, known_only=True)
    warm_up = WarmUp(("a",), frozenset(), NOW, LATER)
    table.record_serving("reviews", table.read("reviews"), NOW, None, warm_up)
    table.record_invoked("reviews", "a", NOW)
    return table


def demand(table: EndpointsTable) -> None:
    """Let a cold request come."""
    table.record_demand("reviews", LATER, LATER, known_only=True)


def wait(table: EndpointsTable) -> None:
    """Let a request be held at the door."""
    table.raise_demand("reviews", LATER, NOW, has_requests=False)


def hold(table: EndpointsTable) -> None:
    """Let an operator hold it."""
    table.record_hold("reviews", LATER + timedelta(hours=1), LATER)


def request(table: EndpointsTable) -> None:
    """Let a warm request come."""
    table.take_lease("reviews", LATER, LEASE_UNTIL, is_request=True)


def warm_up(table: EndpointsTable) -> None:
    """Let a model be loaded, which is no request."""
    table.take_lease("reviews", LATER, LEASE_UNTIL, is_request=False)


def begin_closing(
    table: EndpointsTable,
    seen: Ledger | None = None,
    *,
    is_forced: bool = False,
    now: datetime = LATER,
) -> Ledger | None:
    """Claim the teardown, by what is there unless something older was seen."""
    seen = table.read("reviews") if seen is None else seen
    reason = "suspended" if is_forced else "idle"
    return table.begin_closing("reviews", seen, reason, now, is_forced=is_forced, warm_set=["a"])


def closed(table: EndpointsTable, *, is_forced: bool = False, now: datetime = LATER) -> Ledger:
    """Claim the teardown and return what is there then."""
    ledger = begin_closing(table, is_forced=is_forced, now=now)
    assert ledger is not None
    return ledger


def test_a_closing_meets_the_demand_that_was_seen(known: EndpointsTable) -> None:
    """And remembers the warm set; it serves on until it is deleted."""
    ledger = closed(known)

    assert ledger == known.read("reviews")
    assert ledger.closing == Closing(LATER, 1, is_forced=False, reason="idle")
    assert not ledger.has_unmet_demand
    assert not ledger.is_deleting
    assert ledger.warm_set == ("a",)
    assert ledger.serving_since == NOW


@pytest.mark.parametrize("something", [demand, wait, hold, request, warm_up])
def test_what_came_since_prevents_a_closing_that_is_not_forced(
    known: EndpointsTable, something: Callable[[EndpointsTable], None]
) -> None:
    """Nothing is written then."""
    seen = known.read("reviews")
    something(known)
    before = known.read("reviews")

    assert begin_closing(known, seen) is None
    assert known.read("reviews") == before


@pytest.mark.parametrize("something", [demand, wait, hold, request, warm_up])
def test_a_forced_closing_stops_what_is_in_use(
    known: EndpointsTable, something: Callable[[EndpointsTable], None]
) -> None:
    """No demand is met by it, and the lease that was not seen is waited for."""
    seen = known.read("reviews")
    something(known)
    came = known.read("reviews")

    ledger = begin_closing(known, seen, is_forced=True)

    assert ledger is not None
    assert ledger.closing == Closing(LATER, 1, is_forced=True, reason="suspended")
    assert (ledger.demand_version, ledger.met_version) == (came.demand_version, 0)
    assert ledger.lease_until == came.lease_until
    assert known.begin_deleting("reviews", ledger, LATER) is (came.lease_until is None)


@pytest.mark.parametrize("is_forced", [False, True])
def test_what_was_seen_must_be_what_is_there(known: EndpointsTable, is_forced: bool) -> None:
    """In both directions, unless it is forced."""
    seen = known.read("reviews")
    for other in (
        replace(seen, demand_version=0),
        replace(seen, demand_version=2),
        replace(seen, last_request_at=None),
        replace(seen, lease_until=LATER),
    ):
        ledger = begin_closing(known, other, is_forced=is_forced)
        assert (ledger is not None) is is_forced
        if ledger is not None:
            assert known.record_gone("reviews", ledger)


@pytest.mark.parametrize("is_forced", [False, True])
def test_a_closing_without_any_demand_ever(table: EndpointsTable, is_forced: bool) -> None:
    """An adopted endpoint that was only called directly, and goes through to the end."""
    ledger = begin_closing(table, Ledger(), is_forced=is_forced)

    assert ledger is not None
    assert table.begin_deleting("reviews", ledger, LATER)
    assert table.record_gone("reviews", ledger)
    assert table.read("reviews") == Ledger(warm_set=("a",))


def test_the_first_demand_ever_prevents_the_deletion(table: EndpointsTable) -> None:
    """The version that the closing knew of was none."""
    ledger = begin_closing(table, Ledger())
    assert ledger is not None
    table.raise_demand("reviews", LATER, LATER, has_requests=False)
    assert not table.begin_deleting("reviews", ledger, LATER)


def test_what_was_met_stays_met(known: EndpointsTable) -> None:
    """A sleep that came since the observation has overruled more than was seen."""
    seen = known.read("reviews")
    demand(known)
    known.record_sleep("reviews", LATER)

    ledger = begin_closing(known, seen, is_forced=True)

    assert ledger is not None
    assert (ledger.demand_version, ledger.met_version) == (2, 2)


def test_of_two_closings_one_is_claimed(known: EndpointsTable) -> None:
    """Two reconcilers in each other's steps: the second has nothing to delete by."""
    seen = known.read("reviews")
    assert begin_closing(known, seen) is not None
    for now in (LATER, PASSED):
        assert begin_closing(known, seen, now=now) is None
    assert known.read("reviews").closing == Closing(LATER, 1, is_forced=False, reason="idle")


@pytest.mark.parametrize("now", [LATER, PASSED])
def test_a_forced_closing_takes_the_place_of_one_that_is_not(
    known: EndpointsTable, now: datetime
) -> None:
    """Even in the same moment; whoever holds the first can do nothing with it any more."""
    first = closed(known)
    second = closed(known, is_forced=True, now=now)

    assert second.closing == Closing(now, 1, is_forced=True, reason="suspended")
    assert not known.reopen("reviews", first)
    assert not known.begin_deleting("reviews", first, PASSED)
    assert not known.record_gone("reviews", first)
    assert begin_closing(known, is_forced=True, now=PASSED) is None
    assert known.begin_deleting("reviews", second, PASSED)


@pytest.mark.parametrize("is_forced", [False, True])
def test_what_is_deleting_can_be_closed_no_more(known: EndpointsTable, is_forced: bool) -> None:
    """It is driven on by the claim that stands."""
    assert known.begin_deleting("reviews", closed(known), PASSED)
    before = known.read("reviews")

    assert begin_closing(known, is_forced=is_forced, now=PASSED) is None
    assert known.read("reviews") == before


def test_a_reopened_endpoint_gives_leases_again(known: EndpointsTable) -> None:
    """And the closing that was undone leads to no deletion."""
    ledger = closed(known)
    assert known.take_lease("reviews", LATER, LEASE_UNTIL, is_request=True).until is None

    assert known.reopen("reviews", ledger)

    assert known.read("reviews") == replace(ledger, closing=None)
    assert known.take_lease("reviews", LATER, LEASE_UNTIL, is_request=True).until == LEASE_UNTIL
    assert not known.reopen("reviews", ledger)
    assert not known.begin_deleting("reviews", ledger, PASSED)
    assert not known.record_gone("reviews", ledger)


def test_a_forced_closing_is_not_undone(known: EndpointsTable) -> None:
    """Whatever asks for it."""
    ledger = closed(known, is_forced=True)
    demand(known)
    assert not known.reopen("reviews", ledger)
    assert not known.reopen("reviews", known.read("reviews"))
    assert known.read("reviews").closing == ledger.closing


def test_of_reopening_and_deleting_one_comes_first(known: EndpointsTable) -> None:
    """The other finds that it has lost, in either order."""
    ledger = closed(known)
    assert known.reopen("reviews", ledger)
    assert not known.begin_deleting("reviews", ledger, PASSED)
    again = closed(known, now=PASSED)
    assert known.begin_deleting("reviews", again, PASSED)
    assert not known.reopen("reviews", again)
    assert not known.reopen("reviews", known.read("reviews"))
    assert known.read("reviews").is_deleting


def test_another_closing_is_not_undone_by_the_memory_of_one(known: EndpointsTable) -> None:
    """The first was undone by somebody else meanwhile."""
    first = closed(known)
    known.reopen("reviews", first)
    second = closed(known, now=PASSED)
    assert not known.reopen("reviews", first)
    assert not known.begin_deleting("reviews", first, PASSED)
    assert known.read("reviews") == second


def test_deleting_ends_the_life_and_tells_people_why(known: EndpointsTable) -> None:
    """What was true of this life of it is no longer."""
    known.record_start("reviews", NOW, None)
    ledger = closed(known)

    assert known.begin_deleting("reviews", ledger, PASSED)

    deleting = known.read("reviews")
    assert ledger.closing is not None
    assert deleting.closing == replace(ledger.closing, deleting_at=PASSED)
    assert (deleting.serving_since, deleting.started_at, deleting.warm_up) == (None, None, None)
    assert deleting.is_deleting
    item = known.client.get_item(TableName="endpoints", Key={"endpoint": {"S": "reviews"}})["Item"]
    assert item["stop_reason"] == {"S": "idle"}
    assert item["stopped_at"] == {"S": "2026-02-16T09:03:01.000Z"}
    assert not known.begin_deleting("reviews", ledger, PASSED)


@pytest.mark.parametrize("is_forced", [False, True])
def test_no_deletion_under_a_lease(known: EndpointsTable, is_forced: bool) -> None:
    """A request may be under way until it has passed."""
    request(known)
    ledger = closed(known, is_forced=is_forced)

    for now in (LATER, LEASE_UNTIL):
        assert not known.begin_deleting("reviews", ledger, now)
    assert known.begin_deleting("reviews", ledger, LEASE_UNTIL + timedelta(milliseconds=1))


@pytest.mark.parametrize(("is_forced", "is_deleted"), [(False, False), (True, True)])
@pytest.mark.parametrize("something", [demand, wait, hold])
def test_demand_between_the_claim_and_the_deletion(
    known: EndpointsTable,
    something: Callable[[EndpointsTable], None],
    is_forced: bool,
    is_deleted: bool,
) -> None:
    """It prevents the deletion, unless that is forced."""
    ledger = closed(known, is_forced=is_forced)
    something(known)
    for seen in (ledger, known.read("reviews")):
        assert known.read("reviews").is_deleting is False
        if known.begin_deleting("reviews", seen, PASSED):
            break
    assert known.read("reviews").is_deleting is is_deleted


def test_nothing_is_undone_or_deleted_without_a_closing(known: EndpointsTable) -> None:
    """Whoever saw none has no claim."""
    seen = known.read("reviews")
    assert not known.reopen("reviews", seen)
    assert not known.begin_deleting("reviews", seen, PASSED)
    assert not known.record_gone("reviews", seen)
    ledger = closed(known)
    assert not known.reopen("reviews", seen)
    assert not known.begin_deleting("reviews", seen, PASSED)
    assert not known.record_gone("reviews", seen)
    assert known.read("reviews") == ledger


def test_what_is_gone_can_be_created_again(known: EndpointsTable) -> None:
    """Demand that came meanwhile is unmet, and the latest lease stays: it is never shortened."""
    request(known)
    ledger = closed(known)
    known.begin_deleting("reviews", ledger, PASSED)
    wait(known)

    assert known.record_gone("reviews", ledger)

    gone = known.read("reviews")
    assert gone.closing is None
    assert gone.has_unmet_demand
    assert gone.lease_until == LEASE_UNTIL
    assert not known.record_gone("reviews", ledger)
    known.record_start("reviews", PASSED, None)
    assert known.record_serving("reviews", gone, PASSED, None, None)


def test_gone_is_what_was_seen_closing(known: EndpointsTable) -> None:
    """A late observation of the last life does not end the closing of this one."""
    first = closed(known)
    known.begin_deleting("reviews", first, PASSED)
    known.record_gone("reviews", first)
    second = closed(known, now=PASSED)
    assert not known.record_gone("reviews", first)
    assert known.read("reviews") == second
