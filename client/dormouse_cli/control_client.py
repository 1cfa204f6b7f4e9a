"""Calls of the control API: signed, with time limits, and repeated only if they read."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionError as NotConnected
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session

from dormouse_cli.accepted_request import (
    AcceptedRequest,
    Replay,
    read_replay,
    read_requests,
)
from dormouse_cli.aws import USER_AGENT
from dormouse_cli.decision import DecisionPage, read_decision_page
from dormouse_cli.dry_run import DryRun, read_dry_run
from dormouse_cli.endpoint import Endpoint, read_endpoint, read_endpoints
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.fields import UnreadableAnswer, read_object, read_whole
from dormouse_cli.ground_truth import GroundTruth
from dormouse_cli.moments import format_instant
from dormouse_cli.problem import Problem, read_problem, sentence
from dormouse_cli.served_model import (
    Alias,
    ModelList,
    Switch,
    read_aliases,
    read_models,
    read_switch,
)

_Read = TypeVar("_Read")

CONNECT_SECONDS = 10
# An HTTP API answers within 30 s, with a 503 of its own if need be.
READ_SECONDS = 35
MOST_DECISIONS = 100
_PAUSES_BETWEEN_READS = (0.5, 2.0)
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", re.ASCII)


def is_endpoint_name(text: str) -> bool:
    """Whether SageMaker would take it as an endpoint's name."""
    return len(text) <= 63 and _NAME.fullmatch(text) is not None


