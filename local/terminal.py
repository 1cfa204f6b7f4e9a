"""How long work shows its progress: one line for each step, alive on a terminal, plain in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

# How often a log, which can't be redrawn, hears that a long step still goes on.
PLAIN_INTERVAL_SECONDS = 20.0


@dataclass
class Step:
    """A step under way: `update` says what it is waiting for, `note` adds a line below it."""

    title: str
    began_at: float
    _terminal: Terminal
    _said_at: float = 0.0
    _notes: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self.began_at

    def update(self, detail: str) -> None:
        """Show what goes on now."""
        self._terminal.show(self, detail)

    def note(self, text: str) -> None:
        """Add a line, shown when the step is done."""
        self._notes.append(text)


class Terminal:
    """Prints steps to standard output."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._status = self.console.status("") if self.console.is_terminal else None

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Time a step and print how it ended; an exception passes after its line."""
        step = Step(title, time.monotonic(), self)
        if self._status is not None:
            self._status.update(escape(title))
            self._status.start()
        mark = "[red]✗[/red]"
        try:
            yield step
            mark = "[green]✓[/green]"
        finally:
            if self._status is not None:
                self._status.stop()
            self.console.print(f"{mark} {escape(title)} [dim]({step.seconds:.0f} s)[/dim]")
            for note in step._notes:
                self.console.print(Padding(escape(note), (0, 0, 0, 4)), soft_wrap=False)

    def show(self, step: Step, detail: str) -> None:
        """Redraw the step's line, or print one now and then where nothing can be redrawn."""
        line = f"{step.title} … {detail} ({step.seconds:.0f} s)"
        if self._status is not None:
            self._status.update(escape(line))
        elif step.seconds - step._said_at >= PLAIN_INTERVAL_SECONDS:
            step._said_at = step.seconds
            self.console.print(f"  {escape(line)}")

    def say(self, text: str = "") -> None:
        """Print a line as it is."""
        self.console.print(escape(text))
