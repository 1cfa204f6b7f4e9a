"""A terminal with a program on it: what a user would see, and the keys that they press."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pexpect
import pyte

COLUMNS, LINES = 80, 24
CTRL_C = "\x03"
# For what hangs; no test is judged by the clock.
_PATIENCE_SECONDS = 60.0


class Screen:
    """`pyte` draws what the program writes, as a terminal does."""

    def __init__(
        self, program: str, arguments: Sequence[str], env: Mapping[str, str], folder: Path
    ) -> None:
        self._pty: pexpect.spawn[str] = pexpect.spawn(
            program,
            list(arguments),
            env=env,
            cwd=str(folder),
            dimensions=(LINES, COLUMNS),
            encoding="utf-8",
        )
        self._drawn = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.Stream(self._drawn)
        self.written = ""

    @property
    def text(self) -> str:
        """What stands on the screen, without the spaces at the ends of its lines."""
        return "\n".join(line.rstrip() for line in self._drawn.display).rstrip()

    @property
    def has_cursor(self) -> bool:
        """Whether the cursor is shown."""
        return not self._drawn.cursor.hidden

    def filled(self) -> int:
        """How many cells of the bar are filled, in the colour that rich gives to what is done."""
        cells = [cell for row in self._drawn.buffer.values() for cell in row.values()]
        done = {cell.fg for cell in cells if cell.data in "━╸"} - {"default", _EMPTY}
        return sum(cell.data in "━╸" and cell.fg in done for cell in cells)

    def until(self, seen: Callable[[], bool] | str) -> str:
        """Draw until the text stands on the screen, or the condition holds; return the screen."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not (seen in self.text if isinstance(seen, str) else seen()):
            assert self._draw(), f"it ended with this on its screen:\n{self.text}"
            assert time.monotonic() < deadline, f"not so with this on its screen:\n{self.text}"
        return self.text

    def press(self, keys: str) -> None:
        """Type."""
        self._pty.send(keys)

    def end(self) -> int:
        """Draw until the program has ended, and return its exit code."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self._draw():
            assert time.monotonic() < deadline, f"it goes on:\n{self.text}"
        self._pty.wait()
        assert self._pty.exitstatus is not None, f"ended by signal {self._pty.signalstatus}"
        return self._pty.exitstatus

    def close(self) -> None:
        """End the program, whatever it does."""
        self._pty.close(force=True)

    def _draw(self) -> bool:
        """Draw what has been written since, and return whether more may come."""
        try:
            written = self._pty.read_nonblocking(65536, timeout=0.2)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.written += written
        self._stream.feed(written)
        return True


# rich's colour of the empty part of a bar: grey23, as pyte names it.
_EMPTY = "3a3a3a"
