"""Several invocations of one model in one body, between front and worker. Pure: bytes to values.

multi-model-server can gather requests into a batch itself, but only by waiting for them
(`max_batch_delay`), also when there is one alone. Here the front sends what has gathered while the
worker was busy as one request of this content type, and the worker takes it apart again: the model
handler sees the batch that multi-model-server would have made.

A frame is a sequence of parts, each a length of four bytes (big-endian) and as many bytes. The
first part is JSON, a list with an object for each invocation; the others are the bodies, in that
order.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CONTENT_TYPE = "application/x-dormouse-batch"

_LENGTH = struct.Struct("!I")


class BadFrame(ValueError):
    """The bytes are no such frame."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A request as it came in: its headers by name, and its body."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one of them."""

    status: int
    headers: Mapping[str, str]
    body: bytes


# In place of an answer that would make the frame too large: ask for this one alone.
ALONE = Reply(0, {}, b"")


def pack_invocations(invocations: Sequence[Invocation]) -> bytes:
    """The body that carries them."""
    return _pack(
        [dict(invocation.headers) for invocation in invocations],
        [invocation.body for invocation in invocations],
    )


def unpack_invocations(frame: bytes) -> list[Invocation]:
    """Raises `BadFrame`."""
    return [Invocation(_headers(head), body) for head, body in _unpack(frame)]


def pack_replies(replies: Sequence[Reply]) -> bytes:
    """The body that carries them, in the order of the invocations."""
    return _pack(
        [{"status": reply.status, "headers": dict(reply.headers)} for reply in replies],
        [reply.body for reply in replies],
    )


def unpack_replies(frame: bytes) -> list[Reply]:
    """Raises `BadFrame`."""
    return [_reply(head, body) for head, body in _unpack(frame)]


def _pack(heads: list[dict[str, Any]], bodies: list[bytes]) -> bytes:
    parts = [json.dumps(heads).encode(), *bodies]
    return b"".join(piece for part in parts for piece in (_LENGTH.pack(len(part)), part))


def _unpack(frame: bytes) -> list[tuple[Any, bytes]]:
    head, *bodies = list(_parts(frame)) or [b""]
    try:
        heads = json.loads(head)
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"The first part is not JSON: {error}.") from error
    if not isinstance(heads, list) or len(heads) != len(bodies):
        raise BadFrame(f"There are {len(bodies)} bodies, and the first part is not a list of them.")
    return list(zip(heads, bodies, strict=True))


def _parts(frame: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(frame):
        start = at + _LENGTH.size
        if start > len(frame):
            raise BadFrame(f"A length is cut off at byte {at}.")
        (length,) = _LENGTH.unpack_from(frame, at)
        at = start + length
        if at > len(frame):
            raise BadFrame(f"A part of {length} bytes is cut off at byte {start}.")
        yield bytes(frame[start:at])


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise BadFrame("Headers are not an object of strings.")
    return value


def _reply(head: Any, body: bytes) -> Reply:
    if not isinstance(head, dict) or type(head.get("status")) is not int:
        raise BadFrame("An answer has no status.")
    return Reply(head["status"], _headers(head.get("headers")), body)
