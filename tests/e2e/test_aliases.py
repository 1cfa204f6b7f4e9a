"""Models that operators upload and retire, and aliases that they switch, end to end: under load,
and for requests that wait meanwhile.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from local import stack
from tests.e2e.deployments import QUESTION, Deployment, Json, LocalAws, wait_until
from tests.local.stacks import Answer

ALIAS = "sentiment@live"
# Two versions that answer the same question with other labels.
VERSIONS = {
    "sentiment-1.tar.gz": stack.TINY_MODELS / "sentiment-tiny.tar.gz",
    "sentiment-2.tar.gz": stack.TINY_MODELS / "topic-tiny.tar.gz",
}
FIRST, SECOND = VERSIONS
CALLERS = 3


def upload(deployment: Deployment, model: str, archive: Path) -> int:
    """Upload a model as the CLI does, and return S3's status."""
    asked = deployment.ask("PUT", f"/endpoints/{deployment.name}/models/{model}")
    assert asked.status == 201, asked
    place = asked.json()
    session = URLLib3Session()
    try:
        request = AWSRequest(
            place["method"], place["upload_url"], place["headers"], archive.read_bytes()
        )
        return int(session.send(request.prepare()).status_code)
    finally:
        session.close()


def alias(
    deployment: Deployment, method: str, body: Json | None = None, name: str = ALIAS
) -> Answer:
    """Set or remove an alias."""
    return deployment.ask(method, f"/endpoints/{deployment.name}/aliases/{name}", body)


def switch(deployment: Deployment, model: str) -> Json:
    """Have the alias stand for a model."""
    answer = alias(deployment, "PUT", {"model": model})
    assert answer.status == 200, answer
    switched: Json = answer.json()
    return switched


@pytest.fixture(scope="module")
def deployment(aws: LocalAws) -> Deployment:
    """With both versions uploaded, and the alias on the first."""
    deployment = aws.deploy("dormouse", IdleTimeout="1h")
    for model, archive in VERSIONS.items():
        assert upload(deployment, model, archive) == 200
    switch(deployment, FIRST)
    return deployment


@pytest.fixture(scope="module")
def answers(deployment: Deployment) -> dict[str, str]:
    """What each version answers, by its own name."""
    deployment.wake()
    found = {model: label(deployment, model) for model in VERSIONS}
    assert len(set(found.values())) == len(found)
    return found


def label(deployment: Deployment, model: str) -> str:
    """What a model, or what an alias stands for, says of the question."""
    answer = deployment.runtime.invoke_endpoint(
        EndpointName=deployment.name,
        TargetModel=model,
        ContentType="application/json",
        Body=QUESTION,
    )
    (prediction,) = json.loads(answer["Body"].read())["predictions"]
    return str(prediction["label"])


