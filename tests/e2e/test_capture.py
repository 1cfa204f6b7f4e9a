"""What is captured of requests, end to end: by the real Firehose path, under the keys of
SageMaker's own data capture, and read by tools that were not written here.
"""

import base64
import json
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pytest

from tests.e2e.deployments import MODEL, QUESTION, Deployment, Json, LocalAws, at_once, wait_until

OTHER_MODEL = "topic-tiny.tar.gz"
# Longer than a wake takes on a busy machine; no test is judged by it.
WAIT_SECONDS = 200
# Of these nothing may be left; of the name neither, once a parameter points at it.
SECRETS = ("jo.doe@example.com", "4111 1111 1111 1111", "+1 (415) 555-0132")
NAME = "Johanna Doe"
WITH_SECRETS = json.dumps(
    {
        "inputs": f"a great film, says {SECRETS[0]}, paid with {SECRETS[1]}, call {SECRETS[2]}",
        "customer": {"name": NAME},
    }
).encode()
# Of the right kind for the model, and too long for one record of Firehose: as JSON within JSON it
# is longer still.
LONG = b'{"inputs": "' + b"a" * 1_030_000
# Longer than CaptureMaxBody.
TOO_LONG = b'{"inputs": "' + b"a" * 1_100_000
LAYOUT = re.compile(
    r"captures/(?P<endpoint>[^/]+)/(?P<variant>[^/]+)/(?P<hour>\d{4}/\d\d/\d\d/\d\d)/[^/]+\.jsonl"
)


@dataclass(frozen=True)
class Sent:
    """A request that was sent, and what its caller has got in the end."""

    body: bytes
    status: int
    answer: bytes


@dataclass(frozen=True)
class Captures:
    """A deployment, what was sent to it by inference id, and a copy of what lies in its bucket."""

    deployment: Deployment
    sent: Mapping[str, Sent]
    folder: Path

    @property
    def files(self) -> Sequence[Path]:
        """The captures, one file for each object."""
        return sorted((self.folder / "captures").rglob("*.jsonl"))

    def records(self) -> dict[str, Json]:
        """The records by inference id, of which there is one each."""
        found = [json.loads(line) for file in self.files for line in file.read_text().splitlines()]
        by_id = {record["eventMetadata"]["inferenceId"]: record for record in found}
        assert len(by_id) == len(found)
        return by_id

    def metadata(self, inference_id: str) -> Json:
        """What was noted of a request."""
        noted: Json = self.records()[inference_id]["eventMetadata"]
        return noted


def bucket(deployment: Deployment) -> str:
    """Where captures are."""
    return deployment.outputs()["CaptureBucketName"]


def keys(deployment: Deployment, prefix: str) -> list[str]:
    """The objects of the bucket."""
    pages = (
        deployment.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=bucket(deployment), Prefix=prefix)
    )
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def copy(deployment: Deployment, folder: Path, prefix: str = "") -> None:
    """Copy the bucket as it is, key by key."""
    name = bucket(deployment)
    for key in keys(deployment, prefix):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        deployment.client("s3").download_file(name, key, str(path))


