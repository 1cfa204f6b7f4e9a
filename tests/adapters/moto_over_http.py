"""moto behind a socket, for clients that are not botocore's: each request that arrives is given to
moto as botocore would have sent it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.core.models import botocore_stubber


@contextmanager
def moto_over_http() -> Iterator[str]:
    """Listen on loopback while moto is active; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._answer()

        def do_PUT(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            # moto tells the service by the host, and that by what was signed.
            service = self.headers["Authorization"].split("/")[3]
            headers = HTTPHeaders()
            for name, value in self.headers.items():
                headers[name] = value
            request = AWSPreparedRequest(
                self.command,
                f"https://{service}.us-east-1.amazonaws.com{self.path}",
                headers,
                body,
                stream_output=False,
            )
            answer: Any = botocore_stubber("before-send", request)
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in ("date", "server", "content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
