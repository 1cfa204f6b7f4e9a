"""HTTP/1.1 for stand-ins of AWS, as fast as Python has it: kept connections, no chunks."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_REQUEST_ID = "4a5cbd1c-8a41-4dd7-bd0a-6d5b3f2a1d11"


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived; headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def target(self) -> str:
        """The operation as the JSON protocols name it, as in `DynamoDB_20120810.Scan`."""
        return self.headers.get("x-amz-target", "")


Write = Callable[[bytes], None]


class Connection(asyncio.Protocol):
    """One connection, over which one request comes after the other.

    `answer` is called with each, and with what writes the whole response, now or later.
    """

    def __init__(self, answer: Callable[[Request, Write], None]) -> None:
        self.answer = answer
        self.received = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while True:
            head, end, rest = self.received.partition(b"\r\n\r\n")
            if not end:
                return
            lines = head.decode("latin-1").split("\r\n")
            method, path, _ = lines[0].split(" ")
            headers = {
                name.lower(): value
                for name, _, value in (line.partition(": ") for line in lines[1:])
            }
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return
            self.received = rest[length:]
            self.answer(Request(method, path, headers, rest[:length]), self._write)

    def _write(self, response: bytes) -> None:
        # Whoever has given up waits no longer.
        if not self.transport.is_closing():
            self.transport.write(response)


def response(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """Write a whole response."""
    head = (
        f"HTTP/1.1 {status}\r\n"
        "Server: Server\r\n"
        "Date: Mon, 16 Feb 2026 09:00:00 GMT\r\n"
        f"Content-Type: {kind}\r\n"
        f"x-amzn-RequestId: {_REQUEST_ID}\r\n"
        f"Content-Length: {len(body)}\r\n"
    )
    return f"{head}\r\n".encode() + body


async def serve(answer: Callable[[Request, Write], None]) -> None:
    """Listen on a port of 127.0.0.1, print it, and answer for ever."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
