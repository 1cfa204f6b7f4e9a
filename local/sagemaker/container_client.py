"""Talk to a container by the multi-model contract.

https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"


class Unreachable(Exception):
    """The container did not take or finish the call."""


class TooSlow(Unreachable):
    """The container took the call and did not answer in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the container said."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        """Whether it is 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body, to be shown."""
        return self.body.decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class ContainerClient:
    """The calls of the contract. Each uses a connection of its own: the contract has no long
    conversations.
    """

    port: int

    def ping(self, timeout_seconds: float = 2.0) -> bool:
        """Whether the container says it is healthy, in the two seconds the contract gives it."""
        try:
            return self._call("GET", "/ping", timeout_seconds).status == 200
        except Unreachable:
            return False

    def load(self, model_name: str, directory: Path, timeout_seconds: float) -> Answer:
        """Ask for a model: 200, 409 when it is there, 507 when there is no room."""
        body = json.dumps({"model_name": model_name, "url": str(directory)}).encode()
        return self._call(
            "POST", "/models", timeout_seconds, body, {"Content-Type": "application/json"}
        )

    def unload(self, model_name: str, timeout_seconds: float) -> Answer:
        """Drop a model: 200, or 404 when it is not there."""
        return self._call("DELETE", f"/models/{model_name}", timeout_seconds)

    def invoke(
        self, model_name: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float
    ) -> Answer:
        """Ask a model for a prediction."""
        return self._call("POST", f"/models/{model_name}/invoke", timeout_seconds, body, headers)

    def _call(
        self,
        method: str,
        path: str,
        timeout_seconds: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=timeout_seconds)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.read(), dict(response.getheaders()))
        except TimeoutError as error:
            raise TooSlow(f"{method} {path} took longer than {timeout_seconds:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{method} {path}: {error or type(error).__name__}") from error
        finally:
            connection.close()
