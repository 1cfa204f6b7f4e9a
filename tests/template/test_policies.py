"""How the template grants: no statement wider than it must be, no role shared, nothing hidden."""

import re
from typing import Any

import pytest
import yaml

from tests.template.cloudformation import REGION, properties, references, resources, template_text
from tests.template.iam import Statement, as_list, granted

# AWS checks these for no resource, so that "*" is the only one there is:
# https://docs.aws.amazon.com/service-authorization/latest/reference/
WITHOUT_RESOURCE_TYPE = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    # It has one, and which stack that is, if there is one, is what is asked.
    "cloudformation:DescribeStackResources",
    "ecr:GetAuthorizationToken",
    "pricing:GetProducts",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListEndpoints",
    "tag:GetResources",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}

# What one role may see of anybody's endpoints: on which EndpointConfig each runs.
SEEN_OF_ALL = {"sagemaker:DescribeEndpoint", "sagemaker:ListTags"}

# With these each statement is there.
EVERYTHING = {
    "S3Buckets": "inputs more-inputs",
    "CompletionTopicArns": f"arn:aws:sns:{REGION}:123456789012:answers",
    "NotificationTopicArn": f"arn:aws:sns:{REGION}:123456789012:reviews",
    "MoreNotificationTopicArns": f"arn:aws:sns:{REGION}:123456789012:search",
    "CaptureKeyArn": f"arn:aws:kms:{REGION}:123456789012:key/captures",
}

ENDPOINT = f"arn:aws:sagemaker:{REGION}:123456789012:endpoint/"
FUNCTION = f"arn:aws:lambda:{REGION}:123456789012:function:"


def too_wide(statement: Statement) -> list[str]:
    """What is wrong with a statement, in words; an empty list if nothing is."""
    faults = [f"{action}: a wildcard action" for action in statement.actions if "*" in action]
    if "*" in statement.resources:
        faults += [
            f"{action}: has a resource type, so it needs no *"
            for action in statement.actions
            if action not in WITHOUT_RESOURCE_TYPE
        ]
    tags = [
        key
        for keys in statement.condition.values()
        for key in keys
        if key.startswith(("aws:ResourceTag/dormouse:", "aws:RequestTag/dormouse:"))
    ]
    faults += [
        f"{resource}: anybody's endpoints, with no condition on a tag"
        for resource in statement.resources
        if re.search(r":sagemaker:.*:endpoint(-config)?/.*\*", resource)
        and not (
            tags or (statement.role == "ReconcileRole" and set(statement.actions) <= SEEN_OF_ALL)
        )
    ]
    faults += [
        f"{resource}: all functions, tables, queues, topics, streams, keys, buses or SSM parameters"
        for resource in statement.resources
        if re.match(r"arn:aws:(lambda|dynamodb|sqs|sns|firehose|kms|events|ssm):.*\*", resource)
    ]
    faults += [
        f"{resource}: all buckets"
        for resource in statement.resources
        if re.match(r"arn:[^:]*:s3:::[^/]*\*", resource)
    ]
    return faults


@pytest.mark.parametrize("statement", granted(EVERYTHING), ids=lambda s: f"{s.role}-{s.sid}")
def test_no_statement_is_wider_than_it_must_be(statement: Statement) -> None:
    """Holds for each statement of each role."""
    assert too_wide(statement) == []


