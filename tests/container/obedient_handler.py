"""A model handler that does as it is told, also what no real model should.

At its load it obeys the object in `load.json` of the model's directory, at each invocation the one
in the body. `sleep`: so many seconds; `signal`: sent to itself; `raise`: MemoryError; `answer`: so
many bytes. It answers with its process's id and how many invocations came together.
"""

import json
import os
import time
from pathlib import Path
from typing import Any


def handle(data: list[dict[str, Any]] | None, context: Any) -> list[bytes] | None:
    """As multi-model-server calls it."""
    if data is None:
        orders = Path(context.system_properties["model_dir"]) / "load.json"
        _obey(json.loads(orders.read_text()) if orders.exists() else {})
        return None
    return [_answer(json.loads(bytes(item["body"])), len(data)) for item in data]


def _answer(order: dict[str, Any], together: int) -> bytes:
    _obey(order)
    if "answer" in order:
        return b"x" * int(order["answer"])
    return json.dumps({"pid": os.getpid(), "together": together, "you": order.get("you")}).encode()


def _obey(order: dict[str, Any]) -> None:
    time.sleep(order.get("sleep", 0))
    if "signal" in order:
        os.kill(os.getpid(), order["signal"])
        time.sleep(10)
    if order.get("raise") == "MemoryError":
        raise MemoryError("as told")
