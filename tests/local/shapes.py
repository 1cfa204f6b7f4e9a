"""Hold an answer against botocore's model of it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.response import StreamingBody

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float, int),
    "boolean": (bool,),
    "timestamp": (datetime.datetime,),
    "blob": (bytes, StreamingBody),
}
# As Java writes it, and as Python does.
_ABOVE_THE_BMP = r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"


def faults(shape: Any, value: Any, at: str = "") -> list[str]:
    """List what the model forbids: members missing or unknown, wrong types, enums, patterns."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, Mapping):
            return [f"{at}: not a structure"]
        found = [f"{at}.{name}: missing" for name in shape.required_members if name not in value]
        for name, member in value.items():
            if name not in shape.members:
                found.append(f"{at}.{name}: unknown")
            else:
                found += faults(shape.members[name], member, f"{at}.{name}")
        return found
    if kind == "list":
        return [
            f for n, member in enumerate(value) for f in faults(shape.member, member, f"{at}[{n}]")
        ]
    if kind == "map":
        return [f for name, m in value.items() for f in faults(shape.value, m, f"{at}.{name}")]
    if kind in TYPES and (
        not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")
    ):
        return [f"{at}: {value!r} is no {kind}"]
    if kind == "string":
        return _string_faults(shape, value, at)
    return []


def _string_faults(shape: Any, value: str, at: str) -> list[str]:
    if shape.enum and value not in shape.enum:
        return [f"{at}: {value!r} is none of {shape.enum}"]
    pattern = shape.metadata.get("pattern", "").replace(*_ABOVE_THE_BMP)
    if pattern and r"\p{" not in pattern and not re.fullmatch(pattern, value):
        return [f"{at}: {value!r} does not match {pattern}"]
    return []


def check_answer(service: str, operation: str, answer: Mapping[str, Any]) -> None:
    """Assert that an answer, as boto3 returns it, fits the operation's output shape."""
    model = botocore.session.get_session().get_service_model(service)
    shape = model.operation_model(operation).output_shape
    plain = {k: v for k, v in answer.items() if k != "ResponseMetadata"}
    assert (faults(shape, plain) if shape else list(plain)) == []


def undated(value: Any) -> Any:
    """Replace times, so that an answer can be compared with a golden one."""
    if isinstance(value, Mapping):
        return {k: undated(v) for k, v in value.items() if k != "ResponseMetadata"}
    if isinstance(value, list):
        return [undated(member) for member in value]
    return "<time>" if isinstance(value, datetime.datetime) else value
