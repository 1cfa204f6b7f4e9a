"""The requests table: whole records, one step at a time, found in their order."""

import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dormouse.adapters import requests as adapter
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
    queue_of,
    released,
)
from dormouse.errors import AwsError
from tests.adapters.conftest import CLIENTS, dynamodb_by
from tests.fakes.request_tables import RETENTION, requests_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
TARGET_MODEL = "x-amzn-sagemaker-target-model"


@pytest.fixture(scope="module", params=CLIENTS)
def records(request: pytest.FixtureRequest) -> Iterator[RequestsTable]:
    """The table, which the tests share: each has endpoints of its own."""
    with dynamodb_by(request.param) as client:
        yield requests_table(client)


@pytest.fixture
def endpoint() -> str:
    """An endpoint without requests."""
    return new_endpoint()


def new_endpoint() -> str:
    """Name one that no other test has."""
    return f"reviews-{uuid4().hex}"


def parked(endpoint: str, minutes: float = 0, model: str = "a.tar.gz") -> ParkedRequest:
    """A request that was accepted so many minutes after NOW."""
    accepted_at = NOW + timedelta(minutes=minutes)
    return ParkedRequest(
        endpoint=endpoint,
        id=f"{endpoint}.{uuid4().hex}",
        kind=Kind.RESPOND_ASYNC,
        status=Status.PARKED,
        principal="arn:aws:iam::123456789012:user/ana",
        headers={TARGET_MODEL: model},
        body_key="body",
        accepted_at=accepted_at,
        expires_at=accepted_at + timedelta(hours=6),
        fingerprint="f",
    )


def created(records: RequestsTable, *requests: ParkedRequest) -> tuple[ParkedRequest, ...]:
    """Write them."""
    for request in requests:
        assert records.create(request) is None
    return requests


def item_of(records: RequestsTable, request: ParkedRequest) -> dict[str, Any]:
    """Read the item as it stands in the table."""
    key = {"endpoint": {"S": request.endpoint}, "id": {"S": request.id}}
    return dict(records.client.get_item(TableName="requests", Key=cast(Any, key))["Item"])


class RepeatingClient:
    """A client that makes each write twice and returns the second answer, as the SDK does when the
    first was lost.
    """

    def __init__(self, client: "DynamoDBClient") -> None:
        self.client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def put_item(self, **request: Any) -> Any:
        """Put it, and put it again."""
        self.client.put_item(**request)
        return self.client.put_item(**request)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
printable = st.text(string.digits + string.ascii_letters + string.punctuation + " ", max_size=40)
headers = st.dictionaries(printable.filter(bool), printable, max_size=4)
moments = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2100, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))


@st.composite
def parked_requests(draw: st.DrawFn) -> ParkedRequest:
    """Any record there may be, under an id of its own."""
    endpoint = new_endpoint()
    return ParkedRequest(
        endpoint=endpoint,
        id=f"{endpoint}.{uuid4().hex}",
        kind=draw(st.sampled_from(Kind)),
        status=draw(st.sampled_from(Status)),
        principal=draw(texts),
        headers=draw(headers),
        body_key=draw(texts),
        accepted_at=draw(moments),
        expires_at=draw(moments),
        fingerprint=draw(texts),
        revision=draw(st.integers(0, 10**12)),
        inference_id=draw(st.none() | texts),
        input_location=draw(st.none() | texts),
        output_location=draw(st.none() | texts),
        failure_location=draw(st.none() | texts),
        completion_topic=draw(st.none() | texts),
        tries=draw(st.integers(-3, 100)),
        released_at=draw(st.none() | moments),
        claim=draw(st.none() | texts),
        claimed_until=draw(st.none() | moments),
        finished_at=draw(st.none() | moments),
        reason=draw(st.none() | texts),
        result=draw(st.none() | st.builds(Result, st.integers(100, 599), headers, body_key=texts)),
        is_published=draw(st.booleans()),
        is_cold=draw(st.booleans()),
    )


@settings(max_examples=50, deadline=None)
@given(parked_requests())
def test_a_record_is_read_back(records: RequestsTable, request_: ParkedRequest) -> None:
    """Whole, by its name and wherever it stands in line."""
    created(records, request_)

    assert records.read(request_.endpoint, request_.id) == request_
    for queue in Queue:
        there = [request_] if queue_of(request_) is queue else []
        assert list(records.queued(request_.endpoint, queue, 5)) == there
        assert records.count(request_.endpoint, queue, 5) == len(there)
    assert records.position(request_) == 0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["a", "b", ""])), max_size=8))
