"""`dormouse status`: how the endpoints are, why, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import RenderableType

from dormouse_cli.deployment import Deployment
from dormouse_cli.endpoint import Endpoint
from dormouse_cli.options import CommonOptions
from dormouse_cli.output import Output
from dormouse_cli.view import details, lines, table
from dormouse_cli.waiting import Clock
from dormouse_cli.watch import watch as keep_watching


def status(
    options: CommonOptions,
    *,
    endpoint: Annotated[
        str | None, typer.Argument(metavar="ENDPOINT", help="One endpoint's name (default: all).")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show each change, until Ctrl-C.")
    ] = False,
    interval: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="How often --watch looks.")
    ] = 2.0,
) -> None:
    """Show all endpoints, or one in detail with its recent decisions."""
    output = Output(as_json=options.json)
    control = Deployment(options).control

    def look() -> Sequence[Endpoint]:
        return control.endpoints() if endpoint is None else (control.endpoint(endpoint),)

    def draw(endpoints: Sequence[Endpoint]) -> RenderableType:
        now = datetime.now(UTC)
        if endpoint is not None:
            return details(endpoints[0], now)
        return table(endpoints, now) if output.results.is_terminal else lines(endpoints, now)

    if watch:
        keep_watching(look, draw, output, interval_seconds=interval, clock=Clock())
        return
    endpoints = look()
    if not output.as_json:
        output.say(draw(endpoints))
    elif endpoint is None:
        output.document({"endpoints": [entry.document for entry in endpoints]})
    else:
        output.document(endpoints[0].document)
