"""A handler as a class, the only one in its module, with `initialize`. Not a test."""

from typing import Any


class Handler:
    """Answers what it was told at load."""

    def __init__(self) -> None:
        self.directory = ""

    def initialize(self, context: Any) -> None:
        """Called once, to load the model."""
        self.directory = context.system_properties["model_dir"]

    def handle(self, data: list[dict[str, Any]], _context: Any) -> list[str]:
        """Called with each batch."""
        return [self.directory] * len(data)
