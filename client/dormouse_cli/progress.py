"""How work shows its progress on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.status import Status
from rich.table import Column
from rich.text import Text

from dormouse_cli.moments import spoken, stopwatch
from dormouse_cli.output import Output
from dormouse_cli.waiting import Watched

# How often a log, which can't be redrawn, hears that a wait still goes on.
PLAIN_SECONDS = 30.0


@contextmanager
def waiting(output: Output, doing: str, *, expected_seconds: float | None) -> Iterator[Watched]:
    """Show a wait: its bar fills over the expected time, or only moves where none is known."""
    if output.as_json:
        yield _Silent()
    elif output.shows_progress:
        bar = _Bar(doing, expected_seconds)
        with Live(bar.renderable, console=output.notes, refresh_per_second=4, transient=True):
            yield bar
    else:
        yield _Lines(output, doing, expected_seconds)


def _words(elapsed: float, expected: float | None) -> str:
    if expected is None:
        return stopwatch(elapsed)
    if elapsed <= expected:
        return f"{stopwatch(elapsed)} of about {stopwatch(expected)}"
    return f"{stopwatch(elapsed)}, longer than usual ({stopwatch(expected)})"


class _Silent:
    def show(self, standing: str, reason: str, elapsed_seconds: float) -> None:
        """Show nothing: a program reads the result alone."""


class _Bar:
    """Two lines: the bar, and the reason in words."""

    def __init__(self, doing: str, expected_seconds: float | None) -> None:
        self._expected = expected_seconds
        self._progress = Progress(
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
            ),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[clock]}", markup=False, table_column=Column(no_wrap=True)),
            expand=True,
        )
        self._task = self._progress.add_task(doing, total=expected_seconds, clock="")
        self._reason = Text(style="dim", no_wrap=True, overflow="ellipsis")
        self.renderable = Group(self._progress, self._reason)

    def show(self, standing: str, reason: str, elapsed_seconds: float) -> None:
        """Move the bar."""
        done = None if self._expected is None else min(elapsed_seconds, self._expected)
        self._progress.update(
            self._task,
            completed=done,
            description=standing,
            clock=_words(elapsed_seconds, self._expected),
        )
        self._reason.plain = reason


class _Lines:
    def __init__(self, output: Output, doing: str, expected_seconds: float | None) -> None:
        self._output = output
        self._expected = expected_seconds
        self._said = ""
        self._said_at = 0.0
        about = "" if expected_seconds is None else f", about {spoken(expected_seconds)} expected"
        output.note(f"{doing}{about} …")

    def show(self, standing: str, reason: str, elapsed_seconds: float) -> None:
        """Say what is new, and now and then that there is nothing new."""
        said = f"{standing}: {reason}" if reason else standing
        if said == self._said and elapsed_seconds - self._said_at < PLAIN_SECONDS:
            return
        self._said, self._said_at = said, elapsed_seconds
        self._output.note(f"{_words(elapsed_seconds, self._expected)}: {said}")


class Steps:
    """Bytes on their way, or other things that are counted."""

    def __init__(self, progress: Progress | None, task: int) -> None:
        self._progress = progress
        self._task = task

    def advanced(self, count: int) -> None:
        """Hear how many more have passed."""
        if self._progress is not None:
            self._progress.advance(self._task, count)  # type: ignore[arg-type] # a NewType of int


@contextmanager
def transferring(output: Output, doing: str, *, size_bytes: int) -> Iterator[Steps]:
    """Show how many of so many bytes have passed."""
    if not output.shows_progress:
        output.note(f"{doing} …")
        yield Steps(None, 0)
        return
    with Progress(
        TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
        ),
        BarColumn(bar_width=20),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=output.notes,
        expand=True,
        transient=True,
    ) as progress:
        task = progress.add_task(doing, total=size_bytes)
        yield Steps(progress, task)


@contextmanager
def counting(output: Output, doing: str, *, total: int | None) -> Iterator[Steps]:
    """Show how many of so many steps are done, on a terminal alone."""
    if not output.shows_progress:
        yield Steps(None, 0)
        return
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        console=output.notes,
        transient=True,
    ) as progress:
        yield Steps(progress, progress.add_task(doing, total=total))


class Reading:
    """A long reading whose results are printed meanwhile: it is shown between them alone."""

    def __init__(self, status: Status | None, doing: str) -> None:
        self._status = status
        self._doing = doing

    def advanced(self, moment: datetime) -> None:
        """Hear as far as what time it has come."""
        if self._status is not None:
            reached = f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
            self._status.update(Text(f"{self._doing}, as far as {reached}", style="dim"))
            self._status.start()

    def hide(self) -> None:
        """Leave the terminal to a result."""
        if self._status is not None:
            self._status.stop()


@contextmanager
def reading(output: Output, doing: str) -> Iterator[Reading]:
    """Show how far a reading has come, on a terminal alone."""
    if not output.shows_progress:
        yield Reading(None, doing)
        return
    status = output.notes.status(Text(doing, style="dim"))
    try:
        yield Reading(status, doing)
    finally:
        status.stop()
