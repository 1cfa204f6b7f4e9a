"""The Dockerfile and the pins, as far as they can be checked without building the image."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.container.environments import ROOT

CONTAINER = ROOT / "container"
DOCKERFILE = (CONTAINER / "Dockerfile").read_text()


def instructions(name: str) -> list[str]:
    """The arguments of every `name` instruction, continued lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{name} +(.*)$", joined, re.MULTILINE)


def test_hadolint_finds_nothing() -> None:
    """At every level; ignored rules have their reason in the file."""
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or "hadolint"
    found = subprocess.run(
        [hadolint, "--failure-threshold", "style", CONTAINER / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_both_labels_are_there() -> None:
    """Without them SageMaker refuses Mode=MultiModel, and does not name the port."""
    labels = dict(
        pair.split("=", 1) for line in instructions("LABEL") for pair in shlex.split(line)
    )
    assert labels == {
        "com.amazonaws.sagemaker.capabilities.multi-models": "true",
        "com.amazonaws.sagemaker.capabilities.accept-bind-to-port": "true",
    }


def test_the_image_serves_as_a_plain_user() -> None:
    """The entrypoint with `serve` by default, which is how SageMaker runs it; not as root."""
    assert instructions("CMD") == ['["serve"]']
    assert instructions("ENTRYPOINT") == [
        '["python", "/home/model-server/container/entrypoint.py"]'
    ]
    [user] = instructions("USER")
    assert int(user) > 0
    assert f"--uid {user} " in DOCKERFILE


def test_all_that_is_copied_is_in_the_context() -> None:
    """.dockerignore lets through exactly what COPY names."""
    ignored = (CONTAINER / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    copied = {source for line in instructions("COPY") for source in line.split()[:-1]}
    assert copied == allowed
    assert all(list(CONTAINER.glob(pattern)) for pattern in copied)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-build.txt"])
def test_pins_have_hashes_and_name_no_place(name: str) -> None:
    """Anyone can install them from their own index, and gets the same bytes."""
    text = (CONTAINER / name).read_text()
    pin = r"^[a-z0-9.-]+==\S+ \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+"
    pins = re.findall(pin, text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[^\s#]", text, re.MULTILINE))
    assert pins
    assert not re.search(r"://|--index|--find-links|(^|\s)/", text)


@pytest.mark.parametrize("name", ["requirements", "requirements-build"])
def test_pins_follow_what_is_asked_for(name: str) -> None:
    """Every exact pin of the .in file is the one in the .txt file."""
    pattern = r"^([a-z0-9-]+==[\w.]+)"
    asked = re.findall(pattern, (CONTAINER / f"{name}.in").read_text(), re.MULTILINE)
    pinned = re.findall(pattern, (CONTAINER / f"{name}.txt").read_text(), re.MULTILINE)
    assert asked
    assert set(asked) <= set(pinned)
