"""AWS as `reconcile` sees it, simulated: `python -m benchmarks.reconcile.stand_ins SIZE LATENCY`.

A process of its own, on one port of 127.0.0.1 which it prints, so that neither its memory nor its
processor time counts as the function's. Each call is counted, and answered after so many
milliseconds; any number of them at once. Whoever measures steers it by `POST /simulation/…`. What
it does not know it refuses and remembers, since the figures would be of something else.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4
from xml.sax.saxutils import escape

from benchmarks.reconcile.fleet import Fleet
from benchmarks.reconcile.refusals import Refusal, UnknownCallError
from benchmarks.reconcile.tables import Units

_JSON = "application/x-amz-json-1.1"
_XML = "text/xml"

# Where IAM calls a service otherwise than signatures do.
_IAM_NAMES = {"tagging": "tag", "monitoring": "cloudwatch"}


class Services:
    """The fleet's AWS, and what it was asked since that was last read."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.calls: Counter[str] = Counter()
        self.unknown: list[str] = []

    def steer(self, what: str) -> Any:
        """Do what whoever measures wants."""
        match what:
            case "read":
                return self._read()
            case "spread":
                self.fleet.spread()
            case "minute":
                self.fleet.minute()
            case "change":
                self.fleet.minute()
                self.fleet.change()
            case _:
                raise ValueError(what)
        # The proxy's writes are none of the tick's.
        self.fleet.tables.units = Units()
        return {}

    def answer(self, service: str, target: str, body: bytes) -> bytes:
        """Carry out a call; the whole HTTP response."""
        if target:
            operation, kind = target.rpartition(".")[2], _JSON
            request: Any = json.loads(body)
        else:
            fields = parse_qs(body.decode())
            request = {name: values[0] for name, values in fields.items()}
            operation, kind = request.get("Action", ""), _XML
        self.calls[f"{_IAM_NAMES.get(service, service)}:{operation}"] += 1
        try:
            return _response(self._carry_out(service, operation, request).encode(), kind=kind)
        except Refusal as refusal:
            return _refused(refusal, kind)
        except UnknownCallError as unknown:
            self.unknown.append(str(unknown))
            return _refused(Refusal("UnknownOperationException", str(unknown)), kind)

    def _carry_out(self, service: str, operation: str, request: Any) -> str:
        match service, operation:
            case "dynamodb", _:
                return self.fleet.tables.answer(operation, request)
            case "sns", "Publish":
                self.fleet.region.messages["sns"] += 1
                result = f"<PublishResult><MessageId>{uuid4()}</MessageId></PublishResult>"
                return f"<PublishResponse>{result}</PublishResponse>"
            case "cloudformation", "DescribeStackResources":
                of = request.get("PhysicalResourceId", request.get("StackName", ""))
                raise Refusal("ValidationError", f"Stack for {of} does not exist")
            case _:
                return json.dumps(self.fleet.region.answer(f"{service}:{operation}", request))

    def _read(self) -> Any:
        region, tables = self.fleet.region, self.fleet.tables
        read = {
            "calls": dict(self.calls),
            "unknown": self.unknown,
            "read_units": tables.units.read,
            "write_units": tables.units.write,
            "metrics": region.metrics_asked,
            "messages": dict(region.messages),
            "created": region.created,
            "updated": region.updated,
            "deleted": region.deleted,
            "to_start": self.fleet.to_start,
            "to_stop": self.fleet.to_stop,
        }
        self.calls, self.unknown = Counter(), []
        tables.units = Units()
        region.metrics_asked, region.messages = 0, Counter()
        region.created, region.updated, region.deleted = [], [], []
        return read


def _response(body: bytes, status: str = "200 OK", kind: str = _JSON) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\n"
        "Server: Server\r\n"
        f"Content-Type: {kind}\r\n"
        f"x-amzn-RequestId: {uuid4()}\r\n"
        f"Content-Length: {len(body)}\r\n"
    )
    return f"{head}\r\n".encode() + body


def _refused(refusal: Refusal, kind: str) -> bytes:
    if kind == _XML:
        words = f"<Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
        text = f"<ErrorResponse><Error><Type>Sender</Type>{words}</Error></ErrorResponse>"
    else:
        text = json.dumps({"__type": refusal.code, "message": refusal.message, **refusal.more})
    return _response(text.encode(), "400 Bad Request", kind)


class _Connection(asyncio.Protocol):
    """One connection, over which one request comes after the other."""

    def __init__(self, services: Services, latency: float) -> None:
        self.services = services
        self.latency = latency
        self.received = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, rest = self.received.partition(b"\r\n\r\n")
        if not end:
            return
        lines = head.decode("latin-1").split("\r\n")
        _, path, _ = lines[0].split(" ")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])
        }
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.received = rest[length:]
        if path.startswith("/simulation/"):
            answer = self.services.steer(path.rpartition("/")[2])
            self.transport.write(_response(json.dumps(answer).encode()))
            return
        # After the key, the day and the region of what the call is signed for.
        service = headers["authorization"].split("/")[3]
        answer = self.services.answer(service, headers.get("x-amz-target", ""), rest[:length])
        asyncio.get_running_loop().call_later(self.latency, self._send, answer)

    def _send(self, answer: bytes) -> None:
        # Whoever has given up waits no longer.
        if not self.transport.is_closing():
            self.transport.write(answer)


async def _serve(size: int, latency: float) -> None:
    services = Services(Fleet(size))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(services, latency), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main(arguments: Sequence[str]) -> int:
    """Serve until somebody ends it; the exit status."""
    try:
        asyncio.run(_serve(int(arguments[0]), float(arguments[1]) / 1000))
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
