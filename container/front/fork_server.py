"""The process from which workers are forked (workers/fork_server.py): started, heard, replaced."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from container.front.pidfd import WatchedProcess
from container.worker_events import BadEvent, Event, Ready, decode

_log = logging.getLogger(__name__)

# Between the end of one and the start of the next, so that one that can't start keeps no core busy.
_PAUSE_SECONDS = 0.5
_BACKLOG = 512


class ForkServer:
    """Holds the socket that connections are handed over by, and the pipe that events come by.

    Both outlive the process, so that what arrives while it is being replaced waits for the next.
    """

    def __init__(self, path: Path, hear: Callable[[Event], None]):
        """Bind the socket at `path`; `hear` is called with each event."""
        self._hear = hear
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(_BACKLOG)
        self._events, self._events_end = os.pipe()
        os.set_blocking(self._events, False)
        self._unread = b""
        self._process: subprocess.Popen[bytes] | None = None
        # It can fork.
        self.ready = False
        self._stopped = False

    def start(self, environ: Mapping[str, str]) -> None:
        """Start the process, and start it again whenever it ends, until `stop`."""
        asyncio.get_running_loop().add_reader(self._events, self._read)
        self._spawn(environ)

    def stop(self) -> None:
        """End it, for good."""
        self._stopped = True
        if self._process is not None:
            self._process.terminate()

    def _spawn(self, environ: Mapping[str, str]) -> None:
        if self._stopped:
            return
        loop = asyncio.get_running_loop()
        listener, events = self._listener.fileno(), self._events_end
        program = [sys.executable, "-m", "container.workers.fork_server"]
        try:
            process = subprocess.Popen(
                [*program, "--listen-fd", str(listener), "--events-fd", str(events)],
                env=dict(environ),
                pass_fds=(listener, events),
                stdin=subprocess.DEVNULL,
            )
        except OSError as error:  # no memory for it now
            _log.error("The fork server can't be started: %s.", error.strerror)
            loop.call_later(_PAUSE_SECONDS, self._spawn, environ)
            return
        self._process = process

        def ended() -> None:
            self.ready = False
            status = process.wait()
            if not self._stopped:
                _log.error("The fork server ended with status %d; another is started.", status)
                loop.call_later(_PAUSE_SECONDS, self._spawn, environ)

        WatchedProcess(process.pid, ended)

    def _read(self) -> None:
        self._unread += os.read(self._events, 65536)
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            try:
                event = decode(line)
            except BadEvent as error:
                _log.error("An event could not be read: %s", error)
                continue
            if isinstance(event, Ready):
                self.ready = True
            self._hear(event)
