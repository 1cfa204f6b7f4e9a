"""Notices on EventBridge and SNS, as their subscribers get them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from dormouse.adapters.announcements import EventBridgeBus, SnsNoticeTopics
from dormouse.domain.notice import Notice, NoticeKind, document_of, text_of
from dormouse.errors import AwsDeniedError, AwsError
from tests.fakes.answers import refusal, will_answer

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
BUS = "arn:aws-cn:events:cn-north-1:123456789012:event-bus/dormouse-notices"
NOTICE = Notice(NoticeKind.FALLEN_BACK, "Reviews", AT, "CapacityError ☃", owner="ml-team")


@pytest.fixture
def events() -> Iterator[Any]:
    """EventBridge."""
    with mock_aws():
        yield boto3.client("events")


@pytest.fixture
def sns() -> Iterator["SNSClient"]:
    """SNS without topics."""
    with mock_aws():
        yield boto3.client("sns")


def queue_of(topic: str) -> tuple["SQSClient", str]:
    """A queue that is subscribed to a topic."""
    sqs: SQSClient = boto3.client("sqs")
    url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue["QueueArn"])
    return sqs, url


def test_an_event_can_be_matched_by_each_of_its_parts(events: Any) -> None:
    """Source, detail-type, detail, and the ARN of the endpoint, which SageMaker lower-cases."""
    calls = will_answer(events, "events.PutEvents", {"FailedEntryCount": 0, "Entries": []})

    EventBridgeBus(events, BUS).put([NOTICE])

    (entry,) = json.loads(calls[0]["body"])["Entries"]
    assert json.loads(entry.pop("Detail")) == document_of(NOTICE)
    assert entry == {
        "EventBusName": BUS,
        "Source": "dormouse",
        "DetailType": "Dormouse Endpoint Fallen Back",
        "Time": AT.timestamp(),
        "Resources": ["arn:aws-cn:sagemaker:cn-north-1:123456789012:endpoint/reviews"],
    }


def test_a_bus_takes_events_by_its_arn(events: Any) -> None:
    """As far as moto checks them: else some entries would have failed."""
    arn = events.create_event_bus(Name="notices")["EventBusArn"]

    EventBridgeBus(events, arn).put([NOTICE, NOTICE])


def test_events_are_put_by_tens(events: Any) -> None:
    """As many as one call takes."""
    notices = [Notice(NoticeKind.WAKING, f"e{number}", AT, "because") for number in range(21)]
    answer = {"FailedEntryCount": 0, "Entries": []}
    calls = will_answer(events, "events.PutEvents", answer, answer, answer)

    EventBridgeBus(events, BUS).put(notices)

    put = [json.loads(call["body"])["Entries"] for call in calls]
    assert [len(entries) for entries in put] == [10, 10, 1]
    told = [json.loads(entry["Detail"])["endpoint"] for entries in put for entry in entries]
    assert told == [notice.endpoint for notice in notices]


def test_an_event_that_is_not_taken_is_an_error_though_the_call_succeeds(events: Any) -> None:
    """EventBridge answers 200."""
    failed = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slower"}
    will_answer(
        events,
        "events.PutEvents",
        {"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, failed]},
    )

    with pytest.raises(AwsError, match="not all of 2 events: ThrottlingException: slower"):
        EventBridgeBus(events, BUS).put([NOTICE, NOTICE])


def test_a_bus_that_lets_nobody_in_is_an_error_that_names_the_call(events: Any) -> None:
    """Not a botocore exception, which only adapters know."""
    will_answer(events, "events.PutEvents", refusal("AccessDeniedException"))

    with pytest.raises(AwsDeniedError, match="PutEvents refused: AccessDeniedException"):
        EventBridgeBus(events, BUS).put([NOTICE])


def test_programs_that_subscribe_get_the_document(sns: "SNSClient") -> None:
    """And can filter by kind and endpoint."""
    topic = sns.create_topic(Name="reviews")["TopicArn"]
    sqs, url = queue_of(topic)

    assert SnsNoticeTopics(sns, frozenset({topic})).publish(topic, NOTICE) is None

    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    body = json.loads(message["Body"])
    assert json.loads(body["Message"]) == document_of(NOTICE)
    assert body["Subject"] == "Dormouse: Reviews has fallen back"
    assert {name: value["Value"] for name, value in body["MessageAttributes"].items()} == {
        "kind": "fallen back",
        "endpoint": "Reviews",
    }


def test_people_get_words(sns: "SNSClient") -> None:
    """SNS chooses by the protocol of the subscription."""
    topic = "arn:aws:sns:us-east-1:123456789012:reviews"
    calls = will_answer(sns, "sns.Publish", {"MessageId": "1"})

    SnsNoticeTopics(sns, frozenset({topic})).publish(topic, NOTICE)

    body = calls[0]["body"]
    assert body["MessageStructure"] == "json"
    assert json.loads(body["Message"]) == {
        "default": json.dumps(document_of(NOTICE)),
        "email": text_of(NOTICE),
    }


def test_a_topic_that_is_not_listed_hears_nothing(sns: "SNSClient") -> None:
    """Though it is there: SNS is not asked, and the parameter is named."""
    topic = sns.create_topic(Name="reviews")["TopicArn"]
    calls = will_answer(sns, "sns.Publish", {})

    for listed in (frozenset[str](), frozenset({f"{topic}-2"})):
        assert SnsNoticeTopics(sns, listed).publish(topic, NOTICE) == (
            f"{topic} is not a topic of this deployment: see NotificationTopicArn"
        )
    assert calls == []


def test_a_topic_that_is_gone_is_not_asked_again(sns: "SNSClient") -> None:
    """Nothing but somebody's mending it would help."""
    topic = "arn:aws:sns:us-east-1:123456789012:nowhere"

    problem = SnsNoticeTopics(sns, frozenset({topic})).publish(topic, NOTICE)

    assert problem is not None
    assert problem.startswith(f"{topic}: NotFound: ")


@pytest.mark.parametrize("code", ["AuthorizationError", "AccessDenied", "InvalidParameter"])
def test_nor_is_one_that_refuses_us(sns: "SNSClient", code: str) -> None:
    """By its own policy, or its key's."""
    topic = "arn:aws:sns:us-east-1:123456789012:reviews"
    will_answer(sns, "sns.Publish", refusal(code, "no"))

    problem = SnsNoticeTopics(sns, frozenset({topic})).publish(topic, NOTICE)

    assert problem == f"{topic}: {code}: no"


def test_what_may_pass_is_an_error(sns: "SNSClient") -> None:
    """So that it is told again."""
    topic = "arn:aws:sns:us-east-1:123456789012:reviews"
    will_answer(sns, "sns.Publish", *[refusal("InternalError")] * 9)

    with pytest.raises(AwsError, match="Publish refused: InternalError"):
        SnsNoticeTopics(sns, frozenset({topic})).publish(topic, NOTICE)


def test_the_moment_is_told_as_it_was_written(events: Any) -> None:
    """Also what another time zone wrote."""
    late = Notice(NoticeKind.STUCK, "reviews", AT + timedelta(days=1), "because")
    calls = will_answer(events, "events.PutEvents", {"FailedEntryCount": 0, "Entries": []})

    EventBridgeBus(events, BUS).put([late])

    (entry,) = json.loads(calls[0]["body"])["Entries"]
    assert entry["Time"] == late.at.timestamp()
