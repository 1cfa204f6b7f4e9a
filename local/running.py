"""Starting the local AWS as a process of its own, finding one that runs, and ending it."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from local.settings import HOST, REPOSITORY, LocalSettings, environment_of

READY_SECONDS = 60.0
# Ending the container's processes, the emulator and the tether, each with its own grace.
END_SECONDS = 45.0
# What is left of a program that was killed has ended by then.
ORPHAN_SECONDS = 15.0


class NotStartedError(RuntimeError):
    """The local AWS did not come up; the message says why and where its log is."""


def free_port() -> int:
    """Find a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether somebody could listen on this port of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def log_path(settings: LocalSettings) -> Path:
    """Where the server's own output goes."""
    return settings.state_dir / "server.log"


def start(settings: LocalSettings, *, detached: bool) -> subprocess.Popen[bytes]:
    """Start the server and return when it answers.

    A detached one outlives this process and its terminal; another ends with this process, however
    that ends.

    Raises:
        NotStartedError: it ended, or did not answer in time; nothing of it is left.
    """
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    told = replace(settings, parent_pid=0 if detached else os.getpid())
    with log_path(settings).open("wb") as log:
        server = subprocess.Popen(
            [_python(), "-m", "local.server"],
            cwd=REPOSITORY,
            env=os.environ | environment_of(told),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=detached,
        )
    deadline = time.monotonic() + READY_SECONDS
    try:
        ready = False
        while not ready and server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
            ready = "local AWS ready" in log_path(settings).read_text(errors="replace")
    except BaseException:
        end(server)
        raise
    if not ready:
        why = _why(settings, server)
        end(server)
        raise NotStartedError(why)
    return server


def _python() -> str:
    """The interpreter of the local AWS's own environment, whoever starts it."""
    own = REPOSITORY / ".venvs" / "local" / "bin" / "python"
    return os.environ.get("DORMOUSE_LOCAL_PYTHON", str(own))


def _why(settings: LocalSettings, server: subprocess.Popen[bytes]) -> str:
    path = log_path(settings)
    last = path.read_text(errors="replace").strip().splitlines()[-1:] or ["it printed nothing"]
    status = server.poll()
    fate = "did not answer" if status is None else f"ended with status {status}"
    return f"The local AWS {fate}: {last[0]} (its log: {path})"


def end(server: subprocess.Popen[bytes]) -> None:
    """End a server that this process started, and all its processes."""
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            # Its tether ends the rest.
            server.kill()
            server.wait()


def running_pid(settings: LocalSettings) -> int | None:
    """Find the process that holds the state directory, None where it is free."""
    try:
        lock = settings.lock_path.open("r+")
    except FileNotFoundError:
        return None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = lock.read().strip()
            return int(text) if text.isdecimal() else None
        return None


def end_running(settings: LocalSettings) -> bool:
    """End the server that holds the state directory and wait until all of it is gone.

    Returns False where none runs.

    Raises:
        NotStartedError: it would not end.
    """
    pid = running_pid(settings)
    if pid is None:
        return False
    if _is_server(pid):
        os.kill(pid, signal.SIGTERM)
    # Where the server itself was killed, its tether ends the rest and holds the lock meanwhile.
    deadline = time.monotonic() + END_SECONDS
    while running_pid(settings) is not None:
        if time.monotonic() > deadline:
            raise NotStartedError(f"The local AWS (process {pid}) has not ended.")
        time.sleep(0.1)
    return True


def wait_until_free(settings: LocalSettings) -> None:
    """Wait for a server whose program was killed, which is ending by itself.

    Raises:
        NotStartedError: it goes on, so its program does.
    """
    deadline = time.monotonic() + ORPHAN_SECONDS
    while (pid := running_pid(settings)) is not None:
        if time.monotonic() > deadline:
            raise NotStartedError(
                f"{settings.state_dir} is in use by another local AWS (process {pid}). Wait for "
                "its end, or end what started it."
            )
        time.sleep(0.1)


def _is_server(pid: int) -> bool:
    """Whether a process id, which may have been given to another since, is that of a server."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"local.server" in words
