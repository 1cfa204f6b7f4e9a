"""The body of an invocation as JSON: its content type, its characters, its values. Pure.

What the values mean is another file's subject: request_body.py (texts), predict_body.py (tensors).
"""

import json
from collections.abc import Sequence
from typing import Any

# Also when the content type is missing or `application/octet-stream`, which is what `boto3` and the
# SageMaker runtime send when the caller names none.
JSON_TYPES = frozenset({"", "application/json", "application/octet-stream"})

_MOST_SHOWN = 40


class BadRequest(Exception):
    """The caller's fault; the message is a sentence for the caller, with the place of the fault."""

    status = 400


class UnsupportedContentType(BadRequest):
    """The body may be fine, but nothing here reads this content type."""

    status = 415


def media_type(content_type: str | None, accepted: frozenset[str], send: str) -> str:
    """The media type that `content_type` (the header's value, or None) names, in lower case.

    Raises `UnsupportedContentType` for one that is not in `accepted` (`send` names those in
    words), and for a charset other than UTF-8.
    """
    named, _, parameters = (content_type or "").partition(";")
    named = named.strip().lower()
    if named not in accepted:
        raise UnsupportedContentType(f"The content type is {named!r}; send {send}.")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        charset = value.strip().strip('"').lower()
        if name.strip().lower() == "charset" and charset not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedContentType(f"The charset is {charset!r}; JSON is sent as utf-8.")
    return named


def text_of(body: bytes, example: str) -> str:
    """`body` decoded; raises `BadRequest` for what is no UTF-8, or empty (send `example`)."""
    try:
        # RFC 8259, section 8.1, lets a reader ignore a byte order mark; some editors write one.
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not UTF-8 at byte {error.start}: {error.reason}.") from error
    if not text.strip():
        raise BadRequest(f"The body is empty; send {example}.")
    return text


def json_object(text: str, where: str = "") -> dict[str, Any]:
    """`text` as one JSON object; raises `BadRequest`, its sentence begun by `where`."""
    try:
        document = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        place = f"character {error.pos + 1}"
        if not where:
            place = f"line {error.lineno}, character {error.colno}"
        raise BadRequest(f"{where}Not valid JSON at {place}: {error.msg}.") from error
    except _RepeatedKey as error:
        raise BadRequest(f"{where}The key {shown(error.key)} occurs twice.") from error
    except RecursionError as error:
        raise BadRequest(f"{where}The JSON is nested too deeply.") from error
    except ValueError as error:  # a number with more digits than Python converts
        raise BadRequest(f"{where}Not valid JSON: {error}.") from error
    if not isinstance(document, dict):
        raise BadRequest(f"{where}Expected a JSON object, got {kind(document)}.")
    return document


def kind(value: Any) -> str:
    """What a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


def shown(value: Any) -> str:
    """A caller's own name or number, in ASCII and at a length that suits an error message."""
    if isinstance(value, str):
        return json.dumps(value if len(value) <= _MOST_SHOWN else f"{value[:_MOST_SHOWN]}…")
    text = json.dumps(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


class _RepeatedKey(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise _RepeatedKey(key)
        seen[key] = value
    return seen
