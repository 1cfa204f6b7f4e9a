"""The HTTP door: SageMaker's contract for multi-model containers, in front of multi-model-server.

https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
"""

import asyncio
import logging
import urllib.parse
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from container.batch_frame import CONTENT_TYPE, Invocation, Reply
from container.front.batching import Refused
from container.front.load_request import BadLoadRequest, name_problem, parse
from container.front.model_server import end_to_end
from container.front.models import Models
from container.front.reply import error_reply, json_reply
from container.server_settings import ServerSettings

_log = logging.getLogger(__name__)

_PAGE = 100
_DRAIN_LOOK_SECONDS = 0.02


class _TooLarge(Exception):
    """The body is larger than it may be."""


class _TooSlow(Exception):
    """The body has not come in time."""


class App:
    """Answers requests; `handle` is for aiohttp's low-level server, whose router is not needed."""

    def __init__(
        self,
        settings: ServerSettings,
        models: Models,
        problem: Callable[[], str | None],
        started: Callable[[], Awaitable[bool]],
    ):
        """`problem` says why the container is not healthy; `started` waits until it can load."""
        self._settings = settings
        self._models = models
        self._problem = problem
        self._started = started
        self._active = 0
        self.stopping = False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request. What has begun is finished, also for a caller that has gone."""
        self._active += 1
        try:
            reply = await self._reply(request)
        except _TooLarge:
            reply = error_reply(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The body has more than the {self._settings.max_body_bytes} bytes that are "
                "allowed.",
            )
        except _TooSlow:
            reply = error_reply(
                HTTPStatus.REQUEST_TIMEOUT,
                f"The body did not arrive within {self._settings.timeout_seconds} s.",
            )
        except Refused as error:
            reply = error_reply(HTTPStatus.SERVICE_UNAVAILABLE, str(error), error.retry_after)
        except Exception:  # noqa: BLE001  # logged, and the caller is told
            _log.exception("%s %s failed.", request.method, request.path)
            reply = error_reply(
                HTTPStatus.INTERNAL_SERVER_ERROR, "The container failed; its log says more."
            )
        finally:
            self._active -= 1
        response = web.Response(status=reply.status, headers=reply.headers, body=reply.body)
        if self.stopping:
            response.force_close()
        return response

    async def drained(self, seconds: float) -> bool:
        """Whether all that runs has been answered, within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while self._active:
                    await asyncio.sleep(_DRAIN_LOOK_SECONDS)
        except TimeoutError:
            return False
        return True

    async def _reply(self, request: web.BaseRequest) -> Reply:
        match _segments(request):
            case ["ping"]:
                return self._only(request, "GET") or self._ping()
            case ["models"] if request.method == "POST":
                return await self._load(request)
            case ["models"]:
                return self._only(request, "GET", "POST") or self._list(request)
            case ["models", name, *rest] if problem := name_problem(name):
                del rest
                return error_reply(HTTPStatus.BAD_REQUEST, f"The model's name {problem}")
            case ["models", name] if request.method == "DELETE":
                return await self._models.unload(name)
            case ["models", name]:
                return self._only(request, "GET", "DELETE") or self._describe(name)
            case ["models", name, "invoke"]:
                return self._only(request, "POST") or await self._invoke(request, name)
        return error_reply(HTTPStatus.NOT_FOUND, f"There is no {request.path} here.")

    @staticmethod
    def _only(request: web.BaseRequest, *methods: str) -> Reply | None:
        if request.method in methods:
            return None
        reply = error_reply(
            HTTPStatus.METHOD_NOT_ALLOWED,
            f"{request.path} takes {' and '.join(methods)}, not {request.method}.",
        )
        return Reply(reply.status, {**reply.headers, "Allow": ", ".join(methods)}, reply.body)

    def _ping(self) -> Reply:
        problem = self._problem()
        if problem is None:
            return json_reply({"status": "Healthy"})
        return json_reply({"status": problem}, HTTPStatus.SERVICE_UNAVAILABLE)

    async def _load(self, request: web.BaseRequest) -> Reply:
        body = await self._body(request)
        try:
            # Off the loop: the directory may be on a disk that is slow.
            wanted = await asyncio.to_thread(parse, body, self._settings.models_root)
        except BadLoadRequest as error:
            return error_reply(HTTPStatus.BAD_REQUEST, str(error))
        if not await self._started():
            return error_reply(HTTPStatus.SERVICE_UNAVAILABLE, f"{self._problem()}.", 1)
        return await self._models.load(wanted)

    def _list(self, request: web.BaseRequest) -> Reply:
        token = request.query.get("next_page_token", "0")
        if not _is_number(token):
            return error_reply(
                HTTPStatus.BAD_REQUEST, "next_page_token is not one that was given out."
            )
        limit = request.query.get("limit", str(_PAGE))
        size = int(limit) if _is_number(limit) else _PAGE
        first, size = int(token), min(max(size, 1), _PAGE)
        listed = self._models.listed()
        document: dict[str, object] = {
            "models": [
                {"modelName": name, "modelUrl": url} for name, url in listed[first : first + size]
            ]
        }
        if first + size < len(listed):
            document["nextPageToken"] = str(first + size)
        return json_reply(document)

    def _describe(self, name: str) -> Reply:
        url = self._models.url(name)
        if url is None:
            return error_reply(HTTPStatus.NOT_FOUND, f"The model {name} is not loaded.")
        return json_reply({"modelName": name, "modelUrl": url})

    async def _invoke(self, request: web.BaseRequest, name: str) -> Reply:
        if len(request.headers.getall("Content-Type", [])) > 1:
            return error_reply(HTTPStatus.BAD_REQUEST, "There are several Content-Type headers.")
        if request.content_type == CONTENT_TYPE:
            return error_reply(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{CONTENT_TYPE} is for use inside only."
            )
        # Even of a model that is not there: whoever sends should be able to finish.
        body = await self._body(request)
        return await self._models.invoke(name, Invocation(end_to_end(request.headers), body))

    async def _body(self, request: web.BaseRequest) -> bytes:
        most = self._settings.max_body_bytes
        if (request.content_length or 0) > most:
            raise _TooLarge
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                async for chunk in request.content.iter_any():
                    body += chunk
                    if len(body) > most:
                        raise _TooLarge
        except TimeoutError as error:
            raise _TooSlow from error
        return bytes(body)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _segments(request: web.BaseRequest) -> list[str]:
    """The path's parts; cut before they are decoded, so that an encoded slash cuts nothing."""
    path = request.rel_url.raw_path.removeprefix("/").removesuffix("/")
    return [urllib.parse.unquote(part) for part in path.split("/")]
