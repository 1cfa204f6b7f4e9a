"""The fork server without its imports, so that it is there at once. Not a test.

With `unforkable` in its directory a process can't be started: that is the one thing that is not as
the kernel has it, since root is never refused one.
"""

import errno
import os
import socket
import sys
from pathlib import Path

from container.workers.fork_server import ForkServer
from container.workers.log_lines import log_as

_fork = os.fork


def fork() -> int:
    """Fork, or fail as at a limit of processes."""
    if Path("unforkable").exists():
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return _fork()


os.fork = fork
log_as("fork-server")
listener, events = int(sys.argv[2]), int(sys.argv[4])
ForkServer(socket.socket(fileno=listener), events).serve()
