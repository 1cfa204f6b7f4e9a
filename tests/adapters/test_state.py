"""The endpoints table: each write changes what it names, under its condition and no other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dormouse.adapters.hold_slots import HoldSlotsTable
from dormouse.adapters.state import EndpointsTable
from dormouse.domain.ledger import Closing, Decision, Ledger, RecordedDemand
from dormouse.domain.terms import Terms
from dormouse.domain.warm_up import WarmUp
from dormouse.errors import AwsError

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
DECISION = Decision("stop", "otherwise down", "no request for 15m")


def record_demand(table: EndpointsTable, now: datetime, since: datetime | None = None) -> bool:
    """Let a cold request come; it is news unless an unmet one has come since."""
    return table.record_demand("reviews", now, since or now, known_only=False).is_written


def test_an_endpoint_that_was_never_seen_has_an_empty_ledger(table: EndpointsTable) -> None:
    """No item, no demand."""
    assert table.read("reviews") == Ledger()


def test_demand_raises_the_version_and_counts_as_a_request(table: EndpointsTable) -> None:
    """The first one makes the item."""
    assert record_demand(table, NOW)

    assert table.read("reviews") == Ledger(1, 0, demand_at=NOW, last_request_at=NOW)
    assert table.read("reviews").has_unmet_demand


def test_unmet_demand_of_late_is_not_written_again(table: EndpointsTable) -> None:
    """Met or older, it is."""
    record_demand(table, NOW)

    assert not record_demand(table, LATER, since=NOW)
    assert table.read("reviews").demand_at == NOW
    assert record_demand(table, LATER, since=NOW + timedelta(seconds=1))
    table.mark_met("reviews", 2)
    assert record_demand(table, LATER, since=NOW)
    assert table.read("reviews").demand_version == 3


def test_demand_for_what_is_not_known_is_not_written_unless_told(table: EndpointsTable) -> None:
    """Known is what reconcile has decided about, until no config claims it any more."""
    unknown = table.record_demand("reviews", NOW, NOW, known_only=True)
    assert unknown == RecordedDemand(is_written=False, is_news=False, ledger=Ledger())
    assert table.read_all() == {}
    table.record_decision("reviews", DECISION, NOW, Ledger())
    known = table.record_demand("reviews", NOW, NOW, known_only=True)
    assert known == RecordedDemand(is_written=True, is_news=True, ledger=table.read("reviews"))
    assert known.ledger.decision == DECISION
    again = table.record_demand("reviews", NOW, NOW, known_only=True)
    assert again == replace(known, is_written=False, is_news=False)
    table.forget_decision("reviews")
    forgotten = table.record_demand("reviews", LATER, LATER, known_only=True)
    assert not forgotten.is_written
    assert not forgotten.ledger.is_known


def test_met_never_goes_back(table: EndpointsTable) -> None:
    """Two ticks at once may end in either order."""
    table.mark_met("reviews", 5)
    table.mark_met("reviews", 4)

    assert table.read("reviews").met_version == 5


def test_activity_in_cloudwatch_never_goes_back(table: EndpointsTable) -> None:
    """Two ticks at once may end in either order."""
    table.record_metrics_activity("reviews", LATER)
    table.record_metrics_activity("reviews", NOW)

    assert table.read("reviews").metrics_active_at == LATER


def test_the_decision_is_read_back(table: EndpointsTable) -> None:
    """With its time, to be written only when it changes."""
    for decision in (DECISION, replace(DECISION, until=LATER)):
        table.record_decision("reviews", decision, NOW, table.read("reviews"))
        assert table.read("reviews").decision == decision
        assert table.read("reviews").decided_at == NOW
    table.forget_decision("reviews")
    assert table.read("reviews") == Ledger()


def test_what_was_never_decided_is_not_made_by_being_forgotten(table: EndpointsTable) -> None:
    """EventBridge names endpoints that Dormouse has nothing to do with."""
    table.forget_decision("reviews")

    assert table.read_all() == {}


@pytest.mark.parametrize(
    "terms",
    [
        Terms(),
        Terms(("210987654321",)),
        Terms(("arn:aws:iam::1:role/r", "2"), timedelta(seconds=50), "arn:aws:sns:eu:1:answers"),
    ],
)
def test_terms_are_read_back(table: EndpointsTable, terms: Terms) -> None:
    """With the principals in order; none at all is not the same as terms that say nothing."""
    table.record_terms("reviews", terms)
    assert table.read("reviews").terms == terms
    table.record_terms("reviews", None)
    assert table.read("reviews").terms is None


def test_an_update_is_remembered_until_the_teardown(table: EndpointsTable) -> None:
    """And replaced by a further one."""
    for config_name in ("c1", "c2"):
        table.record_update("reviews", config_name, NOW)
        assert table.read("reviews").updated_to == config_name
    seen = table.read("reviews")
    closed = table.begin_closing("reviews", seen, "idle", NOW, is_forced=False, warm_set=())
    assert closed is not None
    assert closed.updated_to == "c2", "a closing may be undone"
    assert table.begin_deleting("reviews", closed, NOW)
    assert table.read("reviews").updated_to is None


def test_each_write_leaves_what_others_have_written(table: EndpointsTable) -> None:
    """The proxy, the operator and the reconciler write the same item."""
    record_demand(table, NOW)
    table.record_decision("reviews", DECISION, NOW, Ledger())
    table.record_hold("reviews", LATER, NOW)
    table.record_terms("reviews", Terms(("2",)))
    table.record_update("reviews", "c", NOW)
    table.record_metrics_activity("reviews", NOW)
    table.take_lease("reviews", LATER, LATER + timedelta(seconds=90), is_request=True)
    table.mark_met("reviews", 1)
    table.record_start("reviews", NOW, None)
    warm_up = WarmUp(("a.tar.gz", "b.tar.gz"), frozenset(), LATER, LATER + timedelta(minutes=10))
    seen = table.read("reviews")
    assert table.record_serving("reviews", seen, LATER, timedelta(minutes=6), warm_up)
    table.record_invoked("reviews", "b.tar.gz", LATER)
    table.raise_demand("reviews", LATER, NOW, has_requests=True)
    seen = table.read("reviews")
    assert table.begin_closing("reviews", seen, "idle", LATER, is_forced=False, warm_set=("a", "b"))

    assert table.read("reviews") == Ledger(
        demand_version=3,
        met_version=3,
        demand_at=LATER,
        last_request_at=LATER,
        metrics_active_at=NOW,
        hold_until=LATER,
        terms=Terms(("2",)),
        decision=DECISION,
        decided_at=NOW,
        lease_until=LATER + timedelta(seconds=90),
        closing=Closing(LATER, 3, is_forced=False, reason="idle"),
        serving_since=LATER,
        created_at=NOW,
        wakes=(timedelta(minutes=6),),
        has_requests=True,
        warm_set=("a", "b"),
        warm_up=replace(warm_up, invoked=frozenset({"b.tar.gz"})),
    )


def test_all_of_it_is_read_at_once(table: EndpointsTable) -> None:
    """By name, over many pages, and without what is no endpoint: the tombstone, the holds."""
    names = [f"endpoint-{number:03}" for number in range(300)]
    for name in names:
        # A page ends at a megabyte.
        table.record_decision(name, replace(DECISION, reason="r" * 8000), NOW, Ledger())
    table.begin_removal(NOW)
    assert HoldSlotsTable(table.client, "endpoints", 2).take("endpoint-007", "h", NOW, LATER)

    ledgers = table.read_all()

    assert sorted(ledgers) == names
    assert ledgers["endpoint-007"] == table.read("endpoint-007")


def test_a_missing_table_is_an_error_that_names_the_call(table: EndpointsTable) -> None:
    """Not a botocore exception, which only adapters know."""
    missing = EndpointsTable(table.client, "nowhere")

    for call, operation in (
        (lambda: missing.read("reviews"), "GetItem"),
        (missing.removal_began_at, "GetItem"),
        (missing.read_all, "Scan"),
        (lambda: missing.mark_met("reviews", 1), "UpdateItem"),
        (lambda: missing.begin_removal(NOW), "UpdateItem"),
    ):
        with pytest.raises(AwsError, match=f"{operation} refused: ResourceNotFoundException"):
            call()
