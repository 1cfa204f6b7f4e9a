"""Captures: where they are kept and for how long, the stream that brings them there, and the tables
by which Athena finds them.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import pytest

from dormouse.domain.capture import write_record
from dormouse.domain.capture_policy import CapturePolicy
from dormouse.domain.exchange import Exchange, Way
from dormouse.domain.ground_truth import GroundTruth, write_ground_truth
from dormouse.domain.invocation import Execution, InvocationResponse
from tests.template.cloudformation import ACCOUNT, NOTHING_GIVEN, Given, properties, resolve

KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BY_MODEL: Given = {"CaptureByModel": "true"}
LAYOUTS = [NOTHING_GIVEN, BY_MODEL]
BUCKET = "dormouse-CaptureBucket"


def encryption(given: Given = NOTHING_GIVEN) -> Any:
    """How objects are encrypted that say nothing of it, as none does."""
    (rule,) = resolve(
        properties("CaptureBucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"], given
    )
    return rule


def test_captures_are_encrypted() -> None:
    """By a key of one's own, where one is given; then KMS is called for many objects at once."""
    assert encryption() == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert encryption({"CaptureKeyArn": KEY}) == {
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
        "BucketKeyEnabled": True,
    }


def test_what_waits_in_the_stream_is_encrypted_too() -> None:
    """By the same key."""
    written = properties("CaptureStream")["DeliveryStreamEncryptionConfigurationInput"]
    assert resolve(written) == {"KeyType": "AWS_OWNED_CMK"}
    assert resolve(written, {"CaptureKeyArn": KEY}) == {
        "KeyType": "CUSTOMER_MANAGED_CMK",
        "KeyARN": KEY,
    }


def expirations(bucket: str, given: Given = NOTHING_GIVEN) -> dict[str, str]:
    """After how many days a bucket forgets, by prefix."""
    rules = resolve(properties(bucket)["LifecycleConfiguration"]["Rules"], given)
    assert {rule["Status"] for rule in rules} == {"Enabled"}
    return {rule["Prefix"]: str(rule["ExpirationInDays"]) for rule in rules if "Prefix" in rule}


def test_captures_end_by_themselves() -> None:
    """All that holds what callers have sent, and what could not be delivered does as well."""
    assert expirations("CaptureBucket", {"CaptureRetentionDays": "7"}) == {
        "captures/": "7",
        "ground-truth/": "7",
        "capture-errors/": "7",
    }


def test_retired_models_can_be_put_back_for_a_while() -> None:
    """And no others end: the prefix of models can't be theirs."""
    assert expirations("ModelBucket") == {"retired/": "90"}


def destination(given: Given = NOTHING_GIVEN) -> dict[str, Any]:
    """Where the stream delivers to, and how."""
    found: dict[str, Any] = resolve(
        properties("CaptureStream")["ExtendedS3DestinationConfiguration"], given
    )
    return found


def parameters_of(processor: dict[str, Any]) -> dict[str, str]:
    return {one["ParameterName"]: one["ParameterValue"] for one in processor["Parameters"]}


def partition_keys(given: Given) -> dict[str, tuple[str, ...]]:
    """What the stream takes out of a record, as the path to it, by the name of the key."""
    (processor,) = destination(given)["ProcessingConfiguration"]["Processors"]
    assert processor["Type"] == "MetadataExtraction"
    assert parameters_of(processor)["JsonParsingEngine"] == "JQ-1.6"
    query = parameters_of(processor)["MetadataExtractionQuery"]
    assert query.startswith("{") and query.endswith("}")
    pairs = [pair.split(": ") for pair in query[1:-1].split(", ")]
    return {key: tuple(path.removeprefix(".").split(".")) for key, path in pairs}


def test_the_stream_partitions() -> None:
    """By what a record says of itself. 64 MB are the least that is gathered then, and a minute."""
    written = destination({"CaptureBufferSeconds": "120"})
    assert written["BucketARN"] == f"arn:aws:s3:::{BUCKET}"
    assert written["RoleARN"] == f"arn:aws:iam::{ACCOUNT}:role/dormouse-CaptureStreamRole"
    assert written["DynamicPartitioningConfiguration"]["Enabled"] is True
    assert written["ProcessingConfiguration"]["Enabled"] is True
    assert written["BufferingHints"] == {"SizeInMBs": 64, "IntervalInSeconds": "120"}
    assert written["FileExtension"] == ".jsonl"
    assert written["CompressionFormat"] == "UNCOMPRESSED"
    assert partition_keys(NOTHING_GIVEN) == {
        "endpoint": ("eventMetadata", "endpointName"),
        "variant": ("eventMetadata", "variantName"),
    }
    assert partition_keys(BY_MODEL) == {
        **partition_keys(NOTHING_GIVEN),
        "model": ("eventMetadata", "modelPartition"),
    }


