"""HTTP statuses as users ask for them: `424`, `5xx`, `200-299`, or several with commas between."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHAPE = re.compile(
    r"(?P<hundred>[1-5])xx|(?P<first>[1-5][0-9]{2})(-(?P<last>[1-5][0-9]{2}))?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class StatusRange:
    """Statuses from the first to the last, both included."""

    first: int
    last: int

    def __contains__(self, status: int) -> bool:
        return self.first <= status <= self.last


def parse_statuses(text: str) -> tuple[StatusRange, ...]:
    """Read one range or several.

    Raises:
        ValueError: a part has another form; the message quotes it.
    """
    return tuple(_range(part.strip()) for part in text.split(","))


def _range(text: str) -> StatusRange:
    written = _SHAPE.fullmatch(text)
    if written is None:
        raise ValueError(f"{text!r} is no status: write 424, 5xx or 200-299")
    if written["hundred"]:
        first = int(written["hundred"]) * 100
        return StatusRange(first, first + 99)
    first = int(written["first"])
    last = int(written["last"] or first)
    if last < first:
        raise ValueError(f"{text!r} ends before it begins")
    return StatusRange(first, last)
