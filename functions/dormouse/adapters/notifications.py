"""SNS topics that hear how requests ended."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dormouse.adapters.calls import aws_call
from dormouse.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass(frozen=True, slots=True)
class SnsNotifications:
    """Implements Notifications, for the topics that the template names (by ARN) and no others."""

    client: "SNSClient"
    topics: frozenset[str]

    def publish(self, topic_arn: str, message: str) -> None:
        """Publish a message.

        Raises:
            AwsError: it could not be published, or the topic is not one of them.
        """
        if topic_arn not in self.topics:
            raise AwsError(f"Publish: {topic_arn} is not a topic of this deployment")
        with aws_call("Publish"):
            self.client.publish(TopicArn=topic_arn, Message=message)
