"""The wire format of a Lambda Function URL (payload format 2.0), to and from our own types.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

import base64
import binascii
import re
from typing import Any
from urllib.parse import unquote

from dormouse.domain.invocation import InvocationRequest, InvocationResponse
from dormouse.domain.spec import is_endpoint_name
from dormouse.errors import response_too_large, runtime_error, unknown_operation

# A response of Lambda is at most 6 MB of JSON; the rest is left for the envelope around the body.
RESPONSE_BODY_LIMIT_BYTES = 6 * 1024 * 1024 - 64 * 1024

_INVOCATIONS = re.compile(r"/endpoints/(?P<endpoint>[^/]+)/invocations")

# They describe a connection, not an answer; Lambda writes its own.
_NOT_PASSED_ON = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


class Refused(Exception):
    """The request is answered before it means anything; `response` says why."""

    def __init__(self, response: InvocationResponse) -> None:
        super().__init__(response.status)
        self.response = response


def read_request(event: Any) -> InvocationRequest:
    """Read the event of a Function URL.

    Raises:
        Refused: another path or method, a bad endpoint name or a broken body.
    """
    http = event["requestContext"]["http"]
    route = _INVOCATIONS.fullmatch(event["rawPath"])
    if route is None or http["method"] != "POST":
        raise Refused(unknown_operation(http["method"], event["rawPath"]))
    endpoint = unquote(route["endpoint"])
    if not is_endpoint_name(endpoint):
        raise Refused(
            runtime_error(400, "ValidationError", f"{endpoint!r} is not the name of an endpoint")
        )
    caller = event["requestContext"].get("authorizer", {}).get("iam", {})
    return InvocationRequest(
        endpoint=endpoint,
        headers={name.lower(): value for name, value in event.get("headers", {}).items()},
        body=_body(event),
        principal=caller.get("userArn") or "",
    )


def _body(event: Any) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(
            runtime_error(400, "ValidationError", f"the body is not valid base64: {error}")
        ) from error


def write_response(response: InvocationResponse) -> dict[str, Any]:
    """Write a response for Lambda so that its body arrives byte for byte.

    Text travels as it is, since base64 would take a third of the 6 MB that Lambda carries.
    """
    try:
        body, encoded = response.body.decode(), False
    except UnicodeDecodeError:
        body, encoded = base64.b64encode(response.body).decode("ascii"), True
    if len(body if encoded else response.body) > RESPONSE_BODY_LIMIT_BYTES:
        return write_response(response_too_large(len(response.body), RESPONSE_BODY_LIMIT_BYTES))
    return {
        "statusCode": response.status,
        "headers": {k: v for k, v in response.headers.items() if k not in _NOT_PASSED_ON},
        "body": body,
        "isBase64Encoded": encoded,
    }
