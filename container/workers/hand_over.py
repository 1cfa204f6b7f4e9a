"""What model_service_worker.py asks of the fork server: a worker for a connection. Pure.

A line of JSON; the connection itself comes with it as a descriptor (SCM_RIGHTS, unix(7)).
"""

import json
import os
from dataclasses import dataclass, fields
from typing import Any

# So long a line is none of ours.
MAX_BYTES = 65_536

# As the front lets them in; it leaves room in an event (worker_events.py).
_MOST_NAME_BYTES = 1024


class BadHandOver(ValueError):
    """The line is no such request."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """The model that the worker is for, and the process that multi-model-server started for it."""

    model_name: str
    model_path: str
    handler: str
    tmp_dir: str
    parent_pid: int


def decode(line: bytes) -> HandOver:
    """Raises `BadHandOver`."""
    try:
        # As model_service_worker.py encodes it: a file name need not be UTF-8.
        values = json.loads(os.fsdecode(line))
    except (ValueError, RecursionError) as error:
        raise BadHandOver(f"It is not JSON: {error}.") from error
    if not isinstance(values, dict) or values.keys() != _TYPES.keys():
        raise BadHandOver(f"It is not an object of {', '.join(_TYPES)}.")
    for key, value in values.items():
        if type(value) is not _TYPES[key]:
            raise BadHandOver(f"{key!r} is not what it should be.")
    if len(values["model_name"].encode(errors="replace")) > _MOST_NAME_BYTES:
        raise BadHandOver(f"The model's name has more than {_MOST_NAME_BYTES} bytes.")
    return HandOver(**values)


_TYPES: dict[str, Any] = {field.name: field.type for field in fields(HandOver)}
