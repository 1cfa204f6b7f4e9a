"""Custom resources: what CloudFormation asks of their function, and what follows from its answers.

The function does as an SSM parameter of its stack's name says, and writes down what it was asked.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.local.conftest import LocalAws, wait_until
from tests.local.stacks import SmallStack, function, get

CODE = """
import json, os, time, urllib.request
import boto3

def answer(event, status, reason=""):
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": "cleanup",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Said": event["ResourceProperties"].get("Say", "")},
    }
    request = urllib.request.Request(
        event["ResponseURL"], json.dumps(body).encode(), {"Content-Type": ""}, method="PUT"
    )
    urllib.request.urlopen(request, timeout=10).close()

def handler(event, context):
    name = event["ResourceProperties"]["Behaviour"]
    told = json.loads(boto3.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
    how = told.get(event["RequestType"], "SUCCESS")
    if how == "SILENT":
        return
    if how.startswith("LATER"):
        turn = event.get("turn", 0)
        if turn < int(how.split()[1]):
            time.sleep(0.3)
            boto3.client("lambda").invoke(
                FunctionName=context.invoked_function_arn,
                InvocationType="Event",
                Payload=json.dumps({**event, "turn": turn + 1}),
            )
            return
        how = "SUCCESS"
    answer(event, how, told.get("Reason", ""))
"""


@dataclass
class Cleanup:
    """A stack with a custom resource, and what its function has been asked."""

    stack: SmallStack
    queue: str
    bucket: str

    def resources(self, say: str = "1", **more: Any) -> dict[str, Any]:
        return {
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                    "BillingMode": "PAY_PER_REQUEST",
                },
            },
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": self.bucket}},
            "Function": function(CODE, Environment={"Variables": {"QUEUE": self.queue}}),
            "Cleanup": {
                "Type": "Custom::Cleanup",
                "DependsOn": "Bucket",
                "Properties": {
                    "ServiceToken": get("Function", "Arn"),
                    "Behaviour": f"/{self.stack.name}",
                    "Table": {"Ref": "Table"},
                    "Say": say,
                    "Count": 3,
                    **more,
                },
            },
            # It depends on nothing, and nothing depends on it.
            "Topic": {"Type": "AWS::SNS::Topic"},
        }

    def behave(self, **how: str) -> None:
        self.stack.aws.client("ssm").put_parameter(
            Name=f"/{self.stack.name}", Value=json.dumps(how), Type="String", Overwrite=True
        )

    def asked(self) -> list[dict[str, Any]]:
        """Take what the function has been asked since the last time."""
        sqs = self.stack.aws.client("sqs")
        events = []
        while True:
            answer = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                events.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            if not answer.get("Messages"):
                return events


OUTPUTS = {"Said": get("Cleanup", "Said"), "Ref": {"Ref": "Cleanup"}, "Table": {"Ref": "Table"}}


@pytest.fixture
def cleanup(aws: LocalAws, request: pytest.FixtureRequest) -> Iterator[Cleanup]:
    name = request.node.originalname.replace("_", "-")
    queue = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    made = Cleanup(SmallStack(aws, name), queue, f"{name[:50]}-bucket")
    made.behave()
    yield made
    made.behave()
    if made.stack.status():
        made.stack.delete()


def statuses(cleanup: Cleanup, stack_id: str, status: str) -> list[str]:
    return [name for name, seen, _ in cleanup.stack.events(stack_id) if seen == status]


def test_created_changed_and_deleted(cleanup: Cleanup) -> None:
    """Each asked once, with the old and the new properties, all of them as text; an update that
    answers with the same PhysicalResourceId deletes nothing, and an unchanged one asks nothing.
    """
    stack = cleanup.stack
    stack.create(cleanup.resources(), OUTPUTS)
    (created,) = cleanup.asked()
    table = stack.outputs()["Table"]
    properties = {
        "ServiceToken": created["ResourceProperties"]["ServiceToken"],
        "Behaviour": f"/{stack.name}",
        "Table": table,
        "Say": "1",
        "Count": "3",
    }
    described = stack.described()
    assert described is not None
    assert created["ResponseURL"].startswith("http")
    assert {k: v for k, v in created.items() if k not in {"ResponseURL", "RequestId"}} == {
        "RequestType": "Create",
        "StackId": described["StackId"],
        "ResourceType": "Custom::Cleanup",
        "LogicalResourceId": "Cleanup",
        "ResourceProperties": properties,
    }
    assert (stack.outputs()["Said"], stack.outputs()["Ref"]) == ("1", "cleanup")

    stack.update(cleanup.resources("2"), OUTPUTS)
    (updated,) = cleanup.asked()
    assert updated["RequestType"] == "Update"
    assert updated["PhysicalResourceId"] == "cleanup"
    assert updated["ResourceProperties"] == properties | {"Say": "2"}
    assert updated["OldResourceProperties"] == properties
    assert stack.outputs()["Said"] == "2"

    more = cleanup.resources("2") | {"Other": {"Type": "AWS::SNS::Topic"}}
    stack.update(more, OUTPUTS)
    assert cleanup.asked() == []

    stack.delete()
    (deleted,) = cleanup.asked()
    assert deleted["RequestType"] == "Delete"
    assert deleted["PhysicalResourceId"] == "cleanup"
    assert deleted["ResourceProperties"] == properties | {"Say": "2"}


def test_an_answer_may_come_from_a_later_invocation(cleanup: Cleanup) -> None:
    """The function returns without an answer and invokes itself; the stack waits, and what the
    custom resource depends on is still there.
    """
    stack = cleanup.stack
    cleanup.behave(Create="LATER 2", Delete="LATER 6")
    stack.create(cleanup.resources(), OUTPUTS)
    assert [event.get("turn", 0) for event in cleanup.asked()] == [0, 1, 2]

    described = stack.described()
    assert described is not None
    stack.cloudformation.delete_stack(StackName=stack.name)
    turns = wait_until(cleanup.asked)
    assert stack.status() == "DELETE_IN_PROGRESS"
    there = stack.resources()
    assert {"Cleanup", "Table", "Bucket", "Function"} <= there.keys()
    stack.aws.client("dynamodb").describe_table(TableName=there["Table"])
    stack.aws.client("s3").head_bucket(Bucket=there["Bucket"])
    stack.settle(None)
    turns += cleanup.asked()
    assert [event.get("turn", 0) for event in turns] == [0, 1, 2, 3, 4, 5, 6]
    order = statuses(cleanup, described["StackId"], "DELETE_COMPLETE")
    for name in ("Table", "Bucket", "Function"):
        assert order.index("Cleanup") < order.index(name)


def test_a_deletion_that_fails_says_why_and_may_be_tried_again(cleanup: Cleanup) -> None:
    """DELETE_FAILED with the function's reason; what it depends on stays, its function first of
    all; all else is gone; and the second attempt asks again.
    """
    stack = cleanup.stack
    stack.create(cleanup.resources(), OUTPUTS)
    described = stack.described()
    assert described is not None
    there = stack.resources()
    cleanup.behave(Delete="FAILED", Reason="The endpoint is Creating; try again later.")
    cleanup.asked()
    stack.delete("DELETE_FAILED")
    described = stack.described()
    assert described is not None
    failed = "The following resource(s) failed to delete: [Cleanup]."
    assert described["StackStatusReason"] == failed
    (event,) = cleanup.asked()
    reasons = {name: why for name, status, why in stack.events() if status == "DELETE_FAILED"}
    assert reasons["Cleanup"] == (
        "Received response status [FAILED] from custom resource. Message returned: The endpoint is "
        f"Creating; try again later. (RequestId: {event['RequestId']})"
    )
    left = stack.resources()
    assert left.keys() == {"Cleanup", "Table", "Bucket", "Function", "FunctionRole"}
    stack.aws.client("dynamodb").describe_table(TableName=there["Table"])
    topics = stack.aws.client("sns").list_topics()["Topics"]
    assert there["Topic"] not in [row["TopicArn"] for row in topics]

    cleanup.behave()
    stack.delete()
    assert [event["RequestType"] for event in cleanup.asked()] == ["Delete"]
    assert len(statuses(cleanup, described["StackId"], "DELETE_FAILED")) == 2


def test_a_creation_that_fails_is_rolled_back(cleanup: Cleanup) -> None:
    """With its reason, and its function is asked to delete what it may have made, as CloudFormation
    does.
    """
    stack = cleanup.stack
    cleanup.behave(Create="FAILED", Reason="no permission")
    stack.create(cleanup.resources(), OUTPUTS, "ROLLBACK_COMPLETE")
    failed = {name: why for name, status, why in stack.events() if status == "CREATE_FAILED"}
    assert "Message returned: no permission (RequestId: " in failed["Cleanup"]
    events = cleanup.asked()
    assert [event["RequestType"] for event in events] == ["Create", "Delete"]
    assert events[1]["PhysicalResourceId"] == "cleanup"


def test_a_change_that_fails_is_rolled_back(cleanup: Cleanup) -> None:
    """The function is asked to update back to the former properties."""
    stack = cleanup.stack
    stack.create(cleanup.resources(), OUTPUTS)
    cleanup.asked()
    broken = cleanup.resources("2") | {
        "Broken": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "DependsOn": "Cleanup",
            "Properties": {"ProductionVariants": []},
        }
    }
    stack.update(broken, OUTPUTS, "UPDATE_ROLLBACK_COMPLETE")
    said = [(e["RequestType"], e["ResourceProperties"]["Say"]) for e in cleanup.asked()]
    assert said == [("Update", "2"), ("Update", "1")]
    assert stack.outputs()["Said"] == "1"


def test_silence_ends_with_the_service_timeout(cleanup: Cleanup) -> None:
    """ServiceTimeout seconds, instead of the hour that CloudFormation waits."""
    stack = cleanup.stack
    stack.create(cleanup.resources(ServiceTimeout=5), OUTPUTS)
    cleanup.behave(Delete="SILENT")
    begun = time.monotonic()
    stack.delete("DELETE_FAILED")
    assert time.monotonic() - begun >= 5
    reasons = {name: why for name, status, why in stack.events() if status == "DELETE_FAILED"}
    assert reasons["Cleanup"] == (
        "CloudFormation did not receive a response from your Custom Resource. Please check your "
        f"logs for requestId [{cleanup.asked()[-1]['RequestId']}]. If you are using the Python "
        "cfn-response module, you may need to update your Lambda function code so that "
        "CloudFormation can attach the updated version."
    )


def test_a_retained_one_is_not_asked(cleanup: Cleanup) -> None:
    """DeletionPolicy: Retain."""
    stack = cleanup.stack
    resources = cleanup.resources()
    resources["Cleanup"]["DeletionPolicy"] = "Retain"
    stack.create(resources, OUTPUTS)
    cleanup.asked()
    stack.delete()
    assert cleanup.asked() == []
