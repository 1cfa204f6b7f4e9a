"""AWS as `reconcile` sees it, simulated: `python -m benchmarks.reconcile.stand_ins SIZE LATENCY
FORECAST`.

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

from benchmarks.http_stand_in import Request, Write, response, serve
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
        return {"ahead_seconds": self.fleet.ahead.total_seconds()}

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
            return response(self._carry_out(service, operation, request).encode(), kind=kind)
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


def _refused(refusal: Refusal, kind: str) -> bytes:
    if kind == _XML:
        words = f"<Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
        text = f"<ErrorResponse><Error><Type>Sender</Type>{words}</Error></ErrorResponse>"
    else:
        text = json.dumps({"__type": refusal.code, "message": refusal.message, **refusal.more})
    return response(text.encode(), "400 Bad Request", kind)


def main(arguments: Sequence[str]) -> int:
    """Serve until somebody ends it; the exit status."""
    size, latency_ms, forecast_percent = map(int, arguments)
    services, latency = Services(Fleet(size, forecast_percent)), latency_ms / 1000

    def answer(request: Request, write: Write) -> None:
        if request.path.startswith("/simulation/"):
            steered = services.steer(request.path.rpartition("/")[2])
            write(response(json.dumps(steered).encode()))
            return
        # After the key, the day and the region of what the call is signed for.
        service = request.headers["authorization"].split("/")[3]
        answered = services.answer(service, request.target, request.body)
        asyncio.get_running_loop().call_later(latency, write, answered)

    try:
        asyncio.run(serve(answer))
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
