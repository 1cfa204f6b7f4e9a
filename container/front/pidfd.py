"""Hear of a process's end, whoever its parent is (pidfd_open(2), Linux 5.3)."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable


class WatchedProcess:
    """A process that is known by its id, safely: the id may be another's after its end."""

    def __init__(self, pid: int, ended: Callable[[], None]):
        """Call `ended` once, in the running loop.

        Soon, if the process has ended already, or is 0: one that could not be started.
        """
        self.pid = pid
        self.alive = True
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._fd: int | None = None
        with contextlib.suppress(ProcessLookupError):
            self._fd = os.pidfd_open(pid) if pid else None
        if self._fd is None:
            self._loop.call_soon(self._end)
        else:
            self._loop.add_reader(self._fd, self._end)

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        if self._fd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, signal.SIGKILL)

    def forget(self) -> None:
        """Hear no more of it."""
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None
        self._ended = _nothing

    def _end(self) -> None:
        ended = self._ended
        self.alive = False
        self.forget()
        ended()


def _nothing() -> None:
    pass
