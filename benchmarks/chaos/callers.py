"""Those who ask: each way of asking, with what a sensible caller does when it is told to wait."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)

from benchmarks.chaos.questions import Kind, Question
from benchmarks.deployed import Answer, Deployed

# How long a request is held here.
HOLD_SECONDS = 90
# Of the boto3 that loses patience.
_IMPATIENT_SECONDS = 6
# A caller would look less often; the machine has two cores for all of this.
_POLL_SECONDS = 3.0
# Retry-After is made for wakes of minutes.
_LONGEST_PAUSE_SECONDS = 10.0
# Not executed, by SageMaker's word or the door's; or Lambda answered, and nobody says.
_ANOTHER_TRY = frozenset({0, 429, 502, 503, 504})

_ID = re.compile(r"[0-9a-f]{16,}|/tmp/\S+")


class End(StrEnum):
    """How it ended for its caller."""

    ANSWERED = "answered"
    FAILED = "failed"
    """With a reason: the request is not lost, somebody was told."""
    EXPIRED = "expired"
    LOST = "lost"
    """Nobody said what had become of it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a question. `waited_seconds` from its first sending to its end; `request_ids`
    are those that the door gave it.
    """

    question: Question
    end: End
    waited_seconds: float
    body: bytes = b""
    reason: str = ""
    request_ids: frozenset[str] = frozenset()
    again: bytes | None = None
    """What was answered to the same GET, asked once more."""


@dataclass(frozen=True)
class Callers:
    """Asks questions; may be used by many threads at once."""

    stack: Deployed
    deadline: float
    """Of everything, on time.monotonic's clock: what has no end by then is lost."""

    @cached_property
    def _runtime(self) -> Any:
        # Made by whoever is the first; if two are, each has its own.
        return self.stack.runtime(
            read_timeout=60, max_pool_connections=100, retries={"total_max_attempts": 1}
        )

    def ask(self, question: Question) -> Outcome:
        """Ask until there is an answer, a failure with a reason, or no time left."""
        ways: Mapping[Kind, Callable[[Question], _Ended]] = {
            Kind.PLAIN: lambda each: self._invoke(each, {}),
            Kind.WAIT: lambda each: self._invoke(each, {"Prefer": f"wait={HOLD_SECONDS}"}),
            Kind.RESPOND_ASYNC: lambda each: self._park(each, "respond-async"),
            Kind.WAIT_OR_ASYNC: lambda each: self._park(each, "respond-async, wait=3"),
            Kind.ASYNC_INVOCATION: self._invoke_async,
            Kind.REPEATED: self._invoke_impatiently,
        }
        began = time.monotonic()
        try:
            ended = ways[question.kind](question)
        except TimeoutError:
            ended = _Ended(End.LOST, reason="it had no end when the run had")
        seconds = time.monotonic() - began
        return Outcome(
            question, ended.end, seconds, ended.body, ended.reason, ended.request_ids, ended.again
        )

    # The ways

    def _invoke(self, question: Question, headers: Mapping[str, str]) -> _Ended:
        while True:
            answer = self._post(question, "invocations", headers)
            if answer.status == 200:
                return _Ended(End.ANSWERED, answer.body)
            if not _is_worth_another_try(answer):
                return _Ended(End.FAILED, reason=_reason(answer))
            self._pause(answer)

    def _invoke_impatiently(self, question: Question) -> _Ended:
        # Of its own: what boto3 spends on repetitions is counted for each client.
        runtime = self.stack.runtime(
            read_timeout=_IMPATIENT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 15},
        )
        runtime.meta.events.register(
            "before-call.sagemaker-runtime.InvokeEndpoint",
            lambda params, **_: params["headers"].update(Prefer=f"wait={HOLD_SECONDS}"),
        )
        while True:
            try:
                answer = runtime.invoke_endpoint(
                    EndpointName=self.stack.endpoint,
                    TargetModel=question.target_model,
                    InferenceId=question.inference_id,
                    ContentType="application/json",
                    Body=question.body,
                )
                return _Ended(End.ANSWERED, answer["Body"].read())
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] not in _ANOTHER_TRY:
                    return _Ended(End.FAILED, reason=_said(error))
            except (ReadTimeoutError, ConnectionClosedError, EndpointConnectionError):
                # It has repeated the request as often as it does. A new invocation is another.
                return _Ended(End.FAILED, reason="boto3 has repeated it until it gave up")
            self._sleep(_POLL_SECONDS)

    def _park(self, question: Question, prefer: str) -> _Ended:
        while True:
            answer = self._post(question, "invocations", {"Prefer": prefer})
            if answer.status == 200:
                return _Ended(End.ANSWERED, answer.body)
            if answer.status == 202:
                break
            if not _is_worth_another_try(answer):
                return _Ended(End.FAILED, reason=_reason(answer))
            self._pause(answer)
        location = answer.headers["location"]
        ids = {answer.json()["id"]}
        if question.number % 5 == 0:
            # The same id twice is one request.
            again = self._post(question, "invocations", {"Prefer": "respond-async"})
            if again.status == 202:
                ids.add(again.json()["id"])
        return self._collect(location, frozenset(ids))

    def _collect(self, location: str, ids: frozenset[str]) -> _Ended:
        while True:
            self._sleep(_POLL_SECONDS)
            answer = self._get(location)
            if answer.status == 200:
                return _Ended(
                    End.ANSWERED, answer.body, request_ids=ids, again=self._get(location).body
                )
            if answer.status == 410:
                return _Ended(End.EXPIRED, reason=_reason(answer), request_ids=ids)
            if answer.status != 202 and not _says_nothing_of_it(answer):
                return _Ended(End.FAILED, reason=_reason(answer), request_ids=ids)

    def _invoke_async(self, question: Question) -> _Ended:
        while True:
            if time.monotonic() > self.deadline:
                raise TimeoutError
            try:
                answer = self._runtime.invoke_endpoint_async(
                    EndpointName=self.stack.endpoint,
                    CustomAttributes=f"TargetModel={question.target_model}",
                    InferenceId=question.inference_id,
                    ContentType="application/json",
                    Body=question.body,
                )
                break
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] not in _ANOTHER_TRY:
                    return _Ended(End.FAILED, reason=_said(error))
            except BotoCoreError:
                # Under its InferenceId it is the same request still, should it have come through.
                pass
            self._sleep(_POLL_SECONDS)
        while True:
            self._sleep(_POLL_SECONDS)
            if (body := self._read(answer["OutputLocation"])) is not None:
                again = self._read(answer["OutputLocation"])
                return _Ended(End.ANSWERED, body, again=again)
            if (body := self._read(answer["FailureLocation"])) is not None:
                return _Ended(End.FAILED, reason=_without_ids(json.loads(body)["failureReason"]))

    # Their parts

    def _post(self, question: Question, operation: str, headers: Mapping[str, str]) -> Answer:
        return self._ask(
            "POST",
            f"/endpoints/{self.stack.endpoint}/{operation}",
            question.body,
            {
                "Content-Type": "application/json",
                "X-Amzn-SageMaker-Target-Model": question.target_model,
                "X-Amzn-SageMaker-Inference-Id": question.inference_id,
                **headers,
            },
        )

    def _get(self, location: str) -> Answer:
        return self._ask("GET", location, b"", {})

    def _ask(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if time.monotonic() > self.deadline:
            raise TimeoutError
        try:
            return self.stack.ask(method, target, body, headers)
        except HTTPClientError as error:
            return Answer(0, {}, str(error).encode())

    def _read(self, location: str) -> bytes | None:
        bucket, _, key = location.removeprefix("s3://").partition("/")
        client = self.stack.client("s3")
        try:
            body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError):
            return None
        return body

    def _pause(self, answer: Answer) -> None:
        told = answer.headers.get("retry-after", "")
        seconds = float(told) if told.isdecimal() else _POLL_SECONDS
        self._sleep(min(max(seconds, 0.5), _LONGEST_PAUSE_SECONDS))

    def _sleep(self, seconds: float) -> None:
        if time.monotonic() > self.deadline:
            raise TimeoutError
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class _Ended:
    end: End
    body: bytes = b""
    reason: str = ""
    request_ids: frozenset[str] = frozenset()
    again: bytes | None = None


def _is_worth_another_try(answer: Answer) -> bool:
    """Whether it says that it was not executed, or does not say anything of the request at all.

    What is repeated carries its InferenceId: parked, it is the same request still.
    """
    return answer.status in _ANOTHER_TRY


def _is_of_the_door(answer: Answer) -> bool:
    """Whether Lambda answered it, or nobody."""
    return answer.status in {0, 502, 504}


def _says_nothing_of_it(answer: Answer) -> bool:
    """Whether the door could not look. What a request has come to, if only a 503, says so."""
    is_result = "dormouse-request-status" in answer.headers
    return not is_result and answer.status in _ANOTHER_TRY


def _reason(answer: Answer) -> str:
    try:
        told: Any = json.loads(answer.body)
    except ValueError:
        return f"{answer.status}: {answer.body[:200]!r}"
    message = told.get("Message") or told.get("message") or told
    return _without_ids(f"{answer.status}: {message}")


def _said(error: ClientError) -> str:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return _without_ids(f"{status}: {error.response['Error'].get('Message', '')}")


def _without_ids(reason: str) -> str:
    """Cut it short, and leave out what makes two of a kind differ."""
    return _ID.sub("…", reason)[:200]
