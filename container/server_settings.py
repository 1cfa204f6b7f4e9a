"""What the entrypoint reads from the environment. Pure; entrypoint.py has the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HANDLER = "container.handler.model_handler:handle"

# The front end only passes bytes on: 256 MB serve the 6 MB bodies that SageMaker allows. The serial
# collector and the first compiler tier keep the JVM's own memory and threads few, and it starts
# sooner. -XX:-UseContainerSupport is sagemaker-inference's default, kept: the memory of the
# container belongs to the models, the JVM must not size itself by it.
DEFAULT_JVM_ARGUMENTS = "-XX:-UseContainerSupport -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"

# multi-model-server refuses 32,767 and above (Connector.parse compares with Short.MAX_VALUE), and
# so every port that Linux hands out for port 0.
HIGHEST_PORT = 32_766


class StartError(Exception):
    """Why the server cannot start: one sentence for whoever started it."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where to listen, where to write, how long to wait for the end."""

    host: str
    port: int
    temporary_dir: Path
    stop_seconds: float

    @property
    def address(self) -> str:
        """As multi-model-server's configuration writes it."""
        return f"http://{self.host}:{self.port}"


def settings_from(environ: Mapping[str, str]) -> ServerSettings:
    """Read the variables; raises `StartError`, naming the variable, for one that is wrong."""
    if environ.get("SAGEMAKER_MULTI_MODEL", "true") != "true":
        raise StartError(
            f"SAGEMAKER_MULTI_MODEL is {environ['SAGEMAKER_MULTI_MODEL']!r}, but this container "
            "serves multi-model endpoints only (Mode=MultiModel in CreateModel)."
        )
    return ServerSettings(
        host=environ.get("DORMOUSE_BIND_HOST", "0.0.0.0"),
        port=_port(environ.get("SAGEMAKER_BIND_TO_PORT", "8080")),
        temporary_dir=Path(environ.get("TMPDIR", "/tmp")),
        stop_seconds=_seconds("DORMOUSE_STOP_SECONDS", environ.get("DORMOUSE_STOP_SECONDS", "10")),
    )


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with what sagemaker-inference and the workers read, where it says nothing else."""
    package_parent = str(Path(__file__).resolve().parents[1])
    return {
        "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "60",
        "SAGEMAKER_MODEL_SERVER_VMARGS": DEFAULT_JVM_ARGUMENTS,
        "SAGEMAKER_HANDLER": HANDLER,
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        **environ,
        "SAGEMAKER_MULTI_MODEL": "true",
        "PYTHONPATH": ":".join(filter(None, [package_parent, environ.get("PYTHONPATH")])),
    }


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= HIGHEST_PORT):
        raise StartError(
            f"SAGEMAKER_BIND_TO_PORT is {text!r}, expected a port from 1 to {HIGHEST_PORT}, "
            "the highest that multi-model-server takes."
        )
    return int(text)


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise StartError(f"{name} is {text!r}, expected seconds from 0 to 3600.")
    return seconds
