"""`dormouse plan` and `history`: what would be decided for an endpoint, and what was."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from dormouse_cli.commands.arguments import EndpointArgument
from dormouse_cli.control_client import MOST_DECISIONS, ControlClient
from dormouse_cli.decision import Decision
from dormouse_cli.deployment import Deployment
from dormouse_cli.durations import parse_until
from dormouse_cli.life_view import history as history_view
from dormouse_cli.life_view import tried
from dormouse_cli.moments import format_moment
from dormouse_cli.options import CommonOptions
from dormouse_cli.output import Output


def plan(
    options: CommonOptions,
    *,
    endpoint: EndpointArgument = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="At 18:00, 2026-11-23T18:00 (both local) or 2026-11-23T18:00Z (default: now).",
        ),
    ] = None,
) -> None:
    """Show what Dormouse would do now, or at a time, and what each rule says; changes nothing."""
    moment = None if at is None else _moment(at)
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    run = deployment.control.plan(name, moment)
    if output.as_json:
        output.document(run.document)
    else:
        output.say(tried(run, name, datetime.now(UTC)))


def history(
    options: CommonOptions,
    *,
    endpoint: EndpointArgument = None,
    limit: Annotated[
        int, typer.Option(min=1, max=5000, metavar="N", help="How many at most.")
    ] = 20,
) -> None:
    """Show what was decided for an endpoint and why, newest first."""
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    decisions, documents = _pages(deployment.control, name, limit)
    if output.as_json:
        output.document({"endpoint": name, "decisions": documents})
    elif decisions:
        output.say(history_view(decisions, datetime.now(UTC)))
    else:
        output.say(f"Nothing was decided for {name} in the last 90 days.")


def _pages(control: ControlClient, name: str, limit: int) -> tuple[list[Decision], list[object]]:
    decisions: list[Decision] = []
    documents: list[object] = []
    before: datetime | None = None
    while len(decisions) < limit:
        page = control.decisions(name, min(limit - len(decisions), MOST_DECISIONS), before)
        decisions += page.decisions
        documents += page.documents
        if page.before is None or not page.decisions:
            break
        before = page.before
    return decisions, documents


def _moment(text: str) -> str:
    try:
        return format_moment(parse_until(text, now=datetime.now(UTC)))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from error
