"""The main job, end to end, in the order of its tests: deployed, cold, woken, answering, kept up by
a caller that bypasses the proxy, torn down when nobody calls."""

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.e2e.deployments import Deployment

SENTIMENT, TOPIC = "sentiment-tiny.tar.gz", "topic-tiny.tar.gz"


def invoke(
    runtime: Any, model: str = SENTIMENT, endpoint: str = "dormouse", body: object = None
) -> Any:
    """Send one request and return the parsed answer."""
    question = {"inputs": "a wonderful film and a great story"} if body is None else body
    answer = runtime.invoke_endpoint(
        EndpointName=endpoint,
        TargetModel=model,
        ContentType="application/json",
        Body=json.dumps(question).encode(),
    )
    return json.loads(answer["Body"].read())


def wait_until(done: Callable[[], bool], seconds: float) -> None:
    """Poll until it is so."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not so within {seconds:.0f} s"
        time.sleep(0.5)


def test_the_whole_template_is_deployed(deployed: Deployment) -> None:
    """Every resource, expanded from the SAM template; the schedule ticks each minute."""
    resources = deployed.client("cloudformation").list_stack_resources(StackName="dormouse")
    summaries = resources["StackResourceSummaries"]
    types = {entry["ResourceType"] for entry in summaries}

    assert {entry["ResourceStatus"] for entry in summaries} == {"CREATE_COMPLETE"}
    assert types >= {
        "AWS::SageMaker::Model",
        "AWS::SageMaker::EndpointConfig",
        "AWS::DynamoDB::Table",
        "AWS::S3::Bucket",
        "AWS::Lambda::Function",
        "AWS::Lambda::Url",
        "AWS::Scheduler::Schedule",
        "AWS::Events::Rule",
        "AWS::IAM::Role",
        "AWS::CloudWatch::Alarm",
        "AWS::KinesisFirehose::DeliveryStream",
        "AWS::Glue::Table",
    }
    scheduler = deployed.client("scheduler")
    (schedule,) = scheduler.list_schedules()["Schedules"]
    described = scheduler.get_schedule(Name=schedule["Name"])
    assert described["ScheduleExpression"] == "rate(1 minute)"
    assert described["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 0
    assert json.loads(described["Target"]["Input"]) == {"action": "reconcile"}
    assert deployed.status() is None


def test_an_unknown_endpoint_is_a_validation_error(deployed: Deployment) -> None:
    """And nobody is woken."""
    with pytest.raises(ClientError, match=r"Endpoint nobody of account \d+ not found") as error:
        invoke(deployed.runtime, endpoint="nobody")

    assert error.value.response["Error"]["Code"] == "ValidationError"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_unsigned_request_is_forbidden(deployed: Deployment) -> None:
    """IAM stands before the function."""
    import urllib.error
    import urllib.request

    url = f"{deployed.stack.invoke_url}/endpoints/dormouse/invocations"
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(urllib.request.Request(url, data=b"{}", method="POST"))
    assert error.value.code == 403
    error.value.close()


def test_whoever_forgets_the_one_line_learns_it_here(deployed: Deployment) -> None:
    """boto3 signs for SageMaker by itself, which a Function URL refuses."""
    client = boto3.client(
        "sagemaker-runtime", endpoint_url=deployed.stack.invoke_url, region_name="us-east-1"
    )

    with pytest.raises(ClientError, match="scoped to correct service: 'lambda'"):
        invoke(client)


def test_a_crowd_of_cold_requests_wakes_one_endpoint(deployed: Deployment) -> None:
    """Each raises ServiceUnavailable with Retry-After; CreateEndpoint is called to effect once."""
    runtime = deployed.runtime

    def cold(_: int) -> Any:
        with pytest.raises(runtime.exceptions.ServiceUnavailable) as error:
            invoke(runtime)
        return error.value.response

    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(cold, range(8)))

    for response in responses:
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 503
        # From the first on it is being started, and the rest of that is what the others hear.
        assert 0 < int(response["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) <= 7
        assert re.search("dormouse is (asleep|being started)", response["Error"]["Message"]), (
            response
        )
    wait_until(lambda: deployed.status() is not None, 20)
    listed = deployed.client("sagemaker").list_endpoints()["Endpoints"]
    assert [entry["EndpointName"] for entry in listed] == ["dormouse"]
    tags = deployed.client("sagemaker").list_tags(ResourceArn=listed[0]["EndpointArn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "dormouse:endpoint": "dormouse",
        "dormouse:stack": "dormouse",
    }


def test_two_models_answer_on_it(deployed: Deployment) -> None:
    """Each on its first request, and rightly."""
    wait_until(lambda: deployed.status() == "InService", 60)

    (sentiment,) = invoke(deployed.runtime)["predictions"]
    (topic,) = invoke(deployed.runtime, TOPIC, body={"input_text": "the team won the match"})[
        "predictions"
    ]

    assert (sentiment["label"], topic["label"]) == ("positive", "sports")


def test_the_answer_is_what_sagemaker_answers(deployed: Deployment) -> None:
    """Byte for byte, and header for header of the protocol."""
    request = {
        "EndpointName": "dormouse",
        "TargetModel": SENTIMENT,
        "ContentType": "application/jsonlines",
        "Accept": "application/jsonlines",
        "CustomAttributes": "trace=1",
        "Body": '{"input_text": "dull and boring"}\n{"input_text": "wonderful größe"}\n'.encode(),
    }
    direct = deployed.client("sagemaker-runtime").invoke_endpoint(**request)
    proxied = deployed.runtime.invoke_endpoint(**request)

    assert proxied["Body"].read() == direct["Body"].read()
    for member in ("ContentType", "InvokedProductionVariant"):
        assert proxied[member] == direct[member]


def test_an_unknown_model_is_a_validation_error(deployed: Deployment) -> None:
    """With SageMaker's text."""
    with pytest.raises(ClientError, match="Failed to download model data") as error:
        invoke(deployed.runtime, "nobody.tar.gz")
    assert error.value.response["Error"]["Code"] == "ValidationError"


