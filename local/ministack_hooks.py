"""Every private part of ministack that the local AWS leans on, in one place.

local/ministack_contract.py checks that each is still what it was.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack import app as ministack_app
from ministack.core import lambda_runtime, responses
from ministack.services import (
    apigateway,
    cloudwatch,
    eventbridge,
    lambda_svc,
    scheduler,
    sts,
    tagging,
)
from ministack.services.cloudformation import provisioners

application = ministack_app.app
Answer = tuple[int, dict[str, str], bytes]
Properties = dict[str, Any]
Attributes = dict[str, Any]


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


def generated_name(stack_name: str, logical_id: str, longest: int) -> str:
    """The name that CloudFormation gives a resource which has none."""
    name: str = provisioners._physical_name(stack_name, logical_id, max_len=longest)
    return name


def end_functions() -> None:
    """End the processes of all functions."""
    lambda_runtime.reset()


def name_http_api(api_id: str, name: str) -> None:
    """Give an HTTP API its name."""
    apigateway._update_api(api_id, {"name": name})


def add_http_route(
    api_id: str, integration: Mapping[str, Any], route: Mapping[str, Any]
) -> Callable[[], None]:
    """Create an integration and a route to it; returns what removes both."""
    made = json.loads(apigateway._create_integration(api_id, dict(integration))[2])
    target = f"integrations/{made['integrationId']}"
    routed = json.loads(apigateway._create_route(api_id, {**route, "target": target})[2])

    def remove() -> None:
        apigateway._delete_route(api_id, routed["routeId"])
        apigateway._delete_integration(api_id, made["integrationId"])

    return remove


def name_http_api_callers(identity: Callable[[Mapping[str, str]], dict[str, Any]]) -> None:
    """Let a function name the caller in the events of routes with AWS_IAM."""
    apigateway._iam_caller_identity_v2 = lambda headers, _query: identity(headers)


def wrap_http_api_requests(refuse: Callable[[bool, Mapping[str, str]], Answer | None]) -> None:
    """Let a function refuse requests for routes with AWS_IAM. It is told whether the caller is of
    the API's own account, and the headers.
    """
    inner = ministack_app._handle_execute_api_request

    async def handle(
        host: str, path: str, method: str, headers: Any, *more: Any, **named: Any
    ) -> Any:
        parsed = ministack_app._parse_execute_api_url(host, path)
        owner = _owner_of_http_api(parsed[0]) if parsed else None
        if parsed and owner:
            with responses.request_scope(*owner):
                stage, rest = ministack_app._resolve_stage_and_path(*parsed)
                kind = apigateway.route_authorization_type(parsed[0], stage, method, rest)
            own = responses.get_account_id() == owner[0]
            if kind == "AWS_IAM" and (refused := refuse(own, headers)):
                return refused
        return await inner(host, path, method, headers, *more, **named)

    ministack_app._handle_execute_api_request = handle


def _owner_of_http_api(api_id: str) -> tuple[str, str] | None:
    for (account_id, region, known), _ in apigateway._apis.all_items():
        if known == api_id:
            return account_id, region
    return None


def wrap_http_api_invocations(
    before: Callable[[dict[str, Any]], None], after: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Let one function see the event that a route sends to its function, and another the result:
    a mapping whose `body` is what the function returned, with `error` where it failed.
    """
    inner = apigateway.run_reentrant

    async def run(function: Any, *arguments: Any, thread_name: str) -> Any:
        if thread_name != "ministack-apigw-invoke":
            return await inner(function, *arguments, thread_name=thread_name)
        before(arguments[1])
        return after(await inner(function, *arguments, thread_name=thread_name))

    apigateway.run_reentrant = run
