"""A stack's life: changed, failed and taken back, deleted and made again, two side by side."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import ACCOUNT, LocalAws, wait_until
from tests.local.stacks import SmallStack, function, get

ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
CODE = "def handler(event, context): return event"


def resources(
    revision: str = "1", instance_type: str = "ml.m5.xlarge", cron: str = "cron(0 7 * * ? *)"
) -> dict[str, Any]:
    """What a deployment has, in small."""
    return {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": ROLE,
                "PrimaryContainer": {
                    "Image": "image",
                    "Mode": "MultiModel",
                    "ModelDataUrl": "s3://bucket/models/",
                },
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "ProductionVariants": [
                    {
                        "VariantName": "AllTraffic",
                        "ModelName": get("Model", "ModelName"),
                        "InstanceType": instance_type,
                        "InitialInstanceCount": 1,
                    }
                ],
                "Tags": [{"Key": "revision", "Value": revision}],
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        },
        "Function": function(
            CODE,
            Environment={
                "Variables": {
                    "CONFIG": get("Config", "EndpointConfigName"),
                    "REVISION": revision,
                    "TABLE": {"Ref": "Table"},
                }
            },
            FunctionUrlConfig={"AuthType": "AWS_IAM"},
        ),
        "Logs": {"Type": "AWS::Logs::LogGroup"},
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Namespace": "Dormouse",
                "MetricName": "Problems",
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "Threshold": 1,
                "AlarmActions": [f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms-{revision}"],
            },
        },
        # It depends on the function, so that a bad expression fails after all else has changed.
        "Schedule": {
            "Type": "AWS::Scheduler::Schedule",
            "DependsOn": ["Alarm", "Logs"],
            "Properties": {
                "ScheduleExpression": cron,
                "ScheduleExpressionTimezone": "Europe/Berlin",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Description": f"revision {revision}",
                "Target": {
                    "Arn": get("Function", "Arn"),
                    "RoleArn": ROLE,
                    "Input": json.dumps({"revision": revision}),
                    "RetryPolicy": {"MaximumRetryAttempts": 0},
                },
            },
        },
    }


OUTPUTS = {
    "Config": get("Config", "EndpointConfigName"),
    "ConfigArn": {"Ref": "Config"},
    "Model": get("Model", "ModelName"),
    "Function": {"Ref": "Function"},
    "Url": get("FunctionUrl", "FunctionUrl"),
    "Table": {"Ref": "Table"},
    "Logs": {"Ref": "Logs"},
    "Alarm": {"Ref": "Alarm"},
    "Schedule": {"Ref": "Schedule"},
    "ScheduleArn": get("Schedule", "Arn"),
}


@pytest.fixture
def stack(aws: LocalAws, request: pytest.FixtureRequest) -> Iterator[SmallStack]:
    """A stack of the test's own name."""
    made = SmallStack(aws, request.node.originalname.replace("_", "-")[:40])
    yield made
    if made.status():
        made.delete()


def world(aws: LocalAws, out: dict[str, str]) -> dict[str, Any]:
    """What the services say of a deployment's parts; None for what is not there."""

    def asked(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except ClientError as error:
            absent = "Could not find" in str(error) or "NotFound" in str(error)
            assert absent, error
            return None

    def described(service: str, operation: str, **request: Any) -> Any:
        return asked(lambda: getattr(aws.client(service), operation)(**request))

    config = described("sagemaker", "describe_endpoint_config", EndpointConfigName=out["Config"])
    tags = described("sagemaker", "list_tags", ResourceArn=out["ConfigArn"])
    code = described("lambda", "get_function_configuration", FunctionName=out["Function"])
    schedule = described("scheduler", "get_schedule", Name=out["Schedule"])
    alarms = aws.client("cloudwatch").describe_alarms(AlarmNames=[out["Alarm"]])["MetricAlarms"]
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=out["Logs"])["logGroups"]
    table = described("dynamodb", "describe_table", TableName=out["Table"])
    model = described("sagemaker", "describe_model", ModelName=out["Model"])
    return {
        "model": model and model["ModelName"],
        "instance_type": config and config["ProductionVariants"][0]["InstanceType"],
        "tags": tags and {tag["Key"]: tag["Value"] for tag in tags["Tags"]},
        "environment": code and code["Environment"]["Variables"],
        "schedule": schedule
        and {
            "expression": schedule["ScheduleExpression"],
            "zone": schedule["ScheduleExpressionTimezone"],
            "description": schedule["Description"],
            "input": schedule["Target"]["Input"],
            "retries": schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"],
        },
        "alarm": alarms[0]["AlarmActions"] if alarms else None,
        "logs": groups[0]["logGroupName"] if groups else None,
        "table": table and table["Table"]["TableName"],
    }


