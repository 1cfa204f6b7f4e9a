"""Where the interpreters are that the servers run with, and a clean environment for them."""

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".build" / "bench"

# What a developer's shell may have set, and would measure another server than the default one.
_OWN_PREFIXES = ("DORMOUSE_", "SAGEMAKER_", "MMS_", "TF_", "KERAS_", "PYTHON", "OMP_", "MALLOC_")


class MissingEnvironmentError(Exception):
    """An interpreter is not there; the message says which."""


def container_python() -> Path:
    """The interpreter that has container/requirements.txt: our server's."""
    return _interpreter("DORMOUSE_CONTAINER_PYTHON", "container")


def models_python() -> Path:
    """That has container/requirements-build.txt (Keras 2) as well: the stock server's."""
    return _interpreter("DORMOUSE_MODELS_PYTHON", "models")


def lambda_python() -> Path:
    """The interpreter that has benchmarks/requirements.txt: what Lambda has beside an artefact."""
    return _interpreter("DORMOUSE_LAMBDA_PYTHON", "lambda", "bench-proxy")


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without any variable that a server or its workers would read as a setting.

    PYTHONDONTWRITEBYTECODE is among them: every worker would compile anew what it imports.
    """
    return {name: value for name, value in environ.items() if not name.startswith(_OWN_PREFIXES)}


def _interpreter(variable: str, name: str, target: str = "bench-container") -> Path:
    python = Path(os.environ.get(variable, ROOT / ".venvs" / name / "bin" / "python"))
    if not python.exists():
        raise MissingEnvironmentError(
            f"There is no {python}: `make {target}` makes it, or name another in {variable}."
        )
    return python
