"""The options that every command takes, before the subcommand or after it."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

import typer

_PANEL = "AWS and the stack"
DEFAULT_STACK = "dormouse"


@dataclass(frozen=True, slots=True)
class CommonOptions:
    """As they stand on the command line; what is None there comes from elsewhere."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    stack: str | None = None
    control_url: str | None = None
    invoke_url: str | None = None
    json: bool = False

    def updated(self, given: Mapping[str, Any]) -> CommonOptions:
        """Return these with those of a subcommand over them."""
        return replace(self, **{name: value for name, value in given.items() if value})

    @property
    def stack_name(self) -> str:
        """The CloudFormation stack of the deployment."""
        return self.stack or os.environ.get("DORMOUSE_STACK") or DEFAULT_STACK

    @property
    def known_control_url(self) -> str | None:
        """Where the control API is, if the stack need not be asked."""
        return self.control_url or os.environ.get("DORMOUSE_CONTROL_URL") or None

    @property
    def known_invoke_url(self) -> str | None:
        """Where the front door is, if the stack need not be asked."""
        return self.invoke_url or os.environ.get("DORMOUSE_INVOKE_URL") or None


def _declared(
    *,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Profile of the AWS configuration.", rich_help_panel=_PANEL
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="AWS region.", rich_help_panel=_PANEL),
    ] = None,
    endpoint_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Where AWS's own APIs are instead.", rich_help_panel=_PANEL
        ),
    ] = None,
    stack: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"Stack of the deployment (or DORMOUSE_STACK; else {DEFAULT_STACK}).",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    control_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The control API (or DORMOUSE_CONTROL_URL; else the stack's ControlUrl).",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    invoke_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The front door (or DORMOUSE_INVOKE_URL; else the stack's InvokeUrl).",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON, errors too (to standard error).")
    ] = False,
) -> None:
    """Take the options, whose names are those of `CommonOptions`."""


_PARAMETERS = tuple(
    parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
    for parameter in inspect.signature(_declared, eval_str=True).parameters.values()
)
_NAMES = frozenset(field.name for field in fields(CommonOptions))


def with_common_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the common options to a command, which gets them as its first argument.

    It also becomes `context.obj`, from which subcommands inherit.
    """
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    ]
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    wants_context = any(parameter.name == context.name for parameter in own)
    declared = [*([] if wants_context else [context]), *own, *_PARAMETERS]

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        inherited = given["context"].find_root().obj or CommonOptions()
        options = inherited.updated({name: given.pop(name) for name in _NAMES})
        given["context"].find_root().obj = options
        if not wants_context:
            del given["context"]
        command(options, **given)

    with_options.__signature__ = inspect.Signature(declared)  # type: ignore[attr-defined] # PEP 362
    with_options.__annotations__ = {entry.name: entry.annotation for entry in declared}
    return with_options
