"""benchmarks/chaos in a shorter run: fewer requests and sleeps, the same disasters."""

import json
import os
import subprocess
from typing import Any

import pytest

from local.settings import REPOSITORY

PYTHON = REPOSITORY / ".venvs" / "local" / "bin" / "python"
COMMAND = [str(PYTHON), "-m", "benchmarks.chaos", "--requests", "60", "--callers", "10"]
COMMAND += ["--sleeps", "2", "--spread", "15", "--limit", "420"]

# It waits for much: what was killed is taken up again after minutes.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What a run prints last; all that it prints is in the test's output if it fails."""
    ran = subprocess.run(
        COMMAND, cwd=REPOSITORY, env=os.environ, capture_output=True, text=True, check=False
    )
    print(ran.stdout, ran.stderr)
    lines = ran.stdout.splitlines()
    assert lines, ran.stderr
    found: dict[str, Any] = json.loads(lines[-1])
    assert ran.returncode == (1 if found["problems"] else 0)
    return found


def test_nothing_is_lost_and_nothing_answered_twice(told: dict[str, Any]) -> None:
    """Every caller and every record says how it ended, and both say the same."""
    assert told["problems"] == []
    assert told["lost"] == 0
    assert sum(row["sent"] for row in told["kinds"].values()) == told["requests"] == 60


def test_it_slept_and_woke_and_was_killed_meanwhile(told: dict[str, Any]) -> None:
    """Or the run would prove nothing."""
    assert told["sleeps"] >= 2
    assert told["wakes"] >= 3
    assert sum(told["kills"].values()) > 0


def test_each_way_of_asking_was_tried_and_answered(told: dict[str, Any]) -> None:
    """All six of them."""
    assert len(told["kinds"]) == 6
    for kind, row in told["kinds"].items():
        assert row["answered"] > 0, kind
