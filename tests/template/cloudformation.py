"""Reads template.yaml without AWS: short tags, references, and IAM's answer to a call."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
TEMPLATE = REPOSITORY / "template.yaml"

ACCOUNT = "123456789012"
REGION = "eu-central-1"
STACK = "dormouse"
IMAGE = f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com/team/dormouse:1.0"


class _CloudFormationLoader(yaml.SafeLoader):
    """A loader that knows CloudFormation's short tags."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {"Ref" if suffix == "Ref" else f"Fn::{suffix}": value}


_CloudFormationLoader.add_multi_constructor("!", _long_form)


@cache
def template_text() -> str:
    return TEMPLATE.read_text(encoding="utf-8")


@cache
def template() -> dict[str, Any]:
    loaded = yaml.load(template_text(), _CloudFormationLoader)
    assert isinstance(loaded, dict)
    return loaded


def resources(kind: str) -> dict[str, Any]:
    """The resources of one type, by logical id."""
    return {
        name: resource
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }


def parameters() -> dict[str, str]:
    """A value for each parameter: its default, or an example where it has none."""
    defaults = {
        name: str(parameter["Default"])
        for name, parameter in template()["Parameters"].items()
        if "Default" in parameter
    }
    return {"ContainerImageUri": IMAGE} | defaults


def resolve(value: Any) -> Any:
    """Replace the functions that this template uses; a resource becomes a name made of its id."""
    match value:
        case {"Ref": name}:
            return _named(name)
        case {"Fn::GetAtt": [logical_id, attribute]}:
            return _named(f"{logical_id}.{attribute}")
        case {"Fn::Sub": [text, names]}:
            return _substitute(text, {name: resolve(item) for name, item in names.items()})
        case {"Fn::Sub": text}:
            return _substitute(text, {})
        case {"Fn::Split": [delimiter, text]}:
            return resolve(text).split(delimiter)
        case {"Fn::Select": [index, items]}:
            return resolve(items)[index]
        case dict():
            unknown = [key for key in value if key.startswith("Fn::")]
            assert not unknown, f"resolve() does not know {unknown}"
            return {key: resolve(item) for key, item in value.items()}
        case list():
            return [resolve(item) for item in value]
        case _:
            return value


def _substitute(text: str, names: Mapping[str, Any]) -> str:
    return re.sub(
        r"\$\{([^}]+)\}",
        lambda found: str(names[found[1]] if found[1] in names else _named(found[1])),
        text,
    )


def _named(name: str) -> str:
    pseudo = {
        "AWS::AccountId": ACCOUNT,
        "AWS::Region": REGION,
        "AWS::StackName": STACK,
        "AWS::Partition": "aws",
    }
    known = pseudo | parameters()
    if name in known:
        return known[name]
    logical_id, _, attribute = name.partition(".")
    if attribute == "Arn":
        return _arn(logical_id, template()["Resources"][logical_id]["Type"])
    assert logical_id in template()["Resources"], f"{name} is no parameter and no resource"
    return f"{STACK}-{name}"


def _arn(logical_id: str, kind: str) -> str:
    name = f"{STACK}-{logical_id}"
    place = f"{REGION}:{ACCOUNT}"
    return {
        "AWS::S3::Bucket": f"arn:aws:s3:::{name}",
        "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{place}:table/{name}",
        "AWS::Logs::LogGroup": f"arn:aws:logs:{place}:log-group:{name}:*",
        "AWS::Serverless::Function": f"arn:aws:lambda:{place}:function:{name}",
        "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{name}",
    }[kind]


def environment(function: str) -> dict[str, str]:
    """The environment variables of a function, by its logical id."""
    own = template()["Resources"][function]["Properties"]["Environment"]["Variables"]
    shared = template()["Globals"]["Function"]["Environment"]["Variables"]
    resolved: dict[str, str] = resolve(shared | own)
    return resolved


@dataclass(frozen=True, slots=True)
class Statement:
    """One IAM statement, with what it says in lists and every reference resolved."""

    role: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, Any]]

    def allows(self, action: str, resource: str, context: Mapping[str, str]) -> bool:
        """Whether it allows this call on this ARN, its keys being in `context`."""
        return (
            action in self.actions
            and any(fnmatchcase(resource, pattern) for pattern in self.resources)
            and all(
                _holds(operator, context.get(key), expected)
                for operator, keys in self.condition.items()
                for key, expected in keys.items()
            )
        )


def _holds(operator: str, actual: str | None, expected: Any) -> bool:
    values = expected if isinstance(expected, list) else [expected]
    match operator:
        case "Null":
            return (actual is None) == (values == ["true"])
        case "StringEquals":
            return actual is not None and actual in values
        case "StringLike" | "ArnLike":
            return actual is not None and any(fnmatchcase(actual, value) for value in values)
        case _:
            raise AssertionError(f"the tests do not know IAM's operator {operator}")


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements_of(role: str, policies: Any) -> Iterator[Statement]:
    """The statements of a role's inline policies. Each must be an Allow."""
    for policy in policies:
        for statement in as_list(policy["PolicyDocument"]["Statement"]):
            assert statement["Effect"] == "Allow", f"{role}: the tests read Allow alone"
            plain = resolve(statement)
            yield Statement(
                role=role,
                sid=plain["Sid"],
                actions=tuple(as_list(plain["Action"])),
                resources=tuple(as_list(plain["Resource"])),
                condition=plain.get("Condition", {}),
            )


def granted() -> list[Statement]:
    """Every statement that the template grants to a role."""
    return [
        statement
        for role, resource in resources("AWS::IAM::Role").items()
        for statement in statements_of(role, resource["Properties"]["Policies"])
    ]


def may(
    role: str,
    action: str,
    resource: str,
    *,
    resource_tags: Mapping[str, str] | None = None,
    request_tags: Mapping[str, str] | None = None,
    keys: Mapping[str, str] | None = None,
) -> bool:
    """Whether a role, by its logical id, may make a call on an ARN.

    `keys` are condition keys that a service defines itself.
    """
    context = {f"aws:ResourceTag/{name}": tag for name, tag in (resource_tags or {}).items()}
    context |= {f"aws:RequestTag/{name}": tag for name, tag in (request_tags or {}).items()}
    context |= keys or {}
    return any(
        statement.allows(action, resource, context)
        for statement in granted()
        if statement.role == role
    )
