"""One loaded model: its invocations on their way to multi-model-server and back."""

import logging
import time
from collections.abc import Sequence
from http import HTTPStatus

from container.batch_frame import (
    CONTENT_TYPE,
    BadFrame,
    Invocation,
    Reply,
    pack_invocations,
    unpack_replies,
)
from container.front.batching import Batcher, Limits
from container.front.model_server import ModelServer, Unreachable, end_to_end
from container.front.reply import error_reply
from container.front.workers import Workers

_log = logging.getLogger(__name__)

# What multi-model-server 1.1.11 answers for a worker that has gone, and for one that takes too long
# (WorkerThread.run).
_WORKER_DIED = b"Worker died."
# multi-model-server takes a form apart, and does so with one that stands alone.
_FORMS = ("multipart/", "application/x-www-form-urlencoded")
_AGAIN = "it is being started again"


class WorkerLost(Exception):
    """The worker ended while it answered: how, and with which status that is told."""

    def __init__(self, status: HTTPStatus, reason: str):
        super().__init__(reason)
        self.status = status


class ServedModel:
    """Answers invocations, through its batcher, by the workers of multi-model-server."""

    def __init__(
        self, name: str, url: str, model_server: ModelServer, workers: Workers, limits: Limits
    ):
        """`url` is the model's directory."""
        self.name = name
        self.url = url
        self.batcher = Batcher(self._send, limits)
        self._model_server = model_server
        self._workers = workers
        self._timeout_seconds = limits.timeout_seconds

    async def invoke(self, invocation: Invocation) -> Reply:
        """The model's answer, or what kept it from giving one; raises `Refused`."""
        return await self.batcher.submit(invocation, alone=_is_form(invocation))

    async def _send(self, invocations: Sequence[Invocation]) -> list[Reply] | None:
        if len(invocations) == 1:
            return [await self._alone(invocations[0])]
        try:
            reply = await self._ask(
                Invocation({"Content-Type": CONTENT_TYPE}, pack_invocations(invocations))
            )
            if reply.status != HTTPStatus.OK:
                return None
            return [
                Reply(each.status, end_to_end(each.headers), each.body)
                for each in unpack_replies(reply.body)
            ]
        except WorkerLost as error:
            _log.error("%s: %s; each of the batch is asked alone.", self.name, error)
        except BadFrame:
            _log.exception("%s: the answer to a batch could not be read.", self.name)
        return None

    async def _alone(self, invocation: Invocation) -> Reply:
        try:
            return await self._ask(invocation)
        except WorkerLost as error:
            return error_reply(error.status, f"{error}; {_AGAIN}.")

    async def _ask(self, invocation: Invocation) -> Reply:
        """Raises `WorkerLost`; what took too long is an answer, since nobody waits for more."""
        asked_at = time.monotonic()
        before = self._workers.serving(self.name)
        try:
            reply = await self._model_server.invoke(self.name, invocation)
        except Unreachable as error:
            return error_reply(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error}.")
        if reply.status < HTTPStatus.INTERNAL_SERVER_ERROR or _WORKER_DIED not in reply.body:
            return reply
        if time.monotonic() - asked_at >= self._timeout_seconds:
            return error_reply(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"The model did not answer within {self._timeout_seconds:g} s; {_AGAIN}.",
            )
        ending = await self._workers.ending(before)
        raise WorkerLost(ending.status, f"The model's process {ending.how} while it answered")


def _is_form(invocation: Invocation) -> bool:
    content_types = (
        value.lower()
        for name, value in invocation.headers.items()
        if name.lower() == "content-type"
    )
    return any(content_type.startswith(_FORMS) for content_type in content_types)
