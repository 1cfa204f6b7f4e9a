"""Function URLs: with AuthType AWS_IAM they name their caller and refuse signatures for other
services, and all have an address that can be reached, in the events too; ministack leaves all of
that out.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local import callers, ministack_hooks, ministack_stacks

PATH = "/_aws/lambda-url/"
WRONG_SERVICE = b'{"message":"Credential should be scoped to correct service: \'lambda\'. "}'


def refusal(headers: Mapping[str, str]) -> ministack_hooks.Answer | None:
    """Return what a request is refused with; one that is not signed at all is left to ministack."""
    if callers.signed_service(headers) in {None, "lambda"}:
        return None
    names = {"Content-Type": "application/json", "x-amzn-ErrorType": "InvalidSignatureException"}
    return 403, names, WRONG_SERVICE


def add_caller(event: dict[str, Any], headers: Mapping[str, str]) -> None:
    """Add requestContext.authorizer.iam. A request that is not signed never gets here: ministack
    answers it 403.
    """
    event["requestContext"]["authorizer"] = {"iam": callers.identity(headers)}
    event["requestContext"]["authentication"] = None


def name_host(event: dict[str, Any], endpoint_url: str) -> None:
    """Set requestContext.domainName to what is between `http://` and the path of a request, as on
    AWS, so that a function can write an absolute URL of its own.
    """
    context = event["requestContext"]
    context["domainName"] = f"{endpoint_url.partition('//')[2]}{PATH}{context['apiId']}"


def install(endpoint_url: str) -> None:
    """Take effect."""

    def reachable(_id: str, _properties: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        # On AWS the id is part of a host's name; here it is part of the one address that there is.
        url_id = attributes["FunctionUrl"].partition("//")[2].partition(".")[0]
        return {**attributes, "FunctionUrl": f"{endpoint_url}{PATH}{url_id}/"}

    def finish(event: dict[str, Any], headers: Mapping[str, str]) -> None:
        add_caller(event, headers)
        name_host(event, endpoint_url)

    ministack_hooks.wrap_function_url_event(finish)
    ministack_stacks.wrap_resource_type("AWS::Lambda::Url", reachable)
