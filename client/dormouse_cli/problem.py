"""What an HTTP error says: the control API's problem+json (RFC 9457), or API Gateway's JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Problem:
    """One sentence about what went wrong, `from_gateway` if it never reached Dormouse."""

    status: int
    detail: str
    from_gateway: bool


def read_problem(status: int, content_type: str, body: bytes) -> Problem:
    """Read the body of an error; whatever it holds, there is something to say."""
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    fields: Mapping[str, object] = document if isinstance(document, dict) else {}
    if content_type.partition(";")[0].strip().lower() == "application/problem+json":
        return Problem(status, _sentence(fields, "detail", "title") or _phrase(status), False)
    return Problem(status, _sentence(fields, "message", "Message") or _phrase(status), True)


def _sentence(fields: Mapping[str, object], *names: str) -> str:
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and (text := printable(value)):
            return text[:_LONGEST]
    return ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP status {status}"


def printable(text: str) -> str:
    """Put it on one line, without what would steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def sentence(text: str) -> str:
    """Put it on one line that ends with one full stop."""
    return f"{printable(text).rstrip('.: ')}."
