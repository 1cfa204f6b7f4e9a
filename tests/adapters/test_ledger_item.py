"""Terms in an endpoint's item: what is written is read."""

from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from dormouse.adapters.ledger_item import read_ledger, terms_value
from dormouse.adapters.state import EndpointsTable
from dormouse.domain.capture_policy import CapturePolicy, Content, Pattern
from dormouse.domain.terms import Terms

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
