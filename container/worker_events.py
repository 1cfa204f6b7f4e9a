"""What the fork server and the workers tell the front, one JSON object a line. Pure.

They share the writing end of one pipe. A line is written by one write() of at most `MAX_BYTES`, and
so never mixed with another's (PIPE_BUF, pipe(7)).
"""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, ClassVar

MAX_BYTES = 4096


class BadEvent(ValueError):
    """The line is no event."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The fork server has imported everything and forks from now on."""

    event: ClassVar[str] = "ready"
    pid: int


@dataclass(frozen=True, slots=True)
class Started:
    """A worker has been forked for a connection that multi-model-server made.

    `parent_pid` is the process that multi-model-server started for the model
    (model_service_worker.py).
    """

    event: ClassVar[str] = "started"
    model: str
    pid: int
    parent_pid: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """A worker has its model and is about to say so to multi-model-server."""

    event: ClassVar[str] = "loaded"
    model: str
    pid: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """A worker could not load its model, is about to say so, and ends: 507 or 500, and why."""

    event: ClassVar[str] = "failed"
    model: str
    pid: int
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A worker has ended: its exit status, or the negative number of a signal."""

    event: ClassVar[str] = "ended"
    model: str
    pid: int
    returncode: int


Event = Ready | Started | Loaded | Failed | Ended

_KINDS: dict[str, type[Event]] = {
    kind.event: kind for kind in (Ready, Started, Loaded, Failed, Ended)
}


def encode(event: Event) -> bytes:
    """The line, with its end; a reason is cut to what fits.

    Raises ValueError for a name that leaves no room; those that the front lets in leave some.
    """
    fields = {"event": event.event, **dataclasses.asdict(event)}
    while (excess := len(line := _line(fields)) - MAX_BYTES) > 0:
        if not fields.get("reason"):
            raise ValueError(f"The event has {len(line)} bytes, {MAX_BYTES} are allowed.")
        # A character is one byte at least, so this is enough, in one round or a few.
        fields["reason"] = fields["reason"][:-excess]
    return line


def _line(fields: dict[str, Any]) -> bytes:
    # A lone surrogate, which a file name can hold, has no bytes in UTF-8.
    return json.dumps(fields, ensure_ascii=False).encode(errors="replace") + b"\n"


def decode(line: bytes) -> Event:
    """Raises `BadEvent`."""
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise BadEvent(f"It is not JSON: {error}.") from error
    if not isinstance(fields, dict):
        raise BadEvent("It is not an object.")
    kind = _KINDS.get(str(fields.pop("event", None)))
    if kind is None:
        raise BadEvent("It names no known event.")
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        value = fields.pop(field.name, None)
        if type(value) not in _TYPES[field.name]:
            raise BadEvent(f"{field.name!r} is missing or not what it should be.")
        values[field.name] = value
    if fields:
        raise BadEvent(f"{sorted(fields)[0]!r} is unknown.")
    return kind(**values)


_TYPES: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "reason": (str,),
    "pid": (int,),
    "parent_pid": (int,),
    "status": (int,),
    "returncode": (int,),
    "seconds": (int, float),
}
