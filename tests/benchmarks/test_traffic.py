"""The client of the benchmark, against real sockets."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.container.ceiling import ceiling
from benchmarks.container.traffic import TrafficError, drive, whole

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


class Echo(BaseHTTPRequestHandler):
    """Answers with the body it gets, and with its number as the status if it is one."""

    protocol_version = "HTTP/1.1"
    asked: list[bytes]

    def do_POST(self) -> None:
        """One request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(body)
        self.send_response(int(body) if body.isdigit() else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Nothing: the output is the tests'."""


@pytest.fixture
def echo() -> Iterator[tuple[int, list[bytes]]]:
    """A server's port, and what it was asked."""
    asked: list[bytes] = []
    handler = type("_Echo", (Echo,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (OK + b"{}", True),
        (OK.replace(b"Content-Length", b"content-length") + b"{}", True),
        (OK + b"{", False),
        (OK[:-2], False),
        (b"", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", False),
    ],
)
def test_the_end_of_an_answer(received: bytes, expected: bool) -> None:
    """It is neither taken for whole too early nor waited for in vain."""
    assert whole(received) is expected


def test_all_callers_ask_in_turn_and_every_answer_is_timed(echo: tuple[int, list[bytes]]) -> None:
    """Nobody is left out, and no question is without its answer."""
    port, asked = echo
    bodies = [b"one", b"two", b"three"]
    seen = drive(port, "/", bodies, callers=4, seconds=0.5, before_seconds=0.1)
    counts = [asked.count(body) for body in bodies]
    assert max(counts) - min(counts) <= 1
    # Those before and after the measured part are asked, and not counted.
    assert 4 <= len(seen.latencies) < len(asked)
    assert seen.rps == pytest.approx(len(seen.latencies) / 0.5)
    assert 0 < seen.p50_ms < 500
    assert 0 < seen.client_cpu < 1.5


def test_an_error_is_no_answer(echo: tuple[int, list[bytes]]) -> None:
    """A server that refuses quickly must not look fast."""
    with pytest.raises(TrafficError, match=r"no 200: b'HTTP/1\.1 503"):
        drive(echo[0], "/", [b"ok", b"503"], callers=2, seconds=5, before_seconds=0)


def test_a_server_that_does_nothing() -> None:
    """More than a thousand requests a second, on any machine that can run the benchmark."""
    most = ceiling([b"{}"], seconds=0.5)
    assert most.rps_c16 > 1000
    assert most.p50_ms_c1 < 5
