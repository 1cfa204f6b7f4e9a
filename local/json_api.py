"""AWS's JSON 1.1: the X-Amz-Target names the operation, errors have a type in the body and in a
header.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from local.sagemaker import errors
from local.sagemaker.errors import ServiceError

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
CONTENT_TYPE = "application/x-amz-json-1.1"


def answer(call: Callable[[str, Json], Json], target: str, body: bytes) -> Response:
    """Answer an HTTP request by its X-Amz-Target and a call that may raise ServiceError."""
    try:
        result = call(target.partition(".")[2], _parsed(body))
    except ServiceError as error:
        return _failure(error)
    return 200, {"Content-Type": CONTENT_TYPE}, _dump(result)


def failure_of(error: Exception) -> Response:
    """Shape a fault of this program itself, so that clients see what AWS would show them."""
    return _failure(errors.internal_failure(f"{type(error).__name__}: {error}"))


def _parsed(body: bytes) -> Json:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise ServiceError("SerializationException", "The request is not a JSON object.")
    return request


def _failure(error: ServiceError) -> Response:
    body = {"__type": error.code, "Message": error.message, **error.members}
    headers = {"Content-Type": CONTENT_TYPE, "x-amzn-ErrorType": error.code}
    return error.status, headers, _dump(body)


def _dump(value: Json) -> bytes:
    return json.dumps(value, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"{type(value).__name__} has no JSON form")
