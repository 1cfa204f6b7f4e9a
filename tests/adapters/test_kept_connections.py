"""Connections that are kept, against real sockets: what is sent, what is told apart."""

import http.client
import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from dormouse.adapters.kept_connections import Answer, KeptConnections
from dormouse.adapters.trust import Trust, amazons

BOTOCORES = Path(botocore.__file__).with_name("cacert.pem")

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Gives each request of a connection the next of its answers, and closes it after the last."""

    def __init__(self, connections: Sequence[Sequence[bytes]], tls: ssl.SSLContext | None) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.received: list[bytes] = []
        self.tls = tls
        self.thread = threading.Thread(target=self._serve, args=(connections,), daemon=True)
        self.thread.start()

    def _serve(self, connections: Sequence[Sequence[bytes]]) -> None:
        for answers in connections:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if self.tls is not None:
                try:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                except OSError:
                    connection.close()
                    continue
            with connection, connection.makefile("rb") as reader:
                for answer in answers:
                    request = _read_request(reader)
                    if request is None:
                        break
                    self.received.append(request)
                    connection.sendall(answer)


def _read_request(reader: io.BufferedReader) -> bytes | None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = reader.readline()
        if not line:
            return None
        head += line
    (length,) = (
        int(line.partition(b":")[2])
        for line in head.lower().splitlines()
        if line.startswith(b"content-length:")
    )
    return head + reader.read(length)


@contextmanager
def serving(*connections: Sequence[bytes], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve so many connections."""
    server = Server(connections, tls)
    try:
        yield server
    finally:
        # Who waits for a connection that nobody makes is woken by this.
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        server.thread.join(timeout=10)


@contextmanager
def connected(
    port: int,
    *,
    host: str = "127.0.0.1",
    trust: Trust | None = None,
    read_timeout: float = 5,
) -> Iterator[KeptConnections]:
    """Connections to a port, closed in the end."""
    kept = KeptConnections(host, port, trust, 2, read_timeout)
    yield kept
    kept.close()


def answer_to(*answers: bytes) -> Answer:
    """What is read of these bytes, after which the connection is closed."""
    with serving([b"".join(answers)]) as server, connected(server.port) as kept:
        return kept.send("POST", "/", {"host": "x"}, b"")


def test_a_request_is_sent_as_it_is() -> None:
    """With its length, which is no header of its caller's."""
    body = bytes(range(256)) * 1000
    with serving([OK, OK]) as server, connected(server.port) as kept:
        kept.send("PUT", "/a%20b", {"host": "x", "x-name": "v\xe9"}, b"12")
        kept.send("POST", "/", {"host": "x"}, body)

    small, large = server.received
    assert (
        small == b"PUT /a%20b HTTP/1.1\r\nhost: x\r\nx-name: v\xe9\r\ncontent-length: 2\r\n\r\n12"
    )
    assert large == b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 256000\r\n\r\n" + body


@pytest.mark.parametrize(
    "headers",
    [{"a": "b\r\nc: d"}, {"a": "b\nc"}, {"a": "b\rc"}, {"a\r\nb": "c"}, {"a": "\u20ac"}],
)
def test_a_header_that_no_line_can_hold_is_not_sent(headers: dict[str, str]) -> None:
    """Values come from outside."""
    with serving() as server, connected(server.port) as kept, pytest.raises(HTTPClientError):
        kept.send("POST", "/", headers, b"")
    assert not server.received


@pytest.mark.parametrize(
    ("answer", "status", "headers", "body"),
    [
        (OK, 200, {"content-length": "2"}, b"ok"),
        (b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", 204, {"a": "b"}, b""),
        (b"HTTP/1.1 500\r\nA:  b \r\n\r\nuntil the end", 500, {"a": "b"}, b"until the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, {"content-length": "2"}, b"ok"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nTrailer: t\r\n\r\n",
            200,
            {"transfer-encoding": "chunked"},
            b"abcd",
        ),
        (
            b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nContent-Length: 0\r\n\r\n",
            200,
            {"a": "1, 2", "content-length": "0"},
            b"",
        ),
    ],
)
def test_each_form_of_an_answer_is_read(
    answer: bytes, status: int, headers: dict[str, str], body: bytes
) -> None:
    """Names in lower case; what is sent twice is a list."""
    assert answer_to(answer) == Answer(status, headers, body)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
def test_an_answer_that_is_cut_off_is_none(answer: bytes) -> None:
    """The request may have been executed."""
    with pytest.raises(ConnectionClosedError):
        answer_to(answer)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 2000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nnothing\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: nothing\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded: c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70000 + b"\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(answer: bytes) -> None:
    """The error is botocore's, as all are."""
    with pytest.raises(HTTPClientError):
        answer_to(answer)


tokens = st.from_regex(r"[a-z][a-z-]{0,10}", fullmatch=True).filter(
    lambda name: name not in ("connection", "content-length", "transfer-encoding")
)
values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)


