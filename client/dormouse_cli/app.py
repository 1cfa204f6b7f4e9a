"""The command line: its commands, and how each of its ends becomes an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from dormouse_cli import __version__
from dormouse_cli.commands import (
    aliases,
    decisions,
    ground_truth,
    intents,
    invoke,
    logs,
    models,
    requests,
    simulate,
    status,
)
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import MEANINGS, ExitCode
from dormouse_cli.options import CommonOptions, with_common_options
from dormouse_cli.output import Output

_HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
_EXIT_CODES = "\n".join(
    ["Exit codes:", *(f"{code.value:>3}  {meaning}" for code, meaning in MEANINGS.items())]
)

app = typer.Typer(
    name="dormouse",
    epilog=_EXIT_CODES,
    context_settings=_HELP_OPTIONS,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(
    help="Build archives of models, upload them, list them, retire them.",
    context_settings=_HELP_OPTIONS,
    invoke_without_command=True,
)
alias_app = typer.Typer(
    help="Let a name such as sentiment@live stand for a model.",
    context_settings=_HELP_OPTIONS,
    invoke_without_command=True,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dormouse {__version__}")
        raise typer.Exit


@app.callback()
@with_common_options
def dormouse(
    options: CommonOptions,
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Let SageMaker multi-model endpoints sleep, and wake them."""
    _require_command(context)


@models_app.callback()
@with_common_options
def models_group(options: CommonOptions, context: typer.Context) -> None:
    """Build archives of models, upload them, list them, retire them."""
    _require_command(context)


@alias_app.callback()
@with_common_options
def alias_group(options: CommonOptions, context: typer.Context) -> None:
    """Let a name such as sentiment@live stand for a model."""
    _require_command(context)


def _require_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(ExitCode.USAGE)


app.command()(with_common_options(status.status))
app.command()(with_common_options(intents.wake))
app.command()(with_common_options(intents.sleep))
app.command()(with_common_options(intents.hold))
app.command()(with_common_options(intents.release))
app.command()(with_common_options(intents.suspend))
app.command()(with_common_options(intents.resume))
app.command()(with_common_options(decisions.plan))
app.command()(with_common_options(decisions.history))
app.command()(with_common_options(invoke.invoke))
app.command()(with_common_options(requests.result))
app.command("requests")(with_common_options(requests.listing))
app.command()(with_common_options(requests.replay))
app.command()(with_common_options(logs.logs))
app.command()(with_common_options(simulate.simulate))
app.command("ground-truth")(with_common_options(ground_truth.ground_truth))
models_app.command()(with_common_options(models.build))
models_app.command()(with_common_options(models.upload))
models_app.command("list")(with_common_options(models.listing))
models_app.command()(with_common_options(models.retire))
alias_app.command("list")(with_common_options(aliases.listing))
alias_app.command("set")(with_common_options(aliases.switch))
alias_app.command("remove")(with_common_options(aliases.remove))
app.add_typer(models_app, name="models")
app.add_typer(alias_app, name="alias")


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; what a user can cause is a sentence."""
    own = list(arguments)
    before_the_rest = own[: own.index("--")] if "--" in own else own
    output = Output(as_json="--json" in before_the_rest)
    try:
        code = app(own, prog_name="dormouse", standalone_mode=False)
        sys.stdout.flush()
    except CliError as error:
        output.error(error)
        return error.exit_code
    except typer.TyperException as error:
        output.error(CliError(error.format_message(), ExitCode(error.exit_code)))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python must not try to flush the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    return int(code or ExitCode.DONE)
