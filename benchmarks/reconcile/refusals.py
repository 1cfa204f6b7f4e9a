"""What the simulated services refuse, and what they do not know."""

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """A call that AWS would refuse: the error's code, its words, and what else it carries."""

    def __init__(self, code: str, message: str, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.more = more or {}


class UnknownCallError(Exception):
    """A call that nobody has simulated yet: the figures would be of something else."""
