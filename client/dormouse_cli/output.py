"""What goes to standard output (results) and to standard error (progress, notes, errors)."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from rich.console import Console, RenderableType
from rich.text import Text

from dormouse_cli.errors import CliError

# Wide enough that nothing is wrapped where a program may read it line by line.
_UNWRAPPED = 10_000


class Output:
    """Prints for people, or JSON for programs; rich minds NO_COLOR and what is a terminal."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.results = _console(sys.stdout.isatty(), stderr=False)
        self.notes = _console(sys.stderr.isatty(), stderr=True)

    @property
    def redraws(self) -> bool:
        """Whether results may be drawn anew in place."""
        return _can_redraw(self.results) and not self.as_json

    @property
    def shows_progress(self) -> bool:
        """Whether progress may be drawn anew in place."""
        return _can_redraw(self.notes) and not self.as_json

    def document(self, document: Mapping[str, object]) -> None:
        """Print one JSON document, always in the same order."""
        sys.stdout.write(json.dumps(document, indent=2, sort_keys=True) + "\n")

    def line(self, document: Mapping[str, object]) -> None:
        """Print one JSON document on one line, and at once."""
        sys.stdout.write(json.dumps(document, sort_keys=True) + "\n")
        sys.stdout.flush()

    def say(self, text: RenderableType) -> None:
        """Print a result for people."""
        self.results.print(Text(text) if isinstance(text, str) else text)

    def entry(self, text: Text) -> None:
        """Print one line for people, and at once; the terminal folds it where it is too long."""
        self.results.print(text, soft_wrap=True)
        self.results.file.flush()

    def note(self, text: str) -> None:
        """Print what is no result to standard error, unless a program reads along."""
        if not self.as_json:
            self.notes.print(Text(text))

    def error(self, error: CliError) -> None:
        """Print why a command fails."""
        if self.as_json:
            sys.stderr.write(json.dumps(error.as_document(), indent=2, sort_keys=True) + "\n")
        else:
            self.notes.print(Text("dormouse: ", style="red") + Text(error.message))


def _console(is_terminal: bool, *, stderr: bool) -> Console:
    width = None if is_terminal else _UNWRAPPED
    return Console(stderr=stderr, highlight=False, width=width)


def _can_redraw(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal
