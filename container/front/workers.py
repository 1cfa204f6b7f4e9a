"""Which workers there are, from the events that they and the fork server tell.

The end of a worker is seen directly (pidfd.py), also when the fork server that would report it has
died; only why it ended comes by an event, and so possibly not at all.
"""

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from container.front.pidfd import WatchedProcess
from container.worker_events import Ended, Event, Failed, Loaded, Ready, Started

# From the end of a process until the fork server has said why.
_REASON_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a worker ended, as the rest of a sentence, and the status that tells it to the caller."""

    status: HTTPStatus
    how: str

    @classmethod
    def of(cls, returncode: int | None) -> "Ending":
        """From an exit status, or the negative number of a signal; None: nobody knows."""
        if returncode is None:
            return cls(HTTPStatus.INTERNAL_SERVER_ERROR, "ended")
        if returncode == -signal.SIGKILL:
            # Nobody else kills a worker that serves or loads.
            return cls(
                HTTPStatus.INSUFFICIENT_STORAGE,
                "was killed, as the kernel does when memory has run out,",
            )
        if returncode == 0:
            # A worker ends so when multi-model-server hangs up, which it does out of impatience.
            return cls(HTTPStatus.INTERNAL_SERVER_ERROR, "took too long and was given up")
        if returncode < 0:
            name = signal.Signals(-returncode).name
            return cls(HTTPStatus.INTERNAL_SERVER_ERROR, f"was ended by {name}")
        return cls(HTTPStatus.INTERNAL_SERVER_ERROR, f"ended with status {returncode}")


@dataclass(slots=True, eq=False)
class Worker:
    """One process that loads or serves a model."""

    process: WatchedProcess
    # What multi-model-server started for the model, without which no new worker comes.
    parent: WatchedProcess
    loaded: bool = False
    failed: Failed | None = None
    returncode: int | None = None

    @property
    def serving(self) -> bool:
        """It answers."""
        return self.loaded and self.process.alive

    def end(self) -> None:
        """Kill it if it still runs, and hear no more of it."""
        self.process.kill()
        self.process.forget()
        self.process.alive = False
        self.parent.forget()


class Workers:
    """By model, in the order in which they were started; ended ones until they are forgotten."""

    def __init__(self, changed: Callable[[str], None]):
        """`changed` is called with the name of a model whose workers have changed."""
        self._changed = changed
        self._by_model: dict[str, list[Worker]] = {}
        self._news = asyncio.Event()

    def of(self, model: str) -> list[Worker]:
        """All that were started since the model was last forgotten."""
        return self._by_model.get(model, [])

    def serving(self, model: str) -> list[Worker]:
        """Those that answer."""
        return [worker for worker in self.of(model) if worker.serving]

    def alive(self, model: str) -> list[Worker]:
        """Those that answer or load."""
        return [worker for worker in self.of(model) if worker.process.alive]

    def has_parent(self, model: str) -> bool:
        """A worker that ends will be replaced by multi-model-server."""
        workers = self.of(model)
        return bool(workers) and workers[-1].parent.alive

    def forget(self, model: str) -> None:
        """The model is gone from multi-model-server: end what is left of it."""
        for worker in self._by_model.pop(model, []):
            worker.end()

    def hear(self, event: Event) -> None:
        """Note what the fork server or a worker says."""
        match event:
            case Started(model, pid, parent_pid):
                self._start(model, pid, parent_pid)
            case Loaded(model, pid):
                if worker := self._find(model, pid):
                    worker.loaded = True
            case Failed(model, pid):
                worker = self._find(model, pid) or self._start(model, pid, 0)
                worker.failed = event
            case Ended(model, pid, returncode):
                if worker := self._find(model, pid):
                    worker.returncode = returncode
            case Ready():
                return
        self._tell(event.model)

    async def failure(self, model: str) -> Failed | Ending:
        """Why a worker could not load the model: what it said, or how it ended."""
        workers = self.of(model)
        if not workers:
            return Ending.of(None)
        await self._until(
            lambda: any(worker.failed or worker.returncode is not None for worker in workers)
        )
        said = next((worker.failed for worker in workers if worker.failed), None)
        return said or await self.ending(workers)

    async def ending(self, workers: Sequence[Worker]) -> Ending:
        """How the first of the workers that ends within a moment has ended."""
        await self._until(lambda: any(worker.returncode is not None for worker in workers))
        codes = (worker.returncode for worker in workers if worker.returncode is not None)
        return Ending.of(next(codes, None))

    async def gone(self, model: str, seconds: float) -> bool:
        """Whether no worker of the model runs any more, within so many seconds."""
        return await self._until(lambda: not self.alive(model), seconds)

    async def _until(self, condition: Callable[[], bool], seconds: float = _REASON_SECONDS) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _start(self, model: str, pid: int, parent_pid: int) -> Worker:
        worker = Worker(
            WatchedProcess(pid, lambda: self._tell(model)),
            WatchedProcess(parent_pid, lambda: self._tell(model)),
        )
        workers = self._by_model.setdefault(model, [])
        # Each respawn would leave one: what is over is of no more use once another has started.
        for over in [old for old in workers if not old.process.alive]:
            over.end()
            workers.remove(over)
        workers.append(worker)
        return worker

    def _find(self, model: str, pid: int) -> Worker | None:
        found = (worker for worker in self.of(model) if worker.process.pid == pid)
        return next(found, None)

    def _tell(self, model: str) -> None:
        self._changed(model)
        # Whoever waits looks again; the next one waits for the next news.
        self._news.set()
        self._news = asyncio.Event()
