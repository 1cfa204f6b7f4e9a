"""Queues that a function works off: ministack takes the number of a parameter for text, and then
can't compare it with how many invocations there are, so that it delivers nothing.
"""

from __future__ import annotations

from typing import Any

from local import ministack_stacks


def with_numbers(properties: dict[str, Any]) -> dict[str, Any]:
    """Read the numbers of an event source mapping, which CloudFormation may know as text."""
    scaling = properties.get("ScalingConfig")
    if not scaling:
        return properties
    numbers = {name: int(text) for name, text in scaling.items()}
    return {**properties, "ScalingConfig": numbers}


def install() -> None:
    """Take effect."""
    ministack_stacks.prepare_resource_type("AWS::Lambda::EventSourceMapping", with_numbers)
