"""Autoscaling, read before an endpoint is deleted and registered again when it serves."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from dormouse.adapters.autoscaling import EndpointScaling
from dormouse.errors import AwsDeniedError, AwsError, AwsUnansweredError
from tests.fakes.answers import refusal, will_answer
from tests.fakes.clock import FakeClock

VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/reviews/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
TRACKING = {
    **VARIANT,
    "PolicyName": "per-instance",
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
        },
        "ScaleInCooldown": 600,
    },
}
STEPS = {
    **VARIANT,
    "PolicyName": "by-steps",
    "PolicyType": "StepScaling",
    "StepScalingPolicyConfiguration": {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
        "Cooldown": 60,
    },
}
NIGHTLY = {
    **VARIANT,
    "ScheduledActionName": "nightly",
    "Schedule": "cron(0 20 * * ? *)",
    "Timezone": "Europe/Berlin",
    "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 1},
}
NAMES = ("AllTraffic",)


@pytest.fixture
def client() -> Iterator[Any]:
    """Application Auto Scaling without targets."""
    with mock_aws():
        yield boto3.client("application-autoscaling")


@pytest.fixture
def scaling(client: Any) -> EndpointScaling:
    """The adapter, on the Monday of the fake clock."""
    return EndpointScaling(client, FakeClock())


def register(client: Any, **fields: Any) -> None:
    """Have a variant scaled, as its owner did."""
    client.register_scalable_target(**{**VARIANT, "MinCapacity": 1, "MaxCapacity": 4, **fields})
    client.put_scaling_policy(**TRACKING)
    client.put_scaling_policy(**STEPS)
    client.put_scheduled_action(**NIGHTLY)


def test_what_died_with_an_endpoint_is_as_it_was(client: Any, scaling: EndpointScaling) -> None:
    """Targets, policies of each type, scheduled actions: in the end the same is read."""
    suspended = {"DynamicScalingInSuspended": True, "DynamicScalingOutSuspended": False}
    register(client, SuspendedState={**suspended, "ScheduledScalingSuspended": False})
    saved = scaling.read("reviews", NAMES)
    assert saved is not None
    # DeleteEndpoint deregisters it, and what belongs to it goes too.
    for name in ("per-instance", "by-steps"):
        client.delete_scaling_policy(**VARIANT, PolicyName=name)
    client.delete_scheduled_action(**VARIANT, ScheduledActionName="nightly")
    client.deregister_scalable_target(**VARIANT)
    assert scaling.read("reviews", NAMES) is None

    scaling.restore("reviews", saved, NAMES)

    assert scaling.read("reviews", NAMES) == saved
    kept = json.loads(saved)
    assert [policy["PolicyName"] for policy in kept["policies"]] == ["per-instance", "by-steps"]
    assert kept["targets"][0]["SuspendedState"]["DynamicScalingInSuspended"] is True
    (nightly,) = kept["actions"]
    assert nightly == NIGHTLY


def test_what_is_restored_twice_is_the_same(client: Any, scaling: EndpointScaling) -> None:
    """A tick may die in between."""
    register(client)
    saved = scaling.read("reviews", NAMES)
    assert saved is not None

    scaling.restore("reviews", saved, NAMES)

    assert scaling.read("reviews", NAMES) == saved


def test_only_what_can_be_registered_is_kept(client: Any, scaling: EndpointScaling) -> None:
    """No ARNs, no alarms, no times of creation."""
    register(client)

    kept = json.loads(scaling.read("reviews", NAMES) or "")

    members = {name for group in kept.values() for each in group for name in each}
    assert not [name for name in members if name.endswith(("ARN", "Arn"))]
    assert members.isdisjoint({"Alarms", "CreationTime"})


def test_other_endpoints_are_not_touched(client: Any, scaling: EndpointScaling) -> None:
    """Whose names begin alike."""
    other = {**VARIANT, "ResourceId": "endpoint/reviews-2/variant/AllTraffic"}
    client.register_scalable_target(**other, MinCapacity=1, MaxCapacity=2)

    assert scaling.read("reviews", NAMES) is None


def test_without_variants_nobody_is_asked(client: Any, scaling: EndpointScaling) -> None:
    """All targets of the region would be listed."""
    calls = will_answer(client, "application-autoscaling.DescribeScalableTargets", {})

    assert scaling.read("reviews", ()) is None
    assert calls == []


def test_every_page_is_read(client: Any, scaling: EndpointScaling) -> None:
    """A policy on the second would be lost for ever."""
    client.register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=4)
    pages: list[dict[str, Any]] = [
        {"ScalingPolicies": [TRACKING], "NextToken": "more"},
        {"ScalingPolicies": [STEPS]},
    ]
    calls = will_answer(client, "application-autoscaling.DescribeScalingPolicies", *pages)

    kept = json.loads(scaling.read("reviews", NAMES) or "")

    assert kept["policies"] == [TRACKING, STEPS]
    assert len(calls) == 2


def due(client: Any, scaling: EndpointScaling, **fields: Any) -> list[dict[str, Any]]:
    """What is put of a scheduled action that was kept."""
    action = {**NIGHTLY, **fields}
    calls = will_answer(client, "application-autoscaling.PutScheduledAction", {})
    kept = {"targets": [], "policies": [], "actions": [action]}
    scaling.restore("reviews", json.dumps(kept), NAMES)
    return [json.loads(call["body"]) for call in calls]


NOW = FakeClock()()


@pytest.mark.parametrize(
    ("fields", "is_due"),
    [
        ({}, True),
        ({"Schedule": "rate(1 hour)"}, True),
        ({"Schedule": "at(2026-02-16T10:00:00)", "Timezone": "UTC"}, True),
        ({"Schedule": "at(2026-02-16T09:00:00)", "Timezone": "UTC"}, False),
        # Nine in Berlin is eight in UTC; nine in New York is two in the afternoon.
        ({"Schedule": "at(2026-02-16T09:30:00)", "Timezone": "Europe/Berlin"}, False),
        ({"Schedule": "at(2026-02-16T09:30:00)", "Timezone": "America/New_York"}, True),
        # What can't be read is AWS's to refuse.
        ({"Schedule": "at(2026-02-30T09:30:00)", "Timezone": "UTC"}, True),
        ({"Schedule": "at(2026-02-16T08:30:00)", "Timezone": "Nowhere/City"}, True),
        ({"EndTime": (NOW + timedelta(hours=1)).isoformat()}, True),
        ({"EndTime": NOW.isoformat()}, False),
    ],
)
def test_what_is_over_is_not_scheduled_again(
    client: Any, scaling: EndpointScaling, fields: dict[str, str], is_due: bool
) -> None:
    """It would be refused, and with it all that comes after, at each tick."""
    assert len(due(client, scaling, **fields)) == int(is_due)


def test_what_has_begun_is_scheduled_as_of_now(client: Any, scaling: EndpointScaling) -> None:
    """A time to begin that is over is no time to begin."""
    times = {"StartTime": NOW - timedelta(days=1), "EndTime": NOW + timedelta(days=1)}
    kept = {name: time.isoformat() for name, time in times.items()}

    (action,) = due(client, scaling, **kept)

    assert "StartTime" not in action
    assert datetime.fromtimestamp(action["EndTime"], UTC) == times["EndTime"]


def test_what_begins_later_begins_then(client: Any, scaling: EndpointScaling) -> None:
    """Times survive their being kept as text."""
    start = NOW + timedelta(days=1)

    (action,) = due(client, scaling, StartTime=start.isoformat())

    assert datetime.fromtimestamp(action["StartTime"], UTC) == start


@pytest.mark.parametrize(
    "operation", ["DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScheduledActions"]
)
def test_what_cannot_be_read_is_an_error_that_names_the_call(
    client: Any, scaling: EndpointScaling, operation: str
) -> None:
    """Never taken for nothing."""
    register(client)
    refused = refusal("AccessDeniedException")
    will_answer(client, f"application-autoscaling.{operation}", refused)

    with pytest.raises(AwsDeniedError, match=f"{operation} refused"):
        scaling.read("reviews", NAMES)


@pytest.mark.parametrize(
    "operation", ["RegisterScalableTarget", "PutScalingPolicy", "PutScheduledAction"]
)
def test_what_is_not_taken_is_an_error_that_names_the_call(
    client: Any, scaling: EndpointScaling, operation: str
) -> None:
    """It is tried again with the next tick."""
    register(client)
    saved = scaling.read("reviews", NAMES)
    assert saved is not None
    will_answer(client, f"application-autoscaling.{operation}", refusal("ValidationException"))

    with pytest.raises(AwsError, match=f"{operation} refused"):
        scaling.restore("reviews", saved, NAMES)


OTHER = {**VARIANT, "ResourceId": "endpoint/reviews/variant/large"}
BOTH = ("AllTraffic", "large")


def register_both(client: Any, scaling: EndpointScaling) -> str:
    """Have two variants scaled; returns what is kept of them."""
    register(client)
    client.register_scalable_target(**OTHER, MinCapacity=1, MaxCapacity=2)
    client.put_scaling_policy(**{**TRACKING, **OTHER, "PolicyName": "of-the-large"})
    saved = scaling.read("reviews", BOTH)
    assert saved is not None
    return saved


def test_variants_that_are_not_there_are_left_out(client: Any, scaling: EndpointScaling) -> None:
    """They would be refused at each tick for as long as it runs on another EndpointConfig."""
    saved = register_both(client, scaling)
    calls = [
        will_answer(client, f"application-autoscaling.{operation}", *[None] * 9)
        for operation in ("RegisterScalableTarget", "PutScalingPolicy", "PutScheduledAction")
    ]

    scaling.restore("reviews", saved, ("large",))

    asked = [json.loads(call["body"])["ResourceId"] for each in calls for call in each]
    assert asked == [OTHER["ResourceId"]] * 2


def test_what_is_refused_keeps_back_nothing_else(client: Any, scaling: EndpointScaling) -> None:
    """But what it is needed for; and each refusal is said."""
    saved = register_both(client, scaling)
    refused = [refusal("ValidationException", "not scalable"), None]
    will_answer(client, "application-autoscaling.RegisterScalableTarget", *refused)
    policies = will_answer(client, "application-autoscaling.PutScalingPolicy", *[None] * 9)
    actions = will_answer(
        client, "application-autoscaling.PutScheduledAction", refusal("LimitExceededException")
    )

    with pytest.raises(AwsError, match=r"^RegisterScalableTarget refused: .*not scalable$"):
        scaling.restore("reviews", saved, BOTH)

    names = [json.loads(call["body"])["PolicyName"] for call in policies]
    assert (names, actions) == (["of-the-large"], [])

    will_answer(client, "application-autoscaling.PutScalingPolicy", refusal("A"), refusal("B"))
    with pytest.raises(AwsError, match=r"PutScalingPolicy refused: A: .*; .* refused: B: .*; Put"):
        scaling.restore("reviews", saved, BOTH)
    assert len(actions) == 1


def test_without_an_answer_nothing_more_is_tried(client: Any, scaling: EndpointScaling) -> None:
    """Each attempt takes its time, and the tick has other endpoints."""
    saved = register_both(client, scaling)

    def hang(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="https://application-autoscaling")

    client.meta.events.register_first(
        "before-call.application-autoscaling.RegisterScalableTarget", hang
    )
    policies = will_answer(client, "application-autoscaling.PutScalingPolicy", None)

    with pytest.raises(AwsUnansweredError, match=r"^RegisterScalableTarget failed: "):
        scaling.restore("reviews", saved, BOTH)

    assert policies == []
