"""The dead-letter queue: what names a request is handed out, anything else is left there."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from dormouse.adapters.dead_letters import SqsDeadLetters
from dormouse.domain.parked_request import Kind, ParkedRequest, Status
from dormouse.domain.work import AnswerNext, write_work
from dormouse.errors import AwsError
from dormouse.ports import DeadLetter
from tests.fakes.answers import refusal, will_answer

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
WORK = json.dumps(write_work(AnswerNext("reviews", "a.tar.gz")))


@pytest.fixture
def letters() -> Iterator[SqsDeadLetters]:
    """The queue, empty."""
    with mock_aws():
        client: SQSClient = boto3.client("sqs")
        url = client.create_queue(QueueName="dead-letters")["QueueUrl"]
        yield SqsDeadLetters(client, url)


def request(number: int = 1, reason: str | None = "the model failed") -> ParkedRequest:
    """A request that has failed."""
    return ParkedRequest(
        endpoint="reviews",
        id=f"reviews.{number}",
        kind=Kind.RESPOND_ASYNC,
        status=Status.FAILED,
        principal="",
        headers={},
        body_key="body",
        accepted_at=NOW,
        expires_at=NOW,
        fingerprint="",
        reason=reason,
    )


def put(letters: SqsDeadLetters, body: str) -> None:
    """Put a message there that no `send` has written."""
    letters.client.send_message(QueueUrl=letters.url, MessageBody=body)


def ids(received: list[DeadLetter]) -> list[str]:
    """Name the requests, in order."""
    return sorted(letter.request_id for letter in received)


def test_a_letter_names_the_request_and_says_why(letters: SqsDeadLetters) -> None:
    """For whoever reads the queue itself, too."""
    letters.send(request())

    (message,) = letters.client.receive_message(QueueUrl=letters.url)["Messages"]
    assert json.loads(message["Body"]) == {
        "endpoint": "reviews",
        "request_id": "reviews.1",
        "reason": "the model failed",
    }


@pytest.mark.parametrize("reason", [None, "", "\x00\x1f\ufffe ☃", "\U0001f9a5" * 400_000])
def test_any_reason_can_be_sent(letters: SqsDeadLetters, reason: str | None) -> None:
    """A long one is cut, since the record has it."""
    letters.send(request(reason=reason))

    (letter,) = letters.receive()
    assert (letter.endpoint, letter.request_id) == ("reviews", "reviews.1")


def test_nothing_is_received_where_there_is_nothing(letters: SqsDeadLetters) -> None:
    """And what was taken is not taken again."""
    assert letters.receive() == ()

    letters.send(request())
    assert len(letters.receive()) == 1
    assert letters.receive() == ()


def test_what_was_deleted_does_not_come_back(letters: SqsDeadLetters) -> None:
    """What was put back does, at once."""
    for number in (1, 2):
        letters.send(request(number))
    for letter in letters.receive():
        if letter.request_id == "reviews.1":
            letters.delete(letter)
        else:
            letters.put_back(letter)

    assert ids(list(letters.receive())) == ["reviews.2"]


@pytest.mark.parametrize(
    "body",
    [
        WORK,
        "no JSON",
        "[" * 100_000,
        "null",
        "[]",
        "{}",
        '{"endpoint": "reviews"}',
        '{"endpoint": "reviews", "request_id": 1}',
    ],
)
def test_what_names_no_request_is_left_there(letters: SqsDeadLetters, body: str) -> None:
    """SQS's own redrive moves work there: somebody may still look at it, at once."""
    put(letters, body)
    letters.send(request())

    assert ids(list(letters.receive())) == ["reviews.1"]
    (left,) = letters.client.receive_message(QueueUrl=letters.url)["Messages"]
    assert left["Body"] == body


def test_a_letter_behind_many_others_is_found(letters: SqsDeadLetters) -> None:
    """However many SQS hands out first; all of them are put back."""
    for _ in range(25):
        put(letters, WORK)
    letters.send(request())

    assert ids(list(letters.receive())) == ["reviews.1"]
    answer = letters.client.get_queue_attributes(
        QueueUrl=letters.url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )
    assert answer["Attributes"] == {
        "ApproximateNumberOfMessages": "25",
        "ApproximateNumberOfMessagesNotVisible": "1",
    }


def test_what_can_t_be_put_back_breaks_nothing(letters: SqsDeadLetters) -> None:
    """It comes back by itself."""
    put(letters, WORK)
    letters.send(request())
    will_answer(letters.client, "sqs.ChangeMessageVisibility", refusal("Throttled"))

    assert ids(list(letters.receive())) == ["reviews.1"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AWS.SimpleQueueService.MessageNotInflight", ""),
        ("MessageNotInflight", ""),
        (
            "InvalidParameterValue",
            "Value x for parameter ReceiptHandle is invalid. Reason: Message does not exist or is "
            "not available for visibility timeout change.",
        ),
    ],
)
def test_a_letter_that_is_back_already_may_be_put_back(
    letters: SqsDeadLetters, code: str, message: str
) -> None:
    """Its minute may be over."""
    letters.send(request())
    (letter,) = letters.receive()
    calls = will_answer(letters.client, "sqs.ChangeMessageVisibility", refusal(code, message))

    letters.put_back(letter)

    assert len(calls) == 1


def test_a_missing_queue_is_an_error_that_names_the_call(letters: SqsDeadLetters) -> None:
    """Not a botocore exception, which only adapters know."""
    missing = replace(letters, url=f"{letters.url}-missing")
    letter = DeadLetter("reviews", "reviews.1", "receipt")

    for call, operation in (
        (lambda: missing.send(request()), "SendMessage"),
        (missing.receive, "ReceiveMessage"),
        (lambda: missing.delete(letter), "DeleteMessage"),
        (lambda: missing.put_back(letter), "ChangeMessageVisibility"),
    ):
        with pytest.raises(AwsError, match=f"{operation} refused: .*NonExistentQueue"):
            call()
