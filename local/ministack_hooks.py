"""Every private part of ministack that the local AWS leans on, in one place, and a check that each
is still there.

ministack is pinned, and so are these: an upgrade that moves one of them fails at the start of the
server with one sentence (`check`), and in tests/local.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack import app as ministack_app
from ministack.core import lambda_runtime
from ministack.services import (
    cloudwatch,
    eventbridge,
    lambda_svc,
    scheduler,
    sts,
    tagging,
)
from ministack.services.cloudformation import provisioners

VERSION = "1.5.33"
application = ministack_app.app


class Incompatible(RuntimeError):
    """The installed ministack is not the one that this was written for."""


# What is called or replaced, and the parameters it is called with.
SIGNATURES: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "cloudwatch._put_metric_data": (
        cloudwatch._put_metric_data,
        ("params", "cbor_data", "is_cbor", "is_json"),
    ),
    "eventbridge._put_events": (eventbridge._put_events, ("data", "allow_aws_source")),
    "eventbridge._ensure_default_bus": (eventbridge._ensure_default_bus, ()),
    "lambda_svc._build_function_url_event": (
        lambda_svc._build_function_url_event,
        (
            "url_id",
            "account_id",
            "region",
            "method",
            "path",
            "headers",
            "body",
            "query_params",
            "source_ip",
            "anonymous",
            "trace_root",
        ),
    ),
    "tagging._get_resources": (tagging._get_resources, ("data",)),
    "sts._caller_identity": (sts._caller_identity, ("headers", "query_params")),
    "lambda_runtime.reset": (lambda_runtime.reset, ()),
    "provisioners._physical_name": (
        provisioners._physical_name,
        ("stack_name", "logical_id", "lowercase", "max_len", "seeded"),
    ),
}
MAPPINGS: dict[str, Any] = {
    "tagging._COLLECTORS": tagging._COLLECTORS,
    "tagging._HANDLERS": tagging._HANDLERS,
    "provisioners._RESOURCE_HANDLERS": provisioners._RESOURCE_HANDLERS,
    "provisioners._REPLACING_PROPERTIES": provisioners._REPLACING_PROPERTIES,
    "provisioners._STACK_TAG_PROPERTY": provisioners._STACK_TAG_PROPERTY,
}


def faults() -> dict[str, str]:
    """Say of each hook what is wrong with it; empty when all is well."""
    found: dict[str, str] = {}
    installed = ministack_app._version()
    if installed != VERSION:
        found["version"] = (
            f"ministack {installed} is installed, but local/ministack_hooks.py knows {VERSION}. "
            "Install local/requirements.txt."
        )
    for name, (function, parameters) in SIGNATURES.items():
        seen = tuple(inspect.signature(function).parameters)
        if seen != parameters:
            found[name] = f"ministack's {name} takes {seen}, not {parameters}."
    for name, mapping in MAPPINGS.items():
        if not hasattr(mapping, "items"):
            found[name] = f"ministack's {name} is no mapping."
    if "GetResources" not in tagging._HANDLERS:
        found["tagging._HANDLERS"] = "ministack's tagging._HANDLERS has no GetResources."
    if not isinstance(scheduler._SCHEDULE_TICK_INTERVAL, int | float):
        found["scheduler._SCHEDULE_TICK_INTERVAL"] = (
            "ministack's scheduler._SCHEDULE_TICK_INTERVAL is no number."
        )
    return found


def check() -> None:
    """Raise Incompatible with the first fault."""
    for fault in faults().values():
        raise Incompatible(fault)


def put_metric_data(request: Mapping[str, Any]) -> None:
    """Store metrics in a namespace of AWS's own, which the public PutMetricData refuses. Call it on
    the event loop.
    """
    cloudwatch._put_metric_data({}, request, False, True)


def put_aws_event(entry: Mapping[str, Any]) -> None:
    """Send an event from an `aws.` source, which the public PutEvents refuses. Call it on the event
    loop.
    """
    eventbridge._ensure_default_bus()
    eventbridge._put_events({"Entries": [dict(entry)]}, allow_aws_source=True)


def set_schedule_tick(seconds: float) -> None:
    """Look at the schedules this often."""
    scheduler._SCHEDULE_TICK_INTERVAL = seconds


def add_tag_collector(
    service: str, collect: Callable[[], Iterator[tuple[str, list[dict[str, str]]]]]
) -> None:
    """Let the tagging API see the resources of a service."""
    tagging._COLLECTORS[service] = collect


def wrap_get_resources(
    wrap: Callable[[dict[str, Any], Callable[[dict[str, Any]], Any]], Any],
) -> None:
    """Put a function around GetResources."""
    inner = tagging._HANDLERS["GetResources"]
    tagging._HANDLERS["GetResources"] = lambda request: wrap(request, inner)


def caller_of(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Tell who signed a request, as GetCallerIdentity would."""
    caller = sts._caller_identity(headers, {})
    return caller if isinstance(caller, Mapping) else {}


def wrap_function_url_event(extend: Callable[[dict[str, Any], Mapping[str, str]], None]) -> None:
    """Let a function extend the events that Function URLs send, seeing the request's headers."""
    inner = lambda_svc._build_function_url_event

    def build(*args: Any, **kwargs: Any) -> dict[str, Any]:
        event: dict[str, Any] = inner(*args, **kwargs)
        headers = inspect.signature(inner).bind(*args, **kwargs).arguments["headers"]
        if not kwargs.get("anonymous"):
            extend(event, headers)
        return event

    lambda_svc._build_function_url_event = build


def add_resource_type(
    resource_type: str,
    *,
    create: Callable[[str, dict[str, Any], str], tuple[str, dict[str, Any]]],
    update: Callable[..., tuple[str, dict[str, Any]]],
    delete: Callable[[str, dict[str, Any]], None],
    replacing: tuple[str, ...],
) -> None:
    """Teach CloudFormation a resource type; a change of a `replacing` property makes a new
    resource.
    """
    provisioners._RESOURCE_HANDLERS[resource_type] = {
        "create": create,
        "update": update,
        "delete": delete,
    }
    provisioners._REPLACING_PROPERTIES[resource_type] = replacing
    provisioners._STACK_TAG_PROPERTY[resource_type] = ("Tags", "list")


def generated_name(stack_name: str, logical_id: str, longest: int) -> str:
    """The name that CloudFormation gives a resource which has none."""
    name: str = provisioners._physical_name(stack_name, logical_id, max_len=longest)
    return name


def end_functions() -> None:
    """End the processes of all functions."""
    lambda_runtime.reset()
