"""What the template lets each role do, read the way IAM reads it."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.template.cloudformation import (
    ACCOUNT,
    REGION,
    STACK,
    Statement,
    as_list,
    granted,
    may,
    resources,
    template,
    template_text,
)

# AWS checks these for no resource, so that "*" is the only one there is:
# https://docs.aws.amazon.com/service-authorization/latest/reference/
WITHOUT_RESOURCE_TYPE = {
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "sagemaker:ListEndpoints",
    "tag:GetResources",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}

OWN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/dormouse"
OTHER = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/search"
CONFIG = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint-config/search-3"
MANAGED = {"dormouse:endpoint": "search"}
CREATED_HERE = {"dormouse:endpoint": "search", "dormouse:stack": STACK}
CREATED_ELSEWHERE = {"dormouse:endpoint": "search", "dormouse:stack": "another"}


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
        if re.search(r":sagemaker:.*:endpoint(-config)?/.*\*", resource) and not tags
    ]
    return faults


@pytest.mark.parametrize("statement", granted(), ids=lambda s: f"{s.role}-{s.sid}")
def test_no_statement_is_wider_than_it_must_be(statement: Statement) -> None:
    """Holds for each statement of each role."""
    assert too_wide(statement) == []


@pytest.mark.parametrize(
    ("actions", "resource", "fault"),
    [
        (("sagemaker:*",), OWN, "wildcard action"),
        (("*",), "*", "wildcard action"),
        (("sagemaker:Describe*",), OWN, "wildcard action"),
        (("sagemaker:DeleteEndpoint",), "*", "has a resource type"),
        (("tag:GetResources", "dynamodb:GetItem"), "*", "dynamodb:GetItem: has a resource"),
        (("sagemaker:DescribeEndpoint",), OTHER.replace("search", "*"), "no condition"),
        (("sagemaker:CreateEndpoint",), CONFIG.replace("search-3", "*"), "no condition"),
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


def test_only_plain_http_is_denied() -> None:
    """For whatever carries a model or its name; no wildcard action, though it would only deny."""
    (policy,) = resources("AWS::S3::BucketPolicy").values()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert {"s3:GetObject", "s3:PutObject", "s3:ListBucket"} <= set(statement["Action"])
    assert not [action for action in statement["Action"] if "*" in action]
    assert {"Fn::GetAtt": ["ModelBucket", "Arn"]} in statement["Resource"]
    assert {"Fn::Sub": "${ModelBucket.Arn}/*"} in statement["Resource"]


# samtranslator is sam's own; it comes with the sam CLI and lives in its environment.
TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform

class NoManagedPolicies:
    def load(self):
        return {}

print(json.dumps(transform(json.load(sys.stdin), {}, NoManagedPolicies())))
"""