@pytest.mark.parametrize("given", LAYOUTS)
def test_the_prefix_uses_each_key_once(given: Given) -> None:
    """Firehose refuses a key that the query lacks, and a key that the prefix lacks."""
    used = re.findall(r"!\{partitionKeyFromQuery:(\w+)\}", destination(given)["Prefix"])
    assert sorted(used) == sorted(partition_keys(given))


def test_what_can_not_be_delivered_is_kept_elsewhere() -> None:
    """Where no query of captures meets it, and by the kind of error; and the log says why."""
    prefix = destination()["ErrorOutputPrefix"]
    assert prefix.startswith("capture-errors/!{firehose:error-output-type}/")
    assert destination()["CloudWatchLoggingOptions"] == {
        "Enabled": True,
        "LogGroupName": "dormouse-CaptureLogs",
        "LogStreamName": "dormouse-CaptureLogStream",
    }
    assert resolve(properties("CaptureLogStream")) == {"LogGroupName": "dormouse-CaptureLogs"}


def table(name: str, given: Given = NOTHING_GIVEN) -> dict[str, Any]:
    """What Glue is told of a table."""
    found: dict[str, Any] = resolve(properties(name)["TableInput"], given)
    return found


def keys_of(name: str, given: Given = NOTHING_GIVEN) -> list[str]:
    """The partition keys of a table, all of which are text."""
    keys = table(name, given)["PartitionKeys"]
    assert {key["Type"] for key in keys} == {"string"}
    return [key["Name"] for key in keys]


def test_two_stacks_have_a_database_each() -> None:
    """By the stack's name, in which Athena wants no hyphen."""
    assert resolve(properties("CaptureDatabase")["DatabaseInput"]["Name"]) == "dormouse_captures"
    for name in ("CaptureTable", "GroundTruthTable"):
        assert properties(name)["DatabaseName"] == {"Ref": "CaptureDatabase"}
        assert resolve(properties(name)["CatalogId"]) == ACCOUNT


@pytest.mark.parametrize("given", LAYOUTS)
def test_athena_looks_where_firehose_writes(given: Given) -> None:
    """The same folders in the same order, whether there is one for each model or not."""
    projected = table("CaptureTable", given)["Parameters"]["storage.location.template"]
    written = destination(given)["Prefix"]
    written = re.sub(r"!\{partitionKeyFromQuery:(\w+)\}", r"${\1}", written)
    written = written.replace("!{timestamp:yyyy/MM/dd/HH}", "${hour}")
    assert projected == f"s3://{BUCKET}/{written}"
    assert re.findall(r"\$\{(\w+)\}", projected) == keys_of("CaptureTable", given)


def test_athena_looks_where_ground_truth_is_written() -> None:
    """By endpoint and hour."""
    projected = table("GroundTruthTable")["Parameters"]["storage.location.template"]
    assert projected == f"s3://{BUCKET}/ground-truth/${{endpoint}}/${{hour}}/"
    assert keys_of("GroundTruthTable") == ["endpoint", "hour"]


@pytest.mark.parametrize(
    ("name", "given"),
    [("CaptureTable", NOTHING_GIVEN), ("CaptureTable", BY_MODEL), ("GroundTruthTable", {})],
)
def test_every_partition_is_projected(name: str, given: Given) -> None:
    """Hours from the oldest that is kept until now; whatever else is a key, the query names."""
    parameters = table(name, {"CaptureRetentionDays": "30", **given})["Parameters"]
    kinds = {
        found[1]: kind
        for key, kind in parameters.items()
        if (found := re.fullmatch(r"projection\.(\w+)\.type", key))
    }
    assert kinds == dict.fromkeys(keys_of(name, given), "injected") | {"hour": "date"}
    assert parameters["projection.enabled"] == "true"
    assert parameters["projection.hour.format"] == "yyyy/MM/dd/HH"
    assert parameters["projection.hour.range"] == "NOW-30DAYS,NOW"
    assert parameters["projection.hour.interval"] == "1"
    assert parameters["projection.hour.interval.unit"] == "HOURS"


@pytest.mark.parametrize("name", ["CaptureTable", "GroundTruthTable"])
def test_a_line_is_read_as_json(name: str) -> None:
    """Uncompressed text, one document for each line, by the reader that Athena's guide names."""
    storage = table(name)["StorageDescriptor"]
    assert storage["SerdeInfo"] == {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}
    assert storage["InputFormat"] == "org.apache.hadoop.mapred.TextInputFormat"
    assert table(name)["Parameters"]["classification"] == "json"
    assert json.loads(table(name)["Parameters"]["EXTERNAL"].lower()) is True


