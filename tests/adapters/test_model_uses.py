"""The model uses table: counts of each minute, and which models were used most."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from dormouse.adapters.model_uses import ModelUsesTable
from dormouse.errors import AwsError
from tests.fakes.answers import refusal, will_answer
from tests.fakes.request_tables import model_uses_table

NOW = datetime(2026, 2, 16, 9, 0, 30, tzinfo=UTC)
FULL = refusal("ValidationException", "Item size to update has exceeded the maximum allowed size")


@pytest.fixture(scope="module")
def ledger() -> Iterator[ModelUsesTable]:
    """The table, which the tests share: each has endpoints of its own."""
    with mock_aws():
        yield model_uses_table(boto3.client("dynamodb"))


@pytest.fixture
def fresh(ledger: ModelUsesTable) -> ModelUsesTable:
    """The same table by a client of its own, whose answers may be changed."""
    return replace(ledger, client=boto3.client("dynamodb"))


@pytest.fixture
def endpoint() -> str:
    """An endpoint whose models nobody has used."""
    return f"reviews-{uuid4().hex}"


def after(minutes: float) -> datetime:
    """So many minutes after NOW."""
    return NOW + timedelta(minutes=minutes)


def test_the_most_used_come_first(ledger: ModelUsesTable, endpoint: str) -> None:
    """Summed over the minutes and the calls, no more than asked."""
    ledger.record_uses(endpoint, {"a": 3, "b": 1, "c": 2}, NOW)
    ledger.record_uses(endpoint, {"b": 1}, NOW)
    ledger.record_uses(endpoint, {"b": 2, "c": 0}, after(5))

    assert ledger.hot_models(endpoint, NOW, 10) == ["b", "a", "c"]
    assert ledger.hot_models(endpoint, NOW, 2) == ["b", "a"]
    assert ledger.hot_models(endpoint, NOW, 0) == []


def test_of_equals_the_latest_comes_first(ledger: ModelUsesTable, endpoint: str) -> None:
    """And then by name."""
    ledger.record_uses(endpoint, {"early": 2, "b": 1, "a": 1}, NOW)
    ledger.record_uses(endpoint, {"late": 2, "b": 1, "a": 1}, after(1))

    assert ledger.hot_models(endpoint, NOW, 10) == ["a", "b", "late", "early"]


def test_what_was_before_does_not_count(ledger: ModelUsesTable, endpoint: str) -> None:
    """To the minute, across the turn of a day, in whatever zone it is said."""
    midnight = datetime(2026, 2, 17, tzinfo=UTC)
    ledger.record_uses(endpoint, {"before": 9}, midnight - timedelta(seconds=1))
    ledger.record_uses(endpoint, {"since": 1}, midnight)

    assert ledger.hot_models(endpoint, midnight + timedelta(seconds=59), 5) == ["since"]
    local = (midnight - timedelta(minutes=1)).astimezone()
    assert ledger.hot_models(endpoint, local, 5) == ["before", "since"]


def test_each_endpoint_has_its_own(ledger: ModelUsesTable, endpoint: str) -> None:
    """One without uses has none."""
    ledger.record_uses(endpoint, {"a": 1}, NOW)

    assert ledger.hot_models(f"{endpoint}-2", NOW, 5) == []


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
        | st.sampled_from(["endpoint", "minute", "expires_at", "uses of ", "#0", ":0", "a.b[0]"]),
        st.integers(1, 10**6),
        max_size=5,
    )
)
def test_any_name_is_counted(ledger: ModelUsesTable, uses: dict[str, int]) -> None:
    """None is taken for another attribute, or for a part of an expression."""
    endpoint = uuid4().hex
    ledger.record_uses(endpoint, uses, NOW)

    expected = sorted(uses, key=lambda model: (-uses[model], model))
    assert ledger.hot_models(endpoint, NOW, 10) == expected


def test_what_can_t_be_a_model_is_not_counted(ledger: ModelUsesTable, endpoint: str) -> None:
    """No name, one that is too long, one without a use."""
    ledger.record_uses(endpoint, {"": 5, "x" * 1024: 2, "y" * 1025: 5, "unused": 0, "z": -1}, NOW)

    assert ledger.hot_models(endpoint, NOW, 10) == ["x" * 1024]


def test_many_models_are_counted_in_several_writes(ledger: ModelUsesTable, endpoint: str) -> None:
    """Long names too; of more than 500 the most used."""
    uses = {f"{number:03}": 1000 - number for number in range(600)}
    ledger.record_uses(endpoint, uses, NOW)
    assert ledger.hot_models(endpoint, NOW, 1000) == list(uses)[:500]

    long = {f"{number:03}".ljust(1024, "x"): 1000 - number for number in range(150)}
    ledger.record_uses(f"{endpoint}-2", long, NOW)
    assert ledger.hot_models(f"{endpoint}-2", NOW, 1000) == list(long)


def test_a_write_keeps_within_the_limits_of_an_expression(
    fresh: ModelUsesTable, endpoint: str
) -> None:
    """4 KB of expression, 64 KB of names, 300 operators."""
    calls = will_answer(fresh.client, "dynamodb.UpdateItem", *[None] * 20)
    fresh.record_uses(endpoint, {f"{number}".ljust(1024, "x"): 1 for number in range(150)}, NOW)
    fresh.record_uses(endpoint, {f"{number}": 1 for number in range(600)}, after(1))

    requests = [json.loads(call["body"]) for call in calls]
    assert len(requests) == 3 + 5
    for request in requests:
        assert len(request["UpdateExpression"]) < 4096
        assert len(request["ExpressionAttributeValues"]) < 300
        assert sum(map(len, request["ExpressionAttributeNames"].values())) < 65_536


def test_a_full_minute_takes_no_more(fresh: ModelUsesTable, endpoint: str) -> None:
    """The most used ones were written first; it is no error."""
    for start in range(0, 500, 100):
        long = {f"{start + number:03}".ljust(1024, "x"): 10 for number in range(100)}
        fresh.record_uses(endpoint, long, NOW)

    counted = fresh.hot_models(endpoint, NOW, 1000)
    assert 300 < len(counted) < 400
    fresh.record_uses(endpoint, {"next": 1}, after(1))
    assert "next" in fresh.hot_models(endpoint, NOW, 1000)


def test_nothing_more_is_tried_in_a_full_minute(fresh: ModelUsesTable, endpoint: str) -> None:
    """Each refused write would cost as much as one that is done."""
    calls = will_answer(fresh.client, "dynamodb.UpdateItem", FULL, FULL)

    fresh.record_uses(endpoint, {f"{number}": 1 for number in range(200)}, NOW)

    assert len(calls) == 1


def test_a_minute_expires_after_four_weeks(ledger: ModelUsesTable, endpoint: str) -> None:
    """In whole seconds, as DynamoDB's time to live has it."""
    ledger.record_uses(endpoint, {"a": 1}, NOW)

    key = {"endpoint": {"S": endpoint}, "minute": {"S": "2026-02-16T09:00Z"}}
    item = ledger.client.get_item(TableName=ledger.table_name, Key=key)["Item"]
    assert item == {
        **key,
        "expires_at": {"N": str(int((NOW + timedelta(days=28)).timestamp()))},
        "uses of a": {"N": "1"},
    }


def test_a_missing_table_is_an_error_that_names_the_call(
    ledger: ModelUsesTable, endpoint: str
) -> None:
    """Not a botocore exception, which only adapters know."""
    missing = replace(ledger, table_name="nowhere")

    with pytest.raises(AwsError, match="UpdateItem refused: ResourceNotFoundException"):
        missing.record_uses(endpoint, {"a": 1}, NOW)
    with pytest.raises(AwsError, match="Query refused: ResourceNotFoundException"):
        missing.hot_models(endpoint, NOW, 1)
