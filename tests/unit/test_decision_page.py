"""Which page of the decisions is asked for, and where the next one begins."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.decision_page import Decided, Page, PageError, page_of, read_page
from dormouse.domain.ledger import Decision, PastDecision

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)


def past(count: int) -> list[PastDecision]:
    """So many decisions, the newest first."""
    decision = Decision("stay up", "hold", "held")
    return [PastDecision(NOW - timedelta(minutes=number), decision) for number in range(count)]


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, Page(20, None)),
        ({"limit": "1"}, Page(1)),
        ({"limit": "100"}, Page(100)),
        ({"before": "2026-02-16T09:00:00Z"}, Page(20, NOW)),
        ({"before": "2026-02-16T10:00:00.000+01:00", "limit": "007"}, Page(7, NOW)),
    ],
)
def test_a_page_is_read(query: dict[str, str], page: Page) -> None:
    """Twenty, from the newest, unless told."""
    assert read_page(query) == page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"limit": "0"}, "limit must be a whole number from 1 to 100, not '0'"),
        ({"limit": "101"}, "not '101'"),
        ({"limit": "\u0661"}, "not '\u0661'"),
        ({"limit": ""}, "not ''"),
        ({"limit": "-1"}, "not '-1'"),
        ({"before": ""}, "before must be a time with its zone, such as 2026-11-24T08:00:00Z"),
        ({"before": "2026-02-16T09:00:00"}, "not '2026-02-16T09:00:00'"),
        ({"before": "0001-01-01T00:00:00+23:00"}, "before must be a time"),
        ({"offset": "1"}, "'offset' is not known here: before and limit are"),
    ],
)
def test_a_bad_member_is_named(query: dict[str, str], names: str) -> None:
    """With an example."""
    with pytest.raises(PageError) as refusal:
        read_page(query)
    assert names in str(refusal.value)


@given(
    st.dictionaries(
        st.sampled_from(["before", "limit"]) | st.text(max_size=3),
        st.text(max_size=12) | st.integers().map(str) | st.datetimes().map(str),
        max_size=2,
    )
)
def test_any_query_is_read_or_refused(query: dict[str, str]) -> None:
    """Nothing else escapes, and what is read is within bounds."""
    try:
        page = read_page(query)
    except PageError:
        return
    assert 1 <= page.limit <= 100


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-23, 23))
def test_any_moment_is_read_in_any_zone(moment: datetime, hours: int) -> None:
    """As the same moment."""
    moment = moment.replace(year=max(2, min(moment.year, 9998)))
    text = moment.astimezone(timezone(timedelta(hours=hours))).isoformat()
    assert read_page({"before": text}).before == moment


@pytest.mark.parametrize(("found", "next_at"), [(0, None), (3, None), (4, 2)])
def test_where_the_next_page_begins(found: int, next_at: int | None) -> None:
    """Before the last one of this page, if one more was found than it holds."""
    decisions = past(found)
    decided = page_of(decisions, Page(3))

    assert decided == Decided(decisions[:3], None if next_at is None else decisions[next_at].at)