def test_a_queue_is_in_the_order_of_age(
    records: RequestsTable, arrivals: list[tuple[int, str]]
) -> None:
    """Released ones for each model; the position is the place in it."""
    endpoint = new_endpoint()
    waiting = created(records, *(parked(endpoint, minute, model) for minute, model in arrivals))

    in_order = sorted(waiting, key=lambda request: (request.accepted_at, request.id))
    assert list(records.queued(endpoint, Queue.PARKED, 10)) == in_order
    assert [records.position(request) for request in in_order] == list(range(len(in_order)))

    for request in waiting:
        assert records.change(request, released(request, LATER))
    assert records.count(endpoint, Queue.PARKED, 10) == 0
    assert records.count(endpoint, Queue.RELEASED, 10) == len(waiting)
    for model in ("a", "b", ""):
        of_model = [released(one, LATER) for one in in_order if one.target_model == model]
        assert list(records.queued(endpoint, Queue.RELEASED, 10, model)) == of_model
        assert [records.position(request) for request in of_model] == list(range(len(of_model)))


def test_the_released_ones_of_all_models_are_found(records: RequestsTable, endpoint: str) -> None:
    """Where no model is named."""
    requests = created(records, *(parked(endpoint, minute, f"{minute}") for minute in range(3)))
    for request in requests:
        assert records.change(request, released(request, LATER))

    found = records.queued(endpoint, Queue.RELEASED, 10)
    assert {request.id for request in found} == {request.id for request in requests}


def test_an_id_is_taken_once(records: RequestsTable, endpoint: str) -> None:
    """The second one learns of the first, and changes nothing."""
    (first,) = created(records, parked(endpoint))

    assert records.create(replace(first, fingerprint="another")) == first
    assert records.read(endpoint, first.id) == first


def test_a_step_is_taken_once(records: RequestsTable, endpoint: str) -> None:
    """Of two that were computed from the same record, the second is not written."""
    (seen,) = created(records, parked(endpoint))
    step = released(seen, LATER)

    assert records.change(seen, step)
    assert not records.change(seen, cancelled(seen, LATER))
    assert not records.change(seen, step)
    assert records.read(endpoint, seen.id) == step


def test_no_step_makes_a_record(records: RequestsTable, endpoint: str) -> None:
    """What was removed stays so."""
    (seen,) = created(records, parked(endpoint))
    assert records.delete(seen)

    assert not records.change(seen, released(seen, LATER))
    assert records.read(endpoint, seen.id) is None


def test_what_has_taken_a_step_is_not_deleted(records: RequestsTable, endpoint: str) -> None:
    """Nor is what is gone."""
    (seen,) = created(records, parked(endpoint))
    step = released(seen, LATER)
    assert records.change(seen, step)

    assert not records.delete(seen)
    assert records.delete(step)
    assert not records.delete(step)


def test_a_write_whose_answer_was_lost_is_known_again(
    records: RequestsTable, endpoint: str
) -> None:
    """The SDK repeats it; the repetition is not taken for a rival."""
    repeating = replace(records, client=cast("DynamoDBClient", RepeatingClient(records.client)))
    request = parked(endpoint)
    step = released(request, LATER)

    assert repeating.create(request) is None
    assert repeating.change(request, step)
    assert not repeating.change(request, step)
    assert repeating.create(request) == step


def test_a_step_leaves_nothing_behind(records: RequestsTable, endpoint: str) -> None:
    """An attribute that the record no longer has is gone from the item, its place in line too."""
    (seen,) = created(records, parked(endpoint))
    taken = claimed(released(seen, LATER), "claim", LATER)
    done = answered(taken, Result(200, {}, "result"), LATER)
    assert records.change(seen, replace(taken, revision=1))
    assert records.change(replace(taken, revision=1), done)

    item = item_of(records, done)
    assert not {"queue", "claim", "claimed_until"} & item.keys()
    assert item["finished_at"] == {"S": "2026-02-16T09:01:00.000Z"}


@pytest.mark.parametrize(
    "name", ["", "reviews", "reviews.0", "x" * 1024, "x" * 1025, "x" * 100_000, "\ud800", "☃"]
)
def test_what_is_not_there_is_none(records: RequestsTable, endpoint: str, name: str) -> None:
    """Nor is what no request could be called: the names come from outside."""
    assert records.read(endpoint, name) is None
    assert records.read(name * 3, "id") is None


