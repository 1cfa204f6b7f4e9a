"""`dormouse requests`, `replay` and `result`: requests that were accepted to be answered later."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dormouse_cli.accepted_request import endpoint_of
from dormouse_cli.commands.arguments import EndpointArgument
from dormouse_cli.commands.invoke import deliver
from dormouse_cli.deployment import Deployment
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.options import CommonOptions
from dormouse_cli.output import Output
from dormouse_cli.problem import sentence
from dormouse_cli.runtime_client import Prediction
from dormouse_cli.view import accepted, replayed, requests


def listing(options: CommonOptions, *, endpoint: EndpointArgument = None) -> None:
    """List the requests that wait for an endpoint, the oldest first."""
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    waiting = deployment.control.requests(name)
    if output.as_json:
        output.document({"requests": [request.document for request in waiting]})
    elif waiting:
        output.say(requests(waiting, datetime.now(UTC)))
    else:
        output.say(f"No request waits for {name}.")


def replay(
    options: CommonOptions,
    *,
    endpoint: Annotated[
        str | None,
        typer.Argument(
            metavar="ENDPOINT",
            help="The endpoint's name (default: the stack's own, or the one that the IDs name).",
        ),
    ] = None,
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID…", help="Some requests only; they may also have expired."),
    ] = None,
) -> None:
    """Let requests that failed wait for their answer once more; wakes the endpoint."""
    chosen = list(ids or [])
    if endpoint is not None and (named := endpoint_of(endpoint)) is not None:
        endpoint, chosen = named, [endpoint, *chosen]
    for one in chosen:
        if endpoint_of(one) is None:
            raise typer.BadParameter(f"{one!r} is no request's id", param_hint="ID")
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    outcome = deployment.control.replay(name, chosen)
    if chosen and not outcome.replayed and outcome.skipped:
        (one, why), *more = outcome.skipped
        others = f", and {len(more)} others neither" if more else ""
        raise CliError(sentence(f"{one} is not replayed: {why}{others}"))
    for one, why in outcome.skipped:
        output.note(sentence(f"{one} is not replayed: {why}"))
    if output.as_json:
        output.document(outcome.document)
    else:
        output.say(replayed(outcome, name))


def result(
    options: CommonOptions,
    *,
    request: Annotated[
        str, typer.Argument(metavar="ID", help="As `invoke --async` or a Location names it.")
    ],
    output_file: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the answer here."),
    ] = None,
) -> None:
    """Print the answer to an accepted request, byte for byte, or say that it is not there yet."""
    output, deployment = Output(as_json=options.json), Deployment(options)
    answer = deployment.runtime.result(request)
    if isinstance(answer, Prediction):
        deliver(answer, output_file, output)
        return
    raise CliError(
        accepted(answer, datetime.now(UTC)),
        ExitCode.TRY_AGAIN,
        status=answer.status,
        position=answer.position,
    )
