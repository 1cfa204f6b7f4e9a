"""The benchmark of the container as a program: a small run of it, and its end before its time."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from benchmarks.environments import ROOT
from tests.benchmarks.marked import VARIABLE, left, running

FIGURES = (
    "load_seconds",
    "memory_mb_per_model",
    "memory_pss_mb_per_model",
    "latency_p50_ms_c1",
    "throughput_rps_c16",
)
COMMAND = [sys.executable, "-m", "benchmarks.container", "--quick", "--json"]


def environ(mark: str) -> dict[str, str]:
    """Of the program, which hands it on to all that it starts."""
    return {**os.environ, VARIABLE: mark}


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """What a quick run prints."""
    mark = uuid.uuid4().hex
    ended = subprocess.run(
        COMMAND, cwd=ROOT, env=environ(mark), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert not left(mark)
    [line] = ended.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_has_both_sides_and_their_ratio(result: dict[str, Any], name: str) -> None:
    """The ratio is above 1 where ours is better, whichever way the figure goes."""
    figure = result[name]
    better, worse = ("ours", "stock") if name == "throughput_rps_c16" else ("stock", "ours")
    assert figure["stock"] > 0
    assert figure["ours"] > 0
    assert figure["ratio"] == pytest.approx(figure[better] / figure[worse], rel=1e-2)


def test_it_was_the_same_model(result: dict[str, Any]) -> None:
    """Both were asked and answered alike, but did not compute alike to the last bit."""
    assert result["agreement"]["texts"] == 8
    assert 0 < result["agreement"]["largest_difference"] <= 1e-3


def test_what_is_skipped_says_why(result: dict[str, Any]) -> None:
    """A quick run fills no 4 GiB."""
    assert result["models_in_4gb"] == {"skipped": "--quick"}


def test_the_client_is_not_what_is_measured(result: dict[str, Any]) -> None:
    """Against a server that does nothing it gets several times as far as against either."""
    measured = max(result["throughput_rps_c16"][side] for side in ("stock", "ours"))
    assert result["client_ceiling"]["rps_c16"] > 3 * measured


@contextmanager
def under_way(mark: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run that has started a Java process at least."""
    with (
        # A killed run can't remove its temporary files. A socket's path must be short: no tmp_path.
        tempfile.TemporaryDirectory(prefix="killed-", ignore_cleanup_errors=True) as directory,
        subprocess.Popen(
            COMMAND,
            cwd=ROOT,
            env={**environ(mark), "TMPDIR": directory},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process,
    ):
        try:
            while not any("ModelServer" in command for command in running(mark)):
                assert process.poll() is None, "it ended by itself"
                time.sleep(0.1)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing(number: signal.Signals) -> None:
    """Ctrl-C, or a job that is cancelled."""
    mark = uuid.uuid4().hex
    with under_way(mark) as process:
        process.send_signal(number)
        assert process.wait(timeout=60) == 130
        assert not left(mark, seconds=0)


def test_killed_it_leaves_nothing() -> None:
    """It can't end its servers then: the kernel tells them."""
    mark = uuid.uuid4().hex
    with under_way(mark) as process:
        process.kill()
        process.wait(timeout=60)
        assert not left(mark)