class ControlClient:
    """One deployment's control API.

    Every method raises `CliError` for what the API refuses, and for what can't be reached or read.
    """

    def __init__(
        self,
        url: str,
        region: str,
        credentials: Any,
        http: URLLib3Session,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._region = region
        self._credentials = credentials
        self._http = http
        self._sleep = sleep

    def endpoints(self) -> tuple[Endpoint, ...]:
        """List all managed endpoints, by name."""
        return self._understood(read_endpoints, self._read("/endpoints"))

    def endpoint(self, name: str) -> Endpoint:
        """Describe one, with its recent decisions."""
        return self._understood(read_endpoint, self._read(_path(name)))

    def wake(self, name: str, duration: str | None) -> Endpoint:
        """Start it; with a duration, hold it up so long."""
        return self._intend(name, "wake", None if duration is None else {"for": duration})

    def hold(self, name: str, end: Mapping[str, str]) -> Endpoint:
        """Keep it up, `{"for": "2h"}` or `{"until": "2026-11-23T18:00:00Z"}`."""
        return self._intend(name, "hold", end)

    def release(self, name: str) -> Endpoint:
        """Drop its hold."""
        return self._intend(name, "release", None)

    def sleep(self, name: str) -> Endpoint:
        """Stop it until somebody asks for it again."""
        return self._intend(name, "sleep", None)

    def suspend(self, name: str) -> Endpoint:
        """Stop it until it is resumed, whoever asks for it."""
        return self._intend(name, "suspend", None)

    def resume(self, name: str) -> Endpoint:
        """Suspend it no longer, and forget which EndpointConfigs have failed."""
        return self._intend(name, "resume", None)

    def plan(self, name: str, at: str | None) -> DryRun:
        """Say what would be done with it now, or at a moment such as `2026-11-23T18:00:00Z`."""
        query = "" if at is None else f"?{urlencode({'at': at})}"
        return self._understood(read_dry_run, self._read(f"{_path(name)}/plan{query}"))

    def decisions(self, name: str, limit: int, before: datetime | None) -> DecisionPage:
        """List what was decided of it, newest first: a page of at most `MOST_DECISIONS`."""
        query: dict[str, str | int] = {"limit": limit}
        if before is not None:
            query["before"] = format_instant(before)
        path = f"{_path(name)}/decisions?{urlencode(query)}"
        return self._understood(read_decision_page, self._read(path))

    def requests(self, name: str) -> tuple[AcceptedRequest, ...]:
        """List the requests that wait for one, the oldest first."""
        return self._understood(read_requests, self._read(f"{_path(name)}/requests"))

    def replay(self, name: str, ids: Sequence[str]) -> Replay:
        """Let its failed requests wait once more: these, or all where none is named."""
        body = json.dumps({"requests": list(ids)}).encode() if ids else b""
        return self._understood(
            read_replay, self._answer(self._send("POST", f"{_path(name)}/replay", body))
        )

    def models(self, name: str, *, hours: int, unused_days: int | None) -> ModelList:
        """List its models with their use in the last hours; or only those not used for days."""
        query: dict[str, int] = {"hours": hours}
        if unused_days is not None:
            query["unused_days"] = unused_days
        path = f"{_path(name)}/models?{urlencode(query)}"
        return self._understood(read_models, self._read(path))

    def retire(self, name: str, model: str) -> Mapping[str, object]:
        """Move a model to where endpoints don't find it."""
        path = f"{_path(name)}/models/{quote(model)}"
        return self._understood(_object, self._answer(self._send("DELETE", path)))

    def aliases(self, name: str) -> tuple[Alias, ...]:
        """List its aliases."""
        return self._understood(read_aliases, self._read(f"{_path(name)}/aliases"))

    def set_alias(self, name: str, alias: str, model: str) -> Switch:
        """Let an alias stand for this model from now on."""
        body = json.dumps({"model": model}).encode()
        answer = self._answer(self._send("PUT", _alias_path(name, alias), body))
        return self._understood(read_switch, answer)

    def remove_alias(self, name: str, alias: str) -> Mapping[str, object]:
        """Let an alias stand for nothing any more."""
        answer = self._answer(self._send("DELETE", _alias_path(name, alias)))
        return self._understood(_object, answer)

    def write_ground_truth(self, name: str, records: Sequence[GroundTruth]) -> tuple[int, int]:
        """Write what requests should have been answered; return of how many it is written, and how
        many requests are not sampled, so that theirs is not.
        """
        body = json.dumps({"records": [record.document() for record in records]}).encode()
        answer = self._answer(self._send("PUT", f"{_path(name)}/ground-truth", body))
        return self._understood(_written, answer)

    def _intend(self, name: str, verb: str, body: Mapping[str, str] | None) -> Endpoint:
        content = b"" if body is None else json.dumps(body).encode()
        answer = self._answer(self._send("POST", f"{_path(name)}/{verb}", content))
        return self._understood(read_endpoint, answer)

    def _understood(self, read: Callable[[object], _Read], answer: object) -> _Read:
        try:
            return read(answer)
        except UnreadableAnswer as error:
            raise self._not_the_api(str(error)) from error

    def _read(self, path: str) -> object:
        for pause in _PAUSES_BETWEEN_READS:
            try:
                return self._answer(self._send("GET", path))
            except CliError as error:
                if error.exit_code != ExitCode.UNAVAILABLE:
                    raise
            self._sleep(pause)
        return self._answer(self._send("GET", path))

    def _send(self, method: str, path: str, body: bytes = b"") -> Any:
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        request = AWSRequest(method, self._url + path, headers, body)
        SigV4Auth(self._credentials(), "execute-api", self._region).add_auth(request)
        try:
            return self._http.send(request.prepare())
        except (HTTPClientError, NotConnected) as error:
            raise CliError(
                sentence(f"The control API can't be reached: {error}"), ExitCode.UNAVAILABLE
            ) from error

    def _answer(self, response: Any) -> object:
        status, body = int(response.status_code), bytes(response.content)
        content_type = str(response.headers.get("Content-Type", ""))
        if not 200 <= status < 300:
            raise _refused(read_problem(status, content_type, body), self._url)
        try:
            answer: object = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._not_the_api("the answer is no JSON") from error
        return answer

    def _not_the_api(self, why: str) -> CliError:
        return CliError(
            f"{self._url} does not answer as Dormouse's control API does: {why}.",
            ExitCode.UNAVAILABLE,
        )


def _path(name: str) -> str:
    if not is_endpoint_name(name):
        raise CliError(
            f"{name!r} is no endpoint's name: 1 to 63 letters, digits and hyphens.", ExitCode.USAGE
        )
    return f"/endpoints/{quote(name)}"


def _alias_path(name: str, alias: str) -> str:
    return f"{_path(name)}/aliases/{quote(alias, safe='')}"


def _object(answer: object) -> Mapping[str, object]:
    return read_object(answer, "the answer")


def _written(answer: object) -> tuple[int, int]:
    fields = _object(answer)
    written = read_whole(fields, "written")
    if written is None:
        raise UnreadableAnswer("the answer has no 'written'")
    return written, read_whole(fields, "not_sampled") or 0


def _refused(problem: Problem, url: str) -> CliError:
    status, detail = problem.status, problem.detail
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return CliError(
                f"The control API refuses these credentials ({detail}): they need "
                f"execute-api:Invoke on {url}, and must be neither expired nor another account's.",
                ExitCode.NOT_PERMITTED,
                status=status,
            )
        case HTTPStatus.NOT_FOUND if problem.from_gateway:
            return CliError(
                f"There is no control API at {url} ({detail}).", ExitCode.NOT_FOUND, status=status
            )
        case HTTPStatus.NOT_FOUND:
            return CliError(sentence(detail), ExitCode.NOT_FOUND, status=status)
        case HTTPStatus.BAD_REQUEST:
            return CliError(sentence(detail), ExitCode.USAGE, status=status)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return CliError(
                sentence(f"The control API has too many callers: {detail}"),
                ExitCode.TRY_AGAIN,
                status=status,
            )
    if status >= 500:
        return CliError(
            f"The control API fails: {detail} (HTTP status {status}).",
            ExitCode.UNAVAILABLE,
            status=status,
        )
    return CliError(sentence(detail), ExitCode.FAILED, status=status)
