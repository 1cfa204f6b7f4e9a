"""Notifications: to the topics that the template names, and to no others."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from dormouse.adapters.notifications import SnsNotifications
from dormouse.errors import AwsError
from tests.fakes.answers import will_answer

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


@pytest.fixture
def client() -> Iterator["SNSClient"]:
    """SNS without topics."""
    with mock_aws():
        yield boto3.client("sns")


def test_a_message_reaches_the_topic(client: "SNSClient") -> None:
    """As it is."""
    topic = client.create_topic(Name="completed")["TopicArn"]
    sqs: SQSClient = boto3.client("sqs")
    url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    client.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue["QueueArn"])

    SnsNotifications(client, frozenset({topic})).publish(topic, '{"☃": 1}')

    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Message"] == '{"☃": 1}'


def test_a_topic_that_is_not_listed_hears_nothing(client: "SNSClient") -> None:
    """Though it is there: SNS is not asked."""
    topic = client.create_topic(Name="completed")["TopicArn"]
    calls = will_answer(client, "sns.Publish", {})

    for listed in (frozenset[str](), frozenset({f"{topic}-2"})):
        with pytest.raises(AwsError, match=f"{topic} is not a topic of this deployment"):
            SnsNotifications(client, listed).publish(topic, "done")
    assert calls == []


def test_a_missing_topic_is_an_error_that_names_the_call(client: "SNSClient") -> None:
    """Not a botocore exception, which only adapters know."""
    topic = "arn:aws:sns:us-east-1:123456789012:nowhere"

    with pytest.raises(AwsError, match="Publish refused: NotFound"):
        SnsNotifications(client, frozenset({topic})).publish(topic, "done")
