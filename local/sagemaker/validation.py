"""Hold a request against botocore's model of the operation, and refuse it in AWS's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape

from local.sagemaker.errors import validation

# Java's classes in the model's patterns, and what they are here.
_JAVA_CLASSES = {
    r"\p{ASCII}": r"[\x00-\x7f]",
    r"\p{Print}": r"[\x20-\x7e]",
    r"\z": r"\Z",
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF",
}


@cache
def service_model(service: str) -> ServiceModel:
    """A service's model, from whichever botocore is installed."""
    return botocore.session.get_session().get_service_model(service)


@cache
def _pattern(text: str) -> re.Pattern[str] | None:
    for java, here in _JAVA_CLASSES.items():
        text = text.replace(java, here)
    try:
        return re.compile(text)
    except re.error:
        # A Unicode property that Python's re does not have. The real one will still check it.
        return None


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _length_faults(shape: Shape, value: Any, at: str) -> Iterator[str]:
    shown = value if isinstance(value, str) else f"[{len(value)} items]"
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and len(value) < least:
        yield (
            f"Value '{shown}' at '{at}' failed to satisfy constraint: "
            f"Member must have length greater than or equal to {least}"
        )
    if most is not None and len(value) > most:
        yield (
            f"Value '{shown}' at '{at}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {most}"
        )


def _number_faults(shape: Shape, value: Any, at: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        yield (
            f"Value '{value}' at '{at}' failed to satisfy constraint: "
            f"Member must have value greater than or equal to {least}"
        )
    if most is not None and value > most:
        yield (
            f"Value '{value}' at '{at}' failed to satisfy constraint: "
            f"Member must have value less than or equal to {most}"
        )


def _string_faults(shape: Any, value: str, at: str) -> Iterator[str]:
    yield from _length_faults(shape, value, at)
    if shape.enum and value not in shape.enum:
        allowed = ", ".join(shape.enum)
        yield (
            f"Value '{value}' at '{at}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{allowed}]"
        )
    pattern = shape.metadata.get("pattern")
    if pattern and (compiled := _pattern(pattern)) and not compiled.fullmatch(value):
        yield (
            f"Value '{value}' at '{at}' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {pattern}"
        )


def _structure_faults(shape: Any, value: Mapping[str, Any], at: str) -> Iterator[str]:
    def where(name: str) -> str:
        return ".".join(filter(None, (at, _lower_first(name))))

    for name in shape.required_members:
        if value.get(name) is None:
            yield (
                f"Value null at '{where(name)}' failed to satisfy constraint: "
                "Member must not be null"
            )
    for name, member in value.items():
        if name in shape.members and member is not None:
            yield from _faults(shape.members[name], member, where(name))


def _collection_faults(shape: Any, value: Any, at: str) -> Iterator[str]:
    yield from _length_faults(shape, value, at)
    if shape.type_name == "list":
        for number, member in enumerate(value, 1):
            yield from _faults(shape.member, member, f"{at}.{number}.member")
    else:
        for name, member in value.items():
            yield from _faults(shape.key, name, at)
            yield from _faults(shape.value, member, f"{at}.{name}.member")


def _faults(shape: Any, value: Any, at: str) -> Iterator[str]:
    match shape.type_name, value:
        case "structure", Mapping():
            yield from _structure_faults(shape, value, at)
        case ("list", list()) | ("map", Mapping()):
            yield from _collection_faults(shape, value, at)
        case "string", str():
            yield from _string_faults(shape, value, at)
        # A bool is an int to Python, not to the API.
        case ("boolean", bool()):
            pass
        case (("integer" | "long" | "float" | "double"), (int() | float())) if not isinstance(
            value, bool
        ):
            yield from _number_faults(shape, value, at)
        case ("timestamp", int() | float() | str()):
            pass
        case kind, _:
            yield f"Value at '{at}' is not of the type {kind}"


def check(service: str, operation: str, request: Mapping[str, Any]) -> None:
    """Raise ValidationException with every fault of the request, as AWS lists them."""
    shape = service_model(service).operation_model(operation).input_shape
    faults = list(_faults(shape, request, ""))
    if faults:
        noun = "error" if len(faults) == 1 else "errors"
        raise validation(f"{len(faults)} validation {noun} detected: {'; '.join(faults)}")
