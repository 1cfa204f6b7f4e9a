"""The process that workers are forked from: `python -m container.workers.fork_server`.

`--listen-fd N`: a listening Unix socket on which model_service_worker.py hands over connections
(hand_over.py). `--events-fd M`: the pipe to the front, for events (worker_events.py). Both are
inherited; the front keeps the socket, so what comes while this process is being replaced waits for
the next one.

It ends with SIGTERM, at once, and when nobody reads the events any more. Its workers go on: their
end is that of their connections.
"""

import argparse
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

from container.server_settings import HANDLER
from container.worker_events import Ended, Event, Failed, Ready, encode
from container.workers.hand_over import MAX_BYTES, BadHandOver, HandOver, decode
from container.workers.log_lines import log_as
from container.workers.preload import NotForkable, preload
from container.workers.worker import serve

# model_service_worker.py says what it has to say as soon as it is connected.
_CLIENT_SECONDS = 5.0
_MOST_CLIENTS = 64

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    """Import, then fork when asked to, until the front is gone; the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen-fd", type=int, required=True)
    parser.add_argument("--events-fd", type=int, required=True)
    options = parser.parse_args(arguments)
    for descriptor in (options.listen_fd, options.events_fd):
        os.set_inheritable(descriptor, False)
    # Control-C in a terminal reaches every process; the entrypoint alone decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log_as("fork-server")
    try:
        preload(os.environ.get("SAGEMAKER_HANDLER", HANDLER))
    except NotForkable as error:
        _log.error("%s", error)
        return 1
    ForkServer(socket.socket(fileno=options.listen_fd), options.events_fd).serve()
    return 0


class _Refused(Exception):
    """A client that is not model_service_worker.py, or not right in its head."""


@dataclass(slots=True)
class _Client:
    """Who has connected, and what of its message has arrived."""

    socket: socket.socket
    deadline: float
    received: bytes = b""
    descriptors: list[int] = field(default_factory=list)

    def read(self) -> HandOver | None:
        """What it asks for, once all of it has arrived; raises `_Refused`."""
        data, descriptors, _, _ = socket.recv_fds(self.socket, MAX_BYTES, 1)
        self.received += data
        self.descriptors += descriptors
        line, end, rest = self.received.partition(b"\n")
        if not end:
            if not data:
                raise _Refused("It ended within its message.")
            if len(self.received) > MAX_BYTES:
                raise _Refused("Its message does not end.")
            return None
        if rest or len(self.descriptors) != 1:
            raise _Refused("Its message is not a line and a connection.")
        try:
            return decode(line)
        except BadHandOver as error:
            raise _Refused(str(error)) from error

    def close(self) -> None:
        """With whatever it has handed over, unless that was taken out."""
        self.socket.close()
        for descriptor in self.descriptors:
            os.close(descriptor)


class ForkServer:
    """All that follows the imports. One thread, which waits for all of its clients at once."""

    def __init__(self, listener: socket.socket, events: int) -> None:
        """`listener` and `events` as in the module's docstring."""
        self._listener = listener
        self._events = events
        self._clients: dict[int, _Client] = {}  # by descriptor, the oldest first
        self._models: dict[int, str] = {}  # by the worker's process
        self._selector = selectors.DefaultSelector()
        # A signal is written here (signal.set_wakeup_fd), so that the selector sees it.
        self._wakeup, self._wakeup_end = socket.socketpair()
        for waiting in (listener, self._wakeup, self._wakeup_end):
            waiting.setblocking(False)

    def serve(self) -> None:
        """Returns once nobody reads the events any more."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakeup_end.fileno(), warn_on_full_buffer=False)
        callbacks = {
            self._listener.fileno(): self._accept,
            self._wakeup.fileno(): self._reap,
        }
        for descriptor, callback in callbacks.items():
            self._selector.register(descriptor, selectors.EVENT_READ, callback)
        # The writing end of a pipe has something for a reader, an error, once nobody reads it.
        self._selector.register(self._events, selectors.EVENT_READ)
        self._tell(Ready(os.getpid()))
        while True:
            for key, _ in self._selector.select(self._seconds()):
                if key.fd == self._events:
                    return
                key.data()
            self._drop_late()

    def _tell(self, event: Event) -> None:
        with suppress(BrokenPipeError):  # upon which `serve` returns
            os.write(self._events, encode(event))

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        connection.setblocking(False)
        client = _Client(connection, time.monotonic() + _CLIENT_SECONDS)
        self._clients[connection.fileno()] = client
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._read(client))
        if len(self._clients) > _MOST_CLIENTS:
            self._drop(next(iter(self._clients.values())), "There are too many others.")

    def _read(self, client: _Client) -> None:
        try:
            task = client.read()
        except BlockingIOError:
            return
        except (_Refused, OSError) as error:
            self._drop(client, str(error))
            return
        if task is not None:
            connection = socket.socket(fileno=client.descriptors.pop())
            self._forget(client)
            with connection:
                self._fork(task, connection)

    def _seconds(self) -> float | None:
        """Until the oldest client has had its time."""
        for client in self._clients.values():
            return max(0.0, client.deadline - time.monotonic())
        return None

    def _drop_late(self) -> None:
        now = time.monotonic()
        for client in [client for client in self._clients.values() if client.deadline <= now]:
            self._drop(client, f"Nothing came of it in {_CLIENT_SECONDS:g} s.")

    def _drop(self, client: _Client, why: str) -> None:
        _log.warning("A client is dropped: %s", why)
        self._forget(client)

    def _forget(self, client: _Client) -> None:
        del self._clients[client.socket.fileno()]
        self._selector.unregister(client.socket)
        client.close()

    def _fork(self, task: HandOver, connection: socket.socket) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            reason = f"No process could be started for the model: {error.strerror}."
            _log.error("%s: %s", task.model_name, reason)
            self._tell(Failed(task.model_name, 0, 507, reason))
            return
        if pid == 0:
            self._become_worker(task, connection)
        self._models[pid] = task.model_name

    def _become_worker(self, task: HandOver, connection: socket.socket) -> NoReturn:
        """In the child: forget the server, serve, and end without returning to its loop."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._selector.close()
            for own in (self._listener, self._wakeup, self._wakeup_end):
                own.close()
            for client in self._clients.values():
                client.close()
            log_as(task.model_name)
            connection.setblocking(True)
            status = 0 if serve(connection, task, self._events) else 1
        except BaseException:  # noqa: BLE001  # logged, and nothing returns from here
            _log.exception("The worker ends.")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        self._wakeup.recv(4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            returncode = os.waitstatus_to_exitcode(status)
            self._tell(Ended(self._models.pop(pid, "?"), pid, returncode))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
