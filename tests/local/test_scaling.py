"""Application Auto Scaling of endpoints' variants."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.local.conftest import ACCOUNT, LocalAws, wait_until
from tests.local.shapes import check_answer

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
TRACKING = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
}


def of(endpoint: str) -> dict[str, str]:
    """The three members by which every operation names a variant."""
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/AllTraffic",
        "ScalableDimension": DIMENSION,
    }


@pytest.fixture
def scaling(aws: LocalAws) -> Any:
    """A client."""
    return aws.client("application-autoscaling")


@pytest.fixture
def scaled(aws: LocalAws, scaling: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    """An endpoint whose variant is scaled in all three ways."""
    name = request.function.__name__.replace("_", "-")[:60]
    aws.serve(name)
    scaling.register_scalable_target(**of(name), MinCapacity=1, MaxCapacity=4)
    for policy in ("by-requests", "by-steps"):
        kind: dict[str, Any] = {
            "by-requests": {
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": TRACKING,
            },
            "by-steps": {
                "PolicyType": "StepScaling",
                "StepScalingPolicyConfiguration": {"AdjustmentType": "ChangeInCapacity"},
            },
        }[policy]
        scaling.put_scaling_policy(PolicyName=policy, **of(name), **kind)
    scaling.put_scheduled_action(
        **of(name),
        ScheduledActionName="mornings",
        Schedule="cron(0 8 * * ? *)",
        Timezone="Europe/Berlin",
        StartTime=datetime(2026, 1, 1, tzinfo=UTC),
        ScalableTargetAction={"MinCapacity": 2},
    )
    yield name
    if aws.status(name) == "InService":
        aws.client("sagemaker").delete_endpoint(EndpointName=name)


def described(scaling: Any, endpoint: str) -> dict[str, list[dict[str, Any]]]:
    """Everything that scales an endpoint's variant; each answer fits its model."""
    resource = of(endpoint)["ResourceId"]
    found = {}
    for operation, member, wanted in (
        ("DescribeScalableTargets", "ScalableTargets", {"ResourceIds": [resource]}),
        ("DescribeScalingPolicies", "ScalingPolicies", {"ResourceId": resource}),
        ("DescribeScheduledActions", "ScheduledActions", {"ResourceId": resource}),
    ):
        answer = scaling._make_api_call(operation, {"ServiceNamespace": "sagemaker", **wanted})
        check_answer("application-autoscaling", operation, answer)
        found[member] = answer[member]
    return found


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(call.__self__.exceptions.ClientError) as refused:
        call(**request)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_what_is_put_is_described(scaling: Any, scaled: str) -> None:
    """With what Application Auto Scaling adds to it."""
    shown = described(scaling, scaled)
    (target,) = shown["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    assert set(target["SuspendedState"].values()) == {False}
    assert target["RoleARN"].startswith(f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.")
    tracking, steps = shown["ScalingPolicies"]
    assert (tracking["PolicyName"], steps["PolicyName"]) == ("by-requests", "by-steps")
    assert tracking["TargetTrackingScalingPolicyConfiguration"] == TRACKING
    assert [len(tracking["Alarms"]), len(steps["Alarms"])] == [2, 0]
    (action,) = shown["ScheduledActions"]
    assert action["StartTime"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert (action["Timezone"], action["ScalableTargetAction"]) == (
        "Europe/Berlin",
        {"MinCapacity": 2},
    )


def test_putting_again_changes_what_is_given(scaling: Any, scaled: str) -> None:
    """A target keeps its other limit and its ARN, a policy its ARN."""
    before = described(scaling, scaled)
    again = scaling.register_scalable_target(
        **of(scaled), MaxCapacity=8, SuspendedState={"DynamicScalingInSuspended": True}
    )
    check_answer("application-autoscaling", "RegisterScalableTarget", again)
    (target,) = described(scaling, scaled)["ScalableTargets"]
    assert target["ScalableTargetARN"] == before["ScalableTargets"][0]["ScalableTargetARN"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 8)
    assert target["SuspendedState"] == {
        "DynamicScalingInSuspended": True,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": False,
    }
    put = scaling.put_scaling_policy(
        **of(scaled),
        PolicyName="by-requests",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={**TRACKING, "TargetValue": 80.0},
    )
    check_answer("application-autoscaling", "PutScalingPolicy", put)
    policies = described(scaling, scaled)["ScalingPolicies"]
    assert [each["PolicyARN"] for each in policies] == [
        each["PolicyARN"] for each in before["ScalingPolicies"]
    ]
    assert policies[0]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 80.0


def test_deleting_an_endpoint_drops_all_of_it_silently(
    aws: LocalAws, scaling: Any, scaled: str
) -> None:
    """And an endpoint of the same name begins without."""
    aws.serve("scaling-bystander")
    scaling.register_scalable_target(**of("scaling-bystander"), MinCapacity=1, MaxCapacity=2)
    nothing: dict[str, list[Any]] = {
        "ScalableTargets": [],
        "ScalingPolicies": [],
        "ScheduledActions": [],
    }
    sagemaker = aws.client("sagemaker")
    sagemaker.delete_endpoint(EndpointName=scaled)
    assert described(scaling, scaled) == nothing
    wait_until(lambda: aws.status(scaled) is None)
    sagemaker.create_endpoint(EndpointName=scaled, EndpointConfigName=scaled)
    wait_until(lambda: aws.status(scaled) == "InService")
    assert described(scaling, scaled) == nothing
    assert len(described(scaling, "scaling-bystander")["ScalableTargets"]) == 1
    sagemaker.delete_endpoint(EndpointName="scaling-bystander")


def test_an_update_leaves_it(aws: LocalAws, scaling: Any, scaled: str) -> None:
    """The endpoint and its variant are the same."""
    before = described(scaling, scaled)
    aws.put_config(f"{scaled}-2")
    aws.client("sagemaker").update_endpoint(EndpointName=scaled, EndpointConfigName=f"{scaled}-2")
    wait_until(lambda: aws.status(scaled) == "InService")
    assert described(scaling, scaled) == before


def test_deregistering_drops_policies_and_actions(scaling: Any, scaled: str) -> None:
    """And a second time there is nothing to deregister."""
    scaling.deregister_scalable_target(**of(scaled))
    assert [*described(scaling, scaled).values()] == [[], [], []]
    missing = (
        "ObjectNotFoundException",
        "No scalable target registered for service namespace: sagemaker, resource ID: "
        f"endpoint/{scaled}/variant/AllTraffic, scalable dimension: {DIMENSION}",
    )
    assert refusal(scaling.deregister_scalable_target, **of(scaled)) == missing
    policy = {"PolicyName": "p", "PolicyType": "StepScaling", **of(scaled)}
    assert refusal(scaling.put_scaling_policy, **policy) == missing
    action = {"ScheduledActionName": "a", "Schedule": "rate(1 hour)", **of(scaled)}
    assert refusal(scaling.put_scheduled_action, **action) == missing


def test_policies_and_actions_are_deleted_by_name(scaling: Any, scaled: str) -> None:
    """Once."""
    policy = {"PolicyName": "by-steps", **of(scaled)}
    action = {"ScheduledActionName": "mornings", **of(scaled)}
    scaling.delete_scaling_policy(**policy)
    scaling.delete_scheduled_action(**action)
    shown = described(scaling, scaled)
    assert [each["PolicyName"] for each in shown["ScalingPolicies"]] == ["by-requests"]
    assert shown["ScheduledActions"] == []
    assert refusal(scaling.delete_scaling_policy, **policy)[0] == "ObjectNotFoundException"
    assert refusal(scaling.delete_scheduled_action, **action)[0] == "ObjectNotFoundException"


def test_what_can_not_be_registered(aws: LocalAws, scaling: Any, scaled: str) -> None:
    """A variant that no endpoint has, limits that are missing or the wrong way round, and what is
    no variant.
    """
    limits = {"MinCapacity": 1, "MaxCapacity": 2}

    def refused(**request: Any) -> str:
        code, message = refusal(scaling.register_scalable_target, **request)
        assert code == "ValidationException"
        return message

    aws.put_config("scaling-creating", {"FAKE_BOOT": "silent"})
    aws.client("sagemaker").create_endpoint(
        EndpointName="scaling-creating", EndpointConfigName="scaling-creating"
    )
    for endpoint in ("nobody", "scaling-creating"):
        assert f"endpoint/{endpoint}/variant/AllTraffic" in refused(**of(endpoint), **limits)
    scaling.deregister_scalable_target(**of(scaled))
    assert "MinCapacity and MaxCapacity" in refused(**of(scaled), MinCapacity=1)
    wrong = refused(**of(scaled), MinCapacity=3, MaxCapacity=2)
    assert wrong == "Maximum capacity cannot be less than minimum capacity"
    other = {**of(scaled), "ResourceId": "table/x", **limits}
    assert refused(**other).startswith("Unsupported service namespace")
    of_tables = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/x",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
    }
    assert refused(**of_tables, **limits).startswith("Unsupported service namespace")


def test_policies_are_described_in_pages(scaling: Any, scaled: str) -> None:
    """NextToken leads through all of them once."""
    pages = scaling.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="sagemaker",
        ResourceId=of(scaled)["ResourceId"],
        PaginationConfig={"PageSize": 1},
    )
    names = [[each["PolicyName"] for each in page["ScalingPolicies"]] for page in pages]
    assert names == [["by-requests"], ["by-steps"]]
    request = {"ServiceNamespace": "sagemaker", "NextToken": "%"}
    code, _ = refusal(scaling.describe_scaling_policies, **request)
    assert code == "InvalidNextTokenException"
