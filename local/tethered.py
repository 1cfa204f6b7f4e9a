"""Start a command under the tether: the caller's side of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local import tether

# Time for the tether itself to end after the grace and its KILL round.
MARGIN_SECONDS = 3.0


@dataclass(frozen=True)
class Tethered:
    """A running command whose whole tree ends when `end` is called or this process is gone."""

    process: subprocess.Popen[bytes]
    pipe: IO[bytes]
    grace_seconds: float

    @property
    def pid(self) -> int:
        """The tether's process id; the command is its only child."""
        return self.process.pid

    def exit_status(self) -> int | None:
        """The command's exit status, or None while it runs."""
        return self.process.poll()

    def end(self) -> None:
        """End the tree and return when nothing of it is left. Repeating it does no harm."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(self.grace_seconds + tether.KILL_SECONDS + MARGIN_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.pipe.close()


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    output: int | IO[bytes] | None,
    directory: Path | None = None,
    grace_seconds: float = 10.0,
    keep_open: Sequence[int] = (),
) -> Tethered:
    """Start command under a tether of its own; keep_open are descriptors that the tether holds as
    long as it lives.
    """
    reading_end, writing_end = os.pipe()
    pipe = os.fdopen(writing_end, "wb", buffering=0)
    try:
        process = subprocess.Popen(
            [
                sys.executable, "-I", "-S", str(Path(tether.__file__)),
                "--pipe", str(reading_end), "--grace", str(grace_seconds), "--", *command,
            ],
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            pass_fds=[reading_end, *keep_open],
        )  # fmt: skip
    except BaseException:
        pipe.close()
        raise
    finally:
        os.close(reading_end)
    return Tethered(process, pipe, grace_seconds)
