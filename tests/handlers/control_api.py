"""Requests of the control API as API Gateway hands them over, and its answers, held against the
contract.
"""

import json
import re
from typing import Any

from tests.fakes.shapes import check_endpoint, check_problem
from tests.handlers.conftest import Handlers, golden

ROUTES = (
    "GET /endpoints",
    "GET /endpoints/{name}",
    "POST /endpoints/{name}/wake",
    "POST /endpoints/{name}/hold",
    "POST /endpoints/{name}/release",
    "POST /endpoints/{name}/sleep",
    "POST /endpoints/{name}/suspend",
    "POST /endpoints/{name}/resume",
    "GET /endpoints/{name}/plan",
    "GET /endpoints/{name}/decisions",
    "GET /endpoints/{name}/requests",
    "POST /endpoints/{name}/replay",
    "GET /endpoints/{name}/models",
    "PUT /endpoints/{name}/models/{model+}",
    "DELETE /endpoints/{name}/models/{model+}",
    "GET /endpoints/{name}/aliases",
    "PUT /endpoints/{name}/aliases/{alias}",
    "DELETE /endpoints/{name}/aliases/{alias}",
    "PUT /endpoints/{name}/ground-truth",
)


def event(method: str, path: str, body: str | None = None, **more: Any) -> Any:
    """Send the golden request of another method, path or body, by the route that it has."""
    sent = golden("control-wake.json")
    del sent["pathParameters"]
    sent |= {"routeKey": route_of(method, path), "rawPath": path, "body": body, **more}
    sent["requestContext"]["http"] |= {"method": method, "path": path}
    return sent


def route_of(method: str, path: str) -> str:
    """The route that API Gateway chooses, in which a slash of the name's own does not count."""
    for route in ROUTES:
        pattern = re.sub(r"{\w+}", "[^/]+", route.replace("{model+}", ".+"))
        if re.fullmatch(pattern, f"{method} {path}"):
            return route
    return "$default"


def answered(answer: Any, status: int, content_type: str = "application/json") -> Any:
    """Hold an answer against its status and content type, and read its body."""
    assert answer["statusCode"] == status, answer["body"]
    headers = {**answer["headers"], **answer.get("multiValueHeaders", {})}
    assert {name.lower(): value for name, value in headers.items()} == {
        "content-type": content_type,
        "cache-control": "no-store",
        **({"allow": headers.get("allow")} if status == 405 else {}),
    }
    assert answer["isBase64Encoded"] is False
    return json.loads(answer["body"])


def accepted(handlers: Handlers, sent: Any) -> Any:
    """Send an intent that is accepted; return the Endpoint."""
    endpoint = answered(handlers.control(sent), 202)
    check_endpoint(endpoint, with_decisions=True)
    return endpoint


def refused(handlers: Handlers, sent: Any, status: int, title: str) -> str:
    """Send what is refused; return why."""
    body = answered(handlers.control(sent), status, "application/problem+json")
    return check_problem(body, status, title)
