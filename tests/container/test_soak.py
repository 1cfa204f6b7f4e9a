"""No leak over many loads and unloads: a short run of `make soak`."""

import json
import subprocess
import sys

from benchmarks.environments import ROOT
from tests.container.environments import models_dir

CYCLES, MODELS = 50, 50


def test_nothing_is_left_of_models_that_are_unloaded() -> None:
    """Neither processes nor descriptors, files, sockets or memory, while fifty others stay."""
    archive = models_dir() / "sentiment-tiny.tar.gz"
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.soak", "--archive", archive),
            *("--cycles", str(CYCLES), "--models", str(MODELS)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)
    assert result["leaks"] == []
    assert result["cycles"] == CYCLES
    assert result["processes"]["full"] >= result["processes"]["empty"] + MODELS
    assert result["processes"]["end"] == result["processes"]["empty"]
