"""`dormouse alias`: names that stand for a model, and can be switched to another in one call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from dormouse_cli import view
from dormouse_cli.commands.arguments import EndpointArgument, EndpointOption
from dormouse_cli.deployment import Deployment
from dormouse_cli.options import CommonOptions
from dormouse_cli.output import Output

AliasArgument = Annotated[
    str, typer.Argument(metavar="ALIAS", help="name@label, such as sentiment@live.")
]


def listing(options: CommonOptions, *, endpoint: EndpointArgument = None) -> None:
    """List an endpoint's aliases and the models that they stand for."""
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    defined = deployment.control.aliases(name)
    if output.as_json:
        output.document(
            {"aliases": [{"alias": alias.name, "model": alias.model} for alias in defined]}
        )
    elif defined:
        output.say(view.aliases(defined))
    else:
        output.say(f"{name} has no alias; `dormouse alias set` adds one.")


def switch(
    options: CommonOptions,
    *,
    alias: AliasArgument,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model that it is to be.")],
    endpoint: EndpointOption = None,
) -> None:
    """Let an alias stand for a model from now on; requests that wait follow it, too."""
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    switched = deployment.control.set_alias(name, alias, model)
    if output.as_json:
        output.document(switched.document)
    else:
        output.say(view.switched(switched, datetime.now(UTC)))


def remove(
    options: CommonOptions, *, alias: AliasArgument, endpoint: EndpointOption = None
) -> None:
    """Let an alias stand for nothing any more; who still asks by it gets an error."""
    output, deployment = Output(as_json=options.json), Deployment(options)
    name = deployment.endpoint_name(endpoint)
    removed = deployment.control.remove_alias(name, alias)
    if output.as_json:
        output.document(removed)
    else:
        output.say(f"{alias} is removed.")
