"""Signed requests to one service, over kept connections."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dormouse.adapters.kept_connections import Answer, KeptConnections
from dormouse.adapters.signing import Signer


@dataclass(frozen=True, slots=True)
class SignedHttp:
    """`root` is what stands before each path, in the addresses of gateways and stand-ins."""

    connections: KeptConnections
    signer: Signer
    root: str = ""

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Sign a request, send it once and read its answer, as `KeptConnections.send` says."""
        path = f"{self.root}{path}"
        headers = {"host": self.connections.authority, **headers}
        signed = self.signer.sign(method, path, headers, body, datetime.now(UTC))
        return self.connections.send(method, path, signed, body)
