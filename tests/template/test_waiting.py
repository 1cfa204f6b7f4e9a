"""Requests that wait: where they are kept and for how long, and how word of them reaches drain."""

from typing import Any

import pytest

from dormouse.adapters.runtime import CONNECT_TIMEOUT_SECONDS
from tests.template.cloudformation import environment, properties, resolve, template

DAY_SECONDS = 24 * 3600


def keys(schema: list[dict[str, str]]) -> dict[str, str]:
    """The names of a key's attributes by their kinds."""
    return {key["KeyType"]: key["AttributeName"] for key in schema}


def test_the_requests_are_found_consistently() -> None:
    """A local index can be read strongly consistent, a global one can't."""
    table = properties("RequestsTable")
    assert keys(table["KeySchema"]) == {"HASH": "endpoint", "RANGE": "id"}
    assert "GlobalSecondaryIndexes" not in table
    (index,) = table["LocalSecondaryIndexes"]
    assert index["IndexName"] == "queue"
    assert keys(index["KeySchema"]) == {"HASH": "endpoint", "RANGE": "queue"}
    assert index["Projection"] == {"ProjectionType": "ALL"}
    assert {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]} == {
        "endpoint": "S",
        "id": "S",
        "queue": "S",
    }


@pytest.mark.parametrize(
    ("table", "attribute"), [("RequestsTable", "purge_at"), ("UsageTable", "expires_at")]
)
def test_what_is_over_is_forgotten(table: str, attribute: str) -> None:
    """DynamoDB deletes it by an attribute of its own."""
    assert properties(table)["TimeToLiveSpecification"] == {
        "AttributeName": attribute,
        "Enabled": True,
    }


def expirations() -> dict[str, int]:
    """After how many days the bucket forgets, by prefix."""
    rules = properties("RequestsBucket")["LifecycleConfiguration"]["Rules"]
    assert {rule["Status"] for rule in rules} == {"Enabled"}
    return {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}


def test_payloads_outlive_their_records() -> None:
    """A request may wait, be kept for a week as a failed one, be replayed, and wait again."""
    assert set(expirations()) == {"requests/", "output/"}
    waits: int = template()["Parameters"]["RequestTtlSeconds"]["MaxValue"]
    kept = 7 * DAY_SECONDS
    assert expirations()["requests/"] * DAY_SECONDS > 2 * (waits + kept)


def work() -> dict[str, Any]:
    """How drain takes its work."""
    (event,) = properties("DrainFunction")["Events"].values()
    assert event["Type"] == "SQS"
    taken: dict[str, Any] = event["Properties"]
    return taken


def test_drain_takes_one_message_at_a_time() -> None:
    """So many at once as the parameter says; one that failed alone comes again."""
    assert resolve(work(), {"DrainConcurrency": "7"}) == {
        "Queue": resolve({"Fn::GetAtt": ["WorkQueue", "Arn"]}),
        "BatchSize": 1,
        "ScalingConfig": {"MaximumConcurrency": "7"},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }


def test_no_message_is_taken_twice_while_drain_works() -> None:
    """Lambda asks for six times the function's timeout."""
    assert (
        properties("WorkQueue")["VisibilityTimeout"] >= 6 * properties("DrainFunction")["Timeout"]
    )


def test_drain_outlives_two_calls() -> None:
    """The first of a model that is not ready ends after a minute."""
    told = environment("DrainFunction")
    call = int(told["DORMOUSE_RUNTIME_READ_TIMEOUT_SECONDS"]) + CONNECT_TIMEOUT_SECONDS
    assert properties("DrainFunction")["Timeout"] > 2 * call + 30


def test_what_makes_drain_fail_is_put_aside() -> None:
    """After five times, and kept for as long as SQS keeps anything."""
    assert resolve(properties("WorkQueue")["RedrivePolicy"]) == {
        "deadLetterTargetArn": resolve({"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}),
        "maxReceiveCount": 5,
    }
    assert properties("DeadLetterQueue")["MessageRetentionPeriod"] == 14 * DAY_SECONDS


@pytest.mark.parametrize("queue", ["WorkQueue", "DeadLetterQueue"])
def test_queues_are_encrypted(queue: str) -> None:
    """By SQS itself."""
    assert properties(queue)["SqsManagedSseEnabled"] is True


def test_all_believe_the_same_times() -> None:
    """Whoever stops endpoints waits for as long as the others may be sending."""
    given = {
        "LedgerIntervalSeconds": "5",
        "RuntimeReadTimeoutSeconds": "20",
        "LeaseMarginSeconds": "2",
    }
    for function in ("ReconcileFunction", "InvokeFunction", "DrainFunction"):
        told = environment(function, given)
        assert told["DORMOUSE_LEDGER_INTERVAL_SECONDS"] == "5"
        assert told["DORMOUSE_RUNTIME_READ_TIMEOUT_SECONDS"] == "20"
        assert told["DORMOUSE_LEASE_MARGIN_SECONDS"] == "2"
        # Sooner, and a request that is being answered would be sent for.
        assert told["DORMOUSE_RESEND_SECONDS"] == "20"
