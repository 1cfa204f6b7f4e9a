"""HTTP/1.1 to one address, over connections that are kept; nothing is ever sent twice.

What has certainly not been sent (no connection was had) is told apart from what may have been: the
latter may have been executed. The errors are botocore's own, so that callers need not know who has
sent what.

http.client would do, but takes three times as long for a short answer: it reads headers by the
parser for e-mails.
"""

import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BufferedReader

from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)

from dormouse.adapters.trust import Trust

# A connection that was kept while Lambda froze the container may be closed at the far end without a
# sign here, and a request sent into it would be one of unknown fate.
IDLE_CONNECTION_SECONDS = 10

# As http.client has them: no honest server comes near.
_LONGEST_LINE = 65536
_MOST_HEADERS = 100

# Head and body of what is shorter go in one packet, or a few.
_SENT_AT_ONCE = 65536


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response: headers in lower case, the body as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _BrokenAnswerError(Exception):
    """What came is not HTTP/1.1; the message says why."""


class _EndedError(Exception):
    """The far end closed the connection before its answer was complete."""


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    reader: BufferedReader
    used_at: float

    def is_fit(self, now: float) -> bool:
        """Whether it can be used again: used lately, and neither closed nor spoken into since."""
        # The clock may have been set back meanwhile.
        if not 0 <= now - self.used_at <= IDLE_CONNECTION_SECONDS:
            return False
        waiting = select.poll()
        waiting.register(self.socket, select.POLLIN)
        return not waiting.poll(0)

    def close(self) -> None:
        self.reader.close()
        self.socket.close()