@pytest.mark.parametrize(
    ("actions", "resource", "fault"),
    [
        (("sagemaker:*",), f"{ENDPOINT}dormouse", "wildcard action"),
        (("*",), "*", "wildcard action"),
        (("sagemaker:Describe*",), f"{ENDPOINT}dormouse", "wildcard action"),
        (("sagemaker:DeleteEndpoint",), "*", "has a resource type"),
        (("tag:GetResources", "dynamodb:GetItem"), "*", "dynamodb:GetItem: has a resource"),
        (("sagemaker:DescribeEndpoint",), f"{ENDPOINT}*", "no condition"),
        (("sagemaker:CreateEndpoint",), f"{ENDPOINT[:-1]}-config/*", "no condition"),
        (("sagemaker:DeleteEndpointConfig",), f"{ENDPOINT[:-1]}-config/*", "no condition"),
        (("lambda:InvokeFunction",), f"{FUNCTION}dormouse-*", "all functions"),
        (("sqs:SendMessage",), f"arn:aws:sqs:{REGION}:123456789012:*", "queues"),
        (("sns:Publish",), f"arn:aws:sns:{REGION}:123456789012:team-*", "topics"),
        (("firehose:PutRecord",), f"arn:aws:firehose:{REGION}:123456789012:*", "streams"),
        (("kms:Decrypt",), f"arn:aws:kms:{REGION}:123456789012:key/*", "keys"),
        (("events:PutEvents",), f"arn:aws:events:{REGION}:123456789012:event-bus/*", "buses"),
        (("ssm:GetParameter",), f"arn:aws:ssm:{REGION}:123456789012:parameter/*", "SSM"),
        (("s3:GetObject",), "arn:aws:s3:::dormouse-*/models/*", "all buckets"),
        (("s3:GetObject",), "arn:*:s3:::*", "all buckets"),
    ],
)
def test_a_statement_that_is_too_wide_is_noticed(
    actions: tuple[str, ...], resource: str, fault: str
) -> None:
    """The check above can fail."""
    faults = too_wide(Statement("Role", "Sid", actions, (resource,), {}))
    assert any(fault in found for found in faults), faults


def unexplained_asterisks(text: str) -> list[int]:
    """The lines of `Resource: "*"` in Allow statements that have no comment right above."""
    lines = text.splitlines()
    found = []
    pending = [yaml.compose(text, yaml.SafeLoader)]
    while pending:
        node = pending.pop()
        if isinstance(node, yaml.SequenceNode):
            pending += node.value
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                pending.append(value)
                items = value.value if isinstance(value, yaml.SequenceNode) else [value]
                stars = [
                    item
                    for item in items
                    if isinstance(item, yaml.ScalarNode) and item.value == "*"
                ]
                if key.value == "Resource" and stars:
                    number: int = key.start_mark.line
                    if not lines[number - 1].lstrip().startswith("#"):
                        found.append(number + 1)
    return sorted(found)


def test_every_asterisk_says_why() -> None:
    """`Resource: "*"` stands under a comment, wherever it stands."""
    assert unexplained_asterisks(template_text()) == []


@pytest.mark.parametrize("resource", ['Resource: "*"', "Resource: ['*']", "Resource:\n    - '*'"])
def test_an_asterisk_without_a_comment_is_noticed(resource: str) -> None:
    """The check above can fail, in each way to write one."""
    assert unexplained_asterisks(f"- Effect: Allow\n  Action: a:B\n  {resource}\n") == [3]


def test_every_bucket_has_its_policy() -> None:
    """One each."""
    guarded = [
        policy["Properties"]["Bucket"]["Ref"]
        for policy in resources("AWS::S3::BucketPolicy").values()
    ]
    assert sorted(guarded) == sorted(resources("AWS::S3::Bucket"))


