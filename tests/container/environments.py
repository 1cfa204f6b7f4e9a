"""Where the container's interpreters and the tiny models are; environment variables say otherwise.

The tests themselves run without TensorFlow; what needs it runs in the container's own interpreter.
"""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def container_python() -> Path:
    """The interpreter that has container/requirements.txt."""
    return _interpreter("DORMOUSE_CONTAINER_PYTHON", "container")


def models_python() -> Path:
    """The interpreter that has container/requirements-build.txt as well."""
    return _interpreter("DORMOUSE_MODELS_PYTHON", "models")


def run_in_container(script: str, *arguments: str | Path) -> None:
    """Run a script of this folder in the container's interpreter."""
    _run(container_python(), script, *arguments)


def run_in_models(script: str, *arguments: str | Path) -> None:
    """Run a script of this folder in the interpreter that builds models."""
    _run(models_python(), script, *arguments)


def _run(python: Path, script: str, *arguments: str | Path) -> None:
    subprocess.run(
        [python, Path(__file__).with_name(script), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"},
        check=True,
        timeout=120,
    )


def models_dir() -> Path:
    """The folder of the tiny models' archives, which are built if they are not there yet."""
    directory = Path(os.environ.get("DORMOUSE_MODELS_DIR", ROOT / ".build" / "models" / "tiny"))
    build_models("container.models.tiny", directory)
    return directory


def real_models_dir() -> Path:
    """The folder of the real models' archives, likewise."""
    directory = ROOT / ".build" / "models" / "real"
    build_models("container.models.real", directory)
    return directory


def build_models(module: str, directory: Path) -> None:
    """Build what is missing or out of date, in the environment that can."""
    subprocess.run(
        [models_python(), "-m", module, "--out", directory],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'client'}:{ROOT}"},
        check=True,
        timeout=550,
    )


def _interpreter(variable: str, name: str) -> Path:
    python = Path(os.environ.get(variable, ROOT / ".venvs" / name / "bin" / "python"))
    if not python.exists():
        raise FileNotFoundError(
            f"There is no {python}: make that environment, or name another in {variable}."
        )
    return python
