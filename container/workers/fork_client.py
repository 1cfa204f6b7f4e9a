"""Someone who has connected to the fork server, and what of a hand-over has arrived from it."""

import os
import socket
import stat
import time

from container.workers.hand_over import MAX_BYTES, BadHandOver, HandOver, decode

# model_service_worker.py says what it has to say as soon as it is connected.
SECONDS = 5.0


class Refused(Exception):
    """It is not model_service_worker.py that is there."""


class ForkClient:
    """Never waits. Owns its socket, and the connection that is handed over until that is taken."""

    def __init__(self, own: socket.socket) -> None:
        """`own` is the socket on which the message comes."""
        own.setblocking(False)
        self.socket = own
        self.deadline = time.monotonic() + SECONDS
        self._received = b""
        self._descriptors: list[int] = []

    def read(self) -> tuple[HandOver, socket.socket] | None:
        """What it asks for and the connection, once all of it has arrived; raises `Refused`."""
        try:
            # More than the one that is wanted, so that others are not lost without a word.
            data, descriptors, _, _ = socket.recv_fds(
                self.socket, MAX_BYTES, 2, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return None
        except OSError as error:
            raise Refused(f"{error.strerror}.") from error
        self._received += data
        self._descriptors += descriptors
        if len(self._descriptors) > 1:
            raise Refused("It hands over more than one connection.")
        line, end, rest = self._received.partition(b"\n")
        if not end:
            if not data:
                raise Refused("It ended within its message.")
            if len(self._received) > MAX_BYTES:
                raise Refused("Its message does not end.")
            return None
        if rest:
            raise Refused("Its message is more than a line.")
        try:
            return decode(line), self._connection()
        except BadHandOver as error:
            raise Refused(str(error)) from error

    def _connection(self) -> socket.socket:
        if not self._descriptors:
            raise Refused("It hands over no connection.")
        if not stat.S_ISSOCK(os.fstat(self._descriptors[0]).st_mode):
            raise Refused("What it hands over is no connection.")
        return socket.socket(fileno=self._descriptors.pop())

    def close(self) -> None:
        """With what was handed over, if that was not taken."""
        self.socket.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
