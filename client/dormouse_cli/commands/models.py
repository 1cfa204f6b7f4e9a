"""`dormouse models`: build archives of models, upload them, list them, retire them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dormouse_cli import model_archive, view
from dormouse_cli.commands.arguments import EndpointArgument, EndpointOption
from dormouse_cli.deployment import Deployment
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.model_store import SUFFIX, require_model_name
from dormouse_cli.options import CommonOptions
from dormouse_cli.output import Output
from dormouse_cli.progress import transferring


def build(
    options: CommonOptions,
    *,
    directory: Annotated[Path, typer.Argument(help="The model's directory, or a SavedModel.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The archive (default: DIRECTORY's name and .tar.gz)."),
    ] = None,
) -> None:
    """Pack a directory into a model.tar.gz; the same files give the same bytes."""
    output = Output(as_json=options.json)
    archive = out or Path(directory.resolve().name + SUFFIX)
    require_model_name(archive.name)
    if archive.resolve().is_relative_to(directory.resolve()):
        raise CliError(
            f"{archive} would lie inside of {directory}, and be packed the next time: "
            "name another place with --out.",
            ExitCode.USAGE,
        )
    try:
        layout = model_archive.lay_out(directory)
        for note in layout.notes:
            output.note(f"Note: {note}")
        with transferring(output, f"Packing {archive}", size_bytes=layout.size_bytes) as bar:
            model_archive.write(layout.members, archive, bar.advanced)
        size_bytes = archive.stat().st_size
    except ValueError as error:
        raise CliError(str(error)) from error
    except OSError as error:
        raise _unusable(error) from error
    if output.as_json:
        output.document(
            {
                "archive": str(archive),
                "files": [name for name, path in layout.members if path.is_file()],
                "notes": list(layout.notes),
                "size_bytes": size_bytes,
            }
        )
    else:
        output.say(f"{archive}: {view.size(size_bytes)}. Next: dormouse models upload {archive}")


def upload(
    options: CommonOptions,
    *,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Archives of models.")],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The model's name (default: the file's)."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a model; who has loaded it keeps the old.")
    ] = False,
) -> None:
    """Upload archives to where the endpoint loads its models from, under names not used yet."""
    if name is not None and len(files) > 1:
        raise typer.BadParameter("it goes with a single FILE", param_hint="--name")
    output = Output(as_json=options.json)
    names = [require_model_name(file.name if name is None else name) for file in files]
    for twice in sorted({entry for entry in names if names.count(entry) > 1}):
        raise CliError(f"Two files would become the model {twice!r}.", ExitCode.USAGE)
    # All is looked at before anything is uploaded.
    sizes = [_checked(file, output) for file in files]
    store = Deployment(options).models
    if not force:
        for entry in names:
            store.require_free(entry)
    uploaded = []
    for file, entry, size_bytes in zip(files, names, sizes, strict=True):
        with transferring(output, f"Uploading {entry}", size_bytes=size_bytes) as bar:
            try:
                store.upload(file, entry, replace=force, advanced=bar.advanced)
            except OSError as error:
                raise _unusable(error) from error
        where = f"s3://{store.bucket}/{store.prefix}{entry}"
        uploaded.append({"name": entry, "size_bytes": size_bytes, "uri": where})
        if not output.as_json:
            output.say(f"{entry} is at {where}. Next: dormouse invoke --model {entry}")
    if output.as_json:
        output.document({"models": uploaded})


def listing(
    options: CommonOptions,
    *,
    endpoint: EndpointArgument = None,
    hours: Annotated[
        int, typer.Option(min=1, max=672, metavar="N", help="Count the use of so many hours.")
    ] = 24,
    unused_days: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Only models that nobody used for so many days."),
    ] = None,
) -> None:
    """List an endpoint's models: their size, aliases, use, and by whom they were used."""
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    listed = deployment.control.models(name, hours=hours, unused_days=unused_days)
    if output.as_json:
        output.document(listed.document)
        return
    if listed.models or listed.callers:
        output.say(view.models(listed, datetime.now(UTC)))
    elif unused_days is not None:
        output.say(f"Every model of {name} was used within {unused_days} days.")
    else:
        output.say("There is no model yet; `dormouse models upload` adds one.")
    if not listed.is_complete:
        output.note("There are more models than are listed.")


def retire(
    options: CommonOptions,
    *,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model's name.")],
    endpoint: EndpointOption = None,
) -> None:
    """Move a model to where no endpoint finds it; who has it loaded still answers by it."""
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    retired = deployment.control.retire(name, model)
    if output.as_json:
        output.document(retired)
    else:
        output.say(f"{model} is retired, to {retired.get('retired_to') or 'another place'}.")


def _checked(file: Path, output: Output) -> int:
    try:
        size_bytes = file.stat().st_size
        with transferring(output, f"Checking {file.name}", size_bytes=size_bytes) as bar:
            model_archive.require_model(file, bar.advanced)
    except model_archive.NotAModel as error:
        raise CliError(str(error)) from error
    except OSError as error:
        raise _unusable(error) from error
    return size_bytes


def _unusable(error: OSError) -> CliError:
    return CliError(f"{error.filename or 'A file'}: {error.strerror or error}.", ExitCode.USAGE)
