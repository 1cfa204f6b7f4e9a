"""SageMaker's runtime as the functions see it: what they send is noted and passed on.

A function is pointed at it by AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME, boto3's own setting. So what is
measured and counted is what leaves the functions, with nothing changed in them.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.settings import HOST

VARIABLE = "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"
# Longer than SageMaker lets a model take.
_TIMEOUT_SECONDS = 90.0
# What belongs to one connection, and not to the request (RFC 9110, 7.6.1).
_OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(slots=True)
class Arrival:
    """One InvokeEndpoint: when it came (epoch seconds) and how it was answered, None as long as it
    was not.
    """

    at: float
    inference_id: str
    target_model: str
    status: int | None = None


@dataclass
class Arrivals:
    """All that have come."""

    _seen: list[Arrival] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def add(self, arrival: Arrival) -> None:
        """Note one."""
        with self._news:
            self._seen.append(arrival)
            self._news.notify_all()

    def answered(self, arrival: Arrival, status: int) -> None:
        """Note how one was answered."""
        with self._news:
            arrival.status = status
            self._news.notify_all()

    def all(self) -> list[Arrival]:
        """Those so far, in their order."""
        with self._news:
            return list(self._seen)

    def wait_for(self, wanted: Callable[[Arrival], bool], seconds: float) -> Arrival | None:
        """Wait for the first that is wanted; None if none has come within so long."""
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                found = next(filter(wanted, self._seen), None)
                left = deadline - time.monotonic()
                if found is not None or left <= 0:
                    return found
                self._news.wait(left)


@contextmanager
def listening(port: int) -> Iterator[tuple[str, Arrivals]]:
    """Listen, and pass all on to this port of loopback; yields the address, and what comes."""
    arrivals = Arrivals()

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            arrival = Arrival(
                time.time(),
                self.headers.get("X-Amzn-SageMaker-Inference-Id", ""),
                self.headers.get("X-Amzn-SageMaker-Target-Model", ""),
            )
            arrivals.add(arrival)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            upstream = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_SECONDS)
            try:
                upstream.request("POST", self.path, body, dict(self.headers.items()))
                answer = upstream.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException):
                # The function is to see what has happened: a connection that ends.
                self.close_connection = True
                return
            finally:
                upstream.close()
            arrivals.answered(arrival, answer.status)
            # Whoever asked may have been killed meanwhile.
            with suppress(OSError):
                self.send_response_only(answer.status, answer.reason)
                for name, value in answer.getheaders():
                    if name.lower() not in _OF_THE_CONNECTION:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing: the arrivals are what is told."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """Say nothing: functions that are killed cut their connections."""

    with Server((HOST, 0), Passing) as server:
        thread = threading.Thread(target=server.serve_forever, name="arrivals")
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}", arrivals
        finally:
            server.shutdown()
            thread.join()