def test_no_more_are_read_than_asked(records: RequestsTable, endpoint: str) -> None:
    """The oldest, however many there are."""
    requests = created(records, *(parked(endpoint, minute) for minute in range(5)))

    assert records.queued(endpoint, Queue.PARKED, 3) == requests[:3]
    assert records.queued(endpoint, Queue.PARKED, 0) == ()
    assert [records.count(endpoint, Queue.PARKED, at_most) for at_most in (0, 3, 5, 6)] == [
        0,
        3,
        5,
        5,
    ]


def test_pages_are_followed(records: RequestsTable, endpoint: str) -> None:
    """DynamoDB ends a page at 1 MB, moto too."""
    heavy = {"x-amzn-sagemaker-custom-attributes": "x" * 250_000}
    requests = created(
        records,
        *(replace(parked(endpoint, minute), headers=heavy) for minute in range(10)),
    )

    assert records.queued(endpoint, Queue.PARKED, 9) == requests[:9]
    assert records.count(endpoint, Queue.PARKED, 9) == 9
    assert records.position(requests[9]) == 9


def test_two_models_with_one_key_are_told_apart(
    records: RequestsTable, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is a short hash: behind those of the other model the right ones are found."""
    monkeypatch.setattr(adapter, "model_key", lambda _: "same")
    others = [parked(endpoint, minute, "other") for minute in range(3)]
    mine = [parked(endpoint, minute, "mine") for minute in (3, 4)]
    for request in created(records, *others, *mine):
        assert records.change(request, released(request, LATER))

    found = records.queued(endpoint, Queue.RELEASED, 1, "mine")
    assert found == (released(mine[0], LATER),)
    assert len(records.queued(endpoint, Queue.RELEASED, 5, "mine")) == 2


def test_each_endpoint_has_its_own(records: RequestsTable) -> None:
    """Also where one's name begins with the other's."""
    one, other = new_endpoint(), new_endpoint()
    (request,) = created(records, parked(one))
    created(records, parked(f"{one}-2"), parked(other))

    assert records.queued(one, Queue.PARKED, 5) == (request,)
    assert records.position(request) == 0


def test_a_record_is_removed_some_days_after_its_end(records: RequestsTable, endpoint: str) -> None:
    """A waiting one after the end of its time to live; in whole seconds, never too early."""
    (waiting,) = created(records, parked(endpoint, minutes=0.0001))
    done = cancelled(waiting, LATER)

    expected = (waiting.expires_at + RETENTION).timestamp()
    assert expected < int(item_of(records, waiting)["purge_at"]["N"]) < expected + 1
    assert records.change(waiting, done)
    assert item_of(records, done)["purge_at"] == {"N": str(int((LATER + RETENTION).timestamp()))}


@pytest.mark.parametrize(
    ("moments_", "end"),
    [
        ({}, NOW + timedelta(hours=6)),
        ({"claimed_until": LATER}, LATER),
        ({"claimed_until": LATER, "finished_at": NOW}, NOW),
    ],
)
def test_a_held_one_is_removed_soon(
    records: RequestsTable, endpoint: str, moments_: dict[str, datetime], end: datetime
) -> None:
    """A quarter of an hour after its end, or after its claim has run out."""
    held = replace(parked(endpoint), kind=Kind.HELD, **cast(Any, moments_))
    created(records, held)

    kept_until = int((end + timedelta(minutes=15)).timestamp())
    assert item_of(records, held)["purge_at"] == {"N": str(kept_until)}


def test_a_missing_table_is_an_error_that_names_the_call(
    records: RequestsTable, endpoint: str
) -> None:
    """Not a botocore exception, which only adapters know."""
    missing = replace(records, table_name="nowhere")
    request = parked(endpoint)

    for call, operation in (
        (lambda: missing.create(request), "PutItem"),
        (lambda: missing.change(request, request), "PutItem"),
        (lambda: missing.read(endpoint, request.id), "GetItem"),
        (lambda: missing.delete(request), "DeleteItem"),
        (lambda: missing.queued(endpoint, Queue.PARKED, 1), "Query"),
        (lambda: missing.count(endpoint, Queue.PARKED, 1), "Query"),
        (lambda: missing.position(request), "Query"),
    ):
        with pytest.raises(AwsError, match=f"{operation} refused: ResourceNotFoundException"):
            call()
