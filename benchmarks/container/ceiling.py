"""What the client reaches against a server that does nothing: it must not be what is measured.

Run as a script it is that server: it prints its port and answers any request on kept-alive
connections with the same few bytes, until its input ends.
"""

import selectors
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_BODY = b'{"predictions": [{"label": "positive", "score": 0.98}]}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that could be measured."""

    p50_ms_c1: float
    rps_c16: float


def ceiling(bodies: Sequence[bytes], seconds: float) -> Ceiling:
    """Measure it with the requests of the benchmark."""
    # Imported here: the server below needs nothing of it, and is started as a bare script.
    from benchmarks.container.traffic import drive  # noqa: PLC0415

    with _trivial_server() as port:
        alone = drive(port, "/", bodies, callers=1, seconds=seconds, before_seconds=0.2)
        many = drive(port, "/", bodies, callers=16, seconds=seconds, before_seconds=0.2)
    return Ceiling(alone.p50_ms, many.rps)


@contextmanager
def _trivial_server() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", Path(__file__)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("Popen made no pipes.")
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def serve() -> None:
    """Answer until standard input ends. A request must come in one piece, as the client's do."""
    with socket.create_server(("127.0.0.1", 0)) as listener, selectors.DefaultSelector() as ready:
        print(listener.getsockname()[1], flush=True)
        ready.register(sys.stdin, selectors.EVENT_READ)
        ready.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is sys.stdin:
                    return
                if key.fileobj is listener:
                    connection, _ = listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    ready.register(connection, selectors.EVENT_READ, connection)
                elif key.data.recv(65_536):
                    key.data.sendall(_ANSWER)
                else:
                    ready.unregister(key.data)
                    key.data.close()


if __name__ == "__main__":
    serve()
