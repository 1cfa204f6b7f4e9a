"""The days of demand: the table keeps them, and the stand-in of the tests does what it does."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from dormouse.adapters.usage import UsageTable
from dormouse.domain.demand_history import DemandDay
from dormouse.domain.usage import MinutePart
from dormouse.errors import AwsError
from tests.fakes.answers import refusal, will_answer
from tests.fakes.request_tables import usage_table
from tests.fakes.requests import FakeUsageLedger

DAY = date(2026, 2, 16)
NOON = datetime(2026, 2, 16, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def table() -> Iterator[UsageTable]:
    """The table, which the tests share: each has endpoints of its own."""
    with mock_aws():
        yield usage_table(boto3.client("dynamodb"))


@pytest.fixture
def endpoint() -> str:
    """An endpoint that nobody has asked for."""
    return f"reviews-{uuid4().hex}"


def test_a_day_is_read_as_it_was_kept(table: UsageTable, endpoint: str) -> None:
    """With the version by which it may be written anew."""
    day = DemandDay(DAY, NOON, {540: 3, 541: 1, 600: 12})

    assert table.keep_day(endpoint, day)

    assert table.days(endpoint, DAY) == [replace(day, version=1)]
    assert table.days("another", DAY) == []


def test_how_it_is_written(table: UsageTable, endpoint: str) -> None:
    """As documented; DynamoDB deletes it four weeks after its end."""
    table.keep_day(endpoint, DemandDay(DAY, NOON, {540: 3, 541: 1, 600: 1}))

    key = {"endpoint": {"S": endpoint}, "item": {"S": "day#2026-02-16"}}
    item = table.client.get_item(TableName=table.table_name, Key=key)["Item"]
    expires_at = datetime(2026, 2, 17, tzinfo=UTC) + timedelta(days=28)
    assert item == {
        **key,
        "expires_at": {"N": str(int(expires_at.timestamp()))},
        "until": {"S": "2026-02-16T12:00:00.000Z"},
        "counts": {"S": "540=3,1 600=1"},
        "version": {"N": "1"},
    }


def test_the_counts_of_minutes_are_not_among_the_days(table: UsageTable, endpoint: str) -> None:
    """Nor the days among those."""
    table.record([MinutePart(endpoint, NOON, "w-1", demand=1)], [])
    table.keep_day(endpoint, DemandDay(DAY, NOON, {540: 3}))

    assert [day.day for day in table.days(endpoint, DAY)] == [DAY]
    parts, _ = table.parts_of(endpoint, NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert [part.name for part in parts] == ["w-1"]


@pytest.mark.parametrize(
    "written",
    [
        {"counts": {"S": "540:3"}},
        {"counts": {"N": "3"}},
        {"until": {"S": "noon"}},
    ],
)
def test_what_another_version_has_written_is_written_anew(
    table: UsageTable, endpoint: str, written: Any
) -> None:
    """Nothing is known of that day, and nothing stands in the way of counting it."""
    table.keep_day(endpoint, DemandDay(DAY, NOON, {540: 3}))
    key = {"endpoint": {"S": endpoint}, "item": {"S": "day#2026-02-16"}}
    item = table.client.get_item(TableName=table.table_name, Key=key)["Item"]
    table.client.put_item(TableName=table.table_name, Item={**item, **written})

    (read,) = table.days(endpoint, DAY)

    assert read == DemandDay(DAY, datetime(2026, 2, 16, tzinfo=UTC), {}, 1)
    assert table.keep_day(endpoint, read)


def test_a_refusal_is_told(table: UsageTable) -> None:
    """It is no day, and none that was written by another."""
    broken = replace(table, client=boto3.client("dynamodb"))
    for operation in ("Query", "PutItem"):
        will_answer(broken.client, f"dynamodb.{operation}", refusal("AccessDeniedException"))

    with pytest.raises(AwsError, match="Query refused"):
        broken.days("reviews", DAY)
    with pytest.raises(AwsError, match="PutItem refused"):
        broken.keep_day("reviews", DemandDay(DAY, NOON, {}))


days = st.builds(
    DemandDay,
    st.integers(0, 2).map(lambda later: DAY + timedelta(days=later)),
    st.just(NOON),
    st.dictionaries(st.integers(0, 1439), st.integers(1, 9), max_size=3),
    st.integers(0, 3),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(days, max_size=12), st.integers(0, 2))
def test_whoever_has_seen_less_writes_nothing(
    table: UsageTable, writes: list[DemandDay], later: int
) -> None:
    """The stand-in answers the same, whatever is written."""
    endpoint, fake, first = f"reviews-{uuid4().hex}", FakeUsageLedger(), DAY + timedelta(days=later)
    for day in writes:
        assert table.keep_day(endpoint, day) is fake.keep_day(endpoint, day)
        assert table.days(endpoint, first) == fake.days(endpoint, first)
