"""The door of the local AWS: the requests of services that ministack lacks are answered here, all
others by ministack.

An ASGI application around ministack's, so that those services need no place in ministack's router:
the X-Amz-Target tells their calls, the path an invocation (boto3 sends those to whatever endpoint
it is given, and ministack would take the path for a bucket's).
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

from local import function_urls, json_api
from local.json_api import Json
from local.sagemaker import errors
from local.sagemaker.errors import ServiceError
from local.sagemaker.runtime import BODY_LIMIT_BYTES, Runtime

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Response = tuple[int, dict[str, str], bytes]
# Carries out an operation of a service; raises ServiceError.
Service = Callable[[str, Json], Json]

INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations/?")
# An invocation occupies a thread for as long as the model takes.
INVOCATION_THREADS = 64
logger = logging.getLogger("local.gateway")


class _TooLarge(Exception):
    """The body exceeds what is read."""


async def _body(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client has gone")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        if not message.get("more_body", False):
            if size > limit:
                raise _TooLarge
            return b"".join(chunks)


class Gateway:
    """The ASGI application. A service is known by what its X-Amz-Target has before the dot."""

    def __init__(self, services: Mapping[str, Service], runtime: Runtime, others: Application):
        self._services = services
        self._runtime = runtime
        self._others = others
        # Two pools: a call to the control plane must not queue behind slow predictions.
        self._control_threads = ThreadPoolExecutor(8, "control")
        self._invocation_threads = ThreadPoolExecutor(INVOCATION_THREADS, "sagemaker-runtime")

    def close(self) -> None:
        """Take no more calls."""
        for pool in (self._control_threads, self._invocation_threads):
            pool.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or hand on."""
        if scope["type"] != "http":
            await self._others(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        target = headers.get("x-amz-target", "")
        invocation = INVOCATION.fullmatch(scope["path"]) if scope["method"] == "POST" else None
        try:
            if scope["path"].startswith(function_urls.PATH) and (
                refused := function_urls.refusal(headers)
            ):
                response = refused
            elif service := self._services.get(target.partition(".")[0]):
                response = await self._control(service, target, receive)
            elif invocation:
                response = await self._invoke(unquote(invocation[1]), headers, receive)
            else:
                await self._others(scope, receive, send)
                return
        except ConnectionError:
            return
        except Exception as error:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            response = json_api.failure_of(error)
        await _respond(send, response)

    async def _control(self, service: Service, target: str, receive: Receive) -> Response:
        body = await _body(receive, BODY_LIMIT_BYTES)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._control_threads, json_api.answer, service, target, body
        )

    async def _invoke(self, endpoint: str, headers: dict[str, str], receive: Receive) -> Response:
        try:
            body = await _body(receive, BODY_LIMIT_BYTES)
            loop = asyncio.get_running_loop()
            prediction = await loop.run_in_executor(
                self._invocation_threads, self._runtime.invoke, endpoint, headers, body
            )
        except _TooLarge:
            return _runtime_failure(errors.body_too_large(BODY_LIMIT_BYTES))
        except ServiceError as error:
            return _runtime_failure(error)
        return 200, prediction.headers, prediction.body


def _runtime_failure(error: ServiceError) -> Response:
    body = {"ErrorCode": error.code, "Message": error.message, **error.members}
    return (
        error.status,
        {"Content-Type": "application/json", "x-amzn-ErrorType": error.code},
        json.dumps(body).encode(),
    )


async def _respond(send: Send, response: Response) -> None:
    status, headers, body = response
    every = {**headers, "Content-Length": str(len(body)), "x-amzn-RequestId": str(uuid.uuid4())}
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(n.encode("latin-1"), v.encode("latin-1")) for n, v in every.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})
