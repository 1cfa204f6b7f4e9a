"""The private parts of ministack's CloudFormation that the local AWS leans on."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import (
    custom_resource,
    handlers,
    helpers,
    provisioners,
    stacks,
)

Properties = dict[str, Any]
Attributes = dict[str, Any]
Parameters = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


def add_resource_type(
    resource_type: str,
    *,
    create: Callable[[str, dict[str, Any], str], tuple[str, dict[str, Any]]],
    update: Callable[..., tuple[str, dict[str, Any]]],
    delete: Callable[[str, dict[str, Any]], None],
    replacing: tuple[str, ...],
    is_tagged: bool,
) -> None:
    """Teach CloudFormation a resource type; a change of a `replacing` property makes a new
    resource, and a tagged one gets the stack's tags.
    """
    provisioners._RESOURCE_HANDLERS[resource_type] = {
        "create": create,
        "update": update,
        "delete": delete,
    }
    provisioners._REPLACING_PROPERTIES[resource_type] = replacing
    if is_tagged:
        provisioners._STACK_TAG_PROPERTY[resource_type] = ("Tags", "list")


def wrap_resource_type(
    resource_type: str, finish: Callable[[str, Properties, Attributes], Attributes]
) -> None:
    """Let a function finish what CloudFormation has created or updated of a type; it returns the
    attributes that GetAtt finds.
    """
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    create, update = handlers["create"], handlers["update"]

    def finished_create(logical_id: str, properties: Properties, stack_name: str) -> Any:
        physical_id, attributes = create(logical_id, properties, stack_name)
        return physical_id, finish(physical_id, properties, attributes)

    def finished_update(physical_id: str, old: Properties, new: Properties, *more: Any) -> Any:
        updated_id, attributes = update(physical_id, old, new, *more)
        return updated_id, finish(updated_id, new, attributes)

    handlers |= {"create": finished_create, "update": finished_update}


def prepare_resource_type(resource_type: str, prepare: Callable[[Properties], Properties]) -> None:
    """Let a function see the properties of a type before CloudFormation creates or updates one; it
    returns those that are taken instead.
    """
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    create, update = handlers["create"], handlers["update"]

    def prepared_create(logical_id: str, properties: Properties, stack_name: str) -> Any:
        return create(logical_id, prepare(properties), stack_name)

    def prepared_update(physical_id: str, old: Properties, new: Properties, *more: Any) -> Any:
        return update(physical_id, prepare(old), prepare(new), *more)

    handlers |= {"create": prepared_create, "update": prepared_update}


def prepare_creation(resource_type: str, prepare: Callable[[str, Properties], Properties]) -> None:
    """Let a function see the logical id and the properties of a new resource of a type; it returns
    the properties that are taken instead.
    """
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    create = handlers["create"]
    handlers["create"] = lambda logical_id, properties, stack_name: create(
        logical_id, prepare(logical_id, properties), stack_name
    )


def generated_name(stack_name: str, logical_id: str, longest: int) -> str:
    """The name that CloudFormation gives a resource which has none."""
    name: str = provisioners._physical_name(stack_name, logical_id, max_len=longest)
    return name


def make_names_unique() -> None:
    """Give every new resource without a name one that no former resource had. ministack derives it
    from the stack and the logical id, so that a stack could not be created again beside what its
    predecessor has retained.
    """

    def provision(*arguments: Any) -> tuple[Any, str]:
        token = provisioners._NAME_SEED.set(uuid.uuid4().hex[:8])
        try:
            # The seed stays with the resource, whose name is derived anew at each update.
            return provisioners._provision_resource(*arguments), provisioners._NAME_SEED.get()
        finally:
            provisioners._NAME_SEED.reset(token)

    stacks._provision_keeping_seed = provision


def keep_what_is_needed() -> None:
    """Leave alone what a resource depends on that could not be deleted, as CloudFormation does:
    ministack goes on and deletes a custom resource's function, say, so that the deletion can't be
    tried again. Nor does a second DeleteStack begin while the first goes on.
    """
    delete_resource, delete_stack = stacks._delete_resource, stacks._delete_stack_async
    kept: dict[str, dict[str, Any]] = {}

    def delete_or_keep(
        resource_type: str, physical_id: str, properties: Properties, name: str, logical_id: str
    ) -> None:
        try:
            delete_resource(resource_type, physical_id, properties, name, logical_id)
        except Exception:
            if name in kept:
                stack = handlers._resolve_stack(name)
                left, definitions = stack["_resources"], stack["_template"]["Resources"]
                for needed in stacks._with_dependencies([logical_id], definitions, set(left)):
                    if needed != logical_id:
                        kept[name][needed] = left.pop(needed)
            raise

    async def delete(name: str, stack_id: str, retained: Any = (), force: bool = False) -> None:
        if name in kept:
            return
        if force:
            await delete_stack(name, stack_id, retained, force=True)
            return
        kept[name] = {}
        try:
            await delete_stack(name, stack_id, retained)
        finally:
            handlers._resolve_stack(stack_id)["_resources"] |= kept.pop(name)

    stacks._delete_resource = delete_or_keep
    stacks._delete_stack_async = handlers._delete_stack_async = delete


def ask_custom_resources(ask: Callable[..., tuple[str, Attributes]]) -> None:
    """Let a function create, update and delete the custom resources; it may wait."""
    custom_resource.invoke_custom_resource = ask


def as_text(properties: Properties) -> Properties:
    """Write properties as a custom resource's function sees them."""
    written: Properties = custom_resource._normalise_resource_properties(properties)
    return written


class ExpectedAnswer:
    """An answer that somebody will PUT to a URL."""

    def __init__(self) -> None:
        self._token = str(uuid.uuid4())
        self._event = custom_resource.register_token(self._token)
        self.url: str = custom_resource._response_url(self._token)

    def wait(self, seconds: float) -> dict[str, Any] | None:
        """Return the answer, None where there is none in time; it is not waited for again."""
        self._event.wait(seconds)
        result: dict[str, Any] | None = custom_resource._pending.pop(self._token)["result"]
        return result


def wrap_describe_stack_resources(
    wrap: Callable[[Parameters, Callable[[Parameters], Answer]], Answer],
) -> None:
    """Put a function around DescribeStackResources."""
    inner = handlers._ACTION_HANDLERS["DescribeStackResources"]
    handlers._ACTION_HANDLERS["DescribeStackResources"] = lambda parameters: wrap(parameters, inner)


def parameter(parameters: Parameters, name: str) -> str:
    """Read a parameter of a request; empty where it is not given."""
    value: str = helpers._p(parameters, name)
    return value


def refuse(message: str) -> Answer:
    """Answer with a ValidationError."""
    refused: Answer = helpers._error("ValidationError", message)
    return refused


def physical_ids() -> dict[str, frozenset[str]]:
    """The physical ids of the resources that each stack of this account and region has, by the
    stack's id.
    """
    return {
        stack["StackId"]: frozenset(
            resource.get("PhysicalResourceId", "")
            for resource in stack.get("_resources", {}).values()
        )
        for stack in cloudformation._stacks.values()
        if stack.get("StackStatus") != "DELETE_COMPLETE"
    }