@pytest.mark.parametrize("bucket", resources("AWS::S3::Bucket"))
def test_a_bucket_is_private(bucket: str) -> None:
    """Nothing can make it, or an object in it, public; and it is encrypted."""
    written = properties(bucket)
    assert set(written["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(written["PublicAccessBlockConfiguration"]) == 4
    assert written["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert "ServerSideEncryptionConfiguration" in written["BucketEncryption"]


@pytest.mark.parametrize("bucket", resources("AWS::S3::Bucket"))
def test_only_plain_http_is_denied(bucket: str) -> None:
    """For whatever carries an object or its name; no wildcard action, though it would only deny."""
    policy = resources("AWS::S3::BucketPolicy")[f"{bucket}Policy"]
    assert policy["Properties"]["Bucket"] == {"Ref": bucket}
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert {"s3:GetObject", "s3:PutObject", "s3:ListBucket"} <= set(statement["Action"])
    assert not [action for action in statement["Action"] if "*" in action]
    assert {"Fn::GetAtt": [bucket, "Arn"]} in statement["Resource"]
    assert {"Fn::Sub": f"${{{bucket}.Arn}}/*"} in statement["Resource"]


def test_each_role_has_one_user() -> None:
    """A right that reconcile has is not had by another function through a shared role."""
    users = {
        name: resource["Properties"]["Role"]
        for name, resource in resources("AWS::Serverless::Function").items()
    }
    assert users == {
        "ReconcileFunction": {"Fn::GetAtt": ["ReconcileRole", "Arn"]},
        "InvokeFunction": {"Fn::GetAtt": ["InvokeRole", "Arn"]},
        "DrainFunction": {"Fn::GetAtt": ["DrainRole", "Arn"]},
        "ControlFunction": {"Fn::GetAtt": ["ControlRole", "Arn"]},
        "CleanupFunction": {"Fn::GetAtt": ["CleanupRole", "Arn"]},
    }
    assert not [name for name in users if "Policies" in properties(name)]


def test_who_may_take_each_role() -> None:
    """One service each; those that work for many accounts only on behalf of this one."""
    trusted = {
        role: [
            (statement["Principal"], "Condition" in statement)
            for statement in as_list(
                resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            )
        ]
        for role, resource in resources("AWS::IAM::Role").items()
    }
    function = [({"Service": "lambda.amazonaws.com"}, False)]
    schedule = [({"Service": "scheduler.amazonaws.com"}, True)]
    assert trusted == {
        "ModelRole": [({"Service": "sagemaker.amazonaws.com"}, True)],
        "ReconcileRole": function,
        "InvokeRole": function,
        "DrainRole": function,
        "ControlRole": function,
        "CleanupRole": function,
        "TickRole": schedule,
        "ScheduleRole": schedule,
        "CaptureStreamRole": [({"Service": "firehose.amazonaws.com"}, True)],
    }


def test_sam_adds_no_rights_of_its_own(deployed: dict[str, Any]) -> None:
    """What is deployed has the roles and policies that the template shows, and no others."""
    kinds = {
        name: resource["Type"]
        for name, resource in deployed.items()
        if resource["Type"].startswith("AWS::IAM::")
    }
    assert kinds == {
        **dict.fromkeys(resources("AWS::IAM::Role"), "AWS::IAM::Role"),
        **dict.fromkeys(resources("AWS::IAM::Policy"), "AWS::IAM::Policy"),
    }
    assert not [name for name in kinds if "ManagedPolicyArns" in deployed[name]["Properties"]]


def test_which_services_may_call_a_function(deployed: dict[str, Any]) -> None:
    """EventBridge by one rule, API Gateway by one API. Nobody else is let in by a function itself:
    callers of the Function URL, the schedules and CloudFormation bring rights of their own, and
    drain takes its work by rights of its own.
    """
    let_in = {
        (
            permission["Properties"]["FunctionName"]["Ref"],
            permission["Properties"]["Principal"],
            *(references(permission["Properties"]["SourceArn"]) & set(deployed)),
        )
        for permission in deployed.values()
        if permission["Type"] == "AWS::Lambda::Permission"
    }
    assert let_in == {
        ("ReconcileFunction", "events.amazonaws.com", "ReconcileFunctionEndpointChanged"),
        ("ControlFunction", "apigateway.amazonaws.com", "ControlApi"),
    }


def test_no_name_is_fixed(deployed: dict[str, Any]) -> None:
    """Nothing is deployed under a name of its own choosing."""
    named = {
        (name, key)
        for name, resource in deployed.items()
        for key in resource.get("Properties", {})
        if key
        in {"AlarmName", "BucketName", "FunctionName", "LogGroupName", "Name", "RoleName"}
        | {"TableName", "EndpointConfigName", "ModelName", "QueueName"}
        | {"DatabaseName", "DeliveryStreamName", "LogStreamName"}
        and isinstance(resource["Properties"][key], str)
    }
    assert named == set()
