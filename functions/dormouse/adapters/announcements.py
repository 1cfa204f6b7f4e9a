"""EventBridge's bus and SNS's topics, on which an endpoint's owner hears of its life."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dormouse.adapters.calls import aws_call, error_code, error_message
from dormouse.domain.notice import Notice, document_of, subject_of, text_of
from dormouse.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

SOURCE = "dormouse"

# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
_AT_ONCE = 10

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: the topic is gone, does not let us,
# or does not take this. Somebody has to mend that, and by then it is no news any more.
_FOR_GOOD = frozenset({"NotFound", "AuthorizationError", "AccessDenied", "InvalidParameter"})


@dataclass(frozen=True, slots=True)
class EventBridgeBus:
    """Implements NoticeBus. `client` is boto3's of `events`; the bus is known by its ARN, whose
    partition, account and region are those of the endpoints.
    """

    client: Any
    bus_arn: str

    def put(self, notices: Sequence[Notice]) -> None:
        """Put an event for each on it.

        Raises:
            AwsError: not all of them were taken.
        """
        for first in range(0, len(notices), _AT_ONCE):
            entries = [self._entry(notice) for notice in notices[first : first + _AT_ONCE]]
            with aws_call("PutEvents"):
                answer = self.client.put_events(Entries=entries)
            # The call succeeds though some of its entries, or all, were not taken.
            if answer["FailedEntryCount"]:
                refused = [entry for entry in answer["Entries"] if "ErrorCode" in entry]
                why = f"{refused[0]['ErrorCode']}: {refused[0].get('ErrorMessage', '')}"
                raise AwsError(f"PutEvents took not all of {len(entries)} events: {why}")

    def _entry(self, notice: Notice) -> dict[str, Any]:
        return {
            "EventBusName": self.bus_arn,
            "Source": SOURCE,
            "DetailType": notice.kind.detail_type,
            "Detail": json.dumps(document_of(notice)),
            "Time": notice.at,
            "Resources": [self._arn(notice.endpoint)],
        }

    def _arn(self, endpoint: str) -> str:
        _, partition, _, region, account, _ = self.bus_arn.split(":", 5)
        # SageMaker lower-cases names in ARNs.
        return f"arn:{partition}:sagemaker:{region}:{account}:endpoint/{endpoint.lower()}"


@dataclass(frozen=True, slots=True)
class SnsNoticeTopics:
    """Implements NoticeTopics, for the topics that the template names (by ARN) and no others."""

    client: "SNSClient"
    topics: frozenset[str]

    def publish(self, topic_arn: str, notice: Notice) -> str | None:
        """Tell a topic: who subscribes by e-mail reads words, and everybody else the document.

        Raises:
            AwsError: it could not be told now.
        """
        if topic_arn not in self.topics:
            return f"{topic_arn} is not a topic of this deployment: see NotificationTopicArn"
        message = {"default": json.dumps(document_of(notice)), "email": text_of(notice)}
        with aws_call("Publish"):
            try:
                self.client.publish(
                    TopicArn=topic_arn,
                    Subject=subject_of(notice),
                    Message=json.dumps(message),
                    MessageStructure="json",
                    # By which a subscription's filter policy can choose.
                    MessageAttributes={
                        "kind": {"DataType": "String", "StringValue": notice.kind.value},
                        "endpoint": {"DataType": "String", "StringValue": notice.endpoint},
                    },
                )
            except ClientError as error:
                if error_code(error) not in _FOR_GOOD:
                    raise
                return f"{topic_arn}: {error_code(error)}: {error_message(error)}"
        return None
