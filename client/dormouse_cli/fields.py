"""The fields of a JSON answer, each read as what it has to be.

Each reader raises `UnreadableAnswer` for a value of another type.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from dormouse_cli.moments import parse_moment
from dormouse_cli.problem import printable


class UnreadableAnswer(ValueError):
    """Who answered has said something else than is promised; the message says what."""


def read_object(value: object, what: str) -> Mapping[str, object]:
    """Read a JSON object."""
    if not isinstance(value, dict):
        raise UnreadableAnswer(f"{what} is no JSON object")
    return value


def read_required(fields: Mapping[str, object], name: str) -> str:
    """Read a text that must be there, and not be empty."""
    value = read_text(fields, name)
    if not value:
        raise UnreadableAnswer(f"the answer has no {name!r}")
    return value


def read_text(fields: Mapping[str, object], name: str) -> str | None:
    """Read a text, on one line and harmless to a terminal; None where there is none."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise UnreadableAnswer(f"{name!r} is no text")
    return printable(value)


def read_whole(fields: Mapping[str, object], name: str) -> int | None:
    """Read a whole number that is not negative; None where there is none."""
    value = fields.get(name)
    if value is None:
        return None
    # JSON has no integers; and True is one for Python.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**9:
        raise UnreadableAnswer(f"{name!r} is no whole number")
    return int(value)


def read_number(fields: Mapping[str, object], name: str) -> float | None:
    """Read a number that is not negative; None where there is none."""
    value = fields.get(name)
    if value is None:
        return None
    # Python reads NaN where JSON has none.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**18:
        raise UnreadableAnswer(f"{name!r} is no number")
    return float(value)


def read_flag(fields: Mapping[str, object], name: str) -> bool:
    """Read a yes or no; no where there is none."""
    value = fields.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise UnreadableAnswer(f"{name!r} is neither true nor false")
    return value


def read_moment(fields: Mapping[str, object], name: str) -> datetime | None:
    """Read a time, in UTC; None where there is none."""
    value = read_text(fields, name)
    if value is None:
        return None
    try:
        return parse_moment(value)
    except ValueError:
        raise UnreadableAnswer(f"{name!r} is no time") from None


def read_list(fields: Mapping[str, object], name: str) -> list[object]:
    """Read a list; an empty one where there is none."""
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnreadableAnswer(f"{name!r} is no list")
    return value


def read_texts(fields: Mapping[str, object], name: str) -> list[str]:
    """Read a list of texts."""
    texts: list[str] = []
    for entry in read_list(fields, name):
        if not isinstance(entry, str):
            raise UnreadableAnswer(f"{name!r} holds something else than text")
        texts.append(printable(entry))
    return texts
