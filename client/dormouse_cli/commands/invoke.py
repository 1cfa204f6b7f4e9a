"""`dormouse invoke`: one request to a model, waiting for its endpoint if need be."""

from __future__ import annotations

import base64
import json
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from dormouse_cli.accepted_request import AcceptedRequest
from dormouse_cli.commands.arguments import TIMEOUT, TimeoutOption, timeout_seconds
from dormouse_cli.control_client import is_endpoint_name
from dormouse_cli.deployment import Deployment
from dormouse_cli.endpoint import Endpoint
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.model_store import require_target_model
from dormouse_cli.moments import spoken
from dormouse_cli.options import CommonOptions
from dormouse_cli.output import Output
from dormouse_cli.problem import sentence
from dormouse_cli.progress import waiting
from dormouse_cli.runtime_client import LONGEST_HOLD_SECONDS, Asleep, Invocation, Prediction
from dormouse_cli.view import accepted
from dormouse_cli.waiting import POLL_SECONDS, Clock, Done, InBackground, pause, wait_for

_STANDARD_INPUT = "-"
_CONTENT_TYPES = {
    ".jsonl": "application/jsonlines",
    ".jsonlines": "application/jsonlines",
    ".csv": "text/csv",
    ".txt": "text/plain",
}


def invoke(
    options: CommonOptions,
    *,
    endpoint: Annotated[
        str | None,
        typer.Argument(
            metavar="ENDPOINT",
            help="The endpoint's name (default: the stack's own). What can't be a name, such as "
            "question.json or -, is taken as FILE.",
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="The request's body; - is standard input."),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="TargetModel, as `models list` has it, or an alias.",
        ),
    ],
    body: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The request's body itself.")
    ] = None,
    content_type: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE",
            help="Of the body (default: by FILE's name, else application/json).",
        ),
    ] = None,
    accept: Annotated[
        str | None, typer.Option(metavar="TYPE", help="What the answer should be.")
    ] = None,
    output_file: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the answer here."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="If it is asleep, wait until it answers.")
    ] = False,
    later: Annotated[
        bool,
        typer.Option(
            "--async", help="If it is asleep, have it answered later: `dormouse result` has it."
        ),
    ] = False,
    timeout: TimeoutOption = TIMEOUT,
) -> None:
    """Send one request to a model; its answer goes to standard output, byte for byte."""
    if wait and later:
        raise typer.BadParameter("give one of them", param_hint=["--wait", "--async"])
    if file is None and endpoint is not None and not is_endpoint_name(endpoint):
        endpoint, file = None, endpoint
    seconds = timeout_seconds(timeout)
    content = _content(file, body)
    output, deployment = Output(as_json=options.json), Deployment(options)
    invocation = Invocation(
        endpoint=deployment.endpoint_name(endpoint),
        model=require_target_model(model),
        body=content,
        content_type=content_type
        or _CONTENT_TYPES.get(Path(file or "").suffix, "application/json"),
        accept=accept,
    )
    call = _Call(deployment, output, invocation)
    if later:
        _tell_accepted(call.submit(), output_file, output)
    else:
        deliver(call.until_answered(seconds) if wait else call.once(), output_file, output)


