"""InvokeEndpoint, by an unmodified boto3, against a container that does as it is told."""

import base64
import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.local.conftest import ACCOUNT, BUCKET, LocalAws, wait_until
from tests.local.shapes import check_answer

TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the "
    "latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)


@pytest.fixture(scope="module")
def endpoint(aws: LocalAws) -> str:
    """An endpoint in service; every test brings its own models."""
    return aws.serve("Runtime")


@pytest.fixture
def runtime(aws: LocalAws) -> Any:
    return aws.client("sagemaker-runtime")


def test_the_first_call_loads_and_the_second_does_not(
    aws: LocalAws, endpoint: str, runtime: Any
) -> None:
    """And the container sees what SageMaker hands on."""
    target = aws.put_model("echo", headers={"X-Amzn-SageMaker-Custom-Attributes": "k=v"})
    for _ in range(2):
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint,
            TargetModel=target,
            Body=b"\x00\xff",
            ContentType="application/x-test",
            Accept="application/json",
            CustomAttributes="a=b",
            InferenceId="id-1",
        )
        check_answer("sagemaker-runtime", "InvokeEndpoint", answer)
        assert answer["InvokedProductionVariant"] == "AllTraffic"
        assert answer["ContentType"] == "application/json"
        assert answer["CustomAttributes"] == "k=v"
        seen = json.load(answer["Body"])
        assert base64.b64decode(seen["body"]) == b"\x00\xff"
        assert seen["loads"] == 1
        expected = {
            "Content-Type": "application/x-test",
            "Accept": "application/json",
            "X-Amzn-SageMaker-Custom-Attributes": "a=b",
            "X-Amzn-SageMaker-Target-Model": target,
            "X-Amzn-SageMaker-Inference-Id": "id-1",
        }
        assert expected.items() <= seen["headers"].items()


@pytest.mark.parametrize(
    ("behaviour", "status", "kind", "text"),
    [
        ({"status": 400, "body": "bad input"}, 400, "client", "bad input"),
        ({"status": 500, "body": "broke"}, 500, "server", "broke"),
        ({"load_status": 500}, 500, "server", "the model is broken"),
        ({"hang_seconds": 4}, 0, "server", TIMED_OUT),
    ],
    ids=["client", "server", "load", "timeout"],
)
def test_a_model_error(
    aws: LocalAws, endpoint: str, behaviour: Any, status: int, *, kind: str, text: str
) -> None:
    """What the container says, in SageMaker's frame: ModelError 424 with the original in it."""
    target = aws.put_model(f"error-{status}-{len(behaviour)}", **behaviour)
    runtime = aws.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError) as raised:
        runtime.invoke_endpoint(EndpointName=endpoint, TargetModel=target, Body=b"")
    response = raised.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == status
    assert response["LogStreamArn"].endswith(":log-group:/aws/sagemaker/Endpoints/Runtime")
    assert response["Error"]["Message"] == (
        f'Received {kind} error ({status}) from primary with message "{text}". See '
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
        "#logEventViewer:group=/aws/sagemaker/Endpoints/Runtime "
        f"in account {ACCOUNT} for more information."
    )


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("absent", {"TargetModel": "a"}, f"Endpoint absent of account {ACCOUNT} not found."),
        # Exact at invoke, whatever the case at create.
        ("runtime", {"TargetModel": "a"}, f"Endpoint runtime of account {ACCOUNT} not found."),
        (
            "Runtime",
            {},
            "Invocation Request does not contain required header: TargetModel, for a multi-model "
            "endpoint.",
        ),
        (
            "Runtime",
            {"TargetModel": "nope.tar.gz"},
            f"Failed to download model data(bucket: {BUCKET}, key: models/nope.tar.gz). Please "
            "ensure that there is an object located at the URL and that the role passed to "
            "CreateModel has permissions to download the model.",
        ),
        (
            "Runtime",
            {"TargetModel": "a", "TargetVariant": "Other"},
            "Variant Other not found for endpoint Runtime.",
        ),
    ],
    ids=["absent", "case", "no target", "no model", "variant"],
)
def test_a_validation_error(
    endpoint: str, runtime: Any, name: str, more: dict[str, str], message: str
) -> None:
    """Each in the words by which a caller tells it."""
    with pytest.raises(runtime.exceptions.ValidationError) as raised:
        runtime.invoke_endpoint(EndpointName=name, Body=b"", **more)
    assert raised.value.response["Error"]["Message"] == message
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_endpoint_that_does_not_serve_is_not_found(aws: LocalAws, runtime: Any) -> None:
    """While Creating, while Failed, and while Deleting: the request was not executed."""
    sagemaker = aws.client("sagemaker")
    aws.put_config("cold", {"FAKE_BOOT": "crash"})

    def message() -> str:
        with pytest.raises(runtime.exceptions.ValidationError) as raised:
            runtime.invoke_endpoint(EndpointName="cold", TargetModel="a", Body=b"")
        return str(raised.value.response["Error"]["Message"])

    not_found = f"Endpoint cold of account {ACCOUNT} not found."
    sagemaker.create_endpoint(EndpointName="cold", EndpointConfigName="cold")
    assert message() == not_found
    wait_until(lambda: aws.status("cold") == "Failed")
    assert message() == not_found
    sagemaker.delete_endpoint(EndpointName="cold")
    assert message() == not_found


