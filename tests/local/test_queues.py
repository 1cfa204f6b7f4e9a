"""A queue that a function works off, and a table with an index, as template.yaml asks for them."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import LocalAws, wait_until
from tests.local.stacks import SmallStack, function, get

MOST_AT_ONCE = 2
# A message is a JSON object: {"name": …, "what": "wait" | "fail" | "refuse"}. Each invocation is
# noted in a file of the folder; one that waits does so until the file `end` is there.
CODE = """
import json, os, pathlib, time, uuid

def handler(event, context):
    [record] = event["Records"]
    message = json.loads(record["body"])
    folder = pathlib.Path(message["folder"])
    name = f"{message['name']}-{uuid.uuid4().hex}"
    written = folder / f".{name}"
    written.write_text(json.dumps({**message, "process": os.getpid()}))
    written.rename(folder / name)
    if message["what"] == "wait":
        while not (folder / "end").exists():
            time.sleep(0.05)
    if message["what"] == "fail":
        raise RuntimeError("as it was told")
    if message["what"] == "refuse":
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
"""


def resources(visibility_seconds: int) -> dict[str, Any]:
    """A queue with its dead letters, and a function that takes one message at a time."""
    return {
        "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"SqsManagedSseEnabled": True}},
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "VisibilityTimeout": visibility_seconds,
                "RedrivePolicy": {
                    "deadLetterTargetArn": get("Dead", "Arn"),
                    "maxReceiveCount": 2,
                },
            },
        },
        "Function": function(
            CODE,
            Events={
                "Work": {
                    "Type": "SQS",
                    "Properties": {
                        "Queue": get("Queue", "Arn"),
                        "BatchSize": 1,
                        # As text, which it is where it comes from a parameter.
                        "ScalingConfig": {"MaximumConcurrency": str(MOST_AT_ONCE)},
                        "FunctionResponseTypes": ["ReportBatchItemFailures"],
                    },
                }
            },
        ),
    }


OUTPUTS = {
    "Queue": {"Ref": "Queue"},
    "Dead": {"Ref": "Dead"},
    "Function": {"Ref": "Function"},
}


class Queue:
    """The queue, and what became of the messages in it."""

    def __init__(self, aws: LocalAws, outputs: dict[str, str], folder: Path) -> None:
        self.sqs = aws.client("sqs")
        self.outputs, self.folder = outputs, folder

    def send(self, name: str, what: str = "") -> None:
        """Send a message."""
        body = {"name": name, "what": what, "folder": str(self.folder)}
        self.sqs.send_message(QueueUrl=self.outputs["Queue"], MessageBody=json.dumps(body))

    def invocations(self, name: str = "") -> list[dict[str, Any]]:
        """What was invoked for messages of this name, or for any."""
        return [
            json.loads(path.read_text())
            for path in self.folder.iterdir()
            if "-" in path.name and not path.name.startswith(".") and path.name.startswith(name)
        ]

    def left(self, queue: str = "Queue") -> int:
        """How many messages there are, seen or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.outputs[queue], AttributeNames=names)
        return sum(int(count) for count in answer["Attributes"].values())


@pytest.fixture
def visibility_seconds() -> int:
    """After how long what was received is seen again; no test waits for that."""
    return 60


@pytest.fixture
def queue(
    aws: LocalAws, tmp_path: Path, request: pytest.FixtureRequest, visibility_seconds: int
) -> Iterator[Queue]:
    """The queue of a stack of its own."""
    stack = SmallStack(aws, re.sub(r"\W|_", "-", request.node.name).strip("-"))
    stack.create(resources(visibility_seconds), OUTPUTS)
    yield Queue(aws, stack.outputs(), tmp_path)
    (tmp_path / "end").touch()
    stack.delete()


def test_messages_are_delivered_at_once_and_gone_when_done(queue: Queue) -> None:
    """One invocation for each."""
    for number in range(5):
        queue.send(f"m{number}")
    wait_until(lambda: queue.left() == 0)
    assert sorted(found["name"] for found in queue.invocations()) == [f"m{n}" for n in range(5)]


