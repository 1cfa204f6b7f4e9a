"""Run a command so that nothing of it outlives the process that asked for it.

    python -m local.tether --pipe FD [--grace SECONDS] -- COMMAND ...

The caller holds the writing end of a pipe whose reading end is FD. When the caller ends, in
whatever way, SIGKILL included, the kernel closes its end and the tether reads the end of file: it
then ends every process below it, TERM first and KILL after the grace. It is a sub-reaper, so a
daemon that left its parent is still found below it. The same happens when the command ends by
itself and leaves children behind. The tether's exit status is the command's.

Only the standard library, and started with -I -S by those who can: there is one of these for each
endpoint.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
POLL_SECONDS = 0.05
# A tree that is still there after KILL is in the kernel's hands (uninterruptible sleep); waiting on
# helps nobody.
KILL_SECONDS = 5.0


def prctl(option: int, value: int) -> None:
    """Call prctl(2), which Python has no wrapper for."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def parents() -> dict[int, int]:
    """Map every process to its parent. A zombie has ended and is not listed."""
    found: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The command's name stands in parentheses and may itself hold any character, so split
            # after the last one.
            state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
        except (OSError, IndexError):
            continue
        if state not in {"Z", "X"}:
            found[int(entry.name)] = int(parent)
    return found


def descendants(root: int) -> list[int]:
    """List the living processes below root, children before grandchildren."""
    of_parent: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        of_parent.setdefault(parent, []).append(pid)
    found: list[int] = []
    waiting = [root]
    while waiting:
        children = of_parent.get(waiting.pop(0), [])
        found += children
        waiting += children
    return found


def reap() -> dict[int, int]:
    """Collect every child that has ended, with its wait status."""
    ended: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended[pid] = status
    return ended


def send(signum: int, pids: list[int]) -> None:
    """Signal each process, passing over those that have just ended."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)


def end_tree(root: int, grace_seconds: float, first: int | None = None) -> dict[int, int]:
    """End all below root: the command itself first, so that it can end its own children in order,
    then the rest.

    Returns the wait statuses seen on the way.
    """
    ended: dict[int, int] = {}
    send(signal.SIGTERM, [first] if first else descendants(root))
    deadline = time.monotonic() + grace_seconds
    while descendants(root) and time.monotonic() < deadline:
        ended |= reap()
        if first in ended:
            send(signal.SIGTERM, descendants(root))
            first = None
        time.sleep(POLL_SECONDS)
    deadline = time.monotonic() + KILL_SECONDS
    while (left := descendants(root)) and time.monotonic() < deadline:
        send(signal.SIGKILL, left)
        time.sleep(POLL_SECONDS)
        ended |= reap()
    return ended | reap()


def exit_code(status: int) -> int:
    """Turn a wait status into the code a shell would show."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def run(command: list[str], pipe: int, grace_seconds: float) -> int:
    """Start the command, watch it and the pipe, and leave nothing behind."""
    with contextlib.suppress(PermissionError):
        os.setsid()  # a Ctrl-C in the terminal is for the caller, who then closes the pipe
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    asked: list[int] = []

    def ask(signum: int, _frame: FrameType | None) -> None:
        asked.append(signum)

    # Wakes the selector below when a child ends or a signal asks for the end.
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    os.set_blocking(wake_read, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, ask)
    signal.signal(signal.SIGCHLD, lambda *_: None)

    os.set_inheritable(pipe, False)
    # Killed outright, the tether can end nobody: then the command at least gets a SIGTERM. The
    # tether has one thread, so a hook between fork and exec is safe here, and that thread's death
    # is the tether's.
    child = subprocess.Popen(
        command,
        preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM),  # noqa: PLW1509
    )
    statuses: dict[int, int] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        selector.register(wake_read, selectors.EVENT_READ)
        while not asked and child.pid not in statuses:
            for key, _ in selector.select():
                if key.fd == wake_read:
                    with contextlib.suppress(BlockingIOError):
                        os.read(wake_read, 4096)
                elif not os.read(pipe, 4096):
                    asked.append(0)
            statuses |= reap()
    living = None if child.pid in statuses else child.pid
    statuses |= end_tree(os.getpid(), grace_seconds, living)
    child.returncode = 0  # reaped above; keeps subprocess from looking for it again
    return exit_code(statuses[child.pid]) if child.pid in statuses else 1


def main(arguments: list[str]) -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="local.tether")
    parser.add_argument("--pipe", type=int, required=True)
    parser.add_argument("--grace", type=float, default=10.0)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("a command is needed after --")
    return run(command, options.pipe, options.grace)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
