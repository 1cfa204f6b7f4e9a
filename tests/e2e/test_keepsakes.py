"""What dies with an endpoint and is given back to it: its owner's tags, its autoscaling and its
DeploymentConfig; and an endpoint that a stack declares, which is left alone until it does not."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.deployments import Deployment, Json, LocalAws, as_tags, local_aws, wait_until

ROLLING: Json = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 60,
    }
}
TRACKING: Json = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
}
OF_THE_VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/kept/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
THEIRS = {"team": "ml", "cost-centre": "42"}
# That they are new is told by these.
MADE_UP = ("CreationTime", "PolicyARN", "ScalableTargetARN", "ScheduledActionARN", "Alarms")


@pytest.fixture(scope="module")
def aws(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One for both stories."""
    with local_aws(tmp_path_factory.mktemp("aws")) as running_aws:
        yield running_aws


@pytest.fixture(scope="module")
def kept(aws: LocalAws) -> Deployment:
    """A deployment whose endpoint serves, with things of its owner's on it."""
    deployed = aws.deploy("kept", EndpointName="kept", IdleTimeout="12h")
    deployed.wake()
    arn = described(aws, "kept")["EndpointArn"]
    sagemaker, scaling = deployed.client("sagemaker"), deployed.client("application-autoscaling")
    sagemaker.add_tags(ResourceArn=arn, Tags=as_tags(THEIRS))
    scaling.register_scalable_target(**OF_THE_VARIANT, MinCapacity=1, MaxCapacity=3)
    scaling.put_scaling_policy(
        **OF_THE_VARIANT,
        PolicyName="by-requests",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING,
    )
    scaling.put_scheduled_action(
        **OF_THE_VARIANT,
        ScheduledActionName="mornings",
        Schedule="cron(0 8 * * ? *)",
        Timezone="Europe/Berlin",
        ScalableTargetAction={"MinCapacity": 2},
    )
    # By hand, to the config that it has: how its updates are to be carried out.
    sagemaker.update_endpoint(
        EndpointName="kept",
        EndpointConfigName=described(aws, "kept")["EndpointConfigName"],
        DeploymentConfig=ROLLING,
    )
    deployed.wait_for_status("InService")
    return deployed


def described(aws: LocalAws, endpoint: str) -> Json:
    """What SageMaker says of an endpoint that is there."""
    shown = aws.endpoint(endpoint)
    assert shown is not None
    return shown


def tags(aws: LocalAws, endpoint: str) -> dict[str, str]:
    """Its tags."""
    arn = described(aws, endpoint)["EndpointArn"]
    listed = aws.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in listed}


def scaling_of(deployment: Deployment) -> dict[str, list[Json]]:
    """All that scales the variant, without what each has a new one of."""
    client, resource = deployment.client("application-autoscaling"), OF_THE_VARIANT["ResourceId"]
    sagemaker = {"ServiceNamespace": "sagemaker"}
    found = {
        "targets": client.describe_scalable_targets(**sagemaker, ResourceIds=[resource])[
            "ScalableTargets"
        ],
        "policies": client.describe_scaling_policies(**sagemaker, ResourceId=resource)[
            "ScalingPolicies"
        ],
        "actions": client.describe_scheduled_actions(**sagemaker, ResourceId=resource)[
            "ScheduledActions"
        ],
    }
    return {
        kind: [{key: value for key, value in each.items() if key not in MADE_UP} for each in rows]
        for kind, rows in found.items()
    }


def test_all_of_it_comes_back_at_the_next_wake(kept: Deployment) -> None:
    """In the sleep nothing of it is there; afterwards it is as its owner has left it."""
    before = scaling_of(kept)
    assert {kind: len(rows) for kind, rows in before.items()} == {
        "targets": 1,
        "policies": 1,
        "actions": 1,
    }

    kept.sleep()
    assert scaling_of(kept) == {"targets": [], "policies": [], "actions": []}
    kept.wake()

    wait_until(lambda: scaling_of(kept) == before, "scaled as before")
    shown = tags(kept.aws, "kept")
    assert shown.items() >= THEIRS.items()
    assert (shown["dormouse:endpoint"], shown["dormouse:stack"]) == ("kept", "kept")
    assert described(kept.aws, "kept")["LastDeploymentConfig"] == ROLLING


