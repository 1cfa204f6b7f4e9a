"""Reads template.yaml without AWS: short tags, parameters, conditions and references."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
TEMPLATE = REPOSITORY / "template.yaml"

ACCOUNT = "123456789012"
REGION = "eu-central-1"
STACK = "dormouse"
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/0a1b2c3d-4e5f-6789"
IMAGE = f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com/team/dormouse:1.0"

# What a user gives for some parameters; the others have their defaults.
Given = Mapping[str, str]
NOTHING_GIVEN: Given = {}

_NO_VALUE = object()


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
    """The resources of one type, by logical id, whatever their conditions say."""
    return {
        name: resource
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }


def created(given: Given = NOTHING_GIVEN) -> dict[str, Any]:
    """The resources that a stack with these parameters has."""
    return {
        name: resource
        for name, resource in template()["Resources"].items()
        if "Condition" not in resource or holds(resource["Condition"], given)
    }


def properties(logical_id: str) -> dict[str, Any]:
    """The properties of a resource as they are written."""
    found: dict[str, Any] = template()["Resources"][logical_id]["Properties"]
    return found


def parameters(given: Given = NOTHING_GIVEN) -> dict[str, str]:
    """A value for each parameter: what is given, its default, or an example."""
    defaults = {
        name: str(parameter["Default"])
        for name, parameter in template()["Parameters"].items()
        if "Default" in parameter
    }
    assert set(given) <= set(template()["Parameters"]), f"unknown among {set(given)}"
    return {"ContainerImageUri": IMAGE} | defaults | dict(given)


def holds(condition: str, given: Given = NOTHING_GIVEN) -> bool:
    """Whether one of the template's conditions is true."""
    return _is_true(template()["Conditions"][condition], given)


def _is_true(expression: Any, given: Given) -> bool:
    match expression:
        case {"Condition": name}:
            return holds(name, given)
        case {"Fn::Equals": [left, right]}:
            return bool(resolve(left, given) == resolve(right, given))
        case {"Fn::Not": [negated]}:
            return not _is_true(negated, given)
        case {"Fn::Or": alternatives}:
            return any(_is_true(alternative, given) for alternative in alternatives)
        case _:
            raise AssertionError(f"the tests do not know the condition {expression}")


def resolve(value: Any, given: Given = NOTHING_GIVEN) -> Any:
    """Replace the functions that this template uses; a resource becomes a name made of its id."""
    resolved = _resolve(value, given)
    assert resolved is not _NO_VALUE, "nothing holds what has no value"
    return resolved


def _resolve(value: Any, given: Given) -> Any:
    match value:
        case {"Ref": "AWS::NoValue"}:
            return _NO_VALUE
        case {"Ref": name}:
            return _named(name, given)
        case {"Fn::GetAtt": [logical_id, attribute]}:
            return _named(f"{logical_id}.{attribute}", given)
        case {"Fn::Sub": [text, names]}:
            return _substitute(text, resolve(names, given), given)
        case {"Fn::Sub": text}:
            return _substitute(text, {}, given)
        case {"Fn::Split": [delimiter, text]}:
            return resolve(text, given).split(delimiter)
        case {"Fn::Join": [str(delimiter), texts]}:
            return delimiter.join(resolve(texts, given))
        case {"Fn::Select": [index, items]}:
            return resolve(items, given)[index]
        case {"Fn::If": [condition, chosen, otherwise]}:
            return _resolve(chosen if holds(condition, given) else otherwise, given)
        case dict():
            unknown = [key for key in value if key.startswith("Fn::")]
            assert not unknown, f"resolve() does not know {unknown}"
            members = {key: _resolve(item, given) for key, item in value.items()}
            return {key: item for key, item in members.items() if item is not _NO_VALUE}
        case list():
            items = [_resolve(item, given) for item in value]
            return [item for item in items if item is not _NO_VALUE]
        case _:
            return value


def _substitute(text: str, names: Mapping[str, Any], given: Given) -> str:
    def written(found: re.Match[str]) -> str:
        name = found[1]
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        return str(names[name] if name in names else _named(name, given))

    return re.sub(r"\$\{([^}]+)\}", written, text)


def _named(name: str, given: Given) -> str:
    pseudo = {
        "AWS::AccountId": ACCOUNT,
        "AWS::Region": REGION,
        "AWS::StackName": STACK,
        "AWS::StackId": STACK_ID,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
    }
    known = pseudo | parameters(given)
    if name in known:
        return known[name]
    logical_id, _, attribute = name.partition(".")
    assert logical_id in template()["Resources"], f"{name} is no parameter and no resource"
    if attribute == "Arn":
        return _arn(logical_id, template()["Resources"][logical_id]["Type"])
    return f"{STACK}-{name}"


def _arn(logical_id: str, kind: str) -> str:
    name = f"{STACK}-{logical_id}"
    place = f"{REGION}:{ACCOUNT}"
    return {
        "AWS::S3::Bucket": f"arn:aws:s3:::{name}",
        "AWS::SQS::Queue": f"arn:aws:sqs:{place}:{name}",
        "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{place}:table/{name}",
        "AWS::Logs::LogGroup": f"arn:aws:logs:{place}:log-group:{name}:*",
        "AWS::Serverless::Function": f"arn:aws:lambda:{place}:function:{name}",
        "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{name}",
        "AWS::Events::EventBus": f"arn:aws:events:{place}:event-bus/{name}",
        "AWS::KinesisFirehose::DeliveryStream": f"arn:aws:firehose:{place}:deliverystream/{name}",
    }[kind]


def environment(function: str, given: Given = NOTHING_GIVEN) -> dict[str, str]:
    """The environment variables of a function, by its logical id, with the one that is Lambda's."""
    own = properties(function)["Environment"]["Variables"]
    shared = template()["Globals"]["Function"]["Environment"]["Variables"]
    resolved: dict[str, str] = resolve(shared | own, given)
    return {"AWS_REGION": REGION, **resolved}


def references(value: Any) -> set[str]:
    """The names that a value refers to, in any branch: logical ids, parameters, pseudo parameters.

    A `DependsOn` is a reference too, where the value is a whole resource.
    """
    found: set[str] = set()
    match value:
        case {"Ref": str(name)}:
            found.add(name)
        case {"Fn::GetAtt": [str(logical_id), *_]}:
            found.add(logical_id)
        case {"Fn::Sub": [str(text), dict(names)]}:
            found |= (_placeholders(text) - set(names)) | references(list(names.values()))
        case {"Fn::Sub": str(text)}:
            found |= _placeholders(text)
        case dict():
            depends_on = value.get("DependsOn", [])
            found |= {depends_on} if isinstance(depends_on, str) else set(depends_on)
            found |= references(list(value.values()))
        case list():
            found |= set().union(*(references(item) for item in value))
        case _:
            pass
    return found


def _placeholders(text: str) -> set[str]:
    return {name.partition(".")[0] for name in re.findall(r"\$\{([^}!]+)\}", text)}
