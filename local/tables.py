"""Tables that forget, as their template says: ministack's CloudFormation leaves that out."""

from __future__ import annotations

from typing import Any

from local import ministack_hooks, ministack_stacks


def forget(name: str, properties: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    """Let a table forget by the attribute that its TimeToLiveSpecification names."""
    if specification := properties.get("TimeToLiveSpecification"):
        ministack_hooks.set_time_to_live(name, specification)
    return attributes


def install() -> None:
    """Take effect."""
    ministack_stacks.wrap_resource_type("AWS::DynamoDB::Table", forget)
