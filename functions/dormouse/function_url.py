"""The wire format of a Lambda Function URL (payload format 2.0), to and from our own types.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from dormouse.domain.call import Ask, Call, Cancel, Invoke, InvokeAsync
from dormouse.domain.invocation import BODY_LIMIT_BYTES, InvocationRequest, InvocationResponse
from dormouse.domain.prefer import Preferences, PreferError, parse_prefer
from dormouse.domain.principals import Caller
from dormouse.domain.spec import is_endpoint_name
from dormouse.responses import (
    Refused,
    bad_request,
    body_too_large,
    response_too_large,
    unknown_operation,
)

# Of the JSON that carries the answer, in which quotes and control characters of a text grow.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
RESPONSE_LIMIT_BYTES = 6_291_556

_INVOCATIONS = re.compile(r"/endpoints/(?P<endpoint>[^/]+)/invocations")
_ASYNC_INVOCATIONS = re.compile(r"/endpoints/(?P<endpoint>[^/]+)/async-invocations")
_REQUESTS = re.compile(r"/requests/(?P<id>[^/]+)")

# They describe a connection, not an answer; Lambda writes its own.
_NOT_PASSED_ON = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


# Of the addresses that serve without TLS: the local AWS.
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]+)?(/.*)?")


def read_call(event: Any) -> Call:
    """Read the event of a Function URL.

    Raises:
        Refused: another path or method, a bad endpoint name, a broken or too long body, or a header
            Prefer that can't be read.
    """
    method, path = event["requestContext"]["http"]["method"], event["rawPath"]
    if method == "POST":
        if route := _INVOCATIONS.fullmatch(path):
            request = _invocation(event, route["endpoint"])
            return Invoke(request, _preferences(request.headers), _base_url(event))
        if route := _ASYNC_INVOCATIONS.fullmatch(path):
            return InvokeAsync(_invocation(event, route["endpoint"]), _base_url(event))
    if route := _REQUESTS.fullmatch(path):
        request_id = unquote(route["id"])
        if method == "GET":
            return Ask(request_id, _caller(event), _base_url(event))
        if method == "DELETE":
            return Cancel(request_id, _caller(event))
    raise Refused(unknown_operation(method, path))


def _invocation(event: Any, name: str) -> InvocationRequest:
    endpoint = unquote(name)
    if not is_endpoint_name(endpoint):
        raise Refused(bad_request(f"{endpoint!r} is not the name of an endpoint"))
    return InvocationRequest(
        endpoint=endpoint,
        headers={name.lower(): value for name, value in event.get("headers", {}).items()},
        body=_body(event),
        caller=_caller(event),
        request_id=event["requestContext"].get("requestId", ""),
    )


def _caller(event: Any) -> Caller:
    caller = event["requestContext"].get("authorizer", {}).get("iam", {})
    return Caller(arn=caller.get("userArn") or "", account=caller.get("accountId") or "")


def _preferences(headers: Mapping[str, str]) -> Preferences:
    try:
        return parse_prefer(headers.get("prefer", ""))
    except PreferError as error:
        raise Refused(bad_request(str(error))) from error


def _base_url(event: Any) -> str:
    """Say under which address the front door was reached.

    Lambda writes it into the event. Headers could say the same, but whoever calls may set them.
    """
    address = event["requestContext"].get("domainName", "")
    return f"{'http' if _LOOPBACK.fullmatch(address) else 'https'}://{address}"


def _body(event: Any) -> bytes:
    text = event.get("body") or ""
    try:
        body = (
            base64.b64decode(text, validate=True)
            if event.get("isBase64Encoded")
            else str(text).encode()
        )
    except (binascii.Error, ValueError) as error:
        raise Refused(bad_request(f"the body is not valid base64: {error}")) from error
    if len(body) > BODY_LIMIT_BYTES:
        raise Refused(body_too_large(len(body), BODY_LIMIT_BYTES))
    return body


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
