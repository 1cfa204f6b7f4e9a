"""How the law of the forecast is found: its samples, its regression, and one run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.policy import fit
from benchmarks.policy.habits import GROUP, habits
from benchmarks.policy.regression import Samples
from benchmarks.policy.regression import fit as regression
from benchmarks.policy.samples import samples_of
from benchmarks.policy.synthetic import write_traces
from benchmarks.policy.traces import DAY, Workload
from dormouse_policy.features import NAMES
from dormouse_policy.forecast_state import PAUSES
from dormouse_policy.hazard import KNOTS, place_of
from dormouse_policy.simulation import Demand


def test_habits_are_the_same_each_time() -> None:
    """Of a seed; and others of another one."""
    assert habits(10, 3) == habits(10, 3)
    assert habits(10, 3) != habits(10, 4)
    assert {each.group for each in habits(5, 3)} == {GROUP}


def test_a_daily_job_is_one() -> None:
    """It comes on most days, at the same time but for some minutes."""
    daily = next(each for each in habits(5, 3) if each.name.startswith("daily"))
    begins = [
        minute
        for (before, _), (minute, _) in zip(
            daily.demand.counts, daily.demand.counts[1:], strict=False
        )
        if minute - before > 60
    ]
    assert len(begins) > 20
    times = [minute % DAY for minute in begins]
    assert max(times) - min(times) <= 16


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.integers(1, 500))
def test_each_silent_minute_is_tried_once(pauses: list[int], rest: int) -> None:
    """From the fourth of a silence on, the one in which somebody asks included; but for the first
    day.
    """
    minutes = [0, DAY]
    for pause in pauses:
        minutes.append(minutes[-1] + pause)
    demand = Demand(tuple((minute, 1) for minute in minutes), 0, minutes[-1] + rest)
    samples = samples_of(Workload("any", "one", demand, 0))
    shortest = PAUSES[0]
    long = [pause for pause in pauses if pause >= shortest]
    assert float(samples.asked.sum()) == len(long)
    tried = sum(pause - shortest + 1 for pause in long) + max(0, rest - shortest)
    assert float(samples.asked.sum() + samples.quiet.sum()) == tried
    assert samples.features.shape == (len(samples.idle), len(NAMES))


def test_the_regression_finds_the_rate() -> None:
    """Where nothing is known but that somebody asks in one of fifty minutes."""
    draw = np.random.default_rng(1)
    number = 4000
    features = np.zeros((number, len(NAMES)))
    features[:, 0] = 1
    asked = (draw.random(number) < 0.02).astype(float)
    idle = draw.integers(KNOTS[0], KNOTS[-1], number)
    law = regression([(1.0, [Samples(features, idle, 1 - asked, asked)])])
    places = [place_of(int(each)) for each in idle]
    logits = [law[row][0] + share * (law[row + 1][0] - law[row][0]) for row, share in places]
    assert np.mean(1 / (1 + np.exp(-np.array(logits)))) == pytest.approx(asked.mean(), rel=0.01)
    assert [row[1:] for row in law] == [[0.0] * (len(NAMES) - 1)] * len(KNOTS)


def test_a_run_says_what_the_law_is_worth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For workloads that it has not seen; and leaves the law that is shipped as it is."""
    write_traces(tmp_path, seed=1)
    before = fit.LAW.read_bytes()
    assert fit.main(["--traces", str(tmp_path)]) == 0
    document = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = document["cross_validated"]
    assert found["worst"] == max(found["cells"].values())
    assert 0 < found["gm"] <= found["worst"]
    assert fit.LAW.read_bytes() == before


def test_the_law_that_is_written_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A module with a weight for each knot and each feature."""
    write_traces(tmp_path, seed=1)
    law = tmp_path / "law.py"
    monkeypatch.setattr(fit, "LAW", law)
    assert fit.main(["--traces", str(tmp_path), "--no-folds", "--write"]) == 0
    found: dict[str, tuple[tuple[float, ...], ...]] = {}
    exec(law.read_text(), found)
    assert [len(row) for row in found["WEIGHTS"]] == [len(NAMES)] * len(KNOTS)
    assert "cross_validated" not in json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_folder_without_traces_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing is written."""
    assert fit.main(["--traces", str(tmp_path / "none"), "--write"]) == 1
    assert "no such folder" in capsys.readouterr().err