@dataclass(slots=True)
class KeptConnections:
    """Connections to one host. `trust` is None where it is spoken to in the clear.

    Several threads may send at once, each over a connection of its own.
    """

    host: str
    port: int
    trust: Trust | None
    connect_timeout: float
    read_timeout: float
    _idle: deque[_Connection] = field(default_factory=deque, init=False, repr=False)

    @property
    def url(self) -> str:
        """Where they lead to."""
        return f"{'http' if self.trust is None else 'https'}://{self.authority}"

    @property
    def authority(self) -> str:
        """The host, with its port if that is not the scheme's own, as in the header `host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        own_port = 80 if self.trust is None else 443
        return host if self.port == own_port else f"{host}:{self.port}"

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a request, once, and read its answer. `host` is among the headers.

        Raises:
            EndpointConnectionError, ConnectTimeoutError: there is no connection; nothing was sent.
            BotoCoreError: there was no answer, or none that can be read; it may have been sent.
        """
        head = self._head(method, path, headers, body)
        connection = self._kept() or self._connect()
        is_kept = False
        try:
            if len(body) <= _SENT_AT_ONCE:
                connection.socket.sendall(head + body)
            else:
                connection.socket.sendall(head)
                connection.socket.sendall(body)
            answer, is_kept = _read_answer(connection.reader)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self.url, error=error) from error
        except ssl.SSLError as error:
            raise SSLError(endpoint_url=self.url, error=error) from error
        except (OSError, _EndedError) as error:
            raise ConnectionClosedError(endpoint_url=self.url, error=error) from error
        except _BrokenAnswerError as error:
            raise HTTPClientError(error=error) from error
        finally:
            if is_kept:
                # The wall clock, since a frozen container's monotonic clock may stand still.
                connection.used_at = time.time()
                self._idle.append(connection)
            else:
                connection.close()
        return answer

    def close(self) -> None:
        """Close those that are kept."""
        while self._idle:
            self._idle.pop().close()

    def _head(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        lines = [f"{method} {path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"content-length: {len(body)}")
        text = "\r\n".join(lines)
        # Values come from outside, and must not end their line.
        if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
            raise HTTPClientError(error=ValueError("a header holds a line break"))
        try:
            return f"{text}\r\n\r\n".encode("latin-1")
        except UnicodeEncodeError as error:
            raise HTTPClientError(error=error) from error

    def _kept(self) -> _Connection | None:
        """Take one that is fit to be used again; close those that are not."""
        now = time.time()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fit(now):
                return connection
            connection.close()
        return None

    def _connect(self) -> _Connection:
        try:
            connected = self._secured(self._reached())
        except ssl.SSLCertVerificationError as error:
            if self.trust is None or not self.trust.widen():
                raise SSLError(endpoint_url=self.url, error=error) from error
            return self._connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=self.url, error=error) from error
        except ssl.SSLError as error:
            raise SSLError(endpoint_url=self.url, error=error) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=self.url, error=error) from error
        connected.settimeout(self.read_timeout)
        return _Connection(connected, connected.makefile("rb"), time.time())

    def _reached(self) -> socket.socket:
        raw = socket.create_connection((self.host, self.port), self.connect_timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return raw

    def _secured(self, raw: socket.socket) -> socket.socket:
        if self.trust is None:
            return raw
        try:
            return self.trust.context.wrap_socket(raw, server_hostname=self.host)
        except BaseException:
            raw.close()
            raise


def _read_answer(reader: BufferedReader) -> tuple[Answer, bool]:
    """Read an answer, and say whether another may follow it."""
    while True:
        version, status = _read_status(_read_line(reader))
        headers = _read_headers(reader)
        if status >= 200:
            break
        # "100 Continue" and its like come before the answer.
    stays = version == b"HTTP/1.1" and headers.get("connection", "").lower() != "close"
    if status in (204, 304):
        return Answer(status, headers, b""), stays
    coding = headers.get("transfer-encoding")
    if coding is not None:
        if coding.lower() != "chunked":
            raise _BrokenAnswerError(f"it is encoded as {coding!r}")
        return Answer(status, headers, _read_chunks(reader)), stays
    length = headers.get("content-length")
    if length is None:
        return Answer(status, headers, reader.read()), False
    return Answer(status, headers, _read_exactly(reader, _number(length, 10))), stays


def _read_status(line: bytes) -> tuple[bytes, int]:
    version, _, rest = line.partition(b" ")
    status = rest[:3]
    if not version.startswith(b"HTTP/1.") or not status.isdigit() or rest[3:4] not in (b"", b" "):
        raise _BrokenAnswerError(f"it begins with {line[:80]!r}")
    return version, int(status)


def _read_headers(reader: BufferedReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_MOST_HEADERS + 1):
        line = _read_line(reader)
        if not line:
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name or name[0] in " \t":
            raise _BrokenAnswerError(f"{line[:80]!r} is no header")
        name, value = name.strip().lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    raise _BrokenAnswerError(f"it has more than {_MOST_HEADERS} headers")


def _read_chunks(reader: BufferedReader) -> bytes:
    chunks = []
    while size := _number(_read_line(reader).partition(b";")[0].decode("latin-1").strip(), 16):
        chunks.append(_read_exactly(reader, size))
        if _read_line(reader):
            raise _BrokenAnswerError("a chunk is longer than it says")
    _read_headers(reader)  # a trailer's
    return b"".join(chunks)


def _read_line(reader: BufferedReader) -> bytes:
    line = reader.readline(_LONGEST_LINE + 1)
    if not line.endswith(b"\n"):
        if len(line) > _LONGEST_LINE:
            raise _BrokenAnswerError("a line of its head is too long")
        raise _EndedError("the connection was closed before the answer was complete")
    return line.rstrip(b"\r\n")


def _read_exactly(reader: BufferedReader, size: int) -> bytes:
    body = reader.read(size)
    if len(body) < size:
        raise _EndedError("the connection was closed before the answer was complete")
    return body


def _number(text: str, base: int) -> int:
    digits = "0123456789abcdef"[:base]
    if not text or len(text) > 16 or not all(each in digits for each in text.lower()):
        raise _BrokenAnswerError(f"{text[:80]!r} is no length")
    return int(text, base)
