"""Waiting until an endpoint is in the state that was asked for, or can't be any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from dormouse_cli.endpoint import Endpoint
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.moments import spoken
from dormouse_cli.problem import sentence

_Result = TypeVar("_Result")

POLL_SECONDS = 2.0
# What is answered within it needs no progress shown.
AT_ONCE_SECONDS = 1.0
DECISION_SECONDS = 1.0
_LOOKS_FOR_A_DECISION = 4
_FRAME_SECONDS = 0.25
# A tick comes each minute, and clears a failure away that somebody waits behind.
_OLD_FAILURE_SECONDS = 180.0


class Watched(Protocol):
    """What shows a wait to the user."""

    def show(self, standing: str, reason: str, elapsed_seconds: float) -> None:
        """Show how it stands, and why."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, which tests may bend."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Done(Exception):
    """What was waited beside has ended."""


class InBackground(Generic[_Result]):
    """A call in a thread of its own, so that this one can show meanwhile how things stand.

    The thread ends with the program: after Ctrl-C nobody waits for it.
    """

    def __init__(self, call: Callable[[], _Result]) -> None:
        self._call = call
        self._done = threading.Event()
        self._error: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._returned = self._call()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the other thread raises it
            self._error = error
        finally:
            self._done.set()

    def is_done_at_once(self) -> bool:
        """Wait for a moment, and say whether it has ended."""
        return self._done.wait(AT_ONCE_SECONDS)

    def beside(self, clock: Clock) -> Clock:
        """Return a clock whose sleep ends with the call, by raising `Done`."""

        def sleep(seconds: float) -> None:
            if self._done.wait(seconds):
                raise Done

        return replace(clock, sleep=sleep)

    def result(self) -> _Result:
        """Wait until it has ended; return what it returned, or raise what it raised."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._returned


def wait_for(
    goal: str,
    first: Endpoint,
    look: Callable[[], Endpoint],
    watched: Watched,
    *,
    timeout_seconds: float,
    clock: Clock,
) -> Endpoint:
    """Look again and again until the endpoint's state is `goal`, and return it as it is then.

    `first` is how it stood when it was asked for: a failure that it shows is an old one, which
    Dormouse is about to clear away. While the control API can't be reached, the wait goes on.

    Raises:
        CliError: it has failed meanwhile (FAILED); the time is over, or a rule keeps it down for
            longer than that (TRY_AGAIN); or the control API refuses to be asked.
    """
    began = clock.monotonic()
    # What is under way already began before this command did.
    head_start = _seconds_under_way(first, clock.now())
    endpoint, trouble, looked_at = first, "", began
    while endpoint.state != goal:
        moment = clock.monotonic()
        is_old = _same_failure(endpoint, first) and moment - began < _OLD_FAILURE_SECONDS
        if endpoint.state == "failed" and not is_old:
            raise _failed(endpoint)
        left_seconds = timeout_seconds - (moment - began)
        if goal == "serving" and _is_kept_down(endpoint, left_seconds, clock.now()):
            raise _kept_down(endpoint, clock.now())
        if moment - began >= timeout_seconds:
            raise _timed_out(endpoint, goal, timeout_seconds, trouble)
        watched.show(
            _standing(endpoint),
            trouble or endpoint.why or endpoint.next,
            head_start + moment - began,
        )
        clock.sleep(min(_FRAME_SECONDS, timeout_seconds - (moment - began)))
        if clock.monotonic() - looked_at < POLL_SECONDS:
            continue
        try:
            endpoint, trouble = look(), ""
        except CliError as error:
            if error.exit_code not in (ExitCode.UNAVAILABLE, ExitCode.TRY_AGAIN):
                raise
            trouble = error.message
        looked_at = clock.monotonic()
    return endpoint


def decided(first: Endpoint, look: Callable[[], Endpoint], *, clock: Clock) -> Endpoint:
    """Return the endpoint with what was decided after an intent, of which `first` is the answer.

    The answer comes before the tick that the intent brings about, so that its reasons are those of
    before. Where nothing else is decided in a few seconds, they hold.
    """
    endpoint = first
    for _ in range(_LOOKS_FOR_A_DECISION):
        if endpoint.decision != first.decision:
            return endpoint
        clock.sleep(DECISION_SECONDS)
        try:
            endpoint = look()
        except CliError:
            # The intent is recorded; that this can't be seen is no failure of it.
            return endpoint
    return endpoint


def pause(seconds: float, standing: str, reason: str, watched: Watched, *, clock: Clock) -> None:
    """Wait so long, where nobody can be asked how it stands."""
    began = clock.monotonic()
    while (elapsed := clock.monotonic() - began) < seconds:
        watched.show(standing, reason, elapsed)
        clock.sleep(min(_FRAME_SECONDS, seconds - elapsed))


def _standing(endpoint: Endpoint) -> str:
    status = "" if endpoint.status is None else f" ({endpoint.status})"
    return f"{endpoint.name} is {endpoint.state}{status}"


def _seconds_under_way(endpoint: Endpoint, now: datetime) -> float:
    if endpoint.state not in ("waking", "stopping") or endpoint.status_since is None:
        return 0.0
    return max(0.0, (now - endpoint.status_since).total_seconds())


def _same_failure(endpoint: Endpoint, first: Endpoint) -> bool:
    return first.state == "failed" and first.status_since == endpoint.status_since


def _failed(endpoint: Endpoint) -> CliError:
    why = endpoint.failure_reason or f"its status is {endpoint.status}, and SageMaker says no more"
    after = f" Next: {endpoint.next}." if endpoint.next else ""
    return CliError(
        f"{sentence(f'{endpoint.name} has failed: {why}')}{after}",
        ExitCode.FAILED,
        failure_reason=endpoint.failure_reason,
    )


def _is_kept_down(endpoint: Endpoint, left_seconds: float, now: datetime) -> bool:
    rule = endpoint.life.kept_down
    if rule is None:
        return False
    return rule.until is None or (rule.until - now).total_seconds() > left_seconds


def _kept_down(endpoint: Endpoint, now: datetime) -> CliError:
    rule = endpoint.life.kept_down
    why = "" if rule is None else rule.told(now)
    ends = f" `dormouse resume {endpoint.name}` ends that." if endpoint.life.suspended_at else ""
    return CliError(
        f"{sentence(f'{endpoint.name} is not started: {why}')}{ends}",
        ExitCode.TRY_AGAIN,
        state=endpoint.state,
    )


def _timed_out(endpoint: Endpoint, goal: str, seconds: float, trouble: str) -> CliError:
    stands = trouble or f"it is {endpoint.state} ({endpoint.why or 'no reason known'})"
    return CliError(
        f"{sentence(f'{endpoint.name} is not {goal} after {spoken(seconds)}: {stands}')} "
        f"Dormouse goes on with it; `dormouse status {endpoint.name}` shows how.",
        ExitCode.TRY_AGAIN,
        state=endpoint.state,
    )
