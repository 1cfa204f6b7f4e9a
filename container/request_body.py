"""The body of an invocation, from bytes to texts. Pure: no TensorFlow, no multi-model-server.

Accepted, by content type:

* `application/json`, also when the content type is missing or `application/octet-stream`, which is
  what `boto3` and the SageMaker runtime send when the caller names none: one JSON object;
* `application/jsonlines` (and its other names, see `LINES_TYPES`): one such object on each line.

An object has exactly one key, `inputs` or `input_text` (the same thing under two names, Hugging
Face's and that of our first clients), whose value is a string or a non-empty list of strings.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TEXT_KEYS = ("inputs", "input_text")
JSON_TYPES = frozenset({"", "application/json", "application/octet-stream"})
LINES_TYPES = frozenset(
    {
        "application/jsonlines",
        "application/x-jsonlines",
        "application/jsonl",
        "application/x-ndjson",
    }
)

# An invocation is cut at 60 s by SageMaker; more texts than this belong in several invocations.
MAX_TEXTS = 1000


class BadRequest(Exception):
    """The caller's fault; the message is a sentence for the caller, with the place of the fault."""

    status = 400


class UnsupportedContentType(BadRequest):
    """The body may be fine, but nothing here reads this content type."""

    status = 415


@dataclass(frozen=True, slots=True)
class InvocationRequest:
    """What was asked: `documents[i]` are the texts of the i-th JSON object, in its order.

    `lines` tells whether the body was JSON lines, so that the answer can have the same shape.
    Without it there is exactly one document. No document is empty.
    """

    documents: tuple[tuple[str, ...], ...]
    lines: bool

    @property
    def texts(self) -> list[str]:
        """All texts of all documents, in order."""
        return [text for document in self.documents for text in document]


def parse(body: bytes, content_type: str | None) -> InvocationRequest:
    """Read `body` as `content_type` (the header's value, or None) says.

    Raises `BadRequest` (400) for a body that is not what the content type promises, and its
    subclass `UnsupportedContentType` (415) for a content type other than those above.
    """
    lines = _is_lines(content_type)
    text = _decode(body)
    if not text.strip():
        raise BadRequest('The body is empty; send {"inputs": "some text"}.')
    documents = _line_documents(text) if lines else (_document(text, ""),)
    count = sum(map(len, documents))
    if count > MAX_TEXTS:
        raise BadRequest(f"The body has {count} texts; one invocation takes {MAX_TEXTS} at most.")
    return InvocationRequest(documents, lines)


def _is_lines(content_type: str | None) -> bool:
    media_type, _, parameters = (content_type or "").partition(";")
    media_type = media_type.strip().lower()
    if media_type not in JSON_TYPES | LINES_TYPES:
        raise UnsupportedContentType(
            f"The content type is {media_type!r}; send application/json or application/jsonlines."
        )
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        charset = value.strip().strip('"').lower()
        if name.strip().lower() == "charset" and charset not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedContentType(f"The charset is {charset!r}; JSON is sent as utf-8.")
    return media_type in LINES_TYPES


def _decode(body: bytes) -> str:
    try:
        # RFC 8259, section 8.1, lets a reader ignore a byte order mark; some editors write one.
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not UTF-8 at byte {error.start}: {error.reason}.") from error


def _line_documents(text: str) -> tuple[tuple[str, ...], ...]:
    # Not str.splitlines: a JSON string may hold U+2028 and others, which that would cut at.
    lines = text.removesuffix("\n").split("\n")
    return tuple(_document(line, f"Line {number}: ") for number, line in enumerate(lines, start=1))


def _document(text: str, where: str) -> tuple[str, ...]:
    if not text.strip():
        raise BadRequest(f"{where}The line is empty; every line is one JSON object.")
    document = _load(text, where)
    if not isinstance(document, dict):
        raise BadRequest(f"{where}Expected a JSON object, got {_kind(document)}.")
    unknown = [key for key in document if key not in TEXT_KEYS]
    if unknown:
        raise BadRequest(f"{where}Unknown key {_shown(unknown[0])}; the key is {_either()}.")
    if len(document) != 1:
        found = "both" if document else "none"
        raise BadRequest(f"{where}Expected one key, {_either()}; found {found}.")
    [(key, value)] = document.items()
    return _texts(value, key, where)


def _load(text: str, where: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        place = f"character {error.pos + 1}"
        if not where:
            place = f"line {error.lineno}, character {error.colno}"
        raise BadRequest(f"{where}Not valid JSON at {place}: {error.msg}.") from error
    except _RepeatedKey as error:
        raise BadRequest(f"{where}The key {_shown(error.key)} occurs twice.") from error
    except RecursionError as error:
        raise BadRequest(f"{where}The JSON is nested too deeply.") from error
    except ValueError as error:  # a number with more digits than Python converts
        raise BadRequest(f"{where}Not valid JSON: {error}.") from error


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


def _texts(value: Any, key: str, where: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (_text(value, f'{where}"{key}"'),)
    if not isinstance(value, list):
        raise BadRequest(
            f'{where}"{key}" must be a string or a list of strings, got {_kind(value)}.'
        )
    if not value:
        raise BadRequest(f'{where}"{key}" is an empty list.')
    return tuple(_text(text, f'{where}"{key}"[{index}]') for index, text in enumerate(value))


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a string, got {_kind(value)}.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        # JSON can spell half a surrogate pair ("\\ud800"); no tokenizer can read it.
        raise BadRequest(f"{name} has half a surrogate pair at character {error.start + 1}.") from (
            error
        )
    return value


def _kind(value: Any) -> str:
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


def _shown(key: str) -> str:
    """The caller's own key, quoted, in ASCII and at a length that suits an error message."""
    return json.dumps(key if len(key) <= 40 else f"{key[:40]}…")


def _either() -> str:
    return " or ".join(f'"{key}"' for key in TEXT_KEYS)