@dataclass
class Load:
    """What callers of the alias have got: when each had asked and was answered, and with what."""

    answered: list[tuple[datetime, datetime, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@contextmanager
def load(deployment: Deployment) -> Iterator[Load]:
    """Several callers, each of whom asks again as soon as it is answered."""
    had, over = Load(), threading.Event()

    def call() -> None:
        while not over.is_set():
            asked = datetime.now(UTC)
            try:
                said = label(deployment, ALIAS)
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs in the message
                had.failures.append(repr(error))
                continue
            had.answered.append((asked, datetime.now(UTC), said))

    # Clients are made one at a time; afterwards threads may share them.
    _ = deployment.runtime
    threads = [threading.Thread(target=call) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield had
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_switch_under_load_loses_and_misroutes_nothing(
    deployment: Deployment, answers: dict[str, str]
) -> None:
    """Forth and back: everybody is answered by the one version or the other, nobody by the former
    once the switch is followed, and nobody by the next before it was asked for.
    """
    switches: list[tuple[datetime, datetime]] = []
    with load(deployment) as had:
        time.sleep(1)
        for model in (SECOND, FIRST):
            begun = datetime.now(UTC)
            followed = datetime.fromisoformat(switch(deployment, model)["followed_at"])
            switches.append((begun, followed))
            time.sleep(max(0.0, (followed - datetime.now(UTC)).total_seconds()) + 1.5)

    assert had.failures == []
    never, (forth, back) = datetime.max.replace(tzinfo=UTC), switches
    periods = [
        (FIRST, datetime.min.replace(tzinfo=UTC), forth[0]),
        (SECOND, forth[1], back[0]),
        (FIRST, back[1], never),
    ]
    for model, since, until in periods:
        said = {
            said for asked, answered, said in had.answered if since <= asked and answered <= until
        }
        assert said == {answers[model]}, (model, since, until)
    assert {said for *_, said in had.answered} == set(answers.values())


def test_a_request_that_waits_follows_a_switch(
    deployment: Deployment, answers: dict[str, str]
) -> None:
    """It is the model that answers which the alias stands for when it is sent."""
    switch(deployment, FIRST)
    deployment.sleep()
    parked = deployment.front(
        "POST",
        f"/endpoints/{deployment.name}/invocations",
        QUESTION,
        {
            "Content-Type": "application/json",
            "X-Amzn-SageMaker-Target-Model": ALIAS,
            "Prefer": "respond-async",
        },
    )
    assert parked.status == 202, parked

    switch(deployment, SECOND)

    location = parked.headers["location"]
    wait_until(lambda: deployment.front("GET", location).status != 202, "answered")
    (prediction,) = deployment.front("GET", location).json()["predictions"]
    assert prediction["label"] == answers[SECOND]


def test_a_target_that_is_gone_is_named(deployment: Deployment, answers: dict[str, str]) -> None:
    """With the alias, by an error that boto3 raises: a 4xx that says what to set right."""
    outputs = deployment.outputs()
    assert upload(deployment, "gone.tar.gz", VERSIONS[FIRST]) == 200
    assert alias(deployment, "PUT", {"model": "gone.tar.gz"}, "sentiment@gone").status == 200
    # By other means: control would refuse it.
    deployment.client("s3").delete_object(
        Bucket=outputs["ModelBucketName"], Key=outputs["ModelPrefix"] + "gone.tar.gz"
    )

    with pytest.raises(deployment.runtime.exceptions.ClientError) as error:
        deployment.runtime.invoke_endpoint(
            EndpointName=deployment.name,
            TargetModel="sentiment@gone",
            ContentType="application/json",
            Body=QUESTION,
        )

    answer = error.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["Error"]["Code"] == "ValidationError"
    for part in ("sentiment@gone", "gone.tar.gz", deployment.name):
        assert part in answer["Error"]["Message"]
    assert alias(deployment, "DELETE", name="sentiment@gone").status in {200, 204}


def test_no_model_is_overwritten(deployment: Deployment) -> None:
    """SageMaker would go on answering with the former one: a new version has a new name."""
    before = deployment.ask("PUT", f"/endpoints/{deployment.name}/models/{FIRST}")
    assert before.status == 409
    assert FIRST in before.json()["detail"]


def test_a_model_is_retired_once_no_alias_stands_for_it(
    deployment: Deployment, answers: dict[str, str]
) -> None:
    """Till then the refusal names the alias; then it is listed no more, and lies aside."""
    switch(deployment, FIRST)
    path = f"/endpoints/{deployment.name}/models"
    refused = deployment.ask("DELETE", f"{path}/{FIRST}")
    assert refused.status == 409
    assert ALIAS in refused.json()["detail"]
    switch(deployment, SECOND)

    retired = deployment.ask("DELETE", f"{path}/{FIRST}")

    assert retired.status == 200, retired
    listed = {row["model"]: row for row in deployment.ask("GET", path).json()["models"]}
    assert listed[SECOND]["aliases"] == [ALIAS]
    assert listed[SECOND]["size_bytes"] == VERSIONS[SECOND].stat().st_size
    # What it was asked is still told.
    assert listed.get(FIRST, {}).get("size_bytes") is None
    found = deployment.client("s3").list_objects_v2(
        Bucket=deployment.outputs()["ModelBucketName"], Prefix="retired/"
    )
    assert [entry["Key"] for entry in found["Contents"]] == [f"retired/{FIRST}"]
