"""The CLI as a package: what pip installs from client/ is what runs here."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

import dormouse_cli

REPOSITORY = Path(__file__).parents[2]
CLIENT = REPOSITORY / "client"
UV = Path(os.environ.get("UV", REPOSITORY / ".venvs" / "uv" / "bin" / "uv"))
OFFLINE = {**os.environ, "UV_OFFLINE": "1", "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}


@pytest.fixture(scope="module")
def project() -> Any:
    """What client/pyproject.toml says."""
    return tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]


def test_both_files_ask_for_the_same(project: Any) -> None:
    """pip reads pyproject.toml, and the project's own pins come of requirements.in."""
    lines = (CLIENT / "requirements.in").read_text().splitlines()
    assert sorted(project["dependencies"]) == sorted(
        line for line in lines if line and not line.startswith("#")
    )


def test_the_version_is_one(project: Any) -> None:
    """Of the package and of what it says of itself."""
    assert project["version"] == dormouse_cli.__version__


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own with client/ installed, by the backend that uv brings along."""
    folder = tmp_path_factory.mktemp("installed")
    install: list[str | Path] = [UV, "pip", "install", "--quiet", "--no-cache", "--no-deps"]
    commands: list[list[str | Path]] = [
        [UV, "venv", "--quiet", folder / "venv"],
        [*install, "--python", folder / "venv", CLIENT],
    ]
    for command in commands:
        subprocess.run(command, env=OFFLINE, check=True, capture_output=True, cwd=folder)
    return folder / "venv"


def test_the_policies_are_those_of_the_lambda() -> None:
    """By a link to each module, which the build follows; it follows none of folders."""
    policies = REPOSITORY / "functions" / "dormouse_policy"
    links = sorted((CLIENT / "dormouse_policy").glob("*.py"))
    assert [link.name for link in links] == sorted(path.name for path in policies.glob("*.py"))
    for link in links:
        assert link.readlink() == Path("..", "..", "functions", "dormouse_policy", link.name)


def test_everything_is_in_the_package(installed: Path) -> None:
    """Each module, the word that it is typed, and the licence."""
    (packages,) = installed.glob("lib/python3*/site-packages")
    for package in ("dormouse_cli", "dormouse_policy"):
        there = {path.relative_to(packages) for path in (packages / package).rglob("*.py*")}
        here = {path.relative_to(CLIENT) for path in (CLIENT / package).rglob("*.py*")}
        assert {path for path in here if "__pycache__" not in path.parts} == there
        assert not [path for path in (packages / package).rglob("*") if path.is_symlink()]
    (metadata,) = packages.glob("dormouse_cli-*.dist-info")
    licence = (metadata / "licenses" / "LICENSE").read_text()
    assert licence == (REPOSITORY / "LICENSE").read_text()
    assert "License-Expression: Apache-2.0" in (metadata / "METADATA").read_text()


def test_the_installed_script_runs(installed: Path) -> None:
    """With the dependencies of this environment, since none are installed there."""
    environment = {**os.environ, "PYTHONPATH": str(Path(pytest.__file__).parents[1])}
    ran = subprocess.run(
        [installed / "bin" / "dormouse", "--version"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, f"dormouse {dormouse_cli.__version__}\n"), ran.stderr


def test_whoever_builds_models_needs_the_standard_library_alone(installed: Path) -> None:
    """`dormouse_cli.model_archive` is imported where no boto3 is."""
    code = (
        "import sys, dormouse_cli.model_archive as m; m.pack; "
        "assert not {'boto3', 'botocore', 'rich', 'typer'} & set(sys.modules)"
    )
    subprocess.run([installed / "bin" / "python", "-I", "-c", code], check=True)
