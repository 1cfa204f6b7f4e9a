"""Pages of what an operation lists."""

from __future__ import annotations

import base64
from typing import TypeVar

Row = TypeVar("Row")


def page(found: list[Row], size: int, token: str | None) -> tuple[list[Row], str | None]:
    """Cut out the page that a token stands for, and the token of the next one, if there is one.

    Raises:
        ValueError: there was never such a token.
    """
    start = int(base64.b64decode(token, validate=True)) if token else 0
    end = start + size
    following = base64.b64encode(str(end).encode()).decode() if end < len(found) else None
    return found[start:end], following
