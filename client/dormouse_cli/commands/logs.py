"""`dormouse logs`: each request that an endpoint was asked, on a line."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import typer

from dormouse_cli.commands.arguments import EndpointArgument
from dormouse_cli.deployment import Deployment
from dormouse_cli.durations import parse_since
from dormouse_cli.logged_request import LogFilter, LoggedRequest
from dormouse_cli.options import CommonOptions
from dormouse_cli.output import Output
from dormouse_cli.progress import Reading, reading
from dormouse_cli.status_codes import StatusRange, parse_statuses
from dormouse_cli.view import logged

SINCE = "1h"


def logs(
    options: CommonOptions,
    *,
    endpoint: EndpointArgument = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of this model, or asked by this alias.")
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(metavar="STATUS", help="424, 5xx or 200-299, or several: 4xx,5xx."),
    ] = None,
    principal: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Of this caller: an ARN, or the name of a role, session or user."
        ),
    ] = None,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="1h (ago), 18:00, 2026-11-23T18:00 or …18:00Z.")
    ] = SINCE,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="The same (default: now).")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show each as it comes, until Ctrl-C.")
    ] = False,
) -> None:
    """Show the requests that an endpoint was asked, the oldest first."""
    now = datetime.now(UTC)
    begins = _passed(since, now, "--since")
    ends = now if until is None else _passed(until, now, "--until")
    if follow and until is not None:
        raise typer.BadParameter("it does not go with --follow", param_hint="--until")
    if ends < begins:
        raise typer.BadParameter("it lies before --since", param_hint="--until")
    statuses = _statuses(status)
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    wanted = LogFilter(name, model=model, statuses=statuses, principal=principal)
    request_logs = deployment.request_logs
    with reading(output, f"Reading the log of {name}") as progress:
        if not follow:
            found = request_logs.between(wanted, begins, ends, progress.advanced)
            if not _print(found, output, progress):
                output.note(f"No such request of {name} was logged.")
            return
        with suppress(KeyboardInterrupt):
            found = request_logs.follow(wanted, begins, progress.advanced, output.note)
            _print(found, output, progress)


def _print(found: Iterable[LoggedRequest], output: Output, progress: Reading) -> bool:
    """Print each as soon as it is there; say whether there was any."""
    is_any = False
    for request in found:
        is_any = True
        progress.hide()
        if output.as_json:
            output.line(request.document)
        else:
            output.entry(logged(request))
    return is_any


def _passed(text: str, now: datetime, option: str) -> datetime:
    try:
        return parse_since(text, now=now)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _statuses(text: str | None) -> tuple[StatusRange, ...]:
    if text is None:
        return ()
    try:
        return parse_statuses(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--status") from error
