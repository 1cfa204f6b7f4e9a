"""Terms, and what was learned, in an endpoint's item: what is written is read."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dormouse.adapters.ledger_item import history_value, read_ledger, terms_value
from dormouse.adapters.state import EndpointsTable
from dormouse.domain.capture_policy import CapturePolicy, Content, Pattern
from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.ledger import Ledger
from dormouse.domain.terms import Terms
from dormouse.domain.usage import minute_of

TOKENS = st.text("abcXYZ019_.:=+-@", min_size=1, max_size=8)
POLICIES = st.builds(
    CapturePolicy,
    percent=st.integers(0, 10_000).map(lambda hundredths: Decimal(hundredths) / 100),
    content=st.sampled_from(Content),
    max_body=st.integers(0, 6_291_456),
    patterns=st.frozensets(st.sampled_from(Pattern)),
    pointers=st.lists(st.lists(TOKENS, min_size=1).map(tuple), unique=True).map(tuple),
    json_types=st.sampled_from([("application/json",), ("application/json", "a/b+json")]),
    csv_types=st.sampled_from([("text/csv",), ("text/csv", "text/plain")]),
)


@given(POLICIES)
@example(CapturePolicy())
@example(CapturePolicy(patterns=frozenset(), pointers=()))
def test_what_is_captured_is_read_as_it_was_kept(policy: CapturePolicy) -> None:
    """Whatever tags can say."""
    item: dict[str, Any] = {"terms": terms_value(Terms(capture=policy))}

    terms = read_ledger(item).terms

    assert terms is not None
    assert terms.capture == policy


def test_terms_of_a_version_without_captures_allow_none() -> None:
    """Its owner may have switched them off with the update; the next tick reads the tags."""
    item: dict[str, Any] = {"terms": terms_value(Terms())}
    del item["terms"]["M"]["capture"]

    terms = read_ledger(item).terms

    assert terms is not None
    assert terms.capture.percent == 0
    assert terms != Terms()


def test_dynamodb_keeps_what_is_captured(table: EndpointsTable) -> None:
    """Its numbers too, and a pointer whose token is empty."""
    terms = Terms(
        capture=CapturePolicy(percent=Decimal("0.25"), max_body=0, pointers=(("a", "-"), ("",)))
    )

    table.record_terms("reviews", terms)

    assert table.read("reviews").terms == terms


@given(st.datetimes(timezones=st.just(UTC)).map(minute_of), st.text(max_size=50))
def test_what_an_idle_policy_has_learned_is_read_as_it_was_kept(at: datetime, text: str) -> None:
    """Whatever it writes."""
    history = DemandHistory(at, text)

    assert read_ledger({"history": history_value(history)}).demand_history == history


@pytest.mark.parametrize(
    "written",
    [
        {"M": {}},
        {"S": "of another version"},
        {"M": {"folded_until": {"S": "yesterday"}, "forecast": {"S": ""}}},
        {"M": {"folded_until": {"S": "2026-02-16T09:00:00.000000Z"}, "forecast": {"N": "1"}}},
    ],
)
def test_what_another_version_has_learned_is_learned_anew(written: Any) -> None:
    """And written in its place."""
    assert read_ledger({"history": written}).demand_history is None


def test_an_item_of_a_version_that_learned_nothing_has_learned_nothing() -> None:
    """It is read, with all that it has."""
    assert read_ledger({"acts": {"N": "3"}}) == Ledger(acts=3)


def test_what_was_learned_is_not_written_over_by_who_has_seen_less(table: EndpointsTable) -> None:
    """Two ticks that have read the same can't both keep what follows from it."""
    first, second, third = (
        DemandHistory(datetime(2026, 2, 16, 9, minute, tzinfo=UTC), f"until {minute}")
        for minute in (0, 10, 20)
    )
    assert table.record_demand_history("reviews", Ledger(), first)
    seen = table.read("reviews")
    assert table.record_demand_history("reviews", seen, second)

    assert not table.record_demand_history("reviews", seen, third)

    assert table.read("reviews").demand_history == second
