"""The tools that build and check the template; one build and one translation for all tests."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.template.cloudformation import REGION, REPOSITORY, template

# samtranslator is sam's own; it comes with the sam CLI and lives in its environment.
TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform

class NoManagedPolicies:
    def load(self):
        return {}

print(json.dumps(transform(json.load(sys.stdin), {}, NoManagedPolicies())))
"""


@pytest.fixture(scope="session")
def sam() -> Path:
    """The sam CLI, which has an environment of its own: it pins what others need newer."""
    path = Path(os.environ.get("DORMOUSE_SAM", REPOSITORY / ".venvs/sam/bin/sam"))
    if not path.is_file():
        pytest.fail(f"no sam CLI at {path}: `make check` installs it, or set DORMOUSE_SAM")
    return path


@pytest.fixture(scope="session")
def tool_environment() -> dict[str, str]:
    """An environment in which sam asks nobody and finds uv."""
    uv = (
        os.environ.get("UV")
        or shutil.which("uv")
        or shutil.which("uv", path=str(Path(sys.executable).parent))
        or str(REPOSITORY / ".venvs/uv/bin/uv")
    )
    return {
        **os.environ,
        "UV": uv,
        "UV_PYTHON_DOWNLOADS": "never",
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": REGION,
    }


@pytest.fixture(scope="session")
def artefacts(
    sam: Path, tool_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What `sam build` makes: a folder for each function and the template for the deployment."""
    folder = tmp_path_factory.mktemp("build")
    # Run elsewhere: sam leaves an .aws-sam behind, and that of the developer is not the tests'.
    built = subprocess.run(
        [
            sam,
            "build",
            "--config-file",
            REPOSITORY / "samconfig.toml",
            "--template-file",
            REPOSITORY / "template.yaml",
            "--build-dir",
            folder / "artefacts",
        ],
        cwd=folder,
        env=tool_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "artefacts"


@pytest.fixture(scope="session")
def deployed(sam: Path) -> dict[str, Any]:
    """The resources that CloudFormation sees, after SAM's transform."""
    packaged = json.loads(json.dumps(template()))
    packaged["Globals"]["Function"]["CodeUri"] = "s3://artefacts/functions.zip"
    finished = subprocess.run(
        [sam.parent / "python", "-c", TRANSLATE],
        input=json.dumps(packaged),
        env={**os.environ, "AWS_DEFAULT_REGION": REGION},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    resources: dict[str, Any] = json.loads(finished.stdout)["Resources"]
    return resources
