"""The body of an invocation, from bytes to texts. Pure: no TensorFlow, no multi-model-server.

Accepted, by content type:

* `application/json`, also when the content type is missing or `application/octet-stream`, which is
  what `boto3` and the SageMaker runtime send when the caller names none: one JSON object;
* `application/jsonlines` (and its other names, see `LINES_TYPES`): one such object on each line.

An object has exactly one key, `inputs` or `input_text` (the same thing under two names, Hugging
Face's and that of our first clients), whose value is a string or a non-empty list of strings.
"""

from dataclasses import dataclass
from typing import Any

from container.handler.json_body import (
    JSON_TYPES,
    BadRequest,
    json_object,
    kind,
    media_type,
    shown,
    text_of,
)

TEXT_KEYS = ("inputs", "input_text")
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
    named = media_type(
        content_type, JSON_TYPES | LINES_TYPES, "application/json or application/jsonlines"
    )
    lines = named in LINES_TYPES
    text = text_of(body, '{"inputs": "some text"}')
    documents = _line_documents(text) if lines else (_document(text, ""),)
    count = sum(map(len, documents))
    if count > MAX_TEXTS:
        raise BadRequest(f"The body has {count} texts; one invocation takes {MAX_TEXTS} at most.")
    return InvocationRequest(documents, lines)


def _line_documents(text: str) -> tuple[tuple[str, ...], ...]:
    # Not str.splitlines: a JSON string may hold U+2028 and others, which that would cut at.
    lines = text.removesuffix("\n").split("\n")
    return tuple(_document(line, f"Line {number}: ") for number, line in enumerate(lines, start=1))


def _document(text: str, where: str) -> tuple[str, ...]:
    if not text.strip():
        raise BadRequest(f"{where}The line is empty; every line is one JSON object.")
    document = json_object(text, where)
    unknown = [key for key in document if key not in TEXT_KEYS]
    if unknown:
        raise BadRequest(f"{where}Unknown key {shown(unknown[0])}; the key is {_either()}.")
    if len(document) != 1:
        found = "both" if document else "none"
        raise BadRequest(f"{where}Expected one key, {_either()}; found {found}.")
    [(key, value)] = document.items()
    return _texts(value, key, where)


def _texts(value: Any, key: str, where: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (_text(value, f'{where}"{key}"'),)
    if not isinstance(value, list):
        raise BadRequest(
            f'{where}"{key}" must be a string or a list of strings, got {kind(value)}.'
        )
    if not value:
        raise BadRequest(f'{where}"{key}" is an empty list.')
    return tuple(_text(text, f'{where}"{key}"[{index}]') for index, text in enumerate(value))


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a string, got {kind(value)}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        # JSON can spell half a surrogate pair ("\\ud800"); no tokenizer can read it.
        raise BadRequest(f"{name} has half a surrogate pair at character {error.start + 1}.") from (
            error
        )
    return value


def _either() -> str:
    return " or ".join(f'"{key}"' for key in TEXT_KEYS)
