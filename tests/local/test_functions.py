"""Functions that are changed or deleted while they run, as a deployment does it."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.local.conftest import LocalAws, wait_until
from tests.local.stacks import SmallStack, function

# It says that it has begun, and goes on until it is told to end.
CODE = """
import os, time
import boto3

def handler(event, context):
    sqs = boto3.client("sqs")
    if event.get("wait"):
        sqs.send_message(QueueUrl=os.environ["BEGUN"], MessageBody="begun")
        while not sqs.receive_message(QueueUrl=os.environ["END"]).get("Messages"):
            time.sleep(0.1)
    return {"revision": os.environ["REVISION"], "process": os.getpid()}
"""


def test_what_runs_ends_before_its_process_does(aws: LocalAws) -> None:
    """While the function changes, the next invocation is answered by the new one; after its
    deletion no process is left.
    """
    sqs = aws.client("sqs")
    begun, end = (sqs.create_queue(QueueName=f"run-{n}")["QueueUrl"] for n in ("begun", "end"))

    def resources(revision: str) -> dict[str, Any]:
        variables = {"BEGUN": begun, "END": end, "REVISION": revision}
        return {"Function": function(CODE, Environment={"Variables": variables})}

    stack = SmallStack(aws, "what-runs")
    outputs = {"Name": {"Ref": "Function"}}
    stack.create(resources("1"), outputs)
    name = stack.outputs()["Name"]

    def invoke(event: dict[str, Any]) -> Any:
        answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())

    def has_begun() -> Any:
        return sqs.receive_message(QueueUrl=begun).get("Messages")

    with ThreadPoolExecutor(1) as pool:
        changed = pool.submit(invoke, {"wait": True})
        wait_until(has_begun)
        stack.update(resources("2"), outputs)
        following = invoke({})
        assert following["revision"] == "2"
        sqs.send_message(QueueUrl=end, MessageBody="end")
        assert changed.result()["revision"] == "1"

        deleted = pool.submit(invoke, {"wait": True})
        wait_until(has_begun)
        stack.delete()
        sqs.send_message(QueueUrl=end, MessageBody="end")
        assert deleted.result() == following

    gone = {changed.result()["process"], following["process"]}
    wait_until(lambda: gone.isdisjoint(aws.processes()))
