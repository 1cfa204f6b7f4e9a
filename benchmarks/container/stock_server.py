"""Starts stock multi-model-server, as sagemaker-inference starts it: its configuration, its JVM.

Not by `sagemaker_inference.model_server.start_model_server`: that writes to /etc, and looks for
"its" JVM among all processes of the machine. What it would have started is started here, on
loopback, and owned, so that nothing is left of it. Runs with the interpreter that has Keras 2.
"""

import importlib
import os
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

_STOP_SECONDS = 5.0


def stock_server() -> tuple[list[str], dict[str, str]]:
    """The command that serves, and its environment; its configuration is written to TMPDIR."""
    directory = os.environ["TMPDIR"]
    address = f"http://127.0.0.1:{os.environ['SAGEMAKER_BIND_TO_PORT']}"
    configuration = Path(directory) / "sagemaker-mms.properties"
    command = _command(directory, configuration)
    environ = {
        **os.environ,
        # The configuration says 0.0.0.0; this goes before it (enable_envvars_config).
        "MMS_INFERENCE_ADDRESS": address,
        "MMS_MANAGEMENT_ADDRESS": address,
        # By default in the working directory.
        "LOG_LOCATION": f"{directory}/logs",
        "METRICS_LOCATION": f"{directory}/logs",
    }
    return command, environ


def _command(directory: str, configuration: Path) -> list[str]:
    """As sagemaker-inference 1.10 and mms/model_server.py 1.1.11 have it, less the pid file."""
    model_server: Any = _package("sagemaker_inference.model_server")
    environment: Any = _package("sagemaker_inference.environment").Environment()
    model_server.MMS_CONFIG_FILE = str(configuration)
    model_server._set_python_path()
    model_server._create_model_server_config_file(environment)
    home = Path(str(_package("mms").__file__)).resolve().parents[1]
    return [
        _java(),
        f"-Dmodel_server_home={home}",
        f"-Dlog4j.configurationFile=file://{model_server.DEFAULT_MMS_LOG_FILE}",
        f"-Djava.io.tmpdir={directory}",
        *environment.vmargs.split(),
        "-cp",
        f".:{home}/mms/frontend/*",
        "com.amazonaws.ml.mms.ModelServer",
        "--python",
        sys.executable,
        "-f",
        str(configuration),
        "-s",
        model_server.MODEL_STORE,
    ]


def _package(name: str) -> Any:
    with warnings.catch_warnings():
        # sagemaker-inference imports pkg_resources, which announces its end.
        warnings.simplefilter("ignore", UserWarning)
        return importlib.import_module(name)


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(f"{home}/bin/java" if home else "java")
    if java is None:
        sys.exit("stock_server: there is no java on PATH")
    return java


if __name__ == "__main__":
    # As a script, Python puts this folder on the path; the packages are below the one above.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from container.owned_process import run

    sys.exit(run(*stock_server(), _STOP_SECONDS).status)
