"""Call a model's handler for a batch of invocations, and make a reply of whatever comes of it.

The handler is called as multi-model-server's own worker does (mms/service.py, 1.1.11), with two
differences. Invocations that the front packed into one request (batch_frame.py) are a batch of
their own, as if multi-model-server had gathered them. And a failure of the call is a reply to each
invocation, with `{"error": "…"}`; of a batch, the invocations are then tried one by one, so that
one of them does not fail its neighbours, and a handler that can't do batches need not.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mms.context import Context, RequestProcessor
from mms.metrics.metrics_store import MetricsStore
from mms.service import PredictionException

from container.batch_frame import (
    ALONE,
    CONTENT_TYPE,
    BadFrame,
    Invocation,
    Reply,
    pack_replies,
    unpack_invocations,
)
from container.handler.memory import is_out_of_memory
from container.workers.model_server_protocol import Request

# A packed body of replies. multi-model-server ends the connection for an answer that is larger than
# 6,553,500 bytes (codec/ModelResponseDecoder.java), and with it the worker.
MOST_PACKED_BYTES = 6_000_000
MOST_REPLY_BYTES = 6_553_500

# Anything else in a header (RFC 9110, section 5) would end multi-model-server's connection too.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_log = logging.getLogger(__name__)


class Handler(Protocol):
    """A model's handler, of one function or of a class with `handle`."""

    def __call__(self, data: list[dict[str, Any]] | None, context: Any, /) -> Any:
        """With data a list as long, with None (to load a model) anything."""


@dataclass(frozen=True, slots=True)
class Item:
    """What a handler sees of one invocation: its id, an element of `data`, its "headers"."""

    request_id: str
    data: Mapping[str, Any]
    headers: Mapping[str, Any]


class _WrongOutput(Exception):
    """The handler returned what nobody can make an answer of."""


def replies(handler: Handler, context: Context, requests: Sequence[Request]) -> dict[str, Reply]:
    """The reply to each request, by its id; all of their invocations are one batch."""
    answered: dict[str, Reply] = {}
    batches: dict[str, list[Item]] = {}
    for request in requests:
        try:
            batches[request.request_id] = _items(request)
        except BadFrame as error:
            answered[request.request_id] = _error(400, f"The body is no batch: {error}")
    each = iter(
        _reply_each(handler, context, [item for batch in batches.values() for item in batch])
    )
    for request in requests:
        if request.request_id in batches:
            own = [next(each) for _ in batches[request.request_id]]
            answered[request.request_id] = _packed(own) if _is_frame(request) else _alone(own[0])
    return answered


def _is_frame(request: Request) -> bool:
    """By the header as well: a part of a form may have any type."""
    types = [value for name, value in request.headers.items() if name.lower() == "content-type"]
    return types == [CONTENT_TYPE] == [parameter.content_type for parameter in request.parameters]


def _items(request: Request) -> list[Item]:
    if _is_frame(request):
        return [
            _unpacked(f"{request.request_id}-{index}", invocation)
            for index, invocation in enumerate(unpack_invocations(request.parameters[0].value))
        ]
    data = {parameter.name: parameter.value for parameter in request.parameters}
    types = {
        parameter.name: {"content-type": parameter.content_type} for parameter in request.parameters
    }
    return [Item(request.request_id, data, {**types, **request.headers})]


def _unpacked(request_id: str, invocation: Invocation) -> Item:
    """As multi-model-server would have had it: one parameter, with the bare media type."""
    content_type = ""
    for name, value in invocation.headers.items():
        if name.lower() == "content-type":
            content_type = value.partition(";")[0].strip()
    headers = {"body": {"content-type": content_type}, **invocation.headers}
    return Item(request_id, {"body": invocation.body}, headers)


def _reply_each(handler: Handler, context: Context, items: Sequence[Item]) -> list[Reply]:
    if not items:
        return []
    try:
        return _call(handler, context, items)
    except Exception as error:  # whatever a handler raises  # noqa: BLE001
        if len(items) == 1:
            return [_failure(error)]
        _log.warning(
            "A batch of %d failed (%s: %s); each is tried alone.",
            len(items),
            type(error).__name__,
            error,
        )
    return [reply for item in items for reply in _reply_each(handler, context, [item])]


def _call(handler: Handler, context: Context, items: Sequence[Item]) -> list[Reply]:
    """One call of the handler; raises what it raises, and `_WrongOutput`."""
    context.request_ids = {index: item.request_id for index, item in enumerate(items)}
    context.request_processor = [RequestProcessor(dict(item.headers)) for item in items]
    # Kept for handlers that write to it; nobody reads it.
    context.metrics = MetricsStore(context.request_ids, context.model_name)
    outputs = handler([dict(item.data) for item in items], context)
    if not isinstance(outputs, list):
        raise _WrongOutput(f"The handler returned {type(outputs).__name__}, not a list.")
    if len(outputs) != len(items):
        raise _WrongOutput(f"The handler returned {len(outputs)} answers to {len(items)} requests.")
    return [_reply(context, index, output) for index, output in enumerate(outputs)]


def _reply(context: Context, index: int, output: Any) -> Reply:
    status, _ = context.get_response_status(index)
    if status is None:
        status = 200
    if not _is_status(status):
        raise _WrongOutput(f"The handler set the status {status!r}.")
    headers = {
        str(name): str(value)
        for name, value in context.get_response_headers(index).items()
        if value is not None
    }
    for name, value in headers.items():
        if not (_HEADER_NAME.fullmatch(name) and value.isprintable()):
            raise _WrongOutput(f"The handler set the header {name!r} to {value!r}.")
    return Reply(status, headers, _body(output))


def _is_status(status: Any) -> bool:
    return type(status) is int and 200 <= status <= 599


def _body(output: Any) -> bytes:
    """As multi-model-server's worker writes it."""
    if isinstance(output, (bytes, bytearray)):
        return bytes(output)
    if isinstance(output, str):
        return output.encode()
    try:
        return json.dumps(output, indent=2).encode()
    except (TypeError, ValueError) as error:
        raise _WrongOutput(f"The handler's answer can't be written as JSON: {error}.") from error


def _failure(error: Exception) -> Reply:
    """The statuses of multi-model-server's own worker."""
    if isinstance(error, PredictionException):
        _log.error("The handler refused an invocation.", exc_info=error)
        return _error(error.error_code if _is_status(error.error_code) else 500, str(error.message))
    if is_out_of_memory(error):
        _log.error("Out of memory at an invocation.", exc_info=error)
        return _error(507, "Out of memory.")
    _log.error("An invocation failed.", exc_info=error)
    return _error(503, str(error) if isinstance(error, _WrongOutput) else "Prediction failed.")


def _error(status: int, message: str) -> Reply:
    body = json.dumps({"error": message}).encode()
    return Reply(status, {"content-type": "application/json"}, body)


def _alone(reply: Reply) -> Reply:
    if len(reply.body) <= MOST_REPLY_BYTES:
        return reply
    return _error(
        500,
        f"The answer has {len(reply.body):,} bytes, {MOST_REPLY_BYTES:,} are allowed.",
    )


def _packed(own: Sequence[Reply]) -> Reply:
    """In one body; a reply for which there is no room is to be asked for alone."""
    left = MOST_PACKED_BYTES - len(pack_replies([ALONE] * len(own)))
    kept = []
    for reply in own:
        size = len(pack_replies([Reply(reply.status, reply.headers, b"")])) + len(reply.body)
        kept.append(reply if size <= left else ALONE)
        left -= size if kept[-1] is reply else 0
    return Reply(200, {"content-type": CONTENT_TYPE}, pack_replies(kept))
