"""Arguments and options that several commands take, read from their text."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from dormouse_cli.durations import parse_duration

EndpointArgument = Annotated[
    str | None,
    typer.Argument(metavar="ENDPOINT", help="The endpoint's name (default: the stack's own)."),
]
EndpointOption = Annotated[
    str | None,
    typer.Option(
        "--endpoint", metavar="NAME", help="The endpoint's name (default: the stack's own)."
    ),
]
TimeoutOption = Annotated[
    str,
    typer.Option(metavar="DURATION", help="How long to wait at most, such as 90s, 20m or 1h."),
]
TIMEOUT = "20m"


def timeout_seconds(text: str) -> float:
    """Read --timeout, from 1s to a week."""
    try:
        return parse_duration(text, shortest=timedelta(seconds=1)).total_seconds()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--timeout") from error


def hold_duration(text: str | None) -> str | None:
    """See that --for is a duration that the control API takes."""
    if text is not None:
        try:
            parse_duration(text)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--for") from error
    return text
