"""Answer the invocations of one model together, at no cost when there is only one.

Nothing waits for company: what finds the worker idle goes at once, alone. What arrives while the
worker is busy gathers, and goes together when the worker is free ("natural" batching; Clipper,
NSDI'17, calls the waiting kind delayed batching). Callers that are answered together usually come
back together, so after a batch of several there is a short pause, a small part of what the batch
took, for as many to arrive again; after a single one there is none.

A batch is an optimisation: nobody fails for a neighbour. Where a batch as a whole was not answered,
each of it is sent again, alone.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from container.batch_frame import ALONE, Invocation, Reply

# Sends some invocations to the model: as many replies, or None if the batch as a whole failed.
Send = Callable[[Sequence[Invocation]], Awaitable[list[Reply] | None]]

# Of the time that the last batch took, for the same callers to come back.
_PAUSE_SHARE = 0.1
_LONGEST_PAUSE_SECONDS = 0.005
# How much a new duration counts in the mean.
_MEAN_WEIGHT = 0.2
# Of the time limit, for a batch: a handler may answer its invocations one after the other.
_BATCH_SHARE = 0.25


class Refused(Exception):
    """An invocation that was not sent: come again, in so many seconds."""

    def __init__(self, reason: str, retry_after: int):
        super().__init__(reason)
        self.retry_after = retry_after


class QueueFull(Refused):
    """As many wait already as may."""


class Expired(Refused):
    """It waited for as long as it may."""


class Closed(Refused):
    """Nothing more will be sent to this model."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one model: how many are answered together, in how many bytes, and how many may wait."""

    batch_size: int
    batch_bytes: int
    queue_size: int
    # Batches on their way at the same time: one for each worker.
    lanes: int
    timeout_seconds: float


@dataclass(slots=True, eq=False)
class _Waiting:
    invocation: Invocation
    alone: bool
    # By the loop's clock.
    deadline: float
    reply: "asyncio.Future[Reply]"


