"""The work queue: everything is sent, in tens, and what was not is said."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from dormouse.adapters.work_queue import SqsWorkQueue
from dormouse.domain.work import AnswerNext, LoadModel, Publish, Work, read_work
from dormouse.errors import AwsError
from tests.fakes.answers import refusal, will_answer

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@pytest.fixture
def queue() -> Iterator[SqsWorkQueue]:
    """The queue, empty."""
    with mock_aws():
        client: SQSClient = boto3.client("sqs")
        url = client.create_queue(QueueName="work")["QueueUrl"]
        yield SqsWorkQueue(client, url)


def received(queue: SqsWorkQueue) -> list[Work]:
    """Take everything out of it."""
    work: list[Work] = []
    while True:
        answer = queue.client.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10)
        if not answer.get("Messages"):
            return work
        work += [read_work(json.loads(message["Body"])) for message in answer["Messages"]]


def failed(*numbers: int) -> dict[str, Any]:
    """SQS's answer to a batch of which some messages failed."""
    entry: Mapping[str, Any] = {"Code": "InternalError", "Message": "later", "SenderFault": False}
    return {"Successful": [], "Failed": [{"Id": str(number), **entry} for number in numbers]}


def test_each_kind_of_work_arrives(queue: SqsWorkQueue) -> None:
    """As it was sent, whatever the model is called."""
    work: list[Work] = [
        AnswerNext("reviews", "a.tar.gz"),
        Publish("reviews", "reviews.1"),
        LoadModel("reviews", 'x/ "y" <z>& ☃.tar.gz'),
        AnswerNext("reviews", ""),
    ]

    queue.send(work)

    assert received(queue) == work


@pytest.mark.parametrize("count", [0, 1, 10, 11, 35])
def test_any_number_is_sent_in_tens(queue: SqsWorkQueue, count: int) -> None:
    """SQS takes no more in a call, and none for nothing."""
    work = [AnswerNext("reviews", f"{number}") for number in range(count)]

    queue.send(work)

    assert received(queue) == work


def test_any_name_can_be_sent(queue: SqsWorkQueue) -> None:
    """Also one with characters that SQS takes in no message, since JSON can do without them."""

    @settings(max_examples=30, deadline=None)
    @given(st.text(max_size=1024))
    def arrives(model: str) -> None:
        queue.send([LoadModel("reviews", model)])

        assert received(queue) == [LoadModel("reviews", model)]

    arrives()


def test_what_was_refused_is_sent_once_more(queue: SqsWorkQueue) -> None:
    """Those alone, after all the others."""
    calls = will_answer(queue.client, "sqs.SendMessageBatch", failed(3, 7), refusal("Throttled"))
    work = [AnswerNext("reviews", f"{number}") for number in range(25)]

    queue.send(work)

    assert len(calls) == 2
    assert received(queue) == [*work[20:], work[3], work[7], *work[10:20]]


def test_what_is_refused_twice_is_an_error(queue: SqsWorkQueue) -> None:
    """Which says how many there are, and why; the others were sent."""
    will_answer(queue.client, "sqs.SendMessageBatch", failed(3, 7), None, failed(1))
    work = [AnswerNext("reviews", f"{number}") for number in range(12)]

    with pytest.raises(AwsError, match=r"1 of 12 messages were not sent: InternalError: later"):
        queue.send(work)
    assert received(queue) == work[10:]


def test_a_missing_queue_is_an_error_that_names_the_call(queue: SqsWorkQueue) -> None:
    """Not a botocore exception, which only adapters know."""
    missing = SqsWorkQueue(queue.client, f"{queue.url}-missing")

    with pytest.raises(AwsError, match=r"1 of 1 .*SendMessageBatch refused: .*NonExistentQueue"):
        missing.send([Publish("reviews", "reviews.1")])
