"""What multi-model-server starts for each model, in place of its own script of this name.

Its own one listens on a Unix socket and forks a worker for each connection; to do so it has to
import all that a worker needs. This one hands each connection to the fork server
(fork_server.py), which has everything imported once for all models. It goes on for ever: when a
worker dies, multi-model-server connects again. It ends when multi-model-server kills it or is gone.

There is one such process for each model, so it imports nothing that it can do without: `_socket`
in place of `socket`, `_json` in place of `json`, no argparse, no logging. What it prints is read
by multi-model-server (wlm/WorkerLifeCycle.java, 1.1.11), which waits for "MMS worker started.".
"""

import _socket
import os
import select
import sys
import time
from _json import encode_basestring

_BACKLOG = 128  # as in the stock script
_RETRY_SECONDS, _RETRIES = 0.1, 50


def main() -> None:
    """Listen where the arguments say and hand over what connects, until stdout has no reader."""
    options = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    fork_socket = os.environ["DORMOUSE_FORK_SOCKET"]
    message = _message(
        model_name=options["--model-name"],
        model_path=options["--model-path"],
        handler=options["--handler"],
        tmp_dir=options["--tmp-dir"],
    )
    listener = _listen(options["--sock-name"])
    print(f"[PID] {os.getpid()}\nMMS worker started.", flush=True)
    poll = select.poll()
    poll.register(listener.fileno(), select.POLLIN)
    # Reported as an error once the other end of the pipe is closed: multi-model-server is gone.
    poll.register(sys.stdout.fileno(), 0)
    while all(descriptor == listener.fileno() for descriptor, _ in poll.poll()):
        connection, _ = listener._accept()  # type: ignore[attr-defined]  # socket.py calls it
        try:
            _hand_over(fork_socket, message, connection)
        except OSError as error:
            # Its end closed, multi-model-server comes again after a while.
            print(f"The fork server can't be reached: {error}.", file=sys.stderr, flush=True)
        finally:
            os.close(connection)


def _message(**texts: str) -> bytes:
    """As hand_over.py reads it."""
    # A file name that is not UTF-8 keeps its bytes.
    fields = "".join(f'"{key}": {encode_basestring(text)}, ' for key, text in texts.items())
    return os.fsencode(f'{{{fields}"parent_pid": {os.getpid()}}}\n')


def _listen(path: str) -> _socket.socket:
    if os.path.lexists(path):
        os.unlink(path)  # noqa: PTH108  # pathlib is one more import
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(_BACKLOG)
    return listener


def _hand_over(fork_socket: str, message: bytes, connection: int) -> None:
    client = _connect(fork_socket)
    try:
        descriptor = connection.to_bytes(4, sys.byteorder)  # a C int
        client.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptor)])
    finally:
        client.close()


def _connect(path: str) -> _socket.socket:
    """The front keeps the socket while it replaces a fork server, so a failure is rare."""
    for left in reversed(range(_RETRIES)):
        client = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            client.connect(path)
        except OSError:
            client.close()
            if not left:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            break
    return client


if __name__ == "__main__":
    main()