def test_what_its_owner_takes_away_stays_away(kept: Deployment) -> None:
    """Of a tag and a policy, only the present ones are kept."""
    arn = described(kept.aws, "kept")["EndpointArn"]
    kept.client("sagemaker").delete_tags(ResourceArn=arn, TagKeys=["team"])
    kept.client("application-autoscaling").delete_scaling_policy(
        **OF_THE_VARIANT, PolicyName="by-requests"
    )
    before = scaling_of(kept)

    kept.sleep()
    kept.wake()

    wait_until(lambda: scaling_of(kept) == before, "scaled as before")
    assert before["policies"] == []
    assert "team" not in tags(kept.aws, "kept")
    assert tags(kept.aws, "kept")["cost-centre"] == "42"


def declare(deployment: Deployment, config_name: str, *, is_retained: bool) -> None:
    """Have another stack declare the endpoint `declared`, tagged for this deployment to adopt."""
    owned = {"dormouse:endpoint": "declared", "dormouse:adopted-by": deployment.stack.name}
    resources = {
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "DeletionPolicy": "Retain" if is_retained else "Delete",
            "Properties": {
                "EndpointName": "declared",
                "EndpointConfigName": config_name,
                "Tags": as_tags(owned),
            },
        }
    }
    apply(deployment, resources)


def apply(deployment: Deployment, resources: Json) -> None:
    """Create the other stack, or change it."""
    client = deployment.client("cloudformation")
    # A stack must have a resource.
    topic = {"Type": "AWS::SNS::Topic"}
    template = json.dumps({"Resources": {"Topic": topic, **resources}})
    stacks = [row["StackName"] for row in client.describe_stacks()["Stacks"]]
    if "declaring" in stacks:
        client.update_stack(StackName="declaring", TemplateBody=template)
    else:
        client.create_stack(StackName="declaring", TemplateBody=template)
    done = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    wait_until(lambda: deployment.aws.stack_status("declaring") in done, "done")


def put_to_sleep(deployment: Deployment) -> Json:
    """Ask for `declared` to be put to sleep; returns what a tick makes of it."""
    answer = deployment.ask("POST", "/endpoints/declared/sleep")
    assert answer.status == 202, answer
    return deployment.tick()["declared"]


def test_what_a_stack_declares_is_not_put_to_sleep(kept: Deployment) -> None:
    """It says which stack, and how to hand it over; it serves on."""
    kept.tag_a_config("declared-config", {"dormouse:endpoint": "declared"})
    declare(kept, "declared-config", is_retained=False)
    kept.tick()

    outcome = put_to_sleep(kept)

    assert (outcome["action"], outcome["rule"]) == ("wait", "refused")
    assert "CloudFormation stack declaring declares it" in outcome["reason"]
    assert "DeletionPolicy: Retain" in outcome["reason"]
    assert kept.aws.status("declared") == "InService"
    standing = kept.standing("declared")
    assert "CloudFormation stack declaring" in standing["decision"]["reason"]


def test_it_is_handed_over_as_it_says(kept: Deployment) -> None:
    """First retained, then taken out of that template: it serves on all the while; then it is put
    to sleep, and woken as any other.
    """
    created = described(kept.aws, "declared")["CreationTime"]
    declare(kept, "declared-config", is_retained=True)
    apply(kept, {})
    assert described(kept.aws, "declared")["CreationTime"] == created

    put_to_sleep(kept)

    def is_gone() -> bool:
        kept.tick()
        return kept.aws.status("declared") is None

    wait_until(is_gone, "put to sleep")
    assert kept.ask("POST", "/endpoints/declared/wake").status == 202
    kept.wait_for_status("InService", "declared")
