"""`dormouse ground-truth`: what requests should have been answered, beside what was captured."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dormouse_cli.commands.arguments import EndpointOption
from dormouse_cli.deployment import Deployment
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.ground_truth import BadGroundTruth, GroundTruth, in_calls, read_ground_truth
from dormouse_cli.options import CommonOptions
from dormouse_cli.output import Output
from dormouse_cli.progress import transferring

_STANDARD_INPUT = Path("-")


def ground_truth(
    options: CommonOptions,
    *,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help='JSON lines such as {"inference_id": "order-17", "data": "1"}; - reads standard '
            "input.",
        ),
    ],
    endpoint: EndpointOption = None,
) -> None:
    """Write what requests should have been answered, to be joined with their captures."""
    output = Output(as_json=options.json)
    # All is read before anything is sent.
    records = _read(file)
    if not records:
        raise CliError(f"{file} has no line.", ExitCode.USAGE)
    deployment = Deployment(options)
    name = deployment.endpoint_name(endpoint)
    written = not_sampled = 0
    last_line = 0
    total = sum(len(record.data) for record in records)
    with transferring(output, f"Writing ground truth of {name}", size_bytes=total) as bar:
        for call in in_calls(records):
            try:
                more, others = deployment.control.write_ground_truth(name, call)
            except CliError as error:
                raise _told_how_far(error, call, last_line) from error
            written, not_sampled = written + more, not_sampled + others
            last_line = call[-1].line
            bar.advanced(sum(len(record.data) for record in call))
    if output.as_json:
        output.document({"written": written, "not_sampled": not_sampled})
        return
    others_are = f", {not_sampled} left out: their requests are not sampled" if not_sampled else ""
    output.say(f"{written} written{others_are}.")


def _read(file: Path) -> list[GroundTruth]:
    try:
        if file == _STANDARD_INPUT:
            return list(read_ground_truth(sys.stdin.buffer))
        with file.open("rb") as lines:
            return list(read_ground_truth(lines))
    except BadGroundTruth as error:
        raise CliError(f"{file}, {error}.", ExitCode.USAGE) from error
    except OSError as error:
        raise CliError(f"{file}: {error.strerror or error}.", ExitCode.USAGE) from error


def _told_how_far(error: CliError, call: list[GroundTruth], last_line: int) -> CliError:
    failed = f" These are the lines {call[0].line} to {call[-1].line}"
    before = f"; those up to line {last_line} are written" if last_line else ""
    return CliError(f"{error.message}{failed}{before}.", error.exit_code, **error.details)
