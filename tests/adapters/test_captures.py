"""The captures' stream, and the bucket behind it."""

import json
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from moto import mock_aws

from dormouse.adapters.captures import (
    CONNECT_TIMEOUT_SECONDS,
    PAUSE,
    RECORD_LIMIT_BYTES,
    STREAM_READ_TIMEOUT_SECONDS,
    FirehoseCaptures,
)
from dormouse.adapters.kept_connections import KeptConnections
from dormouse.domain.capture import CaptureRecord
from dormouse.domain.capture_policy import CapturePolicy
from dormouse.errors import AwsError
from dormouse.ports import Kept
from dormouse.recording import Capture, Recording
from tests.fakes.answers import refusal, will_answer
from tests.fakes.clock import FakeClock
from tests.fakes.front_door import FrontDoor

KEPT = Kept(is_spilled=False)
PREFIX = "captures/reviews/AllTraffic/2026/02/16/09/"
UNAVAILABLE = ClientError(
    {"Error": {"Code": "ServiceUnavailableException", "Message": "slow down"}}, "PutRecord"
)
TIMED_OUT = ReadTimeoutError(endpoint_url="https://firehose")
CUT_OFF = ConnectionClosedError(endpoint_url="https://firehose")


def record(number: int = 1, size: int = 0) -> CaptureRecord:
    """Make a line that is so long, or not much longer than it must be."""
    line = json.dumps({"eventMetadata": {"eventId": str(number)}}).encode()
    return CaptureRecord(str(number), PREFIX, line.ljust(size - 1) + b"\n")


@dataclass
class Store:
    """Firehose's and S3's clients in one. Each call takes what `faults` has for it: what is raised
    before it is done, or, where it is stored all the same, after.
    """

    faults: list[tuple[Exception, bool] | None] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    streamed: list[bytes] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)

    def put_record(self, *, DeliveryStreamName: str, Record: Mapping[str, bytes]) -> None:
        """Take a line."""
        assert DeliveryStreamName == "stream"
        assert len(Record["Data"]) <= RECORD_LIMIT_BYTES
        self.calls.append("stream")
        self._take(lambda: self.streamed.append(Record["Data"]))

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        """Take an object."""
        assert (Bucket, ContentType) == ("bucket", "application/jsonlines")
        self.calls.append("bucket")
        self._take(lambda: self.objects.update({Key: Body}))

    def _take(self, store: Callable[[], None]) -> None:
        fault, is_stored = (self.faults.pop(0) if self.faults else None) or (None, True)
        if is_stored:
            store()
        if fault is not None:
            raise fault


def captures(store: Store, clock: FakeClock | None = None) -> FirehoseCaptures:
    """Build what keeps captures in a store."""
    client: Any = store
    return FirehoseCaptures(client, client, "stream", "bucket", clock or FakeClock())


def test_a_capture_goes_into_the_stream() -> None:
    """By one call, as it is."""
    store = Store()

    assert captures(store).keep(record()) == KEPT

    assert store.streamed == [record().line]
    assert store.calls == ["stream"]


@pytest.mark.parametrize("fault", [UNAVAILABLE, TIMED_OUT, CUT_OFF])
def test_firehose_is_tried_once_more(fault: Exception) -> None:
    """It is no fault that anybody has to know of, but is told."""
    store = Store([(fault, False)])

    kept = captures(store).keep(record())

    assert not kept.is_spilled
    assert len(kept.problems) == 1 and "PutRecord" in kept.problems[0]
    assert store.calls == ["stream", "stream"]


def test_what_firehose_does_not_take_lies_beside() -> None:
    """In the same place as its own files, under the event's name."""
    store = Store([(UNAVAILABLE, False)] * 2)

    kept = captures(store).keep(record())

    assert kept.is_spilled
    assert kept.problems == ("PutRecord refused: ServiceUnavailableException: slow down",)
    assert store.objects == {f"{PREFIX}spilled-1.jsonl": record().line}


