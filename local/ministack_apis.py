"""The private parts of ministack's API Gateway that local/http_api.py leans on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app as ministack_app
from ministack.core import responses
from ministack.services import apigateway

from local.ministack_hooks import Answer


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
        host: str, path: str, method: str, headers: Any, *more: Any, raw_path: str, **named: Any
    ) -> Any:
        if re.fullmatch(r"/_aws/execute-api/[^/]+", path):
            # The bare address, which ministack would take for a bucket's.
            path, raw_path = f"{path}/", f"{raw_path}/"
        parsed = ministack_app._parse_execute_api_url(host, path)
        owner = _owner_of_http_api(parsed[0]) if parsed else None
        if parsed and owner:
            with responses.request_scope(*owner):
                stage, rest = ministack_app._resolve_stage_and_path(*parsed)
                kind = apigateway.route_authorization_type(parsed[0], stage, method, rest)
            own = responses.get_account_id() == owner[0]
            if kind == "AWS_IAM" and (refused := refuse(own, headers)):
                return refused
        return await inner(host, path, method, headers, *more, raw_path=raw_path, **named)

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