def test_the_body_may_have_six_mebibytes_and_no_more(
    aws: LocalAws, endpoint: str, runtime: Any
) -> None:
    """6,291,456 bytes pass, one more does not."""
    target = aws.put_model("large")
    body = b"x" * 6_291_456
    answer = runtime.invoke_endpoint(EndpointName=endpoint, TargetModel=target, Body=body)
    assert base64.b64decode(json.load(answer["Body"])["body"]) == body
    with pytest.raises(runtime.exceptions.ValidationError, match="6291456"):
        runtime.invoke_endpoint(EndpointName=endpoint, TargetModel=target, Body=body + b"x")


def test_a_slow_model_is_not_ready_and_goes_on_loading(
    aws: LocalAws, endpoint: str, runtime: Any
) -> None:
    """429 first; once it is loaded, it answers, and it was loaded once."""
    target = aws.put_model("slow", load_seconds=4)
    with pytest.raises(runtime.exceptions.ModelNotReadyException) as raised:
        runtime.invoke_endpoint(EndpointName=endpoint, TargetModel=target, Body=b"")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429

    def answered() -> Any:
        try:
            answer = runtime.invoke_endpoint(EndpointName=endpoint, TargetModel=target, Body=b"")
        except runtime.exceptions.ModelNotReadyException:
            return None
        return json.load(answer["Body"])

    assert wait_until(answered)["loads"] == 1


def test_models_make_room_for_each_other(aws: LocalAws, runtime: Any) -> None:
    """Two fit; the third drives out the least recently used, which is loaded anew when it is next
    asked for.
    """
    name = aws.serve("small", {"FAKE_CAPACITY": "2"})
    targets = [aws.put_model(f"room-{n}") for n in "abc"]

    def loads(number: int) -> int:
        answer = runtime.invoke_endpoint(EndpointName=name, TargetModel=targets[number], Body=b"")
        return int(json.load(answer["Body"])["loads"])

    assert [loads(n) for n in (0, 1, 0, 2, 0, 1)] == [1, 1, 1, 1, 1, 2]


def test_calls_at_once(aws: LocalAws, endpoint: str, runtime: Any) -> None:
    """Many first calls to several models: each is loaded once and all are answered."""
    targets = [aws.put_model(f"burst-{n}", load_seconds=0.3) for n in range(3)]

    def loads(target: str) -> int:
        answer = runtime.invoke_endpoint(EndpointName=endpoint, TargetModel=target, Body=b"")
        return int(json.load(answer["Body"])["loads"])

    with ThreadPoolExecutor(9) as pool:
        assert list(pool.map(loads, targets * 3)) == [1] * 9


def test_metrics(aws: LocalAws, runtime: Any) -> None:
    """By both dimensions; by the endpoint's name alone there is nothing, as in AWS."""
    good, bad = aws.put_model("measured"), aws.put_model("measured-bad", status=400)
    name = aws.serve("measured")
    for _ in range(2):
        runtime.invoke_endpoint(EndpointName=name, TargetModel=good, Body=b"")
    with pytest.raises(runtime.exceptions.ModelError):
        runtime.invoke_endpoint(EndpointName=name, TargetModel=bad, Body=b"")
    cloudwatch = aws.client("cloudwatch")
    now = dt.datetime.now(dt.UTC)

    def total(metric: str, *dimensions: str) -> float:
        values = {"EndpointName": name, "VariantName": "AllTraffic"}
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "m",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "AWS/SageMaker",
                            "MetricName": metric,
                            "Dimensions": [{"Name": d, "Value": values[d]} for d in dimensions],
                        },
                        "Period": 60,
                        "Stat": "Sum",
                    },
                }
            ],
            StartTime=now - dt.timedelta(minutes=5),
            EndTime=now + dt.timedelta(minutes=2),
        )
        return float(sum(answer["MetricDataResults"][0]["Values"]))

    both = ("EndpointName", "VariantName")
    wait_until(lambda: total("Invocations", *both) == 3)
    assert total("Invocations", "EndpointName") == 0
    assert total("Invocation4XXErrors", *both) == 1
    assert total("InvocationModelErrors", *both) == 1
    assert total("Invocation5XXErrors", *both) == 0
    assert total("ModelCacheHit", *both) == 1
    for metric in ("ModelLatency", "OverheadLatency", "ModelLoadingWaitTime", "ModelLoadingTime"):
        # Microseconds: no call through a process and a socket takes less than ten, or a minute.
        assert 10 < total(metric, *both) < 60e6
