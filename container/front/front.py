"""The front as a whole: its parts started, watched while they run, and ended in good order."""

import asyncio
import functools
import logging
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aiohttp import web

from container.front import health
from container.front.app import App
from container.front.batching import Limits
from container.front.fork_server import ForkServer
from container.front.left_behind import sweep
from container.front.model_server import ModelServer
from container.front.models import Models
from container.server_settings import FORK_SOCKET, MODEL_SERVER_SOCKET, ServerSettings

_log = logging.getLogger(__name__)

_PROBE_SECONDS = 1.0
_BACKLOG = 1024


async def serve(
    settings: ServerSettings, directory: Path, command: Sequence[str], environ: Mapping[str, str]
) -> int:
    """Start multi-model-server by `command` and serve; the exit status, see __main__.py."""
    path = directory / MODEL_SERVER_SOCKET
    async with ModelServer(path, settings.handler, settings.timeout_seconds) as model_server:
        front = Front(settings, directory, model_server)
        ending: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, _end, ending, 0)
        async with asyncio.TaskGroup() as tasks:
            await front.start(command, environ, functools.partial(_end, ending))
            # If one of them fails, all ends: better no container than one that only seems to run.
            running = [tasks.create_task(task) for task in (front.probe(), front.models.keep())]
            status = await ending
            if status != 0:
                _log.error("multi-model-server ended by itself with status %d.", status)
            for task in running:
                task.cancel()
        await front.stop()
    return status


def _end(ending: "asyncio.Future[int]", returncode: int) -> None:
    """With a program's status, or 128 and the number of the signal that ended it."""
    if not ending.done():
        ending.set_result(128 - returncode if returncode < 0 else returncode)


class Front:
    """The HTTP server, the models, and the two processes that they need."""

    def __init__(self, settings: ServerSettings, directory: Path, model_server: ModelServer):
        """`directory` is its own."""
        self._settings = settings
        self._directory = directory
        self._model_server = model_server
        limits = Limits(
            batch_size=settings.batch_size,
            batch_bytes=settings.max_body_bytes,
            queue_size=settings.queue_size,
            lanes=settings.workers,
            timeout_seconds=settings.timeout_seconds,
        )
        self.models = Models(model_server, limits, lambda: self._fork_server.ready)
        self._fork_server = ForkServer(directory / FORK_SOCKET, self.models.workers.hear)
        self._answered_at: float | None = None
        self._app = App(settings, self.models, self._problem, self._started)
        self._runner = web.ServerRunner(
            # Bodies go on as they came, compressed or not.
            web.Server(self._app.handle, access_log=None, auto_decompress=False),
            handle_signals=False,
            # What had to be answered has been by then.
            shutdown_timeout=1.0,
        )
        self._site: web.BaseSite | None = None

    async def start(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        ended: Callable[[int], None],
    ) -> None:
        """Listen, and start what is needed; `ended` is called with multi-model-server's status."""
        self._fork_server.start(environ)
        fork_socket = str(self._directory / FORK_SOCKET)
        self._model_server.start(command, {**environ, "DORMOUSE_FORK_SOCKET": fork_socket}, ended)
        await self._runner.setup()
        self._site = web.TCPSite(
            self._runner, self._settings.host, self._settings.port, backlog=_BACKLOG
        )
        await self._site.start()

    async def probe(self) -> None:
        """Ask multi-model-server how it is, and tidy up after it; never returns."""
        while True:
            if await self._model_server.answers():
                self._answered_at = time.monotonic()
            await asyncio.to_thread(sweep, self._directory)
            await asyncio.sleep(_PROBE_SECONDS if self._answered_at else 0.1)

    async def stop(self) -> None:
        """Accept nothing more, answer what runs, and end multi-model-server."""
        self._app.stopping = True
        if self._site is not None:
            await self._site.stop()
        if not await self._app.drained(self._settings.stop_seconds):
            _log.error(
                "Not all has been answered in %g s; the rest is cut off.",
                self._settings.stop_seconds,
            )
        await self._runner.cleanup()
        self._fork_server.stop()
        self._model_server.stop()

    def _problem(self) -> str | None:
        return health.problem(
            health.Condition(
                now=time.monotonic(),
                answered_at=self._answered_at,
                can_fork=self._fork_server.ready,
                any_model_serves=self.models.any_serves(),
                stopping=self._app.stopping,
            )
        )

    async def _started(self) -> bool:
        """Whether models can be loaded, now or soon enough."""
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                while self._answered_at is None or not self._fork_server.ready:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False
        return True