@given(
    status=st.integers(200, 599).filter(lambda status: status not in (204, 304)),
    headers=st.dictionaries(tokens, values, max_size=6),
    body=st.binary(max_size=300),
    chunks=st.none() | st.lists(st.integers(1, 50), max_size=6),
)
def test_an_answer_is_read_as_http_client_reads_it(
    status: int, headers: dict[str, str], body: bytes, chunks: list[int] | None
) -> None:
    """Whole or in chunks."""
    head = f"HTTP/1.1 {status} Some reason\r\n"
    head += "".join(f"{name.title()}: {value}\r\n" for name, value in headers.items())
    if chunks is None:
        answer = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    else:
        answer = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + _chunked(body, chunks)

    ours = answer_to(answer)
    theirs = _by_http_client(answer)
    assert ours == theirs
    assert ours.body == body


def _chunked(body: bytes, sizes: Sequence[int]) -> bytes:
    written, rest = b"", body
    for size in [*sizes, len(body)]:
        chunk, rest = rest[:size], rest[size:]
        if chunk:
            written += f"{len(chunk):X}\r\n".encode() + chunk + b"\r\n"
    return written + b"0\r\n\r\n"


def _by_http_client(answer: bytes) -> Answer:
    near, far = socket.socketpair()
    with near, far:
        far.sendall(answer)
        far.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(near, method="POST")
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())


# ----------------------------------------------------------------------------- what was sent at all


def test_nobody_there() -> None:
    """Nothing was sent."""
    with serving() as server:
        port = server.port
    with connected(port) as kept, pytest.raises(EndpointConnectionError):
        kept.send("POST", "/", {}, b"")


def test_a_name_that_is_not_known() -> None:
    """Nothing was sent."""
    with connected(1, host="no-such-host.invalid") as kept, pytest.raises(EndpointConnectionError):
        kept.send("POST", "/", {}, b"")


def test_a_connection_that_is_not_had_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was sent."""

    def never(*_: object) -> socket.socket:
        raise TimeoutError("timed out")

    monkeypatch.setattr("dormouse.adapters.kept_connections.socket.create_connection", never)
    with connected(1) as kept, pytest.raises(ConnectTimeoutError):
        kept.send("POST", "/", {}, b"")


def test_a_handshake_that_takes_too_long(certificate: Path) -> None:
    """Nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        kept = KeptConnections("localhost", port, Trust(certificate), 0.2, 5)
        with pytest.raises(ConnectTimeoutError):
            kept.send("POST", "/", {}, b"")


def test_no_answer_in_time() -> None:
    """It may have been executed."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with connected(port, read_timeout=0.1) as kept, pytest.raises(ReadTimeoutError):
            kept.send("POST", "/", {}, b"")


def test_every_error_is_one_of_botocores() -> None:
    """Adapters catch nothing else."""
    for error in (ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError, SSLError):
        assert issubclass(error, BotoCoreError)
    assert issubclass(ConnectionClosedError, BotoCoreError)


# ------------------------------------------------------------------------------------- what is kept


def test_a_connection_is_used_again() -> None:
    """Both requests came over the first."""
    with serving([OK, OK]) as server, connected(server.port) as kept:
        assert [kept.send("POST", "/", {}, b"").body for _ in range(2)] == [b"ok", b"ok"]


@pytest.mark.parametrize(
    "last",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nok",
        OK,
    ],
)
def test_one_that_the_far_end_has_closed_is_not(last: bytes) -> None:
    """Whether it has said so, or has just done it."""
    with serving([last], [OK]) as server, connected(server.port) as kept:
        assert kept.send("POST", "/", {}, b"first").body == b"ok"
        _until(lambda: not kept._idle or not kept._idle[0].is_fit(kept._idle[0].used_at))
        assert kept.send("POST", "/", {}, b"second").body == b"ok"
    assert len(server.received) == 2


def test_one_into_which_something_was_sent_unasked_is_not() -> None:
    """It would be taken for the next answer."""
    with serving([OK + b"HTTP/1.1 500 Oh\r\n\r\n"], [OK]) as server, connected(server.port) as kept:
        for _ in range(2):
            assert kept.send("POST", "/", {}, b"").status == 200
            _until(lambda: not kept._idle or not kept._idle[0].is_fit(kept._idle[0].used_at))


@pytest.mark.parametrize("seconds", [11, -60])
def test_one_of_another_time_is_not(seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The container was frozen, or its clock set back."""
    now = 1_771_000_000.0
    monkeypatch.setattr("dormouse.adapters.kept_connections.time.time", lambda: now)
    with serving([OK, OK], [OK]) as server, connected(server.port) as kept:
        kept.send("POST", "/", {}, b"")
        (first,) = kept._idle
        now += seconds
        kept.send("POST", "/", {}, b"")
        assert first.socket.fileno() == -1


