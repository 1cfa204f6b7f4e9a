"""What `sam build` puts into a Lambda."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.template.cloudformation import REPOSITORY, resources

FUNCTIONS = sorted(resources("AWS::Serverless::Function"))

# Powertools is 4.5 MB of it. A cold start reads all of it, so growth is to be meant.
SIZE_LIMIT_BYTES = 6_000_000


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_artefact_holds_what_it_needs_and_no_more(artefacts: Path, function: str) -> None:
    """No boto3, which the runtime brings; no TensorFlow; nothing that was left lying about."""
    held = {path.name for path in (artefacts / function).iterdir()}
    assert {name for name in held if not name.endswith(".dist-info")} == {
        "aws_lambda_powertools",
        "dormouse",
        "dormouse_policy",
        "jmespath",
        # Lambda's runtime promises no time zones, by which schedules are read.
        "tzdata",
        "typing_extensions.py",
    }
    files = [path for path in (artefacts / function).rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in (".pyc", ".so")]
    size = sum(path.stat().st_size for path in files)
    print(f"{function}: {size / 1e6:.1f} MB in {len(files)} files")
    assert size < SIZE_LIMIT_BYTES


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("package", ["dormouse", "dormouse_policy"])
def test_an_artefact_holds_the_whole_package(artefacts: Path, function: str, package: str) -> None:
    """Each module arrives as it is."""
    source = REPOSITORY / "functions" / package
    built = artefacts / function / package
    modules = {path.relative_to(source) for path in source.rglob("*.py")}
    assert {path.relative_to(built) for path in built.rglob("*.py")} == modules
    assert all((source / name).read_bytes() == (built / name).read_bytes() for name in modules)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_handler_is_in_the_artefact(artefacts: Path, function: str) -> None:
    """A misspelt handler would be noticed by AWS alone, at the first invocation."""
    module, _, name = (
        resources("AWS::Serverless::Function")[function]["Properties"]["Handler"]
    ).rpartition(".")
    source = (artefacts / function / module.replace(".", "/")).with_suffix(".py").read_text()
    assert f"def {name}(" in source


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (["UV=/nowhere/uv", "ARTIFACTS_DIR=/nowhere"], "building needs uv; put it on PATH"),
        (["UV=sh"], "a target for sam build, which sets ARTIFACTS_DIR"),
    ],
)
def test_a_build_that_cannot_work_says_why(variables: list[str], sentence: str) -> None:
    """One sentence, before anything is written."""
    make = shutil.which("make")
    assert make is not None
    finished = subprocess.run(
        [make, "-C", REPOSITORY / "functions", "build-InvokeFunction", *variables],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode != 0
    assert sentence in finished.stderr