# Athena's types of what JSON has.
KINDS: dict[type, set[str]] = {
    str: {"string"},
    int: {"int", "bigint"},
    float: {"double"},
    bool: {"boolean"},
    list: {"array<string>"},
}
NOON = datetime(2026, 2, 14, 17, 25, 49, tzinfo=UTC)


def columns_of(name: str) -> dict[str, Any]:
    """The columns of a table by name; a struct is a mapping of its members."""
    columns = table(name)["StorageDescriptor"]["Columns"]
    return {column["Name"]: read_type(column["Type"]) for column in columns}


def read_type(text: str) -> Any:
    """Hive's `struct<name:type,…>`, and whatever holds no members as it is."""
    if not text.startswith("struct<"):
        return text
    inner = text.removeprefix("struct<").removesuffix(">")
    members, depth, start = [], 0, 0
    for place, character in enumerate([*inner, ","]):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "," and not depth:
            members.append(inner[start:place].partition(":"))
            start = place + 1
    return {name: read_type(kind) for name, _, kind in members}


def exchange(**changes: Any) -> Exchange:
    """One of which nothing is unknown, but for what `changes` say."""
    execution = Execution("team/sentiment-2.tar.gz", "sentiment@live", timedelta(milliseconds=12.3))
    whole = Exchange(
        event_id="5b0f6d2c-9e7a-4138-8f2b-1c0d4e6a7b93",
        endpoint="dormouse",
        way=Way.PARKED,
        arrived_at=NOON,
        ended_at=NOON,
        principal="arn:aws:iam::123456789012:role/search-api",
        asked_model="sentiment@live",
        inference_id="review-1841",
        custom_attributes="trace=1",
        content_type="application/json",
        body=b'{"inputs": "jo@example.com"}',
        response=InvocationResponse(
            200,
            {"content-type": "application/json", "x-amzn-invoked-production-variant": "AllTraffic"},
            b'{"predictions": []}',
            execution,
        ),
        is_cold=True,
        waited=timedelta(seconds=30),
    )
    return replace(whole, **changes)


def recorded(policy: CapturePolicy, **changes: Any) -> Any:
    """The record of an exchange, as it is written."""
    return json.loads(write_record(exchange(**changes), policy, by_model=True).line)


def merged(records: Iterable[Any]) -> dict[str, Any]:
    """Every member that one of the records has; names in lower case, as Athena reads them."""
    whole: dict[str, Any] = {}
    for record in records:
        for name, value in record.items():
            key = name.lower()
            known = whole.get(key, {})
            whole[key] = merged([known, value]) if isinstance(value, dict) else value
    return whole


def assert_alike(columns: Any, values: Any) -> None:
    """The same names, and a type for each value that can hold it."""
    if not isinstance(values, dict):
        assert columns in KINDS[type(values)]
        return
    assert set(columns) == set(values)
    for name, value in values.items():
        assert_alike(columns[name], value)


def test_the_columns_are_those_of_a_record() -> None:
    """Each that a record may have, and no others: of requests that were answered, of those that
    failed, and of bodies that were left out.
    """
    everything = merged(
        [
            recorded(CapturePolicy()),
            recorded(CapturePolicy(), error="ModelError: it broke"),
            recorded(CapturePolicy(max_body=1)),
        ]
    )
    assert_alike(columns_of("CaptureTable"), everything)


@pytest.mark.parametrize("given", LAYOUTS)
def test_a_record_is_partitioned_by_what_it_says(given: Given) -> None:
    """Where Firehose looks, there is something; and what a function writes by itself lies beside
    it.
    """
    record = write_record(exchange(), CapturePolicy(), by_model=given == BY_MODEL)
    found = {
        key: reduce(lambda member, name: member[name], path, json.loads(record.line))
        for key, path in partition_keys(given).items()
    }
    prefix: str = destination(given)["Prefix"]
    for key, value in found.items():
        prefix = prefix.replace(f"!{{partitionKeyFromQuery:{key}}}", value)
    assert record.key_prefix == prefix.replace("!{timestamp:yyyy/MM/dd/HH}", "2026/02/14/17")


def test_the_columns_are_those_of_ground_truth() -> None:
    """Each member of a line, and no others."""
    (line,) = write_ground_truth([GroundTruth("review-1841", True, "positive", "CSV")]).splitlines()
    assert_alike(columns_of("GroundTruthTable"), merged([json.loads(line)]))
