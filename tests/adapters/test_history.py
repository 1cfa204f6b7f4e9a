"""The decisions table: the latest first, and ninety days of them."""

from datetime import UTC, datetime, timedelta

import pytest

from dormouse.adapters.history import DecisionsTable
from dormouse.adapters.state import EndpointsTable
from dormouse.domain.ledger import Decision, KeptDown, PastDecision
from dormouse.errors import AwsError
from tests.fakes.tables import decisions_table

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)


@pytest.fixture
def history(table: EndpointsTable) -> DecisionsTable:
    """The decisions table, empty."""
    return decisions_table(table.client)


def past(minutes: float, action: str = "stay up") -> PastDecision:
    """A decision of so many minutes after NOW."""
    at = NOW + timedelta(minutes=minutes)
    return PastDecision(at, Decision(action, "recent activity", "needed"))


def test_the_latest_come_first_and_no_more_than_asked(history: DecisionsTable) -> None:
    """In whatever order they were written, across the turn of a day."""
    for minutes in (0, 1440, 5, 60):
        history.append("reviews", past(minutes))

    assert history.recent("reviews", 20) == [past(1440), past(60), past(5), past(0)]
    assert history.recent("reviews", 2) == [past(1440), past(60)]


def test_those_before_a_moment(history: DecisionsTable) -> None:
    """Not the one of that moment, which the page before has ended with."""
    for minutes in (0, 5, 60):
        history.append("reviews", past(minutes))

    before = NOW + timedelta(minutes=60)
    assert history.recent("reviews", 20, before) == [past(5), past(0)]
    assert history.recent("reviews", 1, before) == [past(5)]
    assert history.recent("reviews", 20, NOW) == []
    just_after = before + timedelta(milliseconds=1)
    assert history.recent("reviews", 1, just_after) == [past(60)]


def test_each_endpoint_has_its_own(history: DecisionsTable) -> None:
    """And one without decisions has none."""
    history.append("reviews", past(0))
    history.append("reviews-2", past(1))

    assert history.recent("reviews", 20) == [past(0)]
    assert history.recent("review", 20) == []


@pytest.mark.parametrize("until", [None, NOW + timedelta(minutes=15)])
def test_a_decision_is_read_back(history: DecisionsTable, until: datetime | None) -> None:
    """Whole."""
    kept_down = KeptDown("sleep", "put to sleep", until)
    decided = PastDecision(NOW, Decision("stop", "sleep", "put to sleep", until, kept_down))
    history.append("reviews", decided)

    assert history.recent("reviews", 1) == [decided]


def test_the_same_moment_is_written_once(history: DecisionsTable) -> None:
    """To the millisecond: what is tried again does not stand there twice."""
    history.append("reviews", past(0))
    history.append("reviews", past(0))

    assert history.recent("reviews", 20) == [past(0)]


def test_it_expires_after_ninety_days(history: DecisionsTable) -> None:
    """In whole seconds, as DynamoDB's time to live has it."""
    history.append("reviews", past(0))
    (item,) = history.client.scan(TableName="decisions")["Items"]

    assert item["expires_at"] == {"N": str(int((NOW + timedelta(days=90)).timestamp()))}
    assert item["decided_at"] == {"S": "2026-02-16T09:00:00.000Z"}


def test_a_missing_table_is_an_error_that_names_the_call(history: DecisionsTable) -> None:
    """Not a botocore exception, which only adapters know."""
    missing = DecisionsTable(history.client, "nowhere")

    with pytest.raises(AwsError, match="PutItem refused: ResourceNotFoundException"):
        missing.append("reviews", past(0))
    with pytest.raises(AwsError, match="Query refused: ResourceNotFoundException"):
        missing.recent("reviews", 1)
