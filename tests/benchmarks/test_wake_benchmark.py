"""The benchmark of wakes as a program: a small run of it, judged by its shape alone."""

import json
import subprocess
import uuid
from typing import Any

import pytest

from benchmarks.environments import ROOT
from tests.benchmarks.marked import left
from tests.benchmarks.test_container_benchmark import environ

PYTHON = ROOT / ".venvs" / "local" / "bin" / "python"
COMMAND = [str(PYTHON), "-m", "benchmarks.wake", "--json", "--wakes", "2", "--no-event-wakes", "1"]


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """What a short run prints."""
    mark = uuid.uuid4().hex
    ended = subprocess.run(
        COMMAND, cwd=ROOT, env=environ(mark), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert not left(mark)
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def test_it_prints_the_four_figures(result: dict[str, Any]) -> None:
    """In seconds, of so many wakes."""
    assert result["wakes"] == len(result["event_s"]) == 2
    assert result["no_event_wakes"] == len(result["no_event_s"]) == 1
    assert 0 <= result["event_p50_s"] <= result["event_p99_s"] == max(result["event_s"])
    assert result["no_event_max_s"] == max(result["no_event_s"]) >= 0