def expected(out: dict[str, str], revision: str, instance_type: str, cron: str) -> dict[str, Any]:
    return {
        "model": out["Model"],
        "instance_type": instance_type,
        "tags": {"revision": revision},
        "environment": {"CONFIG": out["Config"], "REVISION": revision, "TABLE": out["Table"]},
        "schedule": {
            "expression": cron,
            "zone": "Europe/Berlin",
            "description": f"revision {revision}",
            "input": json.dumps({"revision": revision}),
            "retries": 0,
        },
        "alarm": [f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms-{revision}"],
        "logs": out["Logs"],
        "table": out["Table"],
    }


def test_changed_in_place_and_by_replacement(stack: SmallStack) -> None:
    """A schedule, a function, an alarm and tags change in place; a config is replaced, and the
    former one is kept, with its tags as they were.
    """
    stack.create(resources(), OUTPUTS)
    first = stack.outputs()
    seven = "cron(0 7 * * ? *)"
    assert world(stack.aws, first) == expected(first, "1", "ml.m5.xlarge", seven)
    assert first["ScheduleArn"] == (
        f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/{first['Schedule']}"
    )

    stack.update(resources("2", "ml.m5.xlarge", "rate(3 hours)"), OUTPUTS)
    second = stack.outputs()
    assert second == first
    assert world(stack.aws, second) == expected(second, "2", "ml.m5.xlarge", "rate(3 hours)")

    stack.update(resources("3", "ml.m5.large", "rate(3 hours)"), OUTPUTS)
    third = stack.outputs()
    assert third["Config"] != first["Config"]
    assert world(stack.aws, third) == expected(third, "3", "ml.m5.large", "rate(3 hours)")
    former = world(stack.aws, first)
    assert (former["instance_type"], former["tags"]) == ("ml.m5.xlarge", {"revision": "2"})


@pytest.mark.parametrize(
    ("broken", "culprit", "reason"),
    [
        (
            resources("2", "ml.m5.large", "cron(99 7 * * ? *)"),
            "Schedule",
            "Invalid Schedule Expression cron(99 7 * * ? *).",
        ),
        (
            resources("2", "ml.nope.large"),
            "Config",
            "1 validation error detected: Value 'ml.nope.large' at "
            "'productionVariants.1.member.instanceType' failed to satisfy constraint",
        ),
    ],
    ids=["schedule", "instance type"],
)
def test_a_change_that_fails_is_taken_back(
    aws: LocalAws, broken: dict[str, Any], culprit: str, reason: str
) -> None:
    """Whatever had changed by then: all is as it was, what was new is gone, and the next change
    works.
    """
    stack = SmallStack(aws, f"taken-back-{culprit.lower()}")
    stack.create(resources(), OUTPUTS)
    before = stack.outputs()
    configs = aws.client("sagemaker").list_endpoint_configs(NameContains=stack.name)
    names = [row["EndpointConfigName"] for row in configs["EndpointConfigs"]]

    stack.update(broken, OUTPUTS, "UPDATE_ROLLBACK_COMPLETE")
    failed = {name: why for name, status, why in stack.events() if status == "UPDATE_FAILED"}
    assert failed.keys() == {culprit}
    assert failed[culprit].startswith(reason)
    assert stack.outputs() == before
    assert world(aws, before) == expected(before, "1", "ml.m5.xlarge", "cron(0 7 * * ? *)")
    configs = aws.client("sagemaker").list_endpoint_configs(NameContains=stack.name)
    assert [row["EndpointConfigName"] for row in configs["EndpointConfigs"]] == names

    stack.update(resources("2", "ml.m5.large"), OUTPUTS)
    after = stack.outputs()
    assert world(aws, after) == expected(after, "2", "ml.m5.large", "cron(0 7 * * ? *)")
    stack.delete()


def test_a_config_without_its_model_fails(stack: SmallStack) -> None:
    """In SageMaker's words; and a creation that fails leaves nothing."""
    broken = resources()
    broken["Config"]["Properties"]["ProductionVariants"][0]["ModelName"] = "Nobody"
    stack.create(broken, OUTPUTS, "ROLLBACK_COMPLETE")
    failed = {name: why for name, status, why in stack.events() if status == "CREATE_FAILED"}
    assert failed["Config"] == (
        f'Could not find model "arn:aws:sagemaker:us-east-1:{ACCOUNT}:model/nobody".'
    )
    models = stack.aws.client("sagemaker").list_models(NameContains=stack.name)
    assert models["Models"] == []


def test_deleted_and_made_again(stack: SmallStack) -> None:
    """All that it made is gone but what is retained, which is not in the way of a second one."""
    stack.create(resources(), OUTPUTS)
    first = stack.outputs()
    stack.delete()
    gone = dict.fromkeys(world(stack.aws, first))
    assert world(stack.aws, first) == gone | {"table": first["Table"]}

    stack.create(resources(), OUTPUTS)
    second = stack.outputs()
    for name in ("Config", "Model", "Function", "Table", "Schedule", "Alarm"):
        assert first[name] != second[name]
    seven = "cron(0 7 * * ? *)"
    assert world(stack.aws, second) == expected(second, "1", "ml.m5.xlarge", seven)


def test_two_side_by_side(aws: LocalAws) -> None:
    """Of one template: no name is the other's, and the end of one is not the end of the other."""
    one, other = SmallStack(aws, "side"), SmallStack(aws, "side-by-side")
    for stack in (one, other):
        stack.create(resources(), OUTPUTS)
    first, second = one.outputs(), other.outputs()
    assert set(first.values()).isdisjoint(second.values())
    one.delete()
    seven = "cron(0 7 * * ? *)"
    assert world(aws, second) == expected(second, "1", "ml.m5.xlarge", seven)
    other.delete()


def test_a_schedule_runs_by_the_clock_of_its_zone(aws: LocalAws) -> None:
    """Two seconds from now in Kathmandu, as a resource of a stack; and then it is gone."""
    queue = aws.client("sqs").create_queue(QueueName="kathmandu")["QueueUrl"]
    soon = datetime.now(ZoneInfo("Asia/Kathmandu")) + timedelta(seconds=2)
    stack = SmallStack(aws, "kathmandu")
    schedule = {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "ScheduleExpression": f"at({soon:%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "Asia/Kathmandu",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:kathmandu",
                "RoleArn": ROLE,
                "Input": '{"action": "wake"}',
            },
        },
    }
    stack.create({"Schedule": schedule}, {"Name": {"Ref": "Schedule"}})

    def sent() -> Any:
        return aws.client("sqs").receive_message(QueueUrl=queue).get("Messages")

    (message,) = wait_until(sent)
    assert json.loads(message["Body"]) == {"action": "wake"}
    assert sent() is None
    stack.delete()


def test_the_scheduler_itself_refuses_what_is_no_expression(aws: LocalAws) -> None:
    """Not only CloudFormation's resource: CreateSchedule and UpdateSchedule too."""
    scheduler = aws.client("scheduler")
    request: dict[str, Any] = {
        "Name": "refused",
        "ScheduleExpression": "rate(1 hour)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q", "RoleArn": ROLE},
    }
    scheduler.create_schedule(**request)
    for call, changed in (
        (scheduler.update_schedule, {"ScheduleExpression": "rate(1 fortnight)"}),
        (scheduler.create_schedule, {"Name": "n", "ScheduleExpression": "cron(0 7 * * *)"}),
        (scheduler.create_schedule, {"Name": "n", "ScheduleExpressionTimezone": "Mars/Phobos"}),
    ):
        with pytest.raises(scheduler.exceptions.ValidationException, match="Invalid Schedule"):
            call(**{**request, **changed})
    assert scheduler.get_schedule(Name="refused")["ScheduleExpression"] == "rate(1 hour)"
    scheduler.delete_schedule(Name="refused")
