"""Every private part of ministack that ministack_{apis,functions,hooks,stacks}.py call or replace,
and a check that each is still there.

ministack is pinned, and so are these: an upgrade that moves one of them fails at the start of the
server with one sentence (`check`), and in tests/local.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack import app
from ministack.core import lambda_runtime, responses
from ministack.services import (
    apigateway,
    cloudformation,
    cloudwatch,
    dynamodb,
    eventbridge,
    lambda_svc,
    scheduler,
    sts,
    tagging,
)
from ministack.services.cloudformation import (
    custom_resource,
    handlers,
    helpers,
    provisioners,
    stacks,
)

VERSION = "1.5.33"


class Incompatible(RuntimeError):
    """The installed ministack is not the one that this was written for."""


# What is called or replaced, and the parameters it is called with.
SIGNATURES: dict[str, tuple[Callable[..., Any], str]] = {
    "apigateway._create_integration": (apigateway._create_integration, "api_id data"),
    "apigateway._create_route": (apigateway._create_route, "api_id data"),
    "apigateway._delete_integration": (apigateway._delete_integration, "api_id int_id"),
    "apigateway._delete_route": (apigateway._delete_route, "api_id route_id"),
    "apigateway._iam_caller_identity_v2": (
        apigateway._iam_caller_identity_v2,
        "headers query_params",
    ),
    "apigateway._update_api": (apigateway._update_api, "api_id data"),
    "apigateway.route_authorization_type": (
        apigateway.route_authorization_type,
        "api_id stage method path",
    ),
    "apigateway.run_reentrant": (apigateway.run_reentrant, "fn args thread_name"),
    "app._handle_execute_api_request": (
        app._handle_execute_api_request,
        "host path method headers body query_params raw_path raw_query_string",
    ),
    "app._parse_execute_api_url": (app._parse_execute_api_url, "host path"),
    "app._resolve_stage_and_path": (
        app._resolve_stage_and_path,
        "api_id tentative_stage execute_path",
    ),
    "cloudwatch._put_metric_data": (
        cloudwatch._put_metric_data,
        "params cbor_data is_cbor is_json",
    ),
    "custom_resource._normalise_resource_properties": (
        custom_resource._normalise_resource_properties,
        "value",
    ),
    "custom_resource._response_url": (custom_resource._response_url, "token"),
    "custom_resource.invoke_custom_resource": (
        custom_resource.invoke_custom_resource,
        "request_type logical_id props stack_name stack_id resource_type physical_id old_props",
    ),
    "custom_resource.register_token": (custom_resource.register_token, "token"),
    "dynamodb._update_ttl": (dynamodb._update_ttl, "data"),
    "eventbridge._invoke_target": (eventbridge._invoke_target, "target event rule view"),
    "eventbridge._put_events": (eventbridge._put_events, "data allow_aws_source"),
    "eventbridge._ensure_default_bus": (eventbridge._ensure_default_bus, ""),
    "lambda_svc._build_function_url_event": (
        lambda_svc._build_function_url_event,
        "url_id account_id region method path headers body query_params source_ip anonymous "
        "trace_root",
    ),
    "handlers._delete_stack_async": (
        handlers._delete_stack_async,
        "stack_name stack_id retain_resources force",
    ),
    "handlers._resolve_stack": (handlers._resolve_stack, "stack_name"),
    "helpers._error": (helpers._error, "code message status"),
    "helpers._p": (helpers._p, "params key default"),
    "lambda_runtime.kill_workers": (lambda_runtime.kill_workers, "workers"),
    "lambda_svc.invalidate_worker": (
        lambda_svc.invalidate_worker,
        "func_name qualifier account region",
    ),
    "lambda_svc.release_worker": (lambda_svc.release_worker, "worker"),
    "lambda_svc._execution_record_for_config": (
        lambda_svc._execution_record_for_config,
        "func config",
    ),
    "lambda_svc._get_func_record_for_ref": (lambda_svc._get_func_record_for_ref, "function_ref"),
    "lambda_svc.invoke_async_with_retry": (lambda_svc.invoke_async_with_retry, "func event"),
    "responses.get_account_id": (responses.get_account_id, ""),
    "responses.request_scope": (responses.request_scope, "account_id region"),
    "scheduler._create_schedule": (scheduler._create_schedule, "name body"),
    "scheduler._delete_schedule": (scheduler._delete_schedule, "name query"),
    "scheduler._tick_schedules": (scheduler._tick_schedules, ""),
    "scheduler._update_schedule": (scheduler._update_schedule, "name body"),
    "tagging._get_resources": (tagging._get_resources, "data"),
    "sts._caller_identity": (sts._caller_identity, "headers query_params"),
    "lambda_runtime.reset": (lambda_runtime.reset, ""),
    "provisioners._physical_name": (
        provisioners._physical_name,
        "stack_name logical_id lowercase max_len seeded",
    ),
    "provisioners._provision_resource": (
        provisioners._provision_resource,
        "resource_type logical_id props stack_name",
    ),
    "stacks._delete_resource": (
        stacks._delete_resource,
        "resource_type physical_id props stack_name logical_id",
    ),
    "stacks._delete_stack_async": (
        stacks._delete_stack_async,
        "stack_name stack_id retain_resources force",
    ),
    "stacks._provision_keeping_seed": (stacks._provision_keeping_seed, "args"),
    "stacks._with_dependencies": (stacks._with_dependencies, "logical_ids res_defs remaining"),
}
MAPPINGS: dict[str, Any] = {
    "apigateway._apis": apigateway._apis,
    "cloudformation._stacks": cloudformation._stacks,
    "custom_resource._pending": custom_resource._pending,
    "handlers._ACTION_HANDLERS": handlers._ACTION_HANDLERS,
    "lambda_runtime._workers": lambda_runtime._workers,
    "scheduler._schedules": scheduler._schedules,
    "tagging._COLLECTORS": tagging._COLLECTORS,
    "tagging._HANDLERS": tagging._HANDLERS,
    "provisioners._RESOURCE_HANDLERS": provisioners._RESOURCE_HANDLERS,
    "provisioners._REPLACING_PROPERTIES": provisioners._REPLACING_PROPERTIES,
    "provisioners._STACK_TAG_PROPERTY": provisioners._STACK_TAG_PROPERTY,
}


def faults() -> dict[str, str]:
    """Say of each hook what is wrong with it; empty when all is well."""
    found: dict[str, str] = {}
    installed = app._version()
    if installed != VERSION:
        found["version"] = (
            f"ministack {installed} is installed, but local/ministack_contract.py knows {VERSION}. "
            "Install local/requirements.txt."
        )
    for name, (function, parameters) in SIGNATURES.items():
        seen = " ".join(inspect.signature(function).parameters)
        if seen != parameters:
            found[name] = f"ministack's {name} takes ({seen}), not ({parameters})."
    for name, mapping in MAPPINGS.items():
        if not hasattr(mapping, "items"):
            found[name] = f"ministack's {name} is no mapping."
    if not isinstance(provisioners._NAME_SEED, ContextVar):
        found["provisioners._NAME_SEED"] = "ministack's provisioners._NAME_SEED is no ContextVar."
    if not hasattr(lambda_runtime._lock, "acquire"):
        found["lambda_runtime._lock"] = "ministack's lambda_runtime._lock is no lock."
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
