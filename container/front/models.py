"""Which models are loaded, and keeping them so.

The front's table is what callers see; multi-model-server is brought in line with it. A model is in
the table from its load, once that has succeeded, until its removal, also while it has no worker:
then its invocations wait, multi-model-server starts another (it does so by itself while the process
that it started for the model lives), and where that does not happen the model is registered anew.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus

from container.batch_frame import Invocation, Reply
from container.front.batching import Limits
from container.front.load_request import LoadRequest
from container.front.model_server import ModelServer, Unreachable
from container.front.reply import error_reply, json_reply
from container.front.served_model import ServedModel
from container.front.workers import Ending, Workers
from container.worker_events import Failed

_log = logging.getLogger(__name__)

# multi-model-server tries again after one second, then one, two, three (WorkerThread.BACK_OFF).
_LOST_SECONDS = 3.0
_LOOK_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
# What is on its way when a model is unloaded may finish.
_FINISH_SECONDS = 10.0
_END_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class _Entry:
    model: ServedModel
    # Since when it has had no worker at all, by the monotonic clock; None while it has one.
    lost_at: float | None = None
    # Registering it anew: failures in a row, why the last one failed, and when to try again.
    failures: int = 0
    problem: str | None = None
    try_at: float = 0.0
    restoring: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True)
class _Problem:
    """Why a model could not be loaded, and the status that tells it."""

    status: HTTPStatus
    reason: str


class Models:
    """Loads, removes and invokes models, and restores those that lost their processes."""

    def __init__(self, model_server: ModelServer, limits: Limits, ready: Callable[[], bool]):
        """`ready` tells whether workers can be forked now."""
        self._model_server = model_server
        self._limits = limits
        self._ready = ready
        self.workers = Workers(self._workers_changed)
        self._entries: dict[str, _Entry] = {}
        # Those that are being loaded or unloaded; each is set at the end of that.
        self._changing: dict[str, asyncio.Event] = {}

    def listed(self) -> list[tuple[str, str]]:
        """Name and directory of each loaded model, by name."""
        return [(name, self._entries[name].model.url) for name in sorted(self._entries)]

    def url(self, name: str) -> str | None:
        """The directory of a loaded model."""
        entry = self._entries.get(name)
        return entry.model.url if entry else None

    def any_serves(self) -> bool:
        """At least one of the loaded models has a worker that answers, or none is loaded."""
        return not self._entries or any(map(self.workers.serving, self._entries))

    async def load(self, request: LoadRequest) -> Reply:
        """200; 409 if it is loaded already; 507 without memory; 500 with what is wrong with it."""
        name = request.name
        async with self._turn(name):
            if name in self._entries:
                return error_reply(HTTPStatus.CONFLICT, f"The model {name} is loaded already.")
            model = ServedModel(name, request.url, self._model_server, self.workers, self._limits)
            problem = await self._register(model)
            if problem is not None:
                return error_reply(problem.status, problem.reason)
            self._entries[name] = _Entry(model)
        _log.info("The model %s is loaded.", name)
        return json_reply({"status": f'Model "{name}" loaded'})

    async def unload(self, name: str) -> Reply:
        """200 once its memory is free, 404 if it is not loaded."""
        async with self._turn(name):
            entry = self._entries.pop(name, None)
            if entry is None:
                return _not_loaded(name)
            if entry.restoring is not None:
                entry.restoring.cancel()
                await asyncio.wait([entry.restoring])
            if self.workers.serving(name):
                await _finish(entry)
            entry.model.batcher.close(f"The model {name} has been unloaded.")
            try:
                await self._remove(name)
            except Unreachable as error:
                # A load of that name begins with removing what multi-model-server may have left.
                self.workers.forget(name)
                return error_reply(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error}.")
        _log.info("The model %s is unloaded.", name)
        return json_reply({"status": f'Model "{name}" unloaded'})

    async def invoke(self, name: str, invocation: Invocation) -> Reply:
        """The model's answer; 404 if it is not loaded; raises `Refused`."""
        entry = self._entries.get(name)
        if entry is None:
            return _not_loaded(name)
        if entry.problem is not None:
            return error_reply(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"The model lost its process and could not be started again: {entry.problem}",
                retry_after=max(1, round(entry.try_at - time.monotonic())),
            )
        return await entry.model.invoke(invocation)

    async def keep(self) -> None:
        """Restore what has lost its processes; never returns."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for entry in self._entries.values():
                if self._is_lost(entry):
                    # At once: nothing more may be sent to what is about to be removed.
                    entry.model.batcher.hold()
                    entry.restoring = asyncio.create_task(self._restore(entry))

    def _is_lost(self, entry: _Entry) -> bool:
        """It has no process that answers or loads, and none will come by itself."""
        name, now = entry.model.name, time.monotonic()
        if entry.restoring is not None or not self._ready() or now < entry.try_at:
            return False
        if self.workers.alive(name):
            entry.lost_at = None
            # It answers, but nothing would follow it; what it is answering may finish.
            return not self.workers.has_parent(name) and entry.model.batcher.idle
        entry.lost_at = entry.lost_at or now
        return not self.workers.has_parent(name) or now - entry.lost_at > _LOST_SECONDS

    async def _restore(self, entry: _Entry) -> None:
        _log.warning("The model %s has lost its processes and is started again.", entry.model.name)
        # multi-model-server keeps what it has not answered when a model is removed, for ever.
        entry.model.batcher.cut_off("The model lost its process; it is being started again.")
        try:
            problem = await self._register(entry.model)
        finally:
            entry.restoring = entry.lost_at = None
        if problem is None:
            entry.failures, entry.problem = 0, None
            entry.model.batcher.release()
            return
        entry.failures += 1
        entry.problem = problem.reason
        entry.try_at = time.monotonic() + min(2**entry.failures, _LONGEST_PAUSE_SECONDS)
        entry.model.batcher.refuse(entry.problem)

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        """Alone with a name: what is asked of it meanwhile comes after.

        A load that comes while the model is being unloaded would otherwise be a conflict, which
        SageMaker takes for success.
        """
        while name in self._changing:
            await self._changing[name].wait()
        self._changing[name] = asyncio.Event()
        try:
            yield
        finally:
            self._changing.pop(name).set()

    def _workers_changed(self, name: str) -> None:
        entry = self._entries.get(name)
        if entry is None or entry.restoring is not None:
            return
        if self.workers.serving(name):
            entry.model.batcher.release()
        else:
            entry.model.batcher.hold()

    async def _register(self, model: ServedModel) -> _Problem | None:
        """Bring it into multi-model-server, whatever that knows of it; why, if that fails."""
        name = model.name
        try:
            await self._remove(name)
            reply = await self._model_server.register(name, model.url)
            if reply.status == HTTPStatus.OK:
                reply = await self._model_server.scale(name, self._limits.lanes)
            if reply.status == HTTPStatus.OK:
                return None
            problem = await self._why(name, reply)
            await self._remove(name)
        except Unreachable as error:
            self.workers.forget(name)
            return _Problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error}.")
        return problem

    async def _why(self, name: str, reply: Reply) -> _Problem:
        match await self.workers.failure(name):
            case Failed(_, _, status, reason):
                return _Problem(HTTPStatus(status), reason)
            case Ending(status, how) if self.workers.of(name):
                return _Problem(status, f"The model's process {how} while it loaded the model.")
        said = reply.body.decode(errors="replace")
        return _Problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, f"multi-model-server did not start the model: {said}"
        )

    async def _remove(self, name: str) -> None:
        """From multi-model-server, with every process of it; raises `Unreachable`."""
        await self._model_server.unregister(name)
        await self.workers.gone(name, _END_SECONDS)
        self.workers.forget(name)


async def _finish(entry: _Entry) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_FINISH_SECONDS):
            await entry.model.batcher.drained()


def _not_loaded(name: str) -> Reply:
    return error_reply(HTTPStatus.NOT_FOUND, f"The model {name} is not loaded.")
