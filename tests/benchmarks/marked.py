"""Processes that a program left behind, known by a variable that all it starts inherit."""

import time
from pathlib import Path

VARIABLE = "BENCHMARK_UNDER_TEST"


def left(mark: str, seconds: float = 20) -> list[str]:
    """The command lines of those that still run after `seconds`."""
    deadline = time.monotonic() + seconds
    while (found := running(mark)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def running(mark: str) -> list[str]:
    """The command lines of all processes that have the `mark` in their environment."""
    wanted = f"{VARIABLE}={mark}".encode()
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in environ.read_bytes().split(b"\0"):
                command = environ.with_name("cmdline").read_bytes()
                found.append(command.replace(b"\0", b" ").decode(errors="replace"))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found