def test_an_outage_costs_the_tries_once_in_a_while() -> None:
    """Within the pause Firehose is not asked."""
    clock, store = FakeClock(), Store([(TIMED_OUT, False)] * 2)
    keeping = captures(store, clock)
    keeping.keep(record(1))
    store.calls.clear()

    clock.advance(seconds=PAUSE.total_seconds() - 1)
    assert keeping.keep(record(2)) == Kept(is_spilled=True)
    clock.advance(seconds=1)
    assert keeping.keep(record(3)) == KEPT

    assert store.calls == ["bucket", "stream"]


def test_within_the_pause_firehose_is_the_last_resort() -> None:
    """If it takes it, the pause is over."""
    store = Store([(UNAVAILABLE, False), (UNAVAILABLE, False), None, (CUT_OFF, False)])
    keeping = captures(store)
    keeping.keep(record(1))
    store.calls.clear()

    assert not keeping.keep(record(2)).is_spilled
    assert keeping.keep(record(3)) == KEPT

    assert store.calls == ["bucket", "stream", "stream"]


def test_a_clock_that_is_set_back_prolongs_no_pause() -> None:
    """Firehose is asked as if nothing had been."""
    clock, store = FakeClock(), Store([(UNAVAILABLE, False)] * 2)
    keeping = captures(store, clock)
    keeping.keep(record(1))
    clock.advance(hours=-1)

    assert keeping.keep(record(2)) == KEPT


@pytest.mark.parametrize("over", [0, 1])
def test_only_a_line_that_is_too_long_never_goes_to_firehose(over: int) -> None:
    """The limit itself is none too many; it is no failure of Firehose, so it is not spilled."""
    store = Store()

    assert captures(store).keep(record(size=RECORD_LIMIT_BYTES + over)) == KEPT

    assert store.calls == [["stream"], ["bucket"]][over]


def test_a_long_line_is_tried_twice_and_pauses_nothing() -> None:
    """The bucket's fault says nothing of Firehose."""
    store = Store([(CUT_OFF, False)])
    keeping = captures(store)
    keeping.keep(record(1, RECORD_LIMIT_BYTES + 1))
    keeping.keep(record(2))
    assert store.calls == ["bucket", "bucket", "stream"]


@pytest.mark.parametrize("size", [0, RECORD_LIMIT_BYTES + 1])
def test_what_is_kept_nowhere_is_an_error_that_says_what_was_tried(size: int) -> None:
    """Each fault once."""
    store = Store([(TIMED_OUT, False)] * 3)

    with pytest.raises(AwsError, match="PutObject failed: Read timeout") as caught:
        captures(store).keep(record(size=size))

    assert str(caught.value).count("PutObject") == 1
    assert ("PutRecord" in str(caught.value)) is (size == 0)


# --------------------------------------------------------------------------------- real protocols


@pytest.fixture
def aws() -> Iterator[FirehoseCaptures]:
    """A stream and a bucket of moto's."""
    with mock_aws():
        s3, firehose = boto3.client("s3"), boto3.client("firehose")
        s3.create_bucket(Bucket="bucket")
        role, to = "arn:aws:iam::123456789012:role/captures", "arn:aws:s3:::bucket"
        firehose.create_delivery_stream(
            DeliveryStreamName="stream",
            ExtendedS3DestinationConfiguration={"RoleARN": role, "BucketARN": to},
        )
        yield FirehoseCaptures(firehose, s3, "stream", "bucket", FakeClock())


def _objects(keeping: FirehoseCaptures) -> list[bytes]:
    listed = keeping.s3.list_objects_v2(Bucket="bucket").get("Contents", [])
    return [keeping.s3.get_object(Bucket="bucket", Key=one["Key"])["Body"].read() for one in listed]


def test_a_stream_delivers_the_very_bytes(aws: FirehoseCaptures) -> None:
    """As many lines as there are captures."""
    assert aws.keep(record(1)) == KEPT
    assert _objects(aws) == [record(1).line]