def test_an_answer_that_failed_is_no_connection_to_keep() -> None:
    """The rest of it may still come."""
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"
    with serving([broken], [OK]) as server, connected(server.port) as kept:
        with pytest.raises(HTTPClientError):
            kept.send("POST", "/", {}, b"")
        assert not kept._idle
        assert kept.send("POST", "/", {}, b"").body == b"ok"


def _until(is_so: Callable[[], bool]) -> None:
    """Wait for what the far end has done to arrive."""
    for _ in range(1000):
        if is_so():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


# ---------------------------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of localhost, which signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    alternatives = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.2"))]
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_who_is_trusted_is_spoken_to(certificate: Path, server_tls: ssl.SSLContext) -> None:
    """And the connection kept."""
    with (
        serving([OK, OK], tls=server_tls) as server,
        connected(server.port, host="localhost", trust=Trust(certificate)) as kept,
    ):
        assert [kept.send("POST", "/", {}, b"").body for _ in range(2)] == [b"ok", b"ok"]


@pytest.mark.parametrize("is_trusted", [False, True])
def test_nobody_else_is(certificate: Path, server_tls: ssl.SSLContext, *, is_trusted: bool) -> None:
    """Not whom nobody vouches for, nor whose name is another."""
    trust = Trust(certificate if is_trusted else BOTOCORES)
    host = "127.0.0.1" if is_trusted else "localhost"
    with (
        # Once more when all are trusted.
        serving([OK], [OK], tls=server_tls) as server,
        connected(server.port, host=host, trust=trust) as kept,
        pytest.raises(SSLError, match="certificate"),
    ):
        kept.send("POST", "/", {}, b"")
    assert not server.received


def test_amazon_s_certificates_come_first() -> None:
    """Those are enough for AWS itself."""
    trust = Trust(BOTOCORES)
    names = {
        dict(part[0] for part in each["subject"])["commonName"] for each in certificates(trust)
    }
    assert names == {
        *(f"Amazon Root CA {number}" for number in range(1, 5)),
        "Starfield Services Root Certificate Authority - G2",
    }

    assert trust.widen()
    assert len(certificates(trust)) > 100
    assert not trust.widen()


def test_whom_only_the_others_vouch_for_is_spoken_to_all_the_same(
    certificate: Path, server_tls: ssl.SSLContext, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The handshake that failed has sent nothing, and another is made."""
    bundle = tmp_path_factory.mktemp("bundle") / "all.pem"
    assert amazons(BOTOCORES.read_text())
    bundle.write_text(BOTOCORES.read_text() + certificate.read_text())
    with (
        serving([OK], [OK], tls=server_tls) as server,
        connected(server.port, host="localhost", trust=Trust(bundle)) as kept,
    ):
        assert kept.send("POST", "/", {}, b"").body == b"ok"
    assert len(server.received) == 1


def test_a_file_or_folder_of_one_s_own_is_trusted_as_it_is(certificate: Path) -> None:
    """It need not say whose its certificates are."""
    assert len(certificates(Trust(certificate))) == 1
    # What a folder has is read when it is needed.
    assert not certificates(Trust(certificate.parent))


def certificates(trust: Trust) -> list[Any]:
    """Whose word is taken, as far as it has been read."""
    return list(trust.context.get_ca_certs())
