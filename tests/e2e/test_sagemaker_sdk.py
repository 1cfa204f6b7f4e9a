"""The SageMaker Python SDK at the front door, asleep and awake: Endpoint.invoke with its
target_model, and Endpoint.invoke_async."""

import json
import os
import subprocess
from typing import Any

import pytest

from local.settings import REPOSITORY
from tests.e2e.deployments import MODEL, QUESTION, Deployment, LocalAws, wait_until

PYTHON = REPOSITORY / ".venvs" / "sagemaker" / "bin" / "python"
USER = REPOSITORY / "tests" / "e2e" / "sagemaker_sdk_user.py"
INPUTS = "sdk-inputs"
# Longer than a wake takes on a busy machine; no test is judged by it.
WAIT_SECONDS = 200


@pytest.fixture(scope="module")
def deployment(aws: LocalAws) -> Deployment:
    """With a bucket for inputs."""
    aws.client("s3").create_bucket(Bucket=INPUTS)
    aws.client("s3").put_object(Bucket=INPUTS, Key="question.json", Body=QUESTION)
    deployed = aws.deploy("dormouse", IdleTimeout="1h", S3Buckets=INPUTS)
    deployed.upload_models()
    return deployed


@pytest.fixture(params=["asleep", "awake"])
def standing(request: pytest.FixtureRequest, deployment: Deployment) -> str:
    """How the endpoint stands when it is asked."""
    if request.param == "asleep":
        deployment.sleep()
    else:
        deployment.wake()
        deployment.tick()
    return str(request.param)


def ask(deployment: Deployment, **request: Any) -> Any:
    """Have the SDK's user ask, in the environment of the SDK."""
    environment = {key: value for key, value in os.environ.items() if key[:4] != "AWS_"}
    ran = subprocess.run(
        [PYTHON, USER, json.dumps({"endpoint": deployment.name, "target_model": MODEL} | request)],
        env=environment
        | {
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": deployment.stack.invoke_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": deployment.stack.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS + 100,
    )
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout.splitlines()[-1])
    assert int(answer["sdk"].split(".")[0]) >= 3
    return answer


def output(deployment: Deployment, announced: Any) -> Any:
    """Wait for the object at OutputLocation, and parse it."""
    client = deployment.client("s3")
    bucket, _, key = announced["output_location"].removeprefix("s3://").partition("/")

    def is_there() -> bool:
        listed = client.list_objects_v2(Bucket=bucket, Prefix=key)
        return bool(listed["KeyCount"])

    wait_until(is_there, "written to its OutputLocation")
    return json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())


def test_endpoint_invoke_is_answered(deployment: Deployment, standing: str) -> None:
    """Held where the endpoint sleeps, and passed on where it serves."""
    answer = ask(deployment, body=QUESTION.decode(), wait=WAIT_SECONDS)

    assert answer["body"]["predictions"][0]["label"] == "positive", standing
    assert answer["content_type"] == "application/json"


@pytest.mark.parametrize("by", ["custom attributes", "a hook"])
def test_endpoint_invoke_async_is_answered(deployment: Deployment, standing: str, by: str) -> None:
    """By an object in S3, however the name of the model travels."""
    announced = ask(deployment, input_location=f"s3://{INPUTS}/question.json", by=by)

    predictions = output(deployment, announced)["predictions"]
    assert predictions[0]["label"] == "positive", standing


def test_an_unknown_endpoint_is_the_sdks_own_error(deployment: Deployment) -> None:
    """A ValidationError, as from SageMaker."""
    answer = ask(deployment, endpoint="nobody", body=QUESTION.decode())

    assert (answer["error"], answer["status"]) == ("ValidationError", 400)
