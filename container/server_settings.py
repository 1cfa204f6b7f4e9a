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

# Below the ports that Linux hands out for port 0, so that nothing else holds it by chance.
HIGHEST_PORT = 32_766

# multi-model-server's own limit for a request (max_request_size) and for waiting ones of a model
# (job_queue_size), which are the front's here.
DEFAULT_MAX_BODY_BYTES = 6_553_500
DEFAULT_QUEUE_SIZE = 100
DEFAULT_BATCH_SIZE = 32


# In the server's own directory: multi-model-server's, and that of the process that forks workers.
MODEL_SERVER_SOCKET, FORK_SOCKET = "mms.sock", "fork.sock"


class StartError(Exception):
    """Why the server cannot start: one sentence for whoever started it."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where to listen and write, how much may come in, how it is gathered, how long it may take."""

    host: str
    port: int
    temporary_dir: Path
    # Models are directories below this one.
    models_root: Path
    # module:function, which loads models and invokes them.
    handler: str
    max_body_bytes: int
    # Invocations of a model that are answered together, at most; 1 is no batching.
    batch_size: int
    # Invocations that wait for one model, at most.
    queue_size: int
    # Processes for each model.
    workers: int
    # For a load, and for an invocation from its arrival to its answer.
    timeout_seconds: int
    # For what runs when the end is asked for.
    stop_seconds: float

    @property
    def address(self) -> str:
        """As a browser would write it."""
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
        models_root=Path(environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")),
        handler=environ.get("SAGEMAKER_HANDLER", HANDLER),
        max_body_bytes=_max_body_bytes(environ),
        # A handler that somebody brings may know single requests only.
        batch_size=_count(
            environ,
            "DORMOUSE_BATCH_SIZE",
            DEFAULT_BATCH_SIZE if environ.get("SAGEMAKER_HANDLER", HANDLER) == HANDLER else 1,
            256,
        ),
        queue_size=_count(environ, "DORMOUSE_QUEUE_SIZE", DEFAULT_QUEUE_SIZE, 100_000),
        workers=_count(environ, "SAGEMAKER_MODEL_SERVER_WORKERS", 1, 64),
        timeout_seconds=_count(environ, "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS", 60, 3600),
        stop_seconds=_seconds("DORMOUSE_STOP_SECONDS", environ.get("DORMOUSE_STOP_SECONDS", "25")),
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


def _max_body_bytes(environ: Mapping[str, str]) -> int:
    if "SAGEMAKER_MAX_PAYLOAD_IN_MB" not in environ:
        return DEFAULT_MAX_BODY_BYTES
    return _count(environ, "SAGEMAKER_MAX_PAYLOAD_IN_MB", 0, 100) * 1024 * 1024


def _count(environ: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = environ.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= most):
        raise StartError(f"{name} is {text!r}, expected a whole number from 1 to {most}.")
    return int(text)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= HIGHEST_PORT):
        raise StartError(
            f"SAGEMAKER_BIND_TO_PORT is {text!r}, expected a port from 1 to {HIGHEST_PORT}."
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