@pytest.mark.parametrize(
    "code", ["ServiceUnavailableException", "InternalFailure", "AccessDeniedException"]
)
def test_whatever_firehose_answers_the_capture_is_kept(aws: FirehoseCaptures, code: str) -> None:
    """The fault names it."""
    calls = will_answer(aws.firehose, "firehose.PutRecord", refusal(code), refusal(code))

    assert aws.keep(record(1)) == Kept(True, (f"PutRecord refused: {code}: because",))

    assert len(calls) == 2
    assert _objects(aws) == [record(1).line]


def test_a_service_that_does_not_answer_costs_no_more_than_the_bound() -> None:
    """It accepts each connection, and says nothing: measured, with the timeouts of the product."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = silent.getsockname()
        connection = KeptConnections(
            address[0], address[1], None, CONNECT_TIMEOUT_SECONDS, STREAM_READ_TIMEOUT_SECONDS
        )

        class Silent(Store):
            def put_record(self, *, DeliveryStreamName: str, Record: Mapping[str, bytes]) -> None:
                connection.send("POST", "/", {"host": "loopback"}, Record["Data"])

        began = time.monotonic()
        kept = captures(Silent()).keep(record())

    assert kept.is_spilled
    assert "Read timeout" in kept.problems[0]
    tries = (CONNECT_TIMEOUT_SECONDS + STREAM_READ_TIMEOUT_SECONDS) * 2
    assert time.monotonic() - began < tries + 5


# ---------------------------------------------------------------------------- ten thousand of them

_FAULTS: tuple[tuple[Exception, bool], ...] = (
    (UNAVAILABLE, False),
    (ClientError({"Error": {"Code": "InternalFailure", "Message": "500"}}, "PutRecord"), False),
    (CUT_OFF, True),
    (TIMED_OUT, True),
    (TIMED_OUT, False),
)


def test_of_ten_thousand_requests_none_is_silently_dropped() -> None:
    """Firehose and S3 fail at random. Each event is found, or counted as lost and named; each
    request has its answer.
    """
    draw = random.Random(6)
    door, store = FrontDoor(), Store()
    door.serve()
    keeping = captures(store, door.clock)
    recording = Recording(keeping, lambda exchange: (), lambda arrival: (), by_model=False)

    class Unreliable(Store):
        """Fails one call of Firehose in four, and one of S3 in twenty."""

        def _take(self, put: Callable[[], None]) -> None:
            rate = 0.25 if self.calls[-1] == "stream" else 0.05
            fault = draw.choice(_FAULTS) if draw.random() < rate else None
            if fault is not None and fault[0] is TIMED_OUT:
                door.clock.advance(seconds=STREAM_READ_TIMEOUT_SECONDS)
            self.faults = [fault]
            super()._take(put)

    unreliable: Any = Unreliable()
    keeping.firehose = keeping.s3 = unreliable
    asked: set[str] = set()
    lost: set[str] = set()
    became: Counter[Capture] = Counter()
    for _ in range(10_000):
        size = draw.choice((0, 10, 1000)) if draw.random() < 0.998 else 1_100_000
        handled = door.handle(body=b"x" * size)
        assert (handled.response.status, handled.response.body) == (200, b"[1]")
        assert handled.exchange is not None
        asked.add(handled.exchange.event_id)
        recorded = recording.record(handled.exchange, CapturePolicy())
        became[recorded.capture] += 1
        if recorded.capture is Capture.LOST:
            assert handled.exchange.event_id in recorded.problems[0]
            lost.add(handled.exchange.event_id)
        door.clock.advance(seconds=1)

    lines = [*unreliable.streamed, *unreliable.objects.values()]
    found = {json.loads(line)["eventMetadata"]["eventId"] for line in lines}
    assert len(asked) == 10_000
    assert found | lost == asked
    assert len(lines) > len(found), "what was stored though it seemed to fail is there twice"
    assert became[Capture.LOST] == len(lost) > 0
    assert min(became[Capture.CAPTURED], became[Capture.SPILLED]) > 100
    assert became.total() == 10_000
