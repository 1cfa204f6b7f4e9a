"""HTTP APIs of API Gateway as SAM writes them: the routes come from the OpenAPI Body of
AWS::ApiGatewayV2::Api, which ministack does not import, and so do AWS's refusals and addresses.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local import callers, ministack_apis, ministack_stacks
from local.ministack_hooks import Answer

PATH = "/_aws/execute-api/"
ANY_METHOD = "x-amazon-apigateway-any-method"
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", ANY_METHOD})


@dataclass(frozen=True, slots=True)
class Route:
    """One path and method of a Body, with the function behind it."""

    key: str
    authorization: str
    integration: Mapping[str, Any]


def routes(body: Mapping[str, Any]) -> Iterator[Route]:
    """Read the routes of an OpenAPI document.

    Raises:
        ValueError: it asks for what there is not here.
    """
    schemes = body.get("components", {}).get("securitySchemes", {})
    for path, operations in body.get("paths", {}).items():
        for method, operation in operations.items():
            if method not in METHODS:
                continue
            integration = operation["x-amazon-apigateway-integration"]
            kind = str(integration.get("type", "")).upper()
            version = str(integration.get("payloadFormatVersion", ""))
            if (kind, version) != ("AWS_PROXY", "2.0"):
                raise ValueError(f"{method} {path}: only aws_proxy with payload 2.0 is known here.")
            verb = "ANY" if method == ANY_METHOD else method.upper()
            yield Route(
                key="$default" if operation.get("isDefaultRoute") else f"{verb} {path}",
                authorization=_authorization(operation, schemes),
                integration={
                    "integrationType": kind,
                    "integrationUri": integration["uri"],
                    "payloadFormatVersion": version,
                    "timeoutInMillis": int(integration.get("timeoutInMillis", 30_000)),
                },
            )


def _authorization(operation: Mapping[str, Any], schemes: Mapping[str, Any]) -> str:
    for requirement in operation.get("security", []):
        for name in requirement:
            if schemes.get(name, {}).get("x-amazon-apigateway-authtype") == "awsSigv4":
                return "AWS_IAM"
            # SAM writes NONE for a route that is open in an API that is not.
            if name != "NONE":
                raise ValueError(f"The authorizer {name} is not known here; AWS_IAM is.")
    return "NONE"


class Importer:
    """Gives each API the routes of its Body, and takes away those that a Body has no more."""

    def __init__(self, endpoint_url: str):
        self._endpoint_url = endpoint_url
        self._removals: dict[str, list[Callable[[], None]]] = {}

    def finish(
        self, api_id: str, properties: dict[str, Any], attributes: dict[str, Any]
    ) -> dict[str, Any]:
        """Import the Body of an API that CloudFormation has created or updated."""
        body = properties.get("Body")
        imported = list(routes(body or {}))
        for remove in self._removals.pop(api_id, []):
            remove()
        if body:
            ministack_apis.name_http_api(api_id, str(body["info"]["title"]))
        self._removals[api_id] = [
            ministack_apis.add_http_route(
                api_id,
                route.integration,
                {"routeKey": route.key, "authorizationType": route.authorization},
            )
            for route in imported
        ]
        return {**attributes, "ApiEndpoint": f"{self._endpoint_url}{PATH}{api_id}"}


def refusal(own_account: bool, headers: Mapping[str, str]) -> Answer | None:
    """Return what a request for a route with AWS_IAM is refused with.

    An HTTP API has no resource policy, so that nobody of another account is let in.
    """
    if own_account and callers.signed_service(headers) == "execute-api":
        return None
    return 403, {"Content-Type": "application/json"}, b'{"message":"Forbidden"}'


def as_sent(event: dict[str, Any]) -> None:
    """Mend what ministack writes otherwise than API Gateway."""
    context = event["requestContext"]
    context["domainPrefix"] = context["apiId"]
    if event.get("pathParameters") is None:
        event.pop("pathParameters", None)


def as_answered(result: dict[str, Any]) -> dict[str, Any]:
    """Hide how a function failed: its caller learns that it did."""
    if not result.get("error"):
        return result
    return {"body": {"statusCode": 500, "body": '{"message":"Internal Server Error"}'}}


def install(endpoint_url: str) -> None:
    """Take effect."""
    ministack_stacks.wrap_resource_type("AWS::ApiGatewayV2::Api", Importer(endpoint_url).finish)
    ministack_apis.name_http_api_callers(callers.identity)
    ministack_apis.wrap_http_api_requests(refusal)
    ministack_apis.wrap_http_api_invocations(as_sent, as_answered)
