"""Stand-ins for SageMaker's runtime, DynamoDB and Firehose, as fast as Python has them:
`python -m benchmarks.loopback`.

A process of its own, on one port of 127.0.0.1 which it prints. Each request is answered at once and
counted by its operation. No signature is looked at. Whoever measures tells it by `POST /item` what
stands in the endpoints table, and asks by `GET /counts`, which also sets the counts to zero.
"""

import asyncio
import json
import sys
from collections import Counter
from typing import Any

_PREDICTION = b'{"predictions": [{"label": "positive", "score": 0.9987431168556213}]}'
_REQUEST_ID = "4a5cbd1c-8a41-4dd7-bd0a-6d5b3f2a1d11"


class Services:
    """What the stand-ins know: one endpoint's item, and how often each operation was called."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.item: dict[str, Any] = {}

    def answer(self, method: str, path: str, operation: str, body: bytes) -> bytes:
        """Carry out a request; the whole HTTP response."""
        match method, path, operation:
            case "POST", "/item", _:
                self.item = json.loads(body)
                return _response(b"{}")
            case "GET", "/counts", _:
                counts, self.counts = self.counts, Counter()
                return _response(json.dumps(counts).encode())
            case "POST", "/", "GetItem":
                answer: dict[str, Any] = {"Item": self.item}
            case "POST", "/", "UpdateItem":
                answer = {"Attributes": self._update(json.loads(body))}
            case "POST", "/", "BatchWriteItem":
                answer = {"UnprocessedItems": {}}
            case "POST", "/", "PutRecord":
                answer = {"RecordId": _REQUEST_ID, "Encrypted": False}
            case "POST", _, _ if path.endswith("/invocations"):
                self.counts["InvokeEndpoint"] += 1
                return _INVOKED
            case _:
                return _response(b"{}", "404 Not Found")
        self.counts[operation] += 1
        return _response(json.dumps(answer).encode(), kind="application/x-amz-json-1.0")

    def _update(self, request: Any) -> dict[str, Any]:
        """Set each attribute to the value of its name, as all updates of a warm request do."""
        values: dict[str, Any] = request["ExpressionAttributeValues"]
        self.item |= {name.removeprefix(":"): value for name, value in values.items()}
        return self.item


def _response(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\n"
        "Server: Server\r\n"
        "Date: Mon, 16 Feb 2026 09:00:00 GMT\r\n"
        f"Content-Type: {kind}\r\n"
        f"x-amzn-RequestId: {_REQUEST_ID}\r\n"
        f"Content-Length: {len(body)}\r\n"
    )
    return f"{head}\r\n".encode() + body


# As SageMaker's runtime has it, which names the variant.
_INVOKED = _response(_PREDICTION).replace(
    b"x-amzn-RequestId", b"x-Amzn-Invoked-Production-Variant: AllTraffic\r\nx-amzn-RequestId"
)


class _Connection(asyncio.Protocol):
    def __init__(self, services: Services) -> None:
        self.services = services
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
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            self.transport.write(self.services.answer(method, path, operation, rest[:length]))


async def _serve() -> None:
    services = Services()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(services), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(_serve())
    except KeyboardInterrupt:
        sys.exit(130)
