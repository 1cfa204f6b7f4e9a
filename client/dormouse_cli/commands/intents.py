"""`dormouse wake`, `sleep`, `hold`, `release`, `suspend` and `resume`: what an operator wants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from dormouse_cli.commands.arguments import (
    TIMEOUT,
    EndpointArgument,
    TimeoutOption,
    hold_duration,
    timeout_seconds,
)
from dormouse_cli.control_client import ControlClient
from dormouse_cli.deployment import Deployment
from dormouse_cli.durations import parse_until
from dormouse_cli.endpoint import Endpoint
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.moments import format_moment
from dormouse_cli.options import CommonOptions
from dormouse_cli.output import Output
from dormouse_cli.progress import waiting
from dormouse_cli.view import intended
from dormouse_cli.waiting import Clock, decided, wait_for


def wake(
    options: CommonOptions,
    *,
    endpoint: EndpointArgument = None,
    duration: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="Hold it up so long, from 60s to 168h."),
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Don't wait until it serves.")] = False,
    timeout: TimeoutOption = TIMEOUT,
) -> None:
    """Start an endpoint, and wait until it serves."""
    held, seconds = hold_duration(duration), timeout_seconds(timeout)
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    control = deployment.control
    woken = control.wake(name, held)
    if no_wait:
        _tell_decided(woken, control, name, output)
        return
    woken = _wait(
        "serving",
        woken,
        lambda: control.endpoint(name),
        output,
        doing=f"Waking {name}",
        expected_seconds=woken.expected_wake_seconds,
        timeout_seconds=seconds,
    )
    _tell(woken, output)


def sleep(
    options: CommonOptions,
    *,
    endpoint: EndpointArgument = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is asleep.")] = False,
    timeout: TimeoutOption = TIMEOUT,
) -> None:
    """Stop an endpoint until somebody asks for it again; drops its hold."""
    _stop(options, endpoint, ControlClient.sleep, wait=wait, timeout=timeout)


def suspend(
    options: CommonOptions,
    *,
    endpoint: EndpointArgument = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is asleep.")] = False,
    timeout: TimeoutOption = TIMEOUT,
) -> None:
    """Stop an endpoint until it is resumed, whoever asks for it; its hold stays."""
    _stop(options, endpoint, ControlClient.suspend, wait=wait, timeout=timeout)


def resume(options: CommonOptions, *, endpoint: EndpointArgument = None) -> None:
    """End a suspension, and let EndpointConfigs that have failed be tried again."""
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    control = deployment.control
    _tell_decided(control.resume(name), control, name, output)


def hold(
    options: CommonOptions,
    *,
    endpoint: EndpointArgument = None,
    duration: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="So long from now, from 60s to 168h."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Until 18:00, 2026-11-23T18:00 (both local) or 2026-11-23T18:00Z."
        ),
    ] = None,
) -> None:
    """Keep an endpoint up, whatever else would stop it; starts it if it is asleep."""
    end = _end(hold_duration(duration), until)
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    control = deployment.control
    _tell_decided(control.hold(name, end), control, name, output)


def release(options: CommonOptions, *, endpoint: EndpointArgument = None) -> None:
    """Drop an endpoint's hold."""
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    control = deployment.control
    _tell_decided(control.release(name), control, name, output)


def _stop(
    options: CommonOptions,
    endpoint: str | None,
    ask: Callable[[ControlClient, str], Endpoint],
    *,
    wait: bool,
    timeout: str,
) -> None:
    seconds = timeout_seconds(timeout)
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    control = deployment.control
    stopped = ask(control, name)
    if not wait:
        _tell_decided(stopped, control, name, output)
        return
    stopped = _wait(
        "asleep",
        stopped,
        lambda: control.endpoint(name),
        output,
        doing=f"Stopping {name}",
        expected_seconds=None,
        timeout_seconds=seconds,
    )
    _tell(stopped, output)


def _end(duration: str | None, until: str | None) -> dict[str, str]:
    if (duration is None) == (until is None):
        raise typer.BadParameter("give one of them", param_hint=["--for", "--until"])
    if until is None:
        return {"for": str(duration)}
    try:
        return {"until": format_moment(parse_until(until, now=datetime.now(UTC)))}
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--until") from error


def _wait(
    goal: str,
    first: Endpoint,
    look: Callable[[], Endpoint],
    output: Output,
    *,
    doing: str,
    expected_seconds: float | None,
    timeout_seconds: float,
) -> Endpoint:
    if first.state == goal:
        return first
    try:
        with waiting(output, doing, expected_seconds=expected_seconds) as watched:
            return wait_for(
                goal, first, look, watched, timeout_seconds=timeout_seconds, clock=Clock()
            )
    except KeyboardInterrupt:
        output.note(f"{doing} goes on; `dormouse status {first.name}` shows how.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _tell_decided(first: Endpoint, control: ControlClient, name: str, output: Output) -> None:
    try:
        endpoint = decided(first, lambda: control.endpoint(name), clock=Clock())
    except KeyboardInterrupt:
        endpoint = first
    _tell(endpoint, output)


def _tell(endpoint: Endpoint, output: Output) -> None:
    if output.as_json:
        output.document(endpoint.document)
    else:
        output.say(intended(endpoint, datetime.now(UTC)))
