"""Processes as /proc shows them: a tree, and what each holds. Linux only, no packages."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
# Of a process that ends while it is looked at.
_GONE = (FileNotFoundError, ProcessLookupError)


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `started` tells it from a later one of the same number."""

    pid: int
    parent: int
    name: str
    state: str
    started: int


def processes() -> list[Process]:
    """All that there are now, zombies included."""
    found = []
    for stat in _PROC.glob("[0-9]*/stat"):
        with suppress(*_GONE):
            found.append(_process(int(stat.parent.name), stat.read_text()))
    return found


def tree(root: int) -> list[Process]:
    """`root` and all below it."""
    everything = processes()
    pids = {root}
    while more := {p.pid for p in everything if p.parent in pids} - pids:
        pids |= more
    return [process for process in everything if process.pid in pids]


def descriptors(pid: int) -> int:
    """How many a process has open; 0 if it has ended."""
    with suppress(*_GONE):
        return sum(1 for _ in (_PROC / str(pid) / "fd").iterdir())
    return 0


def kill(victims: Iterable[Process], seconds: float = 10) -> None:
    """Kill those of `victims` that still run, and wait until none does."""
    deadline = time.monotonic() + seconds
    left = list(victims)
    while left := _running(left):
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise TimeoutError(f"These can't be killed: {left}")
        time.sleep(0.05)


def _running(wanted: Iterable[Process]) -> list[Process]:
    now = {(process.pid, process.started): process.state for process in processes()}
    ended = {None, "Z", "X"}
    return [process for process in wanted if now.get((process.pid, process.started)) not in ended]


def _process(pid: int, stat: str) -> Process:
    # proc(5): the name stands in parentheses and may hold any character, also ")".
    before, _, after = stat.rpartition(")")
    fields = after.split()
    return Process(pid, int(fields[1]), before.partition("(")[2], fields[0], int(fields[19]))
