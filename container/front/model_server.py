"""multi-model-server: its process, and the calls that the front makes to it."""

import asyncio
import json
import logging
import subprocess
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import aiohttp
from yarl import URL

from container.batch_frame import Invocation, Reply
from container.front.pidfd import WatchedProcess

_log = logging.getLogger(__name__)

# Headers between two neighbours (RFC 9110, 7.6.1), and those that say how long a body is.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "date",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# aiohttp would add them.
_OWN_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
# What multi-model-server takes beyond the model's own time: its own limit must strike first.
_GRACE_SECONDS = 10.0
_PING_SECONDS = 2.0
_ABSENT_SECONDS = 20.0


class Unreachable(Exception):
    """multi-model-server did not take or finish a call."""


def end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    """Without the headers that are between two neighbours only."""
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


class ModelServer:
    """The JVM, behind a Unix socket. Used as a context manager, it closes its connections."""

    def __init__(self, path: Path, handler: str, timeout_seconds: float):
        """It will listen at `path`, and let models be served by `handler` (module:function).

        No call takes longer than `timeout_seconds` and some grace.
        """
        self._handler = handler
        self._session = aiohttp.ClientSession(
            base_url="http://model-server",
            connector=aiohttp.UnixConnector(str(path), limit=0, force_close=False),
            timeout=aiohttp.ClientTimeout(total=timeout_seconds + _GRACE_SECONDS),
            auto_decompress=False,
            skip_auto_headers=_OWN_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> "ModelServer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    def start(
        self, command: Sequence[str], environ: Mapping[str, str], ended: Callable[[int], None]
    ) -> None:
        """Start the JVM; `ended` is called with its exit status, -n for signal n."""
        process = subprocess.Popen(list(command), env=dict(environ), stdin=subprocess.DEVNULL)
        self._process = process
        WatchedProcess(process.pid, lambda: ended(process.wait()))

    def stop(self) -> None:
        """Ask it to end."""
        if self._process is not None:
            self._process.terminate()

    async def answers(self) -> bool:
        """Whether it answers a ping in the time that SageMaker gives."""
        timeout = aiohttp.ClientTimeout(total=_PING_SECONDS)
        try:
            return (await self._call("GET", "/ping", timeout=timeout)).status == 200
        except Unreachable:
            return False

    async def register(self, name: str, url: str) -> Reply:
        """Let it know a model, without a worker.

        With one, it would remove a model that can't be loaded by itself, after it has answered, and
        put it back if that goes wrong (WorkLoadManager.shutdownServerThread).
        """
        document = {
            "model_name": name,
            "url": url,
            "initial_workers": 0,
            # Or a manifest in the model's directory would choose them.
            "handler": self._handler,
            "runtime": "python",
        }
        return await self._call("POST", "/models", json.dumps(document).encode(), _JSON)

    async def scale(self, name: str, workers: int) -> Reply:
        """Let it start workers for a model, and wait until they have loaded it or can't."""
        query = f"min_worker={workers}&max_worker={workers}&synchronous=true"
        return await self._call("PUT", f"{_path(name)}?{query}")

    async def unregister(self, name: str) -> None:
        """Let it forget a model, whether it knows it or not; raises `Unreachable` if it doesn't."""
        deadline = asyncio.get_running_loop().time() + _ABSENT_SECONDS
        while (reply := await self._call("DELETE", _path(name))).status != 404:
            if asyncio.get_running_loop().time() > deadline:
                raise Unreachable(f"multi-model-server keeps {name}: {reply.body.decode()}")
            # It says 200, and 404 the next time. Anything else: it was interrupted.
            if reply.status != 200:
                await asyncio.sleep(0.05)

    async def invoke(self, name: str, invocation: Invocation, query: str = "") -> Reply:
        """Ask a model, by one worker."""
        target = f"{_path(name)}/invoke" + (f"?{query}" if query else "")
        return await self._call("POST", target, invocation.body, invocation.headers)

    async def _call(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> Reply:
        try:
            async with self._session.request(
                method,
                URL(f"http://model-server{target}", encoded=True),
                data=body,
                headers=headers,
                timeout=timeout or self._session.timeout,
            ) as response:
                return Reply(response.status, end_to_end(response.headers), await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(
                f"multi-model-server did not answer {method} {target.partition('?')[0]}: "
                f"{error or type(error).__name__}"
            ) from error


_JSON = {"Content-Type": "application/json"}


def _path(name: str) -> str:
    return f"/models/{urllib.parse.quote(name, safe='')}"