def translated(sam: Path) -> dict[str, Any]:
    """The resources that CloudFormation sees."""
    packaged = json.loads(json.dumps(template()))
    packaged["Globals"]["Function"]["CodeUri"] = "s3://artefacts/functions.zip"
    finished = subprocess.run(
        [sam.parent / "python", "-c", TRANSLATE],
        input=json.dumps(packaged),
        env={**os.environ, "AWS_DEFAULT_REGION": REGION},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    deployed: dict[str, Any] = json.loads(finished.stdout)["Resources"]
    return deployed


def test_sam_adds_no_rights_of_its_own(sam: Path) -> None:
    """What is deployed has the roles that the template shows, and nothing attached to them."""
    deployed = translated(sam)
    kinds = {
        name: resource["Type"]
        for name, resource in deployed.items()
        if resource["Type"].startswith("AWS::IAM::")
    }
    assert kinds == dict.fromkeys(resources("AWS::IAM::Role"), "AWS::IAM::Role")
    assert not [name for name in kinds if "ManagedPolicyArns" in deployed[name]["Properties"]]
    assert [
        resource["Properties"]["Principal"]
        for resource in deployed.values()
        if resource["Type"] == "AWS::Lambda::Permission"
    ] == ["events.amazonaws.com"]


def test_no_name_is_fixed(sam: Path) -> None:
    """Nothing is deployed under a name of its own choosing."""
    named = {
        (name, key)
        for name, resource in translated(sam).items()
        for key in resource.get("Properties", {})
        if key in ("Name", "FunctionName", "RoleName", "TableName", "BucketName", "LogGroupName")
        and isinstance(resource["Properties"][key], str)
    }
    assert named == set()


def test_each_role_has_one_user() -> None:
    """A right that reconcile has is not had by invoke through a shared role."""
    for function, role in {
        "ReconcileFunction": "ReconcileRole",
        "InvokeFunction": "InvokeRole",
    }.items():
        properties = template()["Resources"][function]["Properties"]
        assert properties["Role"] == {"Fn::GetAtt": [role, "Arn"]}
        assert "Policies" not in properties
    principals = {
        role: [
            statement["Principal"]
            for statement in as_list(
                resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            )
        ]
        for role, resource in resources("AWS::IAM::Role").items()
    }
    assert principals == {
        "ModelRole": [{"Service": "sagemaker.amazonaws.com"}],
        "ReconcileRole": [{"Service": "lambda.amazonaws.com"}],
        "TickRole": [{"Service": "scheduler.amazonaws.com"}],
        "InvokeRole": [{"Service": "lambda.amazonaws.com"}],
    }


def test_reconcile_alone_writes_endpoints() -> None:
    """The design's second rule, as IAM enforces it."""
    writers = {
        statement.role
        for statement in granted()
        for action in statement.actions
        if re.fullmatch(r"sagemaker:(Create|Update|Delete)\w+", action)
    }
    assert writers == {"ReconcileRole"}
    assert not [s for s in granted() for action in s.actions if action == "iam:PassRole"]


@pytest.mark.parametrize(
    ("endpoint", "tags", "allowed"),
    [
        (OTHER, CREATED_HERE, True),
        (OWN, {"dormouse:endpoint": "dormouse", "dormouse:stack": STACK}, True),
        (OTHER, MANAGED, False),
        (OTHER, CREATED_ELSEWHERE, False),
        (OTHER, {}, False),
        (OWN, {}, False),
    ],
)
def test_only_what_carries_the_stacks_tag_can_be_deleted(
    endpoint: str, tags: dict[str, str], allowed: bool
) -> None:
    """Not even an endpoint of the stack's own name, if somebody else has made it."""
    deletes = may("ReconcileRole", "sagemaker:DeleteEndpoint", endpoint, resource_tags=tags)
    assert deletes is allowed


@pytest.mark.parametrize(
    ("request_tags", "config_tags", "allowed"),
    [
        (CREATED_HERE, MANAGED, True),
        (CREATED_HERE, {}, False),
        (CREATED_ELSEWHERE, MANAGED, False),
        (MANAGED, MANAGED, False),
        ({"dormouse:stack": STACK}, MANAGED, False),
        ({}, MANAGED, False),
    ],
)
def test_creating_needs_a_managed_config_and_both_tags(
    request_tags: dict[str, str], config_tags: dict[str, str], allowed: bool
) -> None:
    """CreateEndpoint is checked for the endpoint and for the config; both must be allowed."""
    create = "sagemaker:CreateEndpoint"
    endpoint = may("ReconcileRole", create, OTHER, request_tags=request_tags)
    config = may(
        "ReconcileRole", create, CONFIG, request_tags=request_tags, resource_tags=config_tags
    )
    assert (endpoint and config) is allowed


@pytest.mark.parametrize(
    ("keys", "allowed"),
    [
        ({"sagemaker:TaggingAction": "CreateEndpoint"}, True),
        ({"sagemaker:TaggingAction": "CreateModel"}, False),
        ({}, False),
    ],
)
def test_tags_are_put_on_while_creating_and_at_no_other_time(
    keys: dict[str, str], allowed: bool
) -> None:
    """With a free hand to tag, reconcile could make any endpoint deletable."""
    tags = may("ReconcileRole", "sagemaker:AddTags", OTHER, request_tags=CREATED_HERE, keys=keys)
    assert tags is allowed


@pytest.mark.parametrize(
    ("role", "action"),
    [
        ("ReconcileRole", "sagemaker:DescribeEndpoint"),
        ("InvokeRole", "sagemaker:InvokeEndpoint"),
    ],
)
def test_managed_endpoints_are_reached_and_others_are_not(role: str, action: str) -> None:
    """An absent endpoint has no tags: the stack's own must be reachable without any."""
    assert may(role, action, OWN)
    assert may(role, action, OTHER, resource_tags=MANAGED)
    assert not may(role, action, OTHER)
    assert not may(role, action, OTHER, resource_tags={"team": "search"})


@pytest.mark.parametrize(
    ("role", "action", "resource", "allowed"),
    [
        ("ModelRole", "s3:GetObject", "arn:aws:s3:::dormouse-ModelBucket/models/a.tar.gz", True),
        ("ModelRole", "s3:GetObject", "arn:aws:s3:::dormouse-ModelBucket/captures/x", False),
        ("ModelRole", "s3:PutObject", "arn:aws:s3:::dormouse-ModelBucket/models/a.tar.gz", False),
        (
            "ModelRole",
            "ecr:BatchGetImage",
            f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/team/dormouse",
            True,
        ),
        (
            "ModelRole",
            "ecr:BatchGetImage",
            f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/team/payroll",
            False,
        ),
        (
            "InvokeRole",
            "lambda:InvokeFunction",
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:dormouse-ReconcileFunction",
            True,
        ),
        (
            "InvokeRole",
            "logs:PutLogEvents",
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:dormouse-ReconcileLogs:*",
            False,
        ),
        (
            "InvokeRole",
            "dynamodb:DeleteItem",
            f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/dormouse-EndpointsTable",
            False,
        ),
        (
            "InvokeRole",
            "dynamodb:UpdateItem",
            f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/dormouse-EndpointsTable",
            True,
        ),
    ],
)
def test_what_each_role_reaches(role: str, action: str, resource: str, allowed: bool) -> None:
    """The rest of the rights, by example."""
    assert may(role, action, resource) is allowed


def test_the_calls_of_the_adapters_are_granted() -> None:
    """IAM names the operations that reconcile and invoke make, and no others."""
    used = {
        role: {
            action
            for statement in granted()
            if statement.role == role
            for action in statement.actions
            if not action.startswith(("logs:", "xray:"))
        }
        for role in ("ReconcileRole", "InvokeRole")
    }
    assert used == {
        "ReconcileRole": {
            # DeleteEndpoint does it in the caller's name.
            "application-autoscaling:DeregisterScalableTarget",
            "cloudwatch:GetMetricData",
            "dynamodb:GetItem",
            "dynamodb:UpdateItem",
            # CreateEndpoint does it in the caller's name.
            "sagemaker:AddTags",
            "sagemaker:CreateEndpoint",
            "sagemaker:DeleteEndpoint",
            "sagemaker:DescribeEndpoint",
            "sagemaker:ListEndpoints",
            "tag:GetResources",
        },
        "InvokeRole": {
            "dynamodb:GetItem",
            "dynamodb:UpdateItem",
            "lambda:InvokeFunction",
            "sagemaker:InvokeEndpoint",
            "tag:GetResources",
        },
    }
