"""Handlers as users write them: one for each thing that may happen. Not a test.

They run in workers. Named as multi-model-server has it, `…/handlers.py:function`.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from mms.service import PredictionException


def _body(item: dict[str, Any]) -> str:
    return str(item["body"].decode())


def told(data: list[dict[str, Any]] | None, context: Any) -> list[str] | None:
    """What a handler can see, as JSON."""
    if data is None:
        return None
    seen = {
        "bodies": list(map(_body, data)),
        "headers": [context.get_all_request_header(index) for index in range(len(data))],
        "ids": context.request_ids,
        "model_name": context.model_name,
        "properties": context.system_properties,
        "manifest": context.manifest,
        "metrics": type(context.metrics).__name__,
        "directory": str(Path.cwd()),
        "path": [sys.path[0], sys.path[-1]],
        "PYTHONPATH": os.environ["PYTHONPATH"],
        "score": Path("/proc/self/oom_score_adj").read_text().strip(),
    }
    return [json.dumps(seen)] * len(data)


def answers(data: list[dict[str, Any]] | None, context: Any) -> list[Any]:
    """To each what it asks for: `status`, `type`, `header`, `value` or `size`, in any of JSON."""
    results = []
    for index, item in enumerate(data or []):
        wanted = json.loads(item["body"])
        if "status" in wanted:
            context.set_response_status(wanted["status"], "Whatever", index)
        if "type" in wanted:
            context.set_response_content_type(index, wanted["type"])
        if "header" in wanted:
            context.set_response_header(index, *wanted["header"])
        results.append(b"x" * wanted["size"] if "size" in wanted else wanted.get("value"))
    return results


def poisoned(data: list[dict[str, Any]] | None, _context: Any) -> list[str]:
    """Fails as a whole for the body of one, each in its own way."""
    bodies = list(map(_body, data or []))
    for body in bodies:
        match body:
            case "value":
                raise ValueError(f"{body} among {len(bodies)}")
            case "refused":
                raise PredictionException("Not this one.", 422)
            case "nonsense":
                raise PredictionException("Not this one.", 99)
            case "memory":
                raise MemoryError("no more")
            case "exhausted":
                raise OSError(12, "Cannot allocate memory")
    return bodies


def one_at_a_time(data: list[dict[str, Any]] | None, _context: Any) -> list[str] | None:
    """As many are written: it answers the first of a batch, whatever the batch."""
    return None if data is None else [_body(data[0])]


def no_list(data: list[dict[str, Any]] | None, _context: Any) -> Any:
    """Text, where a list is expected."""
    return None if data is None else "text"


def unwritable(data: list[dict[str, Any]] | None, _context: Any) -> Any:
    """A value that JSON has no words for."""
    return None if data is None else [{1, 2}] * len(data)


def slow(data: list[dict[str, Any]] | None, _context: Any) -> Any:
    """An answer that never comes."""
    if data is not None:
        Path("begun").touch()
        time.sleep(3600)


def slow_load(_data: Any, _context: Any) -> None:
    """A load that waits until it is told to go on."""
    Path("score").write_text(Path("/proc/self/oom_score_adj").read_text())
    Path("begun").touch()
    while not Path("go").exists():
        time.sleep(0.01)


def out_of_memory(_data: Any, _context: Any) -> None:
    """At load."""
    raise MemoryError("Nothing left.\nNot even for a second line.")


def broken(_data: Any, _context: Any) -> None:
    """At load, for a reason in our own words."""
    from container.handler.model_directory import BrokenModel

    raise BrokenModel("labels.json is missing.")


def failing(_data: Any, _context: Any) -> None:
    """At load, for any other reason."""
    raise KeyError("missing")


def wordless(_data: Any, _context: Any) -> None:
    """At load, without a reason."""
    raise AssertionError


def in_a_graph(_data: Any, _context: Any) -> None:
    """At load, as TensorFlow has it."""
    raise RuntimeError(
        "Graph execution error:\n\nDetected at node a defined at (most recent call last):\n"
        "<stack traces unavailable>\nNo such table\n\t [[{{node a}}]]"
    )


def ending(_data: Any, _context: Any) -> None:
    """A handler that ends its process at load."""
    sys.exit("I won't.")


def chatty(data: list[dict[str, Any]] | None, _context: Any) -> list[str] | None:
    """Prints, and raises."""
    if data is None:
        print("a word at load")
        return None
    raise ValueError("first line\nsecond line")
