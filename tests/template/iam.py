"""IAM's answer to a call, from the policies that the template shows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tests.template.cloudformation import NOTHING_GIVEN, Given, resolve, resources


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
    values = as_list(expected)
    match operator:
        case "Null":
            return (actual is None) == (values == ["true"])
        case "StringEquals":
            return actual is not None and actual in values
        # True where the key is absent, too: there is no value that fails.
        case "ForAllValues:StringEquals":
            return actual is None or actual in values
        case "ForAllValues:StringNotEquals":
            return actual is None or actual not in values
        case "StringEqualsIfExists":
            return actual is None or actual in values
        case "StringLike" | "ArnLike":
            return actual is not None and any(fnmatchcase(actual, value) for value in values)
        case _:
            raise AssertionError(f"the tests do not know IAM's operator {operator}")


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def granted(given: Given = NOTHING_GIVEN) -> list[Statement]:
    """Every statement that the template grants to a role, in it or attached to it."""
    inline = [
        statement
        for role, resource in resources("AWS::IAM::Role").items()
        for policy in resource["Properties"]["Policies"]
        for statement in _statements(role, policy, given)
    ]
    attached = [
        statement
        for resource in resources("AWS::IAM::Policy").values()
        for role in resource["Properties"]["Roles"]
        for statement in _statements(role["Ref"], resource["Properties"], given)
    ]
    return [*inline, *attached]


def _statements(role: str, policy: Any, given: Given) -> Iterator[Statement]:
    """The statements of a policy. Each must be an Allow."""
    for plain in as_list(resolve(policy["PolicyDocument"]["Statement"], given)):
        assert plain["Effect"] == "Allow", f"{role}: the tests read Allow alone"
        yield Statement(
            role=role,
            sid=plain["Sid"],
            actions=tuple(as_list(plain["Action"])),
            resources=tuple(as_list(plain["Resource"])),
            condition=plain.get("Condition", {}),
        )


def may(
    role: str,
    action: str,
    resource: str,
    *,
    resource_tags: Mapping[str, str] | None = None,
    request_tags: Mapping[str, str] | None = None,
    keys: Mapping[str, str] | None = None,
    given: Given = NOTHING_GIVEN,
) -> bool:
    """Whether a role, by its logical id, may make a call on an ARN.

    `keys` are condition keys that a service defines itself; `given` are the stack's parameters.
    """
    context = {f"aws:ResourceTag/{name}": tag for name, tag in (resource_tags or {}).items()}
    context |= {f"aws:RequestTag/{name}": tag for name, tag in (request_tags or {}).items()}
    context |= keys or {}
    return any(
        statement.allows(action, resource, context)
        for statement in granted(given)
        if statement.role == role
    )
