"""The same history leads to the same decisions, in whichever process they are made."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PLAY = """
from benchmarks.policy.habits import habits
from dormouse_policy.forecast import Forecast
from dormouse_policy.policy import Situation, Stakes

for workload in habits(3, seed=5):
    forecast = Forecast(Stakes(5, 60.0))
    state = forecast.begin()
    for minute, count in workload.demand.counts[:200]:
        state = forecast.learn(state, minute, count)
    for idle in (4, 100, 500):
        print(forecast.advise(state, Situation(state.last + idle, state.last, idle < 50)))
    print(state.write())
"""


def test_two_hash_seeds_give_the_same() -> None:
    """Nothing goes by the order of a set."""
    said = [
        subprocess.run(
            [sys.executable, "-c", PLAY],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert "P(request within 30 min)" in said[0]
    assert said[0] == said[1]
