"""Start multi-model-server in multi-model mode, as a child that this process owns.

sagemaker-inference writes the server's configuration; its `start_model_server` is not used, since
it looks for "its" JVM among all processes of the host and refuses a second one.
"""

import importlib
import os
import shutil
import socket
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from container.owned_process import run
from container.server_settings import (
    ServerSettings,
    StartError,
    server_environment,
    settings_from,
)

USAGE = "usage: entrypoint.py serve"
LOG_CONFIGURATION = Path(__file__).resolve().with_name("log4j2.xml")

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
    environ = {
        **os.environ,
        "MMS_CONFIG_FILE": str(configuration),
        "MMS_INFERENCE_ADDRESS": settings.address,
        "MMS_MANAGEMENT_ADDRESS": settings.address,
        "TMPDIR": str(directory),
    }
    ending = run(_command(java, directory), environ, settings.stop_seconds)
    if ending.asked:
        return 0
    print(
        f"dormouse container: multi-model-server ended by itself with status {ending.status}.",
        file=sys.stderr,
    )
    return ending.status


def _command(java: str, directory: Path) -> list[str]:
    """As mms/model_server.py 1.1.11 builds it, less its pid file and the detour over a shell."""
    site_packages = Path(_package("mms").__file__).parents[1]
    return [
        java,
        f"-Dmodel_server_home={site_packages}",
        f"-Dlog4j.configurationFile=file://{LOG_CONFIGURATION}",
        f"-Djava.io.tmpdir={directory}",
        *os.environ["SAGEMAKER_MODEL_SERVER_VMARGS"].split(),
        "-cp",
        f"{site_packages}/mms/frontend/*",
        "com.amazonaws.ml.mms.ModelServer",
        "--python",
        sys.executable,
        "--model-store",
        "/",
    ]


def _write_configuration(path: Path) -> None:
    model_server = _package("sagemaker_inference.model_server")
    environment = _package("sagemaker_inference.environment")
    model_server.MMS_CONFIG_FILE = str(path)  # /etc/… by default, not everybody's to write
    try:
        model_server._create_model_server_config_file(environment.Environment())
    except ValueError as error:
        raise StartError(f"A SAGEMAKER_MODEL_SERVER_… variable is no number: {error}.") from error


def _package(name: str) -> Any:
    """Import when needed: both read the environment, which `main` completes, at import time."""
    with warnings.catch_warnings():
        # sagemaker-inference imports pkg_resources, which announces its end.
        warnings.simplefilter("ignore", UserWarning)
        return importlib.import_module(name)


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(f"{home}/bin/java" if home else "java")
    if java is None:
        place = f"in JAVA_HOME ({home})" if home else "on PATH, and JAVA_HOME is not set"
        raise StartError(f"There is no java {place}; multi-model-server needs a JRE of 8 or later.")
    return java


def _check_port(settings: ServerSettings) -> None:
    """The JVM would say the same in forty lines, after a second."""
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
