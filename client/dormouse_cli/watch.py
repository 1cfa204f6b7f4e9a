"""`status --watch`: redrawn on a terminal; elsewhere a line when something has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from dormouse_cli.endpoint import Endpoint
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.output import Output
from dormouse_cli.view import line
from dormouse_cli.waiting import Clock

Look = Callable[[], Sequence[Endpoint]]
# How it stands, and what keeps us from knowing it better.
Seen = tuple[Sequence[Endpoint], str]


def watch(
    look: Look,
    draw: Callable[[Sequence[Endpoint]], RenderableType],
    output: Output,
    *,
    interval_seconds: float,
    clock: Clock,
) -> None:
    """Look and show until Ctrl-C, which is how it ends.

    Raises:
        CliError: the first look fails, or a later one by what waiting does not mend.
    """
    with suppress(KeyboardInterrupt):
        looks = _looks(look, interval_seconds, clock)
        # The first one before anything is drawn: if it fails, the error stands alone.
        looks = chain([next(looks)], looks)
        if output.redraws:
            _redraw(looks, draw, output, interval_seconds)
        else:
            _print_changes(looks, output, clock)


def _looks(look: Look, interval_seconds: float, clock: Clock) -> Iterator[Seen]:
    endpoints = look()
    yield endpoints, ""
    while True:
        clock.sleep(interval_seconds)
        try:
            endpoints = look()
        except CliError as error:
            if error.exit_code not in (ExitCode.UNAVAILABLE, ExitCode.TRY_AGAIN):
                raise
            yield endpoints, error.message
        else:
            yield endpoints, ""


def _redraw(
    looks: Iterable[Seen],
    draw: Callable[[Sequence[Endpoint]], RenderableType],
    output: Output,
    interval_seconds: float,
) -> None:
    with Live(console=output.results, auto_refresh=False) as live:
        for endpoints, trouble in looks:
            footer = f"Every {interval_seconds:g} s; Ctrl-C ends it."
            foot = Text(trouble, style="red") if trouble else Text(footer, style="dim")
            live.update(Group(draw(endpoints), foot), refresh=True)


def _print_changes(looks: Iterable[Seen], output: Output, clock: Clock) -> None:
    seen: dict[str, tuple[object, ...]] = {}
    troubled = ""
    for endpoints, trouble in looks:
        if trouble and trouble != troubled:
            output.note(trouble)
        troubled = trouble
        for endpoint in endpoints:
            face = _face(endpoint)
            if seen.get(endpoint.name) != face:
                seen[endpoint.name] = face
                _print(endpoint, output, clock)
        for name in sorted(seen.keys() - {endpoint.name for endpoint in endpoints}):
            del seen[name]
            if output.as_json:
                output.line({"name": name, "managed": False})
            else:
                output.say(f"{name} is no longer managed")


def _print(endpoint: Endpoint, output: Output, clock: Clock) -> None:
    if output.as_json:
        output.line(endpoint.document)
    else:
        output.say(line(endpoint, clock.now()))


def _face(endpoint: Endpoint) -> tuple[object, ...]:
    """What of an endpoint is news if it differs; times that move with every request are not."""
    decision = endpoint.decision
    return (
        endpoint.state,
        endpoint.status,
        endpoint.failure_reason,
        endpoint.problem,
        endpoint.hold_until,
        endpoint.next,
        None if decision is None else (decision.action, decision.rule, decision.reason),
    )
