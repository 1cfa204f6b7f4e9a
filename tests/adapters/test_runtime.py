"""The runtime adapter against a real HTTP server: nothing is changed, nothing is sent twice."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import botocore
import pytest

from dormouse.adapters.kept_connections import KeptConnections
from dormouse.adapters.runtime import SageMakerRuntime
from dormouse.adapters.signed_http import SignedHttp
from dormouse.adapters.signing import Keys, Signer
from dormouse.adapters.trust import Trust
from dormouse.domain.invocation import (
    Forwarded,
    InvocationRequest,
    NotServing,
    Unanswered,
)
from dormouse.domain.principals import Caller

NOBODY = Caller("", "")
BOTOCORES = Path(botocore.__file__).with_name("cacert.pem")


@dataclass
class Server:
    """An HTTP server that gives one prepared answer and keeps what it was sent."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"[1]"
    before_answer: Callable[[], object] = lambda: None
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)
    url: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    """Run it on loopback."""
    prepared = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            prepared.received.append((self.path, headers, body))
            prepared.connections.add(self.client_address)
            prepared.before_answer()
            self.send_response(prepared.status)
            for name, value in prepared.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(prepared.body)))
            self.end_headers()
            self.wfile.write(prepared.body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of callers that went away: some tests are about them."""

    httpd = Quiet(("127.0.0.1", 0), Handler)
    prepared.url = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield prepared
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def runtime_at(url: str, read_timeout: float = 5) -> SageMakerRuntime:
    """Make what speaks to it."""
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    trust = Trust(BOTOCORES) if address.scheme == "https" else None
    connections = KeptConnections(address.hostname, address.port, trust, 1, read_timeout)
    signer = Signer(lambda: Keys("AKID", "secret"), "sagemaker", "us-east-1")
    return SageMakerRuntime(SignedHttp(connections, signer))


def forward(
    url: str, body: bytes = b"{}", *, read_timeout: float = 5, **headers: str
) -> Forwarded | NotServing | Unanswered:
    """Send one request."""
    runtime = runtime_at(url, read_timeout)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        return runtime.forward(InvocationRequest("reviews", sent, body, NOBODY))
    finally:
        runtime.http.connections.close()


def test_the_request_is_signed_for_sagemaker_and_its_body_is_exact(server: Server) -> None:
    """Only headers of the protocol go along."""
    body = bytes(range(256))

    forward(
        server.url,
        body,
        content_type="application/x-npy",
        x_amzn_sagemaker_target_model="a.tar.gz",
        authorization="of the caller",
        cookie="c",
    )

    ((path, headers, received),) = server.received
    assert path == "/endpoints/reviews/invocations"
    assert received == body
    assert headers["x-amzn-sagemaker-target-model"] == "a.tar.gz"
    assert headers["content-type"] == "application/x-npy"
    assert "/us-east-1/sagemaker/aws4_request" in headers["authorization"]
    assert "cookie" not in headers


def test_the_answer_passes_byte_for_byte(server: Server) -> None:
    """Headers that no version of boto3 knows too."""
    server.body = b"\x00\xff\r\n\xe2\x82"
    server.headers = {"Content-Type": "application/x-npy", "X-Amzn-New-Thing": "1"}

    answer = forward(server.url)

    assert isinstance(answer, Forwarded)
    assert answer.response.status == 200
    assert answer.response.body == server.body
    assert answer.response.headers["content-type"] == "application/x-npy"
    assert answer.response.headers["x-amzn-new-thing"] == "1"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amzn-ErrorType": "ValidationError"},
        {"x-amzn-ErrorType": "ValidationError:http://internal.amazon.com/coral/"},
        {"x-amzn-ErrorType": "com.amazonaws.sagemaker#ValidationError"},
    ],
)
def test_not_found_is_not_serving(server: Server, headers: dict[str, str]) -> None:
    """In each form in which AWS writes an error's type."""
    server.status, server.headers = 400, headers
    server.body = json.dumps({"Message": "Endpoint reviews of account 1 not found."}).encode()

    assert isinstance(forward(server.url), NotServing)


def test_the_type_may_stand_in_the_body(server: Server) -> None:
    """As `__type`."""
    server.status = 400
    server.body = b'{"__type": "ValidationError", "message": "Endpoint r of account 1 not found."}'

    assert isinstance(forward(server.url), NotServing)


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'"text"', b"\xff"])
def test_an_error_with_any_body_passes(server: Server, body: bytes) -> None:
    """A proxy has no opinion of it."""
    server.status, server.body = 500, body

    answer = forward(server.url)

    assert isinstance(answer, Forwarded)
    assert (answer.response.status, answer.response.body) == (500, body)


def test_a_refused_connection_never_ran() -> None:
    """Safe to try again."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = forward(f"http://127.0.0.1:{unused.getsockname()[1]}")

    assert isinstance(answer, Unanswered)
    assert not answer.may_have_run


def test_a_read_timeout_may_have_run_and_is_not_repeated(server: Server) -> None:
    """botocore's client would have sent it again."""
    release = threading.Event()
    server.before_answer = lambda: release.wait(5)

    answer = forward(server.url, read_timeout=0.2)
    release.set()

    assert isinstance(answer, Unanswered)
    assert answer.may_have_run
    assert len(server.received) == 1


def test_a_connection_that_is_cut_may_have_run_and_is_not_repeated() -> None:
    """The server read the request and vanished."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections = []

        def cut() -> None:
            connection, _ = listener.accept()
            connection.recv(65536)
            connections.append(connection)
            connection.close()

        thread = threading.Thread(target=cut)
        thread.start()
        answer = forward(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()

    assert isinstance(answer, Unanswered)
    assert answer.may_have_run
    assert len(connections) == 1


def test_tls_that_breaks_is_no_exception(server: Server) -> None:
    """It may break while the answer is read, so the request may have run."""
    answer = forward(server.url.replace("http://", "https://"))

    assert isinstance(answer, Unanswered)
    assert answer.may_have_run


@pytest.mark.parametrize(("pause_seconds", "connections"), [(9, 1), (11, 2)])
def test_a_connection_that_lay_idle_is_not_used_again(
    server: Server, monkeypatch: pytest.MonkeyPatch, pause_seconds: int, connections: int
) -> None:
    """Lambda may have frozen the container meanwhile, and the far end closed it."""
    now = 1_771_000_000.0
    monkeypatch.setattr("dormouse.adapters.kept_connections.time.time", lambda: now)
    runtime = runtime_at(server.url)
    request = InvocationRequest("reviews", {}, b"{}", NOBODY)
    runtime.forward(request)
    now += pause_seconds
    runtime.forward(request)
    runtime.http.connections.close()

    assert len(server.connections) == connections
