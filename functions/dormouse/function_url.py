"""The wire format of a Lambda Function URL (payload format 2.0), to and from our own types.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

import base64
import binascii
import json
import re
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from dormouse.domain.invocation import InvocationRequest, InvocationResponse
from dormouse.domain.principals import Caller
from dormouse.domain.spec import is_endpoint_name
from dormouse.errors import response_too_large, runtime_error, unknown_operation

# Of the JSON that carries the answer, in which quotes and control characters of a text grow.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
RESPONSE_LIMIT_BYTES = 6_291_556

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
        caller=Caller(arn=caller.get("userArn") or "", account=caller.get("accountId") or ""),
        request_id=event["requestContext"].get("requestId", ""),
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

    Text travels as it is, since base64 takes a third more; but where its JSON would be too long,
    base64 may not be. What Lambda can't carry either way becomes a ModelError that says so.
    """
    with suppress(UnicodeDecodeError):
        answer = _written(response, response.body.decode(), encoded=False)
        if _size(answer) <= RESPONSE_LIMIT_BYTES:
            return answer
    answer = _written(response, base64.b64encode(response.body).decode("ascii"), encoded=True)
    if _size(answer) <= RESPONSE_LIMIT_BYTES:
        return answer
    return write_response(response_too_large(len(response.body), RESPONSE_LIMIT_BYTES))


def _written(response: InvocationResponse, body: str, *, encoded: bool) -> dict[str, Any]:
    return {
        "statusCode": response.status,
        "headers": {k: v for k, v in response.headers.items() if k not in _NOT_PASSED_ON},
        "body": body,
        "isBase64Encoded": encoded,
    }


def _size(answer: dict[str, Any]) -> int:
    """Measure it as Lambda's Python runtime will write it."""
    return len(json.dumps(answer, ensure_ascii=False).encode())
