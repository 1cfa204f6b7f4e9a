"""What the local AWS may be told, in one value. The environment sets it and the command line
overrides it.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
HIGHEST_PORT = 65_535


class SettingsError(ValueError):
    """A setting cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """Every setting of the local AWS. Seconds are wall time, sizes are bytes."""

    port: int = 4566
    state_dir: Path = REPOSITORY / ".local"
    account_id: str = "000000000000"
    region: str = "us-east-1"
    log_file: Path | None = None
    # The local AWS ends when it is no longer the child of this process; 0: it outlives its parent.
    parent_pid: int = 0

    # An endpoint is Creating until its container answers /ping and this much time has passed.
    create_seconds: float = 20.0
    delete_seconds: float = 3.0
    # SageMaker gives a container four minutes to answer its first /ping.
    ping_timeout_seconds: float = 240.0
    # ml.* instances that all endpoints together may have; past it CreateEndpoint says
    # ResourceLimitExceeded.
    instance_limit: int = 4
    # The instance types, by spaces, that there is no capacity of at the start; no_capacity_path has
    # them while it runs.
    no_capacity: str = ""

    container_python: Path = REPOSITORY / ".venvs" / "container" / "bin" / "python"
    container_entrypoint: Path = REPOSITORY / "container" / "entrypoint.py"
    container_stop_seconds: float = 10.0

    # A call that waits longer for its model gets ModelNotReadyException; the load itself goes on
    # for up to load_seconds.
    model_wait_seconds: float = 60.0
    load_seconds: float = 360.0
    invoke_seconds: float = 60.0
    model_size_bytes: int = 2 * 1024**3
    # How often the schedules are looked at: ministack's own 10 s would let a one-minute schedule
    # tick after 60 to 70 s.
    schedule_tick_seconds: float = 1.0
    # CloudFormation waits an hour for a custom resource whose function does not answer.
    custom_resource_seconds: float = 300.0

    @property
    def endpoint_url(self) -> str:
        """Where the local AWS answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def run_dir(self) -> Path:
        """What lives only as long as one run; wiped at each start."""
        return self.state_dir / "run"

    @property
    def ready_path(self) -> Path:
        """Exists once requests are answered."""
        return self.run_dir / "ready"

    @property
    def no_capacity_path(self) -> Path:
        """Names the instance types that there is no capacity of; read whenever one is wanted."""
        return self.run_dir / "no-capacity"

    @property
    def lock_path(self) -> Path:
        """Locked while a local AWS uses the state directory."""
        return self.state_dir / "lock"


# Field, environment variable, how to read it.
_READERS = {
    int: ("a whole number", int),
    float: ("a number of seconds", float),
    str: ("text", str),
    Path: ("a path", Path),
}
_TYPES: dict[str, type] = {
    "port": int,
    "state_dir": Path,
    "account_id": str,
    "region": str,
    "log_file": Path,
    "parent_pid": int,
    "create_seconds": float,
    "delete_seconds": float,
    "ping_timeout_seconds": float,
    "instance_limit": int,
    "no_capacity": str,
    "container_python": Path,
    "container_entrypoint": Path,
    "container_stop_seconds": float,
    "model_wait_seconds": float,
    "load_seconds": float,
    "invoke_seconds": float,
    "model_size_bytes": int,
    "schedule_tick_seconds": float,
    "custom_resource_seconds": float,
}


def variable(field: str) -> str:
    """Name the environment variable of a field."""
    return f"LOCAL_{field.upper()}"


def _read(field: str, text: str, source: str) -> object:
    kind, reader = _READERS[_TYPES[field]]
    try:
        value = reader(text)
    except ValueError as error:
        raise SettingsError(f"{source} must be {kind}, not {text!r}.") from error
    if isinstance(value, (int, float)) and not 0 <= value < math.inf:
        raise SettingsError(f"{source} must be finite and not negative, but is {text}.")
    if field == "port" and not 1 <= value <= HIGHEST_PORT:
        raise SettingsError(f"{source} must be from 1 to {HIGHEST_PORT}, but is {text}.")
    # resolve() would follow a virtual environment's python to the interpreter it links to, and lose
    # the environment.
    return value.absolute() if isinstance(value, Path) else value


def parse(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> LocalSettings:
    """Read the environment (LOCAL_<NAME>), then the arguments (--<name>), which win."""
    parser = argparse.ArgumentParser(
        prog="local.server", description="The embedded local AWS.", allow_abbrev=False
    )
    for field in _TYPES:
        parser.add_argument(f"--{field.replace('_', '-')}", help=f"or {variable(field)}")
    given = vars(parser.parse_args(arguments))
    values: dict[str, object] = {}
    for field in _TYPES:
        if given[field] is not None:
            values[field] = _read(field, given[field], f"--{field.replace('_', '-')}")
        elif environment.get(variable(field)):
            values[field] = _read(field, environment[variable(field)], variable(field))
    return LocalSettings(**values)  # type: ignore[arg-type]  # _TYPES mirrors the fields; a test compares them


def environment_of(settings: LocalSettings) -> dict[str, str]:
    """Write settings as the environment that parse reads back."""
    return {
        variable(field): str(value)
        for field in _TYPES
        if (value := getattr(settings, field)) is not None
    }
