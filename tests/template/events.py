"""The examples in events/, and what two of their formats have in common."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

from tests.template.cloudformation import REPOSITORY

EVENTS = REPOSITORY / "events"


def event(name: str) -> Any:
    return json.loads((EVENTS / name).read_text(encoding="utf-8"))


def body_of(request: dict[str, Any]) -> bytes:
    """What was sent, byte for byte."""
    body: str = request.get("body", "")
    return base64.b64decode(body, validate=True) if request["isBase64Encoded"] else body.encode()


def assert_well_formed(request: dict[str, Any]) -> None:
    """Payload format 2.0 behind AWS_IAM; the parts that say the same thing twice agree."""
    context = request["requestContext"]
    assert request["version"] == "2.0"
    assert request["routeKey"] == context["routeKey"]
    assert context["stage"] == "$default"
    assert request["rawPath"] == context["http"]["path"]
    assert context["http"]["sourceIp"] == request["headers"]["x-forwarded-for"]
    assert context["http"]["userAgent"] == request["headers"]["user-agent"]
    assert context["domainName"] == request["headers"]["host"]
    assert context["domainName"].split(".")[0] == context["apiId"] == context["domainPrefix"]
    assert list(request["headers"]) == sorted(name.lower() for name in request["headers"])
    caller = context["authorizer"]["iam"]
    assert caller["accountId"] == context["accountId"] == caller["userArn"].split(":")[4]
    moment = datetime.fromtimestamp(context["timeEpoch"] / 1000, UTC)
    assert datetime.strptime(context["time"], "%d/%b/%Y:%H:%M:%S %z") == moment
    assert request["headers"]["x-amz-date"] == moment.strftime("%Y%m%dT%H%M%SZ")
    assert len(body_of(request)) == int(request["headers"]["content-length"])