class Batcher:
    """The invocations of one model, from the front's callers to `send` and back."""

    def __init__(self, send: Send, limits: Limits):
        self._send = send
        self._limits = limits
        self._queue: deque[_Waiting] = deque()
        self._running: dict[tuple[_Waiting, ...], asyncio.Task[None]] = {}
        self._paused = False
        self._pause: asyncio.TimerHandle | None = None
        self._last_batch = 1
        # Of one batch and of one invocation in it, in seconds; none yet.
        self._mean_seconds = 0.0
        self._mean_item_seconds = 0.0

    @property
    def waiting(self) -> int:
        """How many have not been sent."""
        return len(self._queue)

    @property
    def idle(self) -> bool:
        """Nothing is on its way, whatever waits."""
        return not self._running

    async def submit(self, invocation: Invocation, *, alone: bool = False) -> Reply:
        """The reply to an invocation; one that is `alone` is never sent with others.

        Raises `Refused`.
        """
        if len(self._queue) >= self._limits.queue_size:
            raise QueueFull(
                f"{len(self._queue)} invocations wait for this model already.", self.retry_after()
            )
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.timeout_seconds
        waiting = _Waiting(invocation, alone, deadline, loop.create_future())
        self._queue.append(waiting)
        self._start()
        expiry = loop.call_at(deadline, self._expire, waiting)
        try:
            return await waiting.reply
        finally:
            expiry.cancel()
            if waiting in self._queue:
                self._queue.remove(waiting)

    def hold(self) -> None:
        """Send nothing more until `release`: there is no worker."""
        self._paused = True

    def release(self) -> None:
        """Send again."""
        self._paused = False
        self._start()

    def refuse(self, reason: str) -> None:
        """Refuse what waits; what comes waits for `release`."""
        self._paused = True
        while self._queue:
            _fail(self._queue.popleft(), Closed(reason, self.retry_after()))

    def close(self, reason: str) -> None:
        """Refuse what waits, and what is on its way."""
        self.refuse(reason)
        self.cut_off(reason)

    def cut_off(self, reason: str) -> None:
        """Refuse what is on its way: it will not be answered."""
        for batch, task in list(self._running.items()):
            task.cancel()
            for waiting in batch:
                _fail(waiting, Closed(reason, self.retry_after()))

    async def drained(self) -> None:
        """Wait until nothing waits and nothing is on its way."""
        while self._queue or self._running:
            await asyncio.sleep(0.01)

    def retry_after(self) -> int:
        """Whole seconds, at least one, until what waits now will have been answered."""
        batches = math.ceil((len(self._queue) + 1) / self._limits.batch_size)
        return max(1, math.ceil(batches * self._mean_seconds / self._limits.lanes))

    def _start(self) -> None:
        """Send what may be sent now."""
        while self._queue and not self._paused and len(self._running) < self._limits.lanes:
            if self._pause is not None:
                if len(self._queue) < self._last_batch:
                    return
                self._pause.cancel()
                self._pause = None
            batch = self._take()
            self._running[batch] = asyncio.create_task(self._run(batch))

    def _take(self) -> tuple[_Waiting, ...]:
        """The next ones, in their order, that may go together."""
        limits = self._limits
        batch = [self._queue.popleft()]
        size = _bytes(batch[0])
        while (
            self._queue
            and len(batch) < self._most()
            and not batch[0].alone
            and not self._queue[0].alone
            and (size := size + _bytes(self._queue[0])) <= limits.batch_bytes
        ):
            batch.append(self._queue.popleft())
        return tuple(batch)

    def _most(self) -> int:
        """How many go together at most: fewer if each takes long, or all would take too long."""
        if not self._mean_item_seconds:
            return self._limits.batch_size
        in_time = self._limits.timeout_seconds * _BATCH_SHARE / self._mean_item_seconds
        return max(1, min(self._limits.batch_size, int(in_time)))

    async def _run(self, batch: tuple[_Waiting, ...]) -> None:
        try:
            await self._answer(batch)
        except Exception as error:  # noqa: BLE001  # handed to the callers
            # Never one of the program's own making that nobody hears of: the callers do.
            for waiting in batch:
                _fail(waiting, error)
        finally:
            del self._running[batch]
            self._start()

    async def _answer(self, batch: tuple[_Waiting, ...]) -> None:
        started = time.monotonic()
        replies = await self._send([waiting.invocation for waiting in batch])
        self._note(len(batch), time.monotonic() - started)
        again = []
        now = asyncio.get_running_loop().time()
        for waiting, reply in zip(batch, replies or [ALONE] * len(batch), strict=True):
            if reply != ALONE:
                _succeed(waiting, reply)
            elif now >= waiting.deadline:
                self._fail_late(waiting)
            elif not waiting.reply.done():
                waiting.alone = True
                again.append(waiting)
        # They came first, so they go first.
        self._queue.extendleft(reversed(again))

    def _note(self, size: int, seconds: float) -> None:
        weight = _MEAN_WEIGHT if self._mean_seconds else 1.0
        self._mean_seconds += weight * (seconds - self._mean_seconds)
        self._mean_item_seconds += weight * (seconds / size - self._mean_item_seconds)
        self._last_batch = size
        if size > 1:
            pause = min(seconds * _PAUSE_SHARE, _LONGEST_PAUSE_SECONDS)
            if self._pause is not None:
                self._pause.cancel()
            self._pause = asyncio.get_running_loop().call_later(pause, self._end_pause)

    def _end_pause(self) -> None:
        self._pause = None
        self._start()

    def _expire(self, waiting: _Waiting) -> None:
        """What is on its way has a limit of its own, in multi-model-server."""
        if waiting in self._queue:
            self._queue.remove(waiting)
            self._fail_late(waiting)

    def _fail_late(self, waiting: _Waiting) -> None:
        seconds = self._limits.timeout_seconds
        _fail(waiting, Expired(f"The invocation waited for {seconds:g} s.", self.retry_after()))


# Whoever waits may have been cancelled, and what is cut off has been refused already.


def _succeed(waiting: _Waiting, reply: Reply) -> None:
    if not waiting.reply.done():
        waiting.reply.set_result(reply)


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.reply.done():
        waiting.reply.set_exception(error)


def _bytes(waiting: _Waiting) -> int:
    invocation = waiting.invocation
    # JSON may need six bytes for a character of a header.
    heads = sum(6 * (len(name) + len(value)) + 6 for name, value in invocation.headers.items())
    return len(invocation.body) + heads + 8
