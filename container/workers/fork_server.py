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
from typing import NoReturn

from container.server_settings import HANDLER
from container.worker_events import Ended, Event, Failed, Ready, encode
from container.workers.fork_client import ForkClient, Refused
from container.workers.hand_over import HandOver
from container.workers.log_lines import log_as
from container.workers.preload import NotForkable, preload
from container.workers.worker import serve

# Each takes a descriptor or two; a process may have 1,024 (ulimit -n) where nobody says otherwise.
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


class ForkServer:
    """All that follows the imports. One thread, which waits for all of its clients at once."""

    def __init__(self, listener: socket.socket, events: int) -> None:
        """`listener` and `events` as in the module's docstring."""
        self._listener = listener
        self._events = events
        self._clients: list[ForkClient] = []  # the oldest first
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
            accepted, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        client = ForkClient(accepted)
        self._clients.append(client)
        self._selector.register(accepted, selectors.EVENT_READ, lambda: self._read(client))
        if len(self._clients) > _MOST_CLIENTS:
            self._drop(self._clients[0], "Too many others have come since.")

    def _read(self, client: ForkClient) -> None:
        if client not in self._clients:
            return  # dropped for another that came at the same moment
        try:
            handed_over = client.read()
        except Refused as error:
            self._drop(client, str(error))
            return
        if handed_over is not None:
            self._forget(client)
            task, connection = handed_over
            with connection:
                self._fork(task, connection)

    def _seconds(self) -> float | None:
        """Until the oldest client has had its time; None: there is none."""
        if not self._clients:
            return None
        return max(0.0, self._clients[0].deadline - time.monotonic())

    def _drop_late(self) -> None:
        while self._clients and self._clients[0].deadline <= time.monotonic():
            self._drop(self._clients[0], "It said nothing, or not all of it, for too long.")

    def _drop(self, client: ForkClient, why: str) -> None:
        _log.warning("A client is dropped: %s", why)
        self._forget(client)

    def _forget(self, client: ForkClient) -> None:
        self._clients.remove(client)
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
            for client in self._clients:
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
