"""What the front answers by itself, in the form that multi-model-server gives its errors. Pure."""

import json
from http import HTTPStatus

from container.batch_frame import Reply

# ErrorResponse.java names the exception; clients that know multi-model-server look at it.
_TYPES = {
    HTTPStatus.BAD_REQUEST: "BadRequestException",
    HTTPStatus.NOT_FOUND: "ResourceNotFoundException",
    HTTPStatus.METHOD_NOT_ALLOWED: "MethodNotAllowedException",
    HTTPStatus.CONFLICT: "ConflictStatusException",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "RequestEntityTooLargeException",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "UnsupportedMediaTypeException",
    HTTPStatus.INTERNAL_SERVER_ERROR: "InternalServerException",
    HTTPStatus.SERVICE_UNAVAILABLE: "ServiceUnavailableException",
    HTTPStatus.INSUFFICIENT_STORAGE: "InsufficientStorageException",
}


def json_reply(document: object, status: int = 200) -> Reply:
    """An object or a list."""
    body = json.dumps(document, ensure_ascii=False).encode(errors="replace")
    return Reply(status, {"Content-Type": "application/json"}, body)


def error_reply(status: HTTPStatus, message: str, retry_after: int | None = None) -> Reply:
    """`{"code", "type", "message"}`; `retry_after` in seconds."""
    document = {
        "code": status.value,
        "type": _TYPES.get(status, "InternalServerException"),
        "message": message,
    }
    reply = json_reply(document, status.value)
    if retry_after is None:
        return reply
    return Reply(reply.status, {**reply.headers, "Retry-After": str(retry_after)}, reply.body)
