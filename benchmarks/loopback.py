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

from benchmarks.http_stand_in import Request, Write, response, serve

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
                return response(b"{}")
            case "GET", "/counts", _:
                counts, self.counts = self.counts, Counter()
                return response(json.dumps(counts).encode())
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
                return response(b"{}", "404 Not Found")
        self.counts[operation] += 1
        return response(json.dumps(answer).encode(), kind="application/x-amz-json-1.0")

    def _update(self, request: Any) -> dict[str, Any]:
        """Set each attribute to the value of its name, as all updates of a warm request do."""
        values: dict[str, Any] = request["ExpressionAttributeValues"]
        self.item |= {name.removeprefix(":"): value for name, value in values.items()}
        return self.item


# As SageMaker's runtime has it, which names the variant.
_INVOKED = response(_PREDICTION).replace(
    b"x-amzn-RequestId", b"x-Amzn-Invoked-Production-Variant: AllTraffic\r\nx-amzn-RequestId"
)


def main() -> int:
    """Serve until somebody ends it; the exit status."""
    services = Services()

    def answer(request: Request, write: Write) -> None:
        operation = request.target.rpartition(".")[2]
        write(services.answer(request.method, request.path, operation, request.body))

    try:
        asyncio.run(serve(answer))
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
