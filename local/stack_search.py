"""DescribeStackResources by a PhysicalResourceId, which ministack takes for a stack without a
name.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from local import ministack_stacks
from local.ministack_stacks import Answer, Parameters


def describe(parameters: Parameters, describe_by_name: Callable[[Parameters], Answer]) -> Answer:
    """Describe all resources of the stack that one belongs to."""
    physical_id = ministack_stacks.parameter(parameters, "PhysicalResourceId")
    if not physical_id:
        return describe_by_name(parameters)
    if ministack_stacks.parameter(parameters, "StackName"):
        return ministack_stacks.refuse(
            "You must specify either StackName or PhysicalResourceId, but not both"
        )
    stack_id = _owner(physical_id, ministack_stacks.physical_ids())
    if stack_id is None:
        return ministack_stacks.refuse(f"Stack for {physical_id} does not exist")
    return describe_by_name({**parameters, "StackName": stack_id})


def _owner(physical_id: str, stacks: Mapping[str, frozenset[str]]) -> str | None:
    return next((stack_id for stack_id, found in stacks.items() if physical_id in found), None)


def install() -> None:
    """Take effect."""
    ministack_stacks.wrap_describe_stack_resources(describe)
