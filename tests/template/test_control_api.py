"""The HTTP API of control: its routes, who may call them, and how they reach the function."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from dormouse.domain.intent import INTENTS
from dormouse.handlers.control import app
from tests.template.cloudformation import properties

ROUTES = {
    ("GET", "/endpoints"),
    ("GET", "/endpoints/{name}"),
    ("POST", "/endpoints/{name}/wake"),
    ("POST", "/endpoints/{name}/hold"),
    ("POST", "/endpoints/{name}/release"),
    ("POST", "/endpoints/{name}/sleep"),
    ("POST", "/endpoints/{name}/suspend"),
    ("POST", "/endpoints/{name}/resume"),
    ("GET", "/endpoints/{name}/plan"),
    ("GET", "/endpoints/{name}/decisions"),
    ("GET", "/endpoints/{name}/requests"),
    ("POST", "/endpoints/{name}/replay"),
    ("GET", "/endpoints/{name}/models"),
    ("PUT", "/endpoints/{name}/models/{model+}"),
    ("DELETE", "/endpoints/{name}/models/{model+}"),
    ("GET", "/endpoints/{name}/aliases"),
    ("PUT", "/endpoints/{name}/aliases/{alias}"),
    ("DELETE", "/endpoints/{name}/aliases/{alias}"),
    ("PUT", "/endpoints/{name}/ground-truth"),
}
DEFAULT = ("X-AMAZON-APIGATEWAY-ANY-METHOD", "/$default")


@pytest.fixture
def body(deployed: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document that API Gateway imports."""
    document: dict[str, Any] = deployed["ControlApi"]["Properties"]["Body"]
    return document


def operations(body: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation of the document, by its method and path."""
    return {
        (method.upper(), path): operation
        for path, methods in body["paths"].items()
        for method, operation in methods.items()
    }


def test_the_routes_are_those_of_the_api(body: dict[str, Any]) -> None:
    """And one for everything else."""
    assert set(operations(body)) == {*ROUTES, DEFAULT}
    assert operations(body)[DEFAULT]["isDefaultRoute"] is True


def known_to_the_handler() -> Iterator[tuple[str, str]]:
    """The routes of the handler, a verb for each intent."""
    for route in [*app._static_routes, *app._dynamic_routes]:
        # What takes the rest of the path is a model's name.
        path = re.sub(r"<(\w+)>", r"{\1}", route.path).replace("/.+", "/{model+}")
        for verb in INTENTS if "{verb}" in path else [""]:
            yield str(route.method), path.replace("{verb}", verb)


def test_the_handler_knows_every_route_and_has_no_other() -> None:
    """A route without an answer, or an answer that nobody can be allowed, would be a slip."""
    assert set(known_to_the_handler()) == ROUTES


def unsigned(body: dict[str, Any]) -> list[tuple[str, str]]:
    """The operations that somebody could call without credentials."""
    scheme = body["components"]["securitySchemes"].get("AWS_IAM", {})
    is_sigv4 = scheme.get("x-amazon-apigateway-authtype") == "awsSigv4"
    return [
        key
        for key, operation in operations(body).items()
        if not is_sigv4 or operation.get("security") != [{"AWS_IAM": []}]
    ]


def test_every_route_takes_signed_requests_alone(body: dict[str, Any]) -> None:
    """The one for everything else, too. No preflight is answered, since no browser calls it."""
    assert unsigned(body) == []
    assert "CorsConfiguration" not in properties("ControlApi")
    assert not [path for path, methods in body["paths"].items() if "options" in methods]


@pytest.mark.parametrize("security", [None, [], [{}], [{"AWS_IAM": []}, {}]])
def test_an_unsigned_route_is_noticed(body: dict[str, Any], security: Any) -> None:
    """The check above can fail."""
    altered = json.loads(json.dumps(body))
    altered["paths"]["/endpoints"]["get"]["security"] = security
    assert unsigned(altered) == [("GET", "/endpoints")]


def test_every_route_leads_to_control(body: dict[str, Any]) -> None:
    """In payload format 2.0, which the handler reads."""
    for operation in operations(body).values():
        integration = operation["x-amazon-apigateway-integration"]
        assert integration["type"] == "aws_proxy"
        assert integration["payloadFormatVersion"] == "2.0"
        assert "${ControlFunction.Arn}" in integration["uri"]["Fn::Sub"]


def test_the_address_has_no_stage(deployed: dict[str, Any]) -> None:
    """So ControlUrl is the API's own, and what is deployed is what is served."""
    (stage,) = [
        resource["Properties"]
        for resource in deployed.values()
        if resource["Type"] == "AWS::ApiGatewayV2::Stage"
    ]
    assert stage["ApiId"] == {"Ref": "ControlApi"}
    assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] <= 100


def test_control_answers_before_the_api_gives_up() -> None:
    """An HTTP API waits for 30 s."""
    assert properties("ControlFunction")["Timeout"] < 30
