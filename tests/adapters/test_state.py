"""The endpoints table: each write changes what it names, under its condition and no other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.adapters.moments import read_moment, write_moment
from dormouse.adapters.state import EndpointsTable
from dormouse.domain.ledger import Decision, Ledger, RecordedDemand
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


def test_a_request_is_noted_for_a_known_endpoint_and_never_backwards(
    table: EndpointsTable,
) -> None:
    """A misspelt name makes no item; a slow container does not undo a later one's note."""
    table.record_request("reviews", NOW)
    assert table.read("reviews") == Ledger()
    table.record_decision("reviews", Decision("stay up", "r", "w"), NOW)
    table.record_request("reviews", LATER)
    table.record_request("reviews", NOW)
    assert table.read("reviews").last_request_at == LATER


def test_a_stop_stands_on_the_demand_and_the_request_that_were_seen(table: EndpointsTable) -> None:
    """And meets it."""
    record_demand(table, NOW)

    seen = table.read("reviews")

    for changed in (replace(seen, demand_version=0), replace(seen, last_request_at=None)):
        assert not table.begin_stop("reviews", changed, "idle", LATER)
    table.record_decision("reviews", DECISION, NOW)
    table.record_request("reviews", LATER)
    assert not table.begin_stop("reviews", seen, "idle", LATER)
    assert table.read("reviews").has_unmet_demand
    assert table.begin_stop("reviews", table.read("reviews"), "idle", LATER)
    assert not table.read("reviews").has_unmet_demand


def test_a_stop_without_any_demand_ever(table: EndpointsTable) -> None:
    """An adopted endpoint that was only called directly."""
    assert table.begin_stop("reviews", Ledger(0), "idle", NOW)
    record_demand(table, NOW)
    assert not table.begin_stop("reviews", Ledger(0), "idle", NOW)


def test_a_hold_is_a_demand_and_the_longest_counts(table: EndpointsTable) -> None:
    """Of two operators, the second does not cut the first one's short."""
    for hours, held in ((2, 2), (1, 2), (3, 3)):
        table.record_hold("reviews", NOW + timedelta(hours=hours), NOW)
        assert table.read("reviews").hold_until == NOW + timedelta(hours=held)
    assert table.read("reviews").demand_version == 3


def test_met_never_goes_back(table: EndpointsTable) -> None:
    """Two ticks at once may end in either order."""
    table.mark_met("reviews", 5)
    table.mark_met("reviews", 4)

    assert table.read("reviews").met_version == 5


def test_the_decision_is_read_back(table: EndpointsTable) -> None:
    """To be written only when it changes."""
    for decision in (DECISION, replace(DECISION, until=LATER)):
        table.record_decision("reviews", decision, NOW)
        assert table.read("reviews").decision == decision


def test_demand_for_what_is_not_known_is_not_written_unless_told(table: EndpointsTable) -> None:
    """Known is what reconcile has decided about, until no config claims it any more."""
    unknown = table.record_demand("reviews", NOW, NOW, known_only=True)
    assert unknown == RecordedDemand(is_written=False, decision=None)
    assert table.read("reviews") == Ledger()
    table.record_decision("reviews", DECISION, NOW)
    known = table.record_demand("reviews", NOW, NOW, known_only=True)
    assert known == RecordedDemand(is_written=True, decision=DECISION)
    again = table.record_demand("reviews", NOW, NOW, known_only=True)
    assert again == RecordedDemand(is_written=False, decision=DECISION)
    table.forget_decision("reviews")
    forgotten = table.record_demand("reviews", LATER, LATER, known_only=True)
    assert forgotten == RecordedDemand(is_written=False, decision=None)


def test_activity_in_cloudwatch_never_goes_back(table: EndpointsTable) -> None:
    """Two ticks at once may end in either order."""
    table.record_metrics_activity("reviews", LATER)
    table.record_metrics_activity("reviews", NOW)

    assert table.read("reviews").metrics_active_at == LATER


def test_a_missing_table_is_an_error_that_names_the_call(table: EndpointsTable) -> None:
    """Not a botocore exception, which only adapters know."""
    missing = EndpointsTable(table.client, "nowhere")

    with pytest.raises(AwsError, match="GetItem refused: ResourceNotFoundException"):
        missing.read("reviews")
    with pytest.raises(AwsError, match="UpdateItem refused: ResourceNotFoundException"):
        missing.mark_met("reviews", 1)


@given(
    st.lists(
        st.datetimes(
            min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
            max_value=datetime(9000, 1, 1),  # noqa: DTZ001
            timezones=st.timezones(),
        ),
        min_size=2,
        max_size=2,
    )
)
def test_moments_in_order_of_text_are_in_order_of_time(moments: list[datetime]) -> None:
    """To the millisecond, in whatever zone they came: conditions compare the texts."""
    first, second = moments
    if write_moment(first) < write_moment(second):
        assert first < second
    assert abs(read_moment(write_moment(first)) - first) < timedelta(milliseconds=1)
