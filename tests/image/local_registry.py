"""A registry on loopback that speaks as much of the distribution protocol as a push needs.

https://distribution.github.io/distribution/spec/api/, with ECR's way to log in: a password of the
user AWS.
"""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True)
class Stored:
    """What has arrived: manifests by tag, each with its media type, and blobs by digest."""

    password: str
    port: int = 0
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The part of an image's name before the first slash."""
        return f"127.0.0.1:{self.port}"


@contextmanager
def local_registry(password: str) -> Iterator[Stored]:
    """An empty registry that is gone after the block."""
    stored = Stored(password)
    handler = type("Handler", (_Handler,), {"stored": stored})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        stored.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield stored
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    stored: Stored
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        body = self._body()
        login = base64.b64encode(f"AWS:{self.stored.password}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {login}":
            self._answer(401, {"WWW-Authenticate": 'Basic realm="test"'})
            return
        path, _, query = self.path.partition("?")
        if path == "/v2/":
            self._answer(200)
        elif found := re.fullmatch(r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})", path):
            self._answer(200 if found[2] in self.stored.blobs else 404)
        elif found := re.fullmatch(r"/v2/(.+)/blobs/uploads/(.*)", path):
            self._upload(found[1], found[2], query, body)
        elif found := re.fullmatch(r"/v2/(.+)/manifests/(.+)", path):
            self._manifest(found[2], body)
        else:
            self._answer(404)

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = _handle

    def _upload(self, repository: str, upload: str, query: str, body: bytes) -> None:
        upload = upload or uuid.uuid4().hex
        received = self.stored.uploads.get(upload, b"") + body
        self.stored.uploads[upload] = received
        headers = {"Location": f"/v2/{repository}/blobs/uploads/{upload}"}
        if self.command != "PUT":
            self._answer(202, headers | {"Range": f"0-{max(len(received) - 1, 0)}"})
            return
        digest = _digest(received)
        if query.replace("%3A", ":") != f"digest={digest}":
            self._answer(400)
            return
        self.stored.blobs[digest] = received
        self._answer(201, headers | {"Docker-Content-Digest": digest})

    def _manifest(self, tag: str, body: bytes) -> None:
        if self.command == "PUT":
            self.stored.manifests[tag] = (self.headers["Content-Type"], body)
            self._answer(201, {"Docker-Content-Digest": _digest(body)})
        elif tag in self.stored.manifests:
            media_type, stored = self.stored.manifests[tag]
            named = {"Content-Type": media_type, "Docker-Content-Digest": _digest(stored)}
            self._answer(200, named, stored)
        else:
            self._answer(404)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        received = b""
        while size := int(self.rfile.readline(), 16):
            received += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return received

    def _answer(
        self, status: int, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what arrived is what counts."""


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
