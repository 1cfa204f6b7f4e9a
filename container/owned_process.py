"""Run one program and own everything it starts, also as process 1 of a container.

A JVM that is killed leaves the worker processes it started behind. They become children of the
nearest "subreaper" above (PR_SET_CHILD_SUBREAPER, prctl(2)), so this process makes itself one: it
can then end and reap all of them, and never touches a process that it did not start.
"""

import ctypes
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_STOPPING = (signal.SIGTERM, signal.SIGINT)
_WAITED_FOR = {*_STOPPING, signal.SIGCHLD}


@dataclass(frozen=True, slots=True)
class Ending:
    """How the program ended: its status as a shell gives it, and whether a signal asked for it."""

    status: int
    asked: bool


def run(command: Sequence[str], environ: Mapping[str, str], stop_seconds: float) -> Ending:
    """Run `command` (an absolute path first) until it ends or SIGTERM or SIGINT arrives.

    A signal is passed on to the program as SIGTERM; after `stop_seconds` it is killed. On return
    no process that it started, directly or not, is left. SIGTERM, SIGINT and SIGCHLD stay blocked
    in the calling thread, which must be the only one.
    """
    _become_subreaper()
    # Blocked signals wait until they are asked for, so none can slip in between two lines; the
    # program gets an empty mask of its own.
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
    pid = os.posix_spawn(command[0], list(command), dict(environ), setsigmask=())
    try:
        return _wait(pid, stop_seconds)
    finally:
        _end_descendants()


def _become_subreaper() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


def _wait(pid: int, stop_seconds: float) -> Ending:
    kill_at: float | None = None
    while (status := _reap(pid)) is None:
        if kill_at is None:
            signal_number = signal.sigwait(_WAITED_FOR)
        else:
            left = max(kill_at - time.monotonic(), 0)
            arrived = signal.sigtimedwait(_WAITED_FOR, left)
            if arrived is None:
                os.kill(pid, signal.SIGKILL)
                return Ending(_shell_status(os.waitpid(pid, 0)[1]), asked=True)
            signal_number = arrived.si_signo
        if signal_number in _STOPPING:
            os.kill(pid, signal.SIGTERM)
            kill_at = kill_at or time.monotonic() + stop_seconds
    return Ending(status, asked=kill_at is not None)


def _reap(pid: int) -> int | None:
    """Reap every child that has ended; the status of `pid` if it is one of them."""
    found: int | None = None
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if ended == 0:
            return found
        if ended == pid:
            found = _shell_status(status)


def _shell_status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _end_descendants() -> None:
    """Kill and reap what is left. Whoever was to be asked has been."""
    while descendants := psutil.Process().children(recursive=True):
        for process in descendants:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
