"""The runtime that notes what comes and passes it on."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from benchmarks.arrivals import Arrivals, listening

NAMES = {"X-Amzn-SageMaker-Inference-Id": "one", "X-Amzn-SageMaker-Target-Model": "m.tar.gz"}


class Runtime(BaseHTTPRequestHandler):
    """Answers each request with its own body, 424 and a header; one that says so, not at all."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"nothing":
            self.close_connection = True
            return
        self.send_response(424)
        self.send_header("x-amzn-ErrorType", "ModelError")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def runtime() -> Iterator[tuple[str, Arrivals]]:
    """Where it listens, and what has come."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Runtime) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with listening(server.server_port) as listened:
                yield listened
        finally:
            server.shutdown()
            thread.join()


def post(address: str, body: bytes) -> tuple[int, bytes, str | None]:
    """Send an invocation on a connection of its own: the status, the body, the error's type."""
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)) as connection:
        connection.request("POST", "/endpoints/dormouse/invocations", body, NAMES)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers["x-amzn-ErrorType"]


def test_what_comes_is_noted_and_passed_on(runtime: tuple[str, Arrivals]) -> None:
    """The answer as it was, its status and headers too."""
    address, arrivals = runtime

    assert post(address, b"a question") == (424, b"a question", "ModelError")
    (arrival,) = arrivals.all()
    assert (arrival.inference_id, arrival.target_model) == ("one", "m.tar.gz")
    assert arrival.status == 424


def test_what_is_not_answered_stays_so(runtime: tuple[str, Arrivals]) -> None:
    """Whoever asked sees a connection that ends, as without anybody between."""
    address, arrivals = runtime

    with pytest.raises(http.client.RemoteDisconnected):
        post(address, b"nothing")

    assert [arrival.status for arrival in arrivals.all()] == [None]


def test_one_can_be_waited_for(runtime: tuple[str, Arrivals]) -> None:
    """Also one that has come before; none is None."""
    address, arrivals = runtime
    post(address, b"a question")

    assert arrivals.wait_for(lambda each: each.inference_id == "one", 10) is not None
    assert arrivals.wait_for(lambda each: each.inference_id == "two", 0.05) is None
