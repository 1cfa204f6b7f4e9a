"""A function as it is deployed: its artefact, and the environment in which Lambda would run it."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from benchmarks.environments import ROOT

# What the template sets for every function, or nearly so.
COMMON_SETTINGS: Mapping[str, str] = {
    "DORMOUSE_ENDPOINTS_TABLE": "endpoints",
    "DORMOUSE_REQUESTS_TABLE": "requests",
    "DORMOUSE_USAGE_TABLE": "usage",
    "DORMOUSE_WORK_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/work",
    "DORMOUSE_STACK_NAME": "dormouse",
    "DORMOUSE_ACCOUNT_ID": "123456789012",
    "POWERTOOLS_METRICS_NAMESPACE": "Dormouse",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}


class BuildError(Exception):
    """The artefact can't be built; the message says why."""


def build(function: str, folder: Path) -> Path:
    """Build the function with this logical id as `sam build` does, into a folder that is not there.

    Raises:
        BuildError: that can't be done.
    """
    make = shutil.which("make")
    if make is None:
        raise BuildError("building needs make")
    folder.mkdir(parents=True)
    environment = {**os.environ, "ARTIFACTS_DIR": str(folder)}
    environment.setdefault("UV", str(ROOT / ".venvs" / "uv" / "bin" / "uv"))
    built = subprocess.run(
        [make, "--silent", "-C", ROOT / "functions", f"build-{function}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        raise BuildError(f"the artefact can't be built: {built.stdout}{built.stderr}")
    return folder


def compile_all(python: Path, artefact: Path) -> None:
    """Compile it, as Lambda has its own packages; a deployed one is compiled at the first start."""
    subprocess.run([python, "-m", "compileall", "-q", artefact], check=True)


def lambda_environment(
    artefact: Path, name: str, settings: Mapping[str, str], url: str | None
) -> dict[str, str]:
    """Return what Lambda would set for the function of this name, and the template; `url` is where
    AWS is instead.
    """
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **inherited,
        **settings,
        "PYTHONPATH": str(artefact),
        "LAMBDA_TASK_ROOT": str(artefact),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "a-token-as-a-function-has-one",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        **({} if url is None else {"AWS_ENDPOINT_URL": url}),
    }
