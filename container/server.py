"""Check what is needed, and run the front (front/) with multi-model-server behind it.

The front is a child that this process owns, and so is all that it starts. sagemaker-inference
writes multi-model-server's configuration; its `start_model_server` is not used, since it looks for
"its" JVM among all processes of the host and refuses a second one.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from container.owned_process import run
from container.server_settings import (
    MODEL_SERVER_SOCKET,
    ServerSettings,
    StartError,
    server_environment,
    settings_from,
)

USAGE = "usage: entrypoint.py serve"
_CONTAINER = Path(__file__).resolve().parent
_LOG_CONFIGURATION = _CONTAINER / "log4j2.xml"
# In it, where multi-model-server looks for the program that it starts for each model, is ours.
_MODEL_SERVER_HOME = _CONTAINER / "workers" / "model_server_home"

# What the front needs for its own end, after the time that the running requests have.
_END_SECONDS = 3.0

# multi-model-server makes a socket for each model there; Linux allows 107 bytes (unix(7)).
_SOCKET_NAME = ".mms.sock.99999"
_SOCKET_PATH_BYTES = 107


def main(arguments: Sequence[str]) -> int:
    """Serve until told to end; the exit status. The contract is in entrypoint.py."""
    if list(arguments) != ["serve"]:
        given = " ".join(arguments) or "nothing"
        return _refuse(f'The only command is "serve", got {given}; {USAGE}.')
    try:
        settings = settings_from(os.environ)
        os.environ.update(server_environment(os.environ))
        java = _java()
        _check_port(settings)
        with _temporary_dir(settings.temporary_dir) as directory:
            return _serve(settings, java, Path(directory))
    except StartError as error:
        return _refuse(str(error))


def _refuse(sentence: str) -> int:
    print(f"dormouse container: {sentence}", file=sys.stderr)
    return 2


def _serve(settings: ServerSettings, java: str, directory: Path) -> int:
    configuration = directory / "mms.properties"
    _write_configuration(configuration)
    address = f"unix:{directory / MODEL_SERVER_SOCKET}"
    environ = {
        **os.environ,
        "MMS_CONFIG_FILE": str(configuration),
        "MMS_INFERENCE_ADDRESS": address,
        "MMS_MANAGEMENT_ADDRESS": address,
        # Once a year: it would start a Python process each minute, for figures that SageMaker has.
        "MMS_METRIC_TIME_INTERVAL": "31536000",
        # What it starts for a model would import from the model's directory first.
        "MMS_BLACKLIST_ENV_VARS": "PYTHONPATH",
        "TMPDIR": str(directory),
    }
    front = [sys.executable, "-m", "container.front", str(directory)]
    ending = run(
        [*front, *_model_server(java, directory)], environ, settings.stop_seconds + _END_SECONDS
    )
    if ending.asked:
        return 0
    print(
        f"dormouse container: the front ended by itself with status {ending.status}.",
        file=sys.stderr,
    )
    return ending.status


def _model_server(java: str, directory: Path) -> list[str]:
    """As mms/model_server.py 1.1.11 builds it, less its pid file and the detour over a shell."""
    spec = importlib.util.find_spec("mms")
    if spec is None or spec.origin is None:
        raise StartError(f"{sys.executable} has no multi-model-server.")
    site_packages = Path(spec.origin).parents[1]
    return [
        java,
        f"-Dlog4j.configurationFile=file://{_LOG_CONFIGURATION}",
        f"-Djava.io.tmpdir={directory}",
        *os.environ["SAGEMAKER_MODEL_SERVER_VMARGS"].split(),
        # After all others: the last one counts.
        f"-Dmodel_server_home={_MODEL_SERVER_HOME}",
        "-cp",
        f"{site_packages}/mms/frontend/*",
        "com.amazonaws.ml.mms.ModelServer",
        "--python",
        sys.executable,
        "--model-store",
        "/",
    ]


def _write_configuration(path: Path) -> None:
    written = subprocess.run(
        [sys.executable, "-m", "container.model_server_configuration", path],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if written.returncode != 0:
        raise StartError(written.stderr.strip())


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(f"{home}/bin/java" if home else "java")
    if java is None:
        place = f"in JAVA_HOME ({home})" if home else "on PATH, and JAVA_HOME is not set"
        raise StartError(f"There is no java {place}; multi-model-server needs a JRE of 8 or later.")
    return java


def _check_port(settings: ServerSettings) -> None:
    """The front would say the same in twenty lines, after a second."""
    try:
        with socket.create_server((settings.host, settings.port)):
            pass
    except OSError as error:
        # Python adds the address to `strerror` here; a name that is not found has no errno of ours.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise StartError(f"{settings.address} cannot be listened on: {reason}.") from error


def _temporary_dir(parent: Path) -> tempfile.TemporaryDirectory[str]:
    """Each server its own: the names of its sockets begin anew in each."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        directory = tempfile.TemporaryDirectory(
            prefix="mms-", dir=parent.resolve(), ignore_cleanup_errors=True
        )
    except OSError as error:
        raise StartError(f"TMPDIR ({parent}) cannot be written: {error.strerror}.") from error
    if len(os.fsencode(Path(directory.name) / _SOCKET_NAME)) > _SOCKET_PATH_BYTES:
        directory.cleanup()
        raise StartError(
            f"TMPDIR ({parent}) is too long a path: the sockets made in it may have "
            f"{_SOCKET_PATH_BYTES} bytes."
        )
    return directory