class _Call:
    """One request, sent as often as it takes."""

    def __init__(self, deployment: Deployment, output: Output, invocation: Invocation) -> None:
        self._deployment = deployment
        self._output = output
        self._invocation = invocation
        self._endpoint = invocation.endpoint
        self._clock = Clock()

    def submit(self) -> Prediction | AcceptedRequest:
        """Send it, to be answered now or later."""
        return self._deployment.runtime.submit(self._invocation)

    def once(self) -> Prediction:
        """Send it; what sleeps is an error that says when to come again."""
        try:
            return self._deployment.runtime.invoke(self._invocation)
        except Asleep as asleep:
            raise CliError(
                f"{sentence(asleep.message)} --wait waits for it, "
                f"which is worth a try in {asleep.retry_after_seconds} s.",
                asleep.exit_code,
                retry_after_seconds=asleep.retry_after_seconds,
            ) from asleep

    def until_answered(self, timeout_seconds: float) -> Prediction:
        """Send it to be held while the endpoint wakes; where it is not held for so long, wait for
        the endpoint and send it again, until it is answered.
        """
        deadline = self._clock.monotonic() + timeout_seconds
        left = timeout_seconds
        while True:
            try:
                return self._held(left)
            except Asleep as asleep:
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    raise self._too_late(timeout_seconds, asleep) from asleep
                self._wait(asleep, left)
                left = deadline - self._clock.monotonic()

    def _held(self, left_seconds: float) -> Prediction:
        hold_seconds = max(1, min(int(left_seconds), LONGEST_HOLD_SECONDS))
        sent = InBackground(self._deployment.runtime.holding(self._invocation, hold_seconds))
        if not sent.is_done_at_once():
            with suppress(Done):
                self._show_until(sent.beside(self._clock), left_seconds)
        return sent.result()

    def _show_until(self, clock: Clock, left_seconds: float) -> None:
        """Show how the endpoint wakes until the clock says that it is enough, or it serves."""
        first = self._look()
        if first is not None:
            self._watch(first, first.expected_wake_seconds, left_seconds, clock)
            return
        reason = "the request is held until it serves"
        with waiting(self._output, self._doing, expected_seconds=None) as watched:
            pause(left_seconds, self._doing, reason, watched, clock=clock)

    def _wait(self, asleep: Asleep, left_seconds: float) -> None:
        first = self._look()
        if first is None:
            # Whoever may only invoke waits as long as the answer said.
            self._pause(min(asleep.retry_after_seconds, left_seconds), asleep.message)
            return
        if first.state == "serving":
            # Only just: the front door has not seen it yet.
            self._pause(min(POLL_SECONDS, left_seconds), asleep.message)
            return
        expected = first.expected_wake_seconds or asleep.retry_after_seconds
        self._watch(first, expected, left_seconds, self._clock)

    def _look(self) -> Endpoint | None:
        """Ask how it stands; None where that can't be asked."""
        try:
            return self._deployment.control.endpoint(self._endpoint)
        except CliError as error:
            if error.exit_code not in (ExitCode.NOT_PERMITTED, ExitCode.UNAVAILABLE):
                raise
            return None

    @property
    def _doing(self) -> str:
        return f"{self._endpoint} wakes"

    def _watch(
        self, first: Endpoint, expected: float | None, left_seconds: float, clock: Clock
    ) -> None:
        if first.state == "serving":
            return
        with waiting(self._output, self._doing, expected_seconds=expected) as watched:
            wait_for(
                "serving",
                first,
                lambda: self._deployment.control.endpoint(self._endpoint),
                watched,
                timeout_seconds=left_seconds,
                clock=clock,
            )

    def _pause(self, seconds: float, reason: str) -> None:
        with waiting(self._output, self._doing, expected_seconds=seconds) as watched:
            pause(seconds, self._doing, reason, watched, clock=self._clock)

    def _too_late(self, timeout_seconds: float, asleep: Asleep) -> CliError:
        late = f"{self._endpoint} is not serving after {spoken(timeout_seconds)}: {asleep.message}"
        return CliError(
            sentence(late), asleep.exit_code, retry_after_seconds=asleep.retry_after_seconds
        )


def _content(file: str | None, body: str | None) -> bytes:
    if body is not None:
        if file is not None:
            _refuse("give either FILE or --body")
        return body.encode()
    if file is None and sys.stdin.isatty():
        _refuse("there is no body: give FILE (./FILE if it is named like an endpoint), - or --body")
    if file in (None, _STANDARD_INPUT):
        return sys.stdin.buffer.read()
    try:
        return Path(str(file)).read_bytes()
    except OSError as error:
        raise CliError(f"{file} can't be read: {error.strerror}.", ExitCode.USAGE) from error


def _refuse(message: str) -> NoReturn:
    raise typer.BadParameter(message, param_hint="FILE")


def _tell_accepted(
    answer: Prediction | AcceptedRequest, output_file: Path | None, output: Output
) -> None:
    if isinstance(answer, Prediction):
        deliver(answer, output_file, output)
    elif output.as_json:
        output.document(answer.document)
    else:
        # The id alone, so that a script has it at once.
        output.say(answer.id)
        output.note(f"{accepted(answer, datetime.now(UTC))} Next: dormouse result {answer.id}")


def deliver(prediction: Prediction, output_file: Path | None, output: Output) -> None:
    """Write an answer to a file or to standard output, byte for byte, or as JSON if asked to."""
    if output_file is not None:
        try:
            output_file.write_bytes(prediction.body)
        except OSError as error:
            raise CliError(
                f"{output_file} can't be written: {error.strerror}. The model has answered."
            ) from error
    if output.as_json:
        wrapped: dict[str, object] = {
            "content_type": prediction.content_type,
            "invoked_production_variant": prediction.production_variant,
        }
        where = {"output": str(output_file)} if output_file else _as_json(prediction.body)
        output.document({**wrapped, **where})
    elif output_file is None:
        sys.stdout.buffer.write(prediction.body)
        if sys.stdout.isatty() and not prediction.body.endswith(b"\n"):
            sys.stdout.buffer.write(b"\n")
        sys.stdout.buffer.flush()


def _as_json(body: bytes) -> dict[str, object]:
    try:
        return {"body": json.loads(body, parse_constant=_no_constant)}
    except (ValueError, RecursionError):
        return {"body_base64": base64.b64encode(body).decode()}


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
