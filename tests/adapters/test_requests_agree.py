"""The records in memory, over which the state machine runs, do what the real table does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from dormouse.adapters.requests import RequestsTable
from dormouse.domain.parked_request import (
    Kind,
    ParkedRequest,
    Queue,
    Result,
    Status,
    answered,
    cancelled,
    claimed,
    expired,
    failed,
    given_back,
    parked_again,
    published,
    released,
)
from tests.fakes.request_tables import requests_table
from tests.fakes.requests import FakeRequestRecords

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
STEPS = [
    lambda request: released(request, LATER),
    lambda request: claimed(request, "claim", LATER),
    lambda request: given_back(request, LATER),
    parked_again,
    lambda request: answered(request, Result(200, {"content-type": "text/plain"}, "key"), LATER),
    lambda request: failed(request, "it broke", LATER),
    lambda request: expired(request, LATER),
    lambda request: cancelled(request, LATER),
    published,
]


@pytest.fixture
def table() -> Iterator[RequestsTable]:
    """The requests table, empty, in moto's DynamoDB."""
    with mock_aws():
        yield requests_table(boto3.client("dynamodb"))


def record(number: int, minute: int, model: str, kind: Kind) -> ParkedRequest:
    """Write a request as it is accepted."""
    status = Status.ANSWERING if kind is Kind.HELD else Status.PARKED
    return ParkedRequest(
        endpoint="reviews",
        id=f"reviews.{number:032x}",
        kind=kind,
        status=status,
        principal="jo",
        headers={"x-amzn-sagemaker-target-model": model},
        body_key="key",
        accepted_at=NOW + timedelta(minutes=minute),
        expires_at=NOW + timedelta(hours=1),
        fingerprint="f",
        completion_topic="topic" if number % 2 else None,
    )


numbers = st.integers(0, 3)
models = st.sampled_from(["a", "b"])
operations = st.one_of(
    st.tuples(
        st.just("create"),
        st.builds(record, numbers, st.integers(0, 2), models, st.sampled_from(Kind)),
    ),
    # The step that somebody takes, and whether the record has been overtaken since he read it.
    st.tuples(st.just("change"), numbers, st.sampled_from(STEPS), st.booleans()),
    st.tuples(st.just("change"), numbers, st.sampled_from(STEPS), st.just(False)),
    st.tuples(st.just("delete"), numbers, st.booleans()),
)


@settings(
    max_examples=60,
    deadline=None,
    # The fixture is emptied in each run; and moto is too slow to shrink what fails.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.lists(operations, min_size=3, max_size=25), st.integers(1, 5), models)
def test_whatever_is_done_to_both_they_answer_and_list_the_same(
    table: RequestsTable, steps: list[tuple[object, ...]], at_most: int, model: str
) -> None:
    """Also where somebody takes a step with a record that has been overtaken."""
    fake = FakeRequestRecords()
    for number in range(4):
        key = {"endpoint": {"S": "reviews"}, "id": {"S": f"reviews.{number:032x}"}}
        table.client.delete_item(TableName=table.table_name, Key=key)
    outdated: dict[str, ParkedRequest] = {}
    for step in steps:
        match step:
            case ("create", ParkedRequest() as request):
                assert table.create(request) == fake.create(request)
            case ("change", int(number), take, bool(is_outdated)) if callable(take):
                there = fake.read("reviews", f"reviews.{number:032x}")
                if there is None:
                    continue
                seen = outdated.get(there.id, there) if is_outdated else there
                outdated[there.id] = there
                assert table.change(seen, take(seen)) == fake.change(seen, take(seen))
            case ("delete", int(number), bool(is_outdated)):
                there = fake.read("reviews", f"reviews.{number:032x}")
                if there is None:
                    continue
                seen = outdated.get(there.id, there) if is_outdated else there
                assert table.delete(seen) == fake.delete(seen)
    for number in range(4):
        name = f"reviews.{number:032x}"
        there = fake.read("reviews", name)
        assert table.read("reviews", name) == there
        if there is not None:
            assert table.position(there) == fake.position(there)
    for queue in Queue:
        assert list(table.queued("reviews", queue, at_most)) == fake.queued(
            "reviews", queue, at_most
        )
        assert table.count("reviews", queue, at_most) == fake.count("reviews", queue, at_most)
    assert list(table.queued("reviews", Queue.RELEASED, at_most, model)) == fake.queued(
        "reviews", Queue.RELEASED, at_most, model
    )