def send(
    deployment: Deployment,
    inference_id: str,
    body: bytes = QUESTION,
    *,
    model: str = MODEL,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Sent:
    """POST an invocation, and follow the Location of one that is parked until it has an answer."""
    answer = deployment.front(
        "POST",
        f"/endpoints/{deployment.name}/invocations",
        body,
        {
            "Content-Type": content_type,
            "X-Amzn-SageMaker-Target-Model": model,
            "X-Amzn-SageMaker-Inference-Id": inference_id,
            **(headers or {}),
        },
    )
    if answer.status == 202:
        location = answer.headers["location"]
        wait_until(lambda: deployment.front("GET", location).status != 202, "answered")
        answer = deployment.front("GET", location)
    return Sent(body, answer.status, answer.body)


def send_async(deployment: Deployment, inference_id: str) -> Sent:
    """boto3's invoke_endpoint_async, and what it writes to S3 in the end."""
    announced = deployment.runtime.invoke_endpoint_async(
        EndpointName=deployment.name,
        ContentType="application/json",
        CustomAttributes=f"TargetModel={MODEL}",
        InferenceId=inference_id,
        Body=QUESTION,
    )
    place, _, key = announced["OutputLocation"].removeprefix("s3://").partition("/")
    s3 = deployment.client("s3")
    written = {"Bucket": place, "Prefix": key}
    wait_until(lambda: s3.list_objects_v2(**written)["KeyCount"], "written to S3")
    return Sent(QUESTION, 200, s3.get_object(Bucket=place, Key=key)["Body"].read())


@pytest.fixture(scope="module")
def deployed(aws: LocalAws) -> Deployment:
    """With the defaults of capture, so that everything is captured, and patterns are redacted."""
    deployment = aws.deploy("dormouse", IdleTimeout="1h")
    deployment.upload_models()
    return deployment


@pytest.fixture(scope="module")
def captures(deployed: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Captures:
    """One request of each kind, and what is captured of them."""
    sent = {"refused": send(deployed, "refused")}
    # Clients are made one at a time; afterwards threads may share them.
    _ = deployed.runtime, deployed.client("s3")
    with at_once() as pool:
        waiting = {
            name: pool.submit(send, deployed, name, headers={"Prefer": preferred})
            for name, preferred in (
                ("held", f"wait={WAIT_SECONDS}"),
                ("parked", "respond-async"),
            )
        }
        waiting["async"] = pool.submit(send_async, deployed, "async")
        sent |= {name: future.result() for name, future in waiting.items()}
    attributes = {"X-Amzn-SageMaker-Custom-Attributes": "trace=1"}
    sent |= {
        "direct": send(deployed, "direct", headers=attributes),
        "secrets": send(deployed, "secrets", WITH_SECRETS),
        "other": send(deployed, "other", model=OTHER_MODEL),
        "failing": send(deployed, "failing", b'{"inputs": 3}'),
        "binary": send(deployed, "binary", b"\x93NUMPY\x01\xff", content_type="application/x-npy"),
        # Of this type a Function URL hands the bytes over as they are.
        "no-text": send(deployed, "no-text", b'"\xff"', content_type="application/jsonlines"),
        "empty": send(deployed, "empty", b""),
        "nobody": send(deployed, "nobody", model="nobody.tar.gz"),
        "long": send(deployed, "long", LONG),
        "too-long": send(deployed, "too-long", TOO_LONG),
    }
    folder = tmp_path_factory.mktemp("captures")
    wait_until(lambda: len(keys(deployed, "captures/")) >= len(sent), "captured")
    copy(deployed, folder)
    return Captures(deployed, sent, folder)


def test_each_request_is_captured_once(captures: Captures) -> None:
    """Whatever became of it, by whichever way; nothing went to where Firehose puts what it can't
    read.
    """
    assert set(captures.records()) == set(captures.sent)
    events = [record["eventMetadata"]["eventId"] for record in captures.records().values()]
    assert len(set(events)) == len(events)
    assert not (captures.folder / "capture-errors").exists()


@pytest.mark.parametrize(
    ("inference_id", "way", "cold", "status"),
    [
        ("refused", "direct", True, 503),
        ("held", "held", True, 200),
        ("parked", "parked", True, 200),
        ("async", "async", True, 200),
        ("direct", "direct", False, 200),
        ("failing", "direct", False, 424),
        ("binary", "direct", False, 424),
        ("nobody", "direct", False, 400),
    ],
)
def test_how_a_request_was_answered_is_noted(
    captures: Captures, inference_id: str, way: str, cold: bool, status: int
) -> None:
    """As its caller has seen it; a failure with its error."""
    noted = captures.metadata(inference_id)
    assert captures.sent[inference_id].status == status
    assert (noted["way"], noted["cold"], noted["status"]) == (way, cold, status)
    assert ("error" in noted) == (status != 200)
    # SageMaker was asked, or not.
    assert ("latencyMs" in noted) == (status != 503)
    assert ("waitedMs" in noted) == (way != "direct")
    assert noted["principal"]
    age = datetime.now(UTC) - datetime.fromisoformat(noted["inferenceTime"])
    assert timedelta(0) <= age + timedelta(seconds=1) < timedelta(hours=1)


def test_the_metadata_is_that_of_the_request(captures: Captures) -> None:
    """Its model, its attributes, its sizes."""
    noted, sent = captures.metadata("direct"), captures.sent["direct"]
    assert noted["endpointName"] == captures.deployment.name
    assert noted["variantName"] == "AllTraffic"
    assert noted["targetModel"] == MODEL
    assert noted["customAttributes"] == ["trace=1"]
    assert (noted["inputBytes"], noted["outputBytes"]) == (len(sent.body), len(sent.answer))
    assert captures.metadata("other")["targetModel"] == OTHER_MODEL


def test_captures_lie_where_sagemaker_would_put_them(captures: Captures) -> None:
    """By endpoint, variant and hour; what is too long for Firehose beside the others."""
    for file in captures.files:
        found = LAYOUT.fullmatch(str(file.relative_to(captures.folder)))
        assert found, file
        for line in file.read_text().splitlines():
            noted = json.loads(line)["eventMetadata"]
            assert (noted["endpointName"], noted["variantName"]) == (
                found["endpoint"],
                found["variant"],
            )
            hour = datetime.strptime(found["hour"], "%Y/%m/%d/%H").replace(tzinfo=UTC)
            late = datetime.fromisoformat(noted["inferenceTime"]) - hour
            assert timedelta(minutes=-1) <= late < timedelta(minutes=61)
    spilled = captures.metadata("long")["eventId"]
    assert [file.name for file in captures.files if spilled in file.name] == [
        f"spilled-{spilled}.jsonl"
    ]


def ask_duckdb(query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def body_in(part: Json) -> bytes:
    """The bytes that a record holds."""
    if part["encoding"] == "BASE64":
        return base64.b64decode(part["data"], validate=True)
    return str(part["data"]).encode()


@pytest.mark.parametrize("inference_id", ["direct", "held", "failing", "binary", "no-text", "long"])
def test_the_bytes_come_back(captures: Captures, inference_id: str) -> None:
    """What was sent and what was answered, as it was."""
    sent = captures.sent[inference_id]
    captured = captures.records()[inference_id]["captureData"]
    assert body_in(captured["endpointInput"]) == sent.body
    assert body_in(captured["endpointOutput"]) == sent.answer


def test_of_what_is_too_long_the_size_is_kept(captures: Captures) -> None:
    """And why there is no more of it."""
    noted = captures.metadata("too-long")
    assert "endpointInput" not in captures.records()["too-long"]["captureData"]
    assert noted["inputBytes"] == len(TOO_LONG)
    assert noted["inputOmitted"]


def test_no_secret_leaves_the_function(captures: Captures) -> None:
    """Nowhere in the bucket, in no encoding that Base64 could hide; what stands beside is kept."""
    objects = [path for path in captures.folder.rglob("*") if path.is_file()]
    for secret in SECRETS:
        for path in objects:
            assert secret.encode() not in path.read_bytes(), path
    record = captures.records()["secrets"]
    assert set(record["eventMetadata"]["redacted"]) == {"email", "card", "phone"}
    told = json.loads(record["captureData"]["endpointInput"]["data"])
    assert told["inputs"].startswith("a great film, says ")
    assert told["customer"] == {"name": NAME}


def test_pandas_reads_them(captures: Captures) -> None:
    """Line by line, nested columns flattened as its users do."""
    lines = pandas.concat(pandas.read_json(file, lines=True) for file in captures.files)
    flat = pandas.json_normalize(lines["eventMetadata"].tolist())
    assert len(flat) == flat["eventId"].nunique() == len(captures.sent)
    assert Counter(flat["status"]) == Counter(sent.status for sent in captures.sent.values())
    assert set(flat["inferenceId"]) == set(captures.sent)
    assert set(lines["eventVersion"].astype(str)) == {"0"}


def test_duckdb_reads_the_layout(captures: Captures) -> None:
    """All of it at once, the folders as columns."""
    rows = ask_duckdb(
        f"""
        SELECT split_part(filename, '/', -7) AS endpoint,
               split_part(filename, '/', -6) AS variant,
               count(DISTINCT eventMetadata.eventId) AS events,
               count(*) FILTER (eventMetadata.status = 424) AS failures
        FROM read_json('{captures.folder}/captures/*/*/*/*/*/*/*.jsonl',
                       format = 'newline_delimited', union_by_name = true, filename = true)
        GROUP BY ALL ORDER BY variant
        """
    )
    name = captures.deployment.name
    assert [row[:2] for row in rows] == [(name, "AllTraffic"), (name, "no-variant")]
    assert sum(row[2] for row in rows) == len(captures.sent)
    failures = [sent for sent in captures.sent.values() if sent.status == 424]
    assert sum(row[3] for row in rows) == len(failures)


def test_ground_truth_joins_what_was_captured(captures: Captures, tmp_path: Path) -> None:
    """By the caller's id, and by the event's; as SageMaker lays it out."""
    deployment = captures.deployment
    event_id = captures.metadata("other")["eventId"]
    records = [
        {"inference_id": "direct", "data": "positive"},
        {"event_id": event_id, "data": '{"label": "sports"}', "encoding": "JSON"},
    ]
    answer = deployment.ask(
        "PUT", f"/endpoints/{deployment.name}/ground-truth", {"records": records}
    )
    assert answer.status == 200, answer
    assert answer.json() == {"written": 2, "not_sampled": 0}

    copy(deployment, tmp_path, "ground-truth/")
    rows = ask_duckdb(
        f"""
        SELECT captured.eventMetadata.inferenceId, truth.groundTruthData.data
        FROM read_json('{captures.folder}/captures/*/*/*/*/*/*/*.jsonl',
                       format = 'newline_delimited', union_by_name = true) AS captured
        JOIN read_json('{tmp_path}/ground-truth/{deployment.name}/*/*/*/*/*.jsonl',
                       format = 'newline_delimited',
                       columns = {{'groundTruthData': 'STRUCT(data VARCHAR, encoding VARCHAR)',
                                   'eventMetadata': 'STRUCT(eventId VARCHAR)',
                                   'eventVersion': 'VARCHAR'}}) AS truth
          ON truth.eventMetadata.eventId = coalesce(captured.eventMetadata.inferenceId, '')
          OR truth.eventMetadata.eventId = captured.eventMetadata.eventId::VARCHAR
        ORDER BY 1
        """
    )
    assert rows == [("direct", "positive"), ("other", '{"label": "sports"}')]


def test_what_each_model_was_asked_is_told(captures: Captures) -> None:
    """Its requests, its errors, its latency, who has sent them, and whether it is loaded."""
    deployment = captures.deployment
    path = f"/endpoints/{deployment.name}/models?hours=1"

    def told() -> Mapping[str, Json]:
        # A container writes down what it has counted with a later request.
        send(deployment, "another")
        answer = deployment.ask("GET", path)
        assert answer.status == 200, answer
        return {row["model"]: row for row in answer.json()["models"]}

    deadline = time.monotonic() + 60
    while (rows := told()).get(OTHER_MODEL, {}).get("requests") != 1:
        assert time.monotonic() < deadline, rows
        time.sleep(1)
    asked, other = rows[MODEL], rows[OTHER_MODEL]
    assert asked["requests"] >= len([s for s in captures.sent.values() if s.status == 200]) - 1
    assert asked["errors_4xx"] >= 1
    assert asked["bytes_in"] >= len(LONG)
    assert 0 < asked["latency_ms"]["p50"] <= asked["latency_ms"]["p99"]
    assert asked["size_bytes"] > 0
    assert asked["loaded"] is other["loaded"] is True
    assert other["errors_4xx"] == other["errors_5xx"] == 0
    assert asked["unused_days"] == 0
    # A name that a caller has made up is no model.
    assert "nobody.tar.gz" not in rows


def test_captures_by_model_are_read_by_model(captures: Captures, tmp_path: Path) -> None:
    """Once the parameter is changed: a folder for each, whose name DuckDB reads as a column, and
    which Athena is told of; names that are nobody's share one. With a pointer what it names is
    redacted as well.
    """
    deployment = captures.deployment
    deployment.change(CaptureByModel="true", CaptureRedact="email card phone /customer/name")
    # What a config asks for is read with a tick.
    deployment.tick()
    for model in (MODEL, OTHER_MODEL, "team/nobody.tar.gz"):
        send(deployment, f"by-model-{model}", WITH_SECRETS, model=model)
    wait_until(
        lambda: len([key for key in keys(deployment, "captures/") if "/model=" in key]) == 3,
        "captured by model",
    )

    copy(deployment, tmp_path, "captures/")
    rows = ask_duckdb(
        f"""
        SELECT model, eventMetadata.inferenceId, eventMetadata.modelPartition
        FROM read_json('{tmp_path}/captures/*/*/model=*/*/*/*/*/*.jsonl',
                       format = 'newline_delimited', union_by_name = true,
                       hive_partitioning = true)
        WHERE model != '{OTHER_MODEL}' ORDER BY 2
        """
    )

    assert [row[1] for row in rows] == [f"by-model-{MODEL}", "by-model-team/nobody.tar.gz"]
    assert rows[0] == (MODEL, f"by-model-{MODEL}", MODEL)
    assert rows[1][::2] == ("no-model", "no-model")
    for path in tmp_path.glob("captures/*/*/model=*/**/*.jsonl"):
        assert NAME not in path.read_text()
        assert "/customer/name" in path.read_text()
    outputs = deployment.outputs()
    table = deployment.client("glue").get_table(
        DatabaseName=outputs["CaptureDatabaseName"], Name=outputs["CaptureTableName"]
    )["Table"]
    assert [key["Name"] for key in table["PartitionKeys"]] == [
        "endpoint",
        "variant",
        "model",
        "hour",
    ]
