"""A light client: some callers on kept-alive connections, each asking again once it is answered.

One thread and prepared bytes, since every microsecond that the client takes is one that the server
on the same cores lacks. docs/benchmarks.md: what it reaches against a server that does nothing.
"""

import gc
import selectors
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle

_RECEIVE_BYTES = 65_536
_SILENCE_SECONDS = 60.0


class TrafficError(Exception):
    """An answer was not a 200, or there was none; the message says what came."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of traffic saw; the time before the measured part left out."""

    latencies: tuple[float, ...]
    seconds: float
    client_cpu_seconds: float

    @property
    def p50_ms(self) -> float:
        """The median time from the first byte sent to the last received, in milliseconds."""
        return statistics.median(self.latencies) * 1000

    @property
    def rps(self) -> float:
        """Answers in a second."""
        return len(self.latencies) / self.seconds

    @property
    def client_cpu(self) -> float:
        """The share of one core that the client itself took."""
        return self.client_cpu_seconds / self.seconds


@dataclass(slots=True)
class _Caller:
    socket: socket.socket
    asked_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)


def drive(
    port: int,
    path: str,
    bodies: Sequence[bytes],
    *,
    callers: int,
    seconds: float,
    before_seconds: float = 1.0,
) -> Round:
    """POST `bodies` to `path`, in turn, as `callers` do at once.

    Answers are counted for `seconds`, after `before_seconds` in which they are not. Raises
    `TrafficError`.
    """
    requests = cycle([_request(path, body) for body in bodies])
    latencies: list[float] = []
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        stack.enter_context(_no_garbage_collection())
        for _ in range(callers):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            caller = _Caller(connection)
            selector.register(connection, selectors.EVENT_READ, caller)
            _ask(caller, next(requests))
        begin = time.perf_counter() + before_seconds
        end = begin + seconds
        cpu_at_begin, cpu = time.process_time(), 0.0
        asking = callers
        while asking:
            ready = selector.select(_SILENCE_SECONDS)
            if not ready:
                raise TrafficError(f"No answer within {_SILENCE_SECONDS:.0f} s.")
            for key, _ in ready:
                caller = key.data
                if not _receive(caller):
                    continue
                now = time.perf_counter()
                if now < begin:
                    cpu_at_begin = time.process_time()
                elif now < end:
                    latencies.append(now - caller.asked_at)
                    cpu = time.process_time() - cpu_at_begin
                else:
                    # Every question is waited for: the next round begins with a server at rest.
                    asking -= 1
                    continue
                _ask(caller, next(requests))
    if not latencies:
        raise TrafficError(f"Nothing was answered within {seconds} s.")
    return Round(tuple(latencies), seconds, cpu)


def whole(received: bytes | bytearray) -> bool:
    """Whether `received` is a whole answer; raises `TrafficError` unless it is a 200.

    Its end is told by Content-Length or by the last chunk.
    """
    head_end = received.find(b"\r\n\r\n")
    if head_end < 0:
        return False
    head = bytes(received[:head_end]).lower()
    lines = head.split(b"\r\n")
    length: int | None = None
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            length = int(value)
    if length is not None:
        complete = len(received) >= head_end + 4 + length
    else:
        complete = received.endswith(b"0\r\n\r\n")
    if complete and lines[0].split(b" ")[1] != b"200":
        raise TrafficError(f"An answer was no 200: {bytes(received[:500])!r}")
    return complete


def _request(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def _ask(caller: _Caller, request: bytes) -> None:
    caller.received.clear()
    caller.asked_at = time.perf_counter()
    caller.socket.sendall(request)


def _receive(caller: _Caller) -> bool:
    """Take what has come; whether the answer is whole."""
    part = caller.socket.recv(_RECEIVE_BYTES)
    if not part:
        raise TrafficError(f"The server hung up after {bytes(caller.received[:500])!r}.")
    caller.received += part
    return whole(caller.received)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