def test_a_bad_body_is_a_model_error_with_the_containers_message(deployed: Deployment) -> None:
    """424, with the original status."""
    with pytest.raises(deployed.runtime.exceptions.ModelError) as error:
        invoke(deployed.runtime, body={"inputs": 3})

    response = error.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 400
    assert "must be a string or a list of strings" in response["OriginalMessage"]


def test_a_direct_caller_keeps_it_up(deployed: Deployment) -> None:
    """Every 20 s, straight to SageMaker: only CloudWatch shows it, once the ledger is too old."""
    direct = deployed.client("sagemaker-runtime")
    for _ in range(9):
        invoke(direct)
        time.sleep(20)
        assert deployed.status() == "InService"
    decision = deployed.item()["decision"]["M"]
    assert decision["action"]["S"] == "stay up"
    assert "CloudWatch shows an invocation" in decision["reason"]["S"]


def test_idleness_tears_it_down_with_its_reason(deployed: Deployment) -> None:
    """And it stays down."""
    wait_until(lambda: deployed.status() is None, 240)

    item = deployed.item()
    assert item["stop_reason"]["S"] == "no request for 1m, by the proxy's ledger and by CloudWatch"
    wait_until(lambda: deployed.item()["decision"]["M"]["action"]["S"] == "stay down", 90)


def test_a_direct_wake_records_a_hold_and_starts_it(deployed: Deployment) -> None:
    """The same intent as over HTTP."""

    def reconcile(event: dict[str, str]) -> Any:
        answer = deployed.client("lambda").invoke(
            FunctionName=deployed.stack.reconcile_function, Payload=json.dumps(event).encode()
        )
        return json.loads(answer["Payload"].read())

    (entry,) = reconcile({"action": "wake", "endpoint": "dormouse", "for": "2h"})["endpoints"]
    assert (entry["action"], entry["rule"], entry["problem"]) == ("start", "hold", None)
    assert deployed.status() == "Creating"
    refused = reconcile({"action": "wake", "endpoint": "dormouse", "for": "soon"})
    assert "'soon' is not a duration" in refused["errorMessage"]
