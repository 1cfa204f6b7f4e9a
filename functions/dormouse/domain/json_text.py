"""JSON as it is written: where its documents, its strings and what pointers point at stand."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dormouse.domain.capture_policy import EVERY, Pointer

SCALAR = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*"|(?<![\w.+-])-?\d[\d.eE+-]{12,}(?![\w.])', re.DOTALL | re.ASCII
)
"""A string, or a number with as many digits as a card's."""

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],]|[^\s{}\[\],:"]+', re.DOTALL)
_LINE = re.compile(r"[^\n]*\S[^\n]*")


def may_be_json(text: str) -> bool:
    """Whether it begins as an array, an object or a string does."""
    return text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", '"')


def documents(text: str) -> Sequence[tuple[int, int]] | None:
    """Find the JSON documents of a text: one, or one in each line; None where it is no JSON.

    Raises:
        RecursionError: it is nested too deeply.
    """
    start = 1 if text.startswith("\ufeff") else 0
    if _is_json(text[start:]):
        return ((start, len(text)),)
    found = []
    for line in _LINE.finditer(text, start):
        if not _is_json(line[0]):
            return None
        found.append(line.span())
    return found or None


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except ValueError:
        return False
    return True


@dataclass(slots=True)
class _Level:
    """An array or object that is open, and what of the pointers is left within it."""

    is_object: bool
    left: Sequence[tuple[Pointer, Pointer]]
    index: int = 0
    key: str | None = None

    def next_left(self) -> Sequence[tuple[Pointer, Pointer]]:
        """Say what is left of the pointers for the value that comes now."""
        token = self.key if self.is_object else str(self.index)
        return [
            (pointer, left[1:]) for pointer, left in self.left if left and left[0] in (token, EVERY)
        ]


def pointed_at(
    text: str, start: int, end: int, pointers: Sequence[Pointer]
) -> Iterator[tuple[int, int, Pointer]]:
    """Find the outermost values of one document that the pointers point at."""
    if not pointers:
        return
    levels: list[_Level] = []
    hidden: tuple[int, int, Pointer] | None = None
    for match in _TOKEN.finditer(text, start, end):
        token = match[0]
        if token in ("}", "]"):
            levels.pop()
            if hidden is not None and hidden[0] == len(levels):
                yield hidden[1], match.end(), hidden[2]
                hidden = None
            continue
        if token == ",":
            levels[-1].index += 1
            levels[-1].key = None
            continue
        if levels and levels[-1].is_object and levels[-1].key is None:
            levels[-1].key = json.loads(token)
            continue
        left = levels[-1].next_left() if levels else [(pointer, pointer) for pointer in pointers]
        reached = next((pointer for pointer, rest in left if not rest), None)
        if token in ("{", "["):
            if reached is not None and hidden is None:
                hidden = (len(levels), match.start(), reached)
            levels.append(_Level(token == "{", [] if hidden is not None else left))
        elif reached is not None and hidden is None:
            yield match.start(), match.end(), reached
