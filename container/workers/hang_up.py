"""End with the connection, also in the middle of an answer that nobody waits for any more.

multi-model-server closes its connection to a worker that takes too long, or whose model it unloads.
A worker reads that when it is done; one that is never done would compute on beside its successor.
"""

import os
import select
import socket
import threading


def end_with(connection: socket.socket) -> None:
    """End this process, with status 0, as soon as the other side has closed `connection`."""
    watcher = threading.Thread(target=_watch, args=[connection.fileno()], daemon=True)
    watcher.start()


def _watch(fd: int) -> None:
    poll = select.poll()
    poll.register(fd, select.POLLRDHUP)
    poll.poll()
    os._exit(0)