def test_only_so_many_are_taken_at_once(queue: Queue) -> None:
    """The rest waits for its turn; each has a process of its own."""
    for number in range(MOST_AT_ONCE + 2):
        queue.send(f"m{number}", "wait")
    wait_until(lambda: len(queue.invocations()) == MOST_AT_ONCE)
    processes = {found["process"] for found in queue.invocations()}
    assert len(processes) == MOST_AT_ONCE
    (queue.folder / "end").touch()
    wait_until(lambda: queue.left() == 0)


# Longer than a process takes to start, and no longer than a test may wait twice.
@pytest.mark.parametrize("visibility_seconds", [4])
@pytest.mark.parametrize("what", ["fail", "refuse"])
def test_what_fails_comes_again_and_is_put_aside_in_the_end(queue: Queue, what: str) -> None:
    """Whether the function raises or says so; others are worked off meanwhile."""
    queue.send("bad", what)
    queue.send("good")
    wait_until(lambda: queue.left("Dead") == 1)
    assert len(queue.invocations("bad")) == 2
    assert queue.invocations("good")
    assert queue.left() == 0


@pytest.mark.parametrize("visibility_seconds", [4])
def test_a_message_outlives_the_process_that_took_it(aws: LocalAws, queue: Queue) -> None:
    """Killed while it works: the message comes again, to another process. Which process belongs to
    a function, its environment says.
    """
    queue.send("work", "wait")
    wait_until(lambda: queue.invocations("work"))
    [first] = queue.invocations("work")
    environment = Path(f"/proc/{first['process']}/environ").read_bytes().split(b"\0")
    assert f"AWS_LAMBDA_FUNCTION_NAME={queue.outputs['Function']}".encode() in environment
    assert first["process"] in aws.processes()
    os.kill(first["process"], signal.SIGKILL)
    wait_until(lambda: len(queue.invocations("work")) == 2)
    (queue.folder / "end").touch()
    wait_until(lambda: queue.left() == 0)
    assert len({found["process"] for found in queue.invocations("work")}) == 2


TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in ("endpoint", "id", "queue")
        ],
        "KeySchema": [
            {"AttributeName": "endpoint", "KeyType": "HASH"},
            {"AttributeName": "id", "KeyType": "RANGE"},
        ],
        "LocalSecondaryIndexes": [
            {
                "IndexName": "queue",
                "KeySchema": [
                    {"AttributeName": "endpoint", "KeyType": "HASH"},
                    {"AttributeName": "queue", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        "BillingMode": "PAY_PER_REQUEST",
        "TimeToLiveSpecification": {"AttributeName": "purge_at", "Enabled": True},
    },
}


def test_a_sparse_local_index_is_read_in_its_order(aws: LocalAws) -> None:
    """Consistently; an item without the attribute is in the table and not in the index. The table
    forgets by the attribute that it was told.
    """
    stack = SmallStack(aws, "indexed-table")
    stack.create({"Table": TABLE}, {"Name": {"Ref": "Table"}})
    name = stack.outputs()["Name"]
    dynamodb = aws.client("dynamodb")
    for number, queue in ((1, "parked#2"), (2, "parked#1"), (3, "released#1"), (4, None)):
        item = {"endpoint": {"S": "e"}, "id": {"S": str(number)}}
        dynamodb.put_item(TableName=name, Item=item | ({"queue": {"S": queue}} if queue else {}))
    found = dynamodb.query(
        TableName=name,
        IndexName="queue",
        ConsistentRead=True,
        KeyConditionExpression="endpoint = :e AND begins_with(queue, :q)",
        ExpressionAttributeValues={":e": {"S": "e"}, ":q": {"S": "parked#"}},
    )
    assert [item["id"]["S"] for item in found["Items"]] == ["2", "1"]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl == {"AttributeName": "purge_at", "TimeToLiveStatus": "ENABLED"}
    stack.delete()
