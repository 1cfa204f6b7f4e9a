"""The benchmark of the idle policies: its traces, the hybrid histogram, its scores, and one run."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.environments import ROOT
from benchmarks.policy.__main__ import main
from benchmarks.policy.frontier import frontier_of
from benchmarks.policy.hybrid_histogram import (
    BINS,
    HybridHistogram,
    IdleTimes,
    Window,
    smoothed,
    window_of,
)
from benchmarks.policy.reference import differences
from benchmarks.policy.runs import DELAY_COSTS, FIXED, POLICIES, Figures, Run, runs
from benchmarks.policy.scores import geometric_mean, report, totals
from benchmarks.policy.synthetic import write_traces
from benchmarks.policy.traces import (
    DAY,
    FILES,
    HALF_DAY,
    HISTORY,
    TracesError,
    read_rows,
    read_traces,
)
from dormouse_policy.policy import Situation
from dormouse_policy.simulation import Demand, simulate

WAKE = 5
HEADER = "workload,minute,count\n"

# --------------------------------------------------------------------------------------- the traces


def _write(folder: Path, **texts: str) -> Path:
    """Write the three files; those that are not given hold no row."""
    for name in FILES:
        rows = texts.get(name.split(".")[0], "")
        (folder / name).write_bytes(gzip.compress((HEADER + rows).encode(), mtime=0))
    return folder


def _rows(workload: str, minutes: list[int]) -> str:
    return "".join(f"{workload},{minute},1\n" for minute in minutes)


@given(
    st.dictionaries(
        st.text("abc-19", min_size=1, max_size=8),
        st.dictionaries(st.integers(0, 40_000), st.integers(0, 10**9), min_size=1, max_size=9),
        max_size=4,
    ),
    st.randoms(),
)
def test_rows_are_read_in_any_order(traces: dict[str, dict[int, int]], random: Any) -> None:
    rows = [
        f"{name},{minute},{count}\n"
        for name, counts in traces.items()
        for minute, count in counts.items()
    ]
    random.shuffle(rows)
    assert read_rows([HEADER, *rows]) == traces


@given(st.lists(st.text('a,0-9."\n\r\0é'), max_size=6), st.booleans())
def test_whatever_is_no_trace_is_refused_by_its_line(lines: list[str], has_header: bool) -> None:
    try:
        found = read_rows([HEADER, *lines] if has_header else lines)
    except TracesError as error:
        assert str(error).startswith("line ")
    else:
        assert has_header
        assert all(name and counts for name, counts in found.items())


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("a,1\n", "line 2: ['a', '1'] has to be as in workload,minute,count"),
        ("a,1,2\na,-1,2\n", "line 3: ['a', '-1', '2'] needs a name and two whole numbers"),
        ("a,1,0.5\n", "line 2: ['a', '1', '0.5'] needs a name and two whole numbers"),
        (",1,1\n", "line 2: ['', '1', '1'] needs a name and two whole numbers"),
        ("a,1,1\nb,1,1\na,1,2\n", "line 4: minute 1 of a comes twice"),
    ],
)
def test_a_bad_row_is_named_with_its_file(tmp_path: Path, rows: str, says: str) -> None:
    folder = _write(tmp_path, servegen=rows)
    with pytest.raises(TracesError) as caught:
        read_traces(folder)
    assert f"servegen.csv.gz: {says}" in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"workload,minute,count\n", gzip.compress(b"x" * 99, mtime=0)[:-9]]
)
def test_what_is_not_packed_is_named(tmp_path: Path, content: bytes) -> None:
    _write(tmp_path)
    (tmp_path / "servegen.csv.gz").write_bytes(content)
    with pytest.raises(TracesError, match=r"servegen\.csv\.gz: it is no text that was packed"):
        read_traces(tmp_path)


def test_what_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write(tmp_path)
    (tmp_path / "gentd26.csv.gz").unlink()
    assert main(["--traces", str(tmp_path)]) == 1
    assert "it lacks gentd26.csv.gz. The traces are three files" in capsys.readouterr().err
    assert main(["--traces", str(tmp_path / "none")]) == 1
    assert "no such folder" in capsys.readouterr().err


def test_traces_without_any_scored_workload_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TracesError, match="no workload"):
        read_traces(_write(tmp_path, servegen=_rows("client", [HISTORY - 1])))


def test_workloads_are_grouped_and_the_silent_left_out(tmp_path: Path) -> None:
    five = [HISTORY, *range(HISTORY + 10, HISTORY + 14)]
    late = [*range(HISTORY, HISTORY + 4), 23 * DAY]
    folder = _write(
        tmp_path,
        gentd26="".join(
            _rows(name, five) for name in ("tenant-1", "model-1", "mme-2", "mme-1", "all")
        )
        + _rows("model-late", late)
        + _rows("model-early", list(range(9))),
        servegen=_rows("client", [1, *five, 14 * DAY]) + "client,3,0\n",
    )
    found = read_traces(folder)
    assert [(each.group, each.name) for each in found] == [
        ("gentd-mme", "all"),
        ("gentd-mme", "mme-1"),
        ("gentd-mme", "mme-2"),
        ("gentd-model", "model-1"),
        ("gentd-tenant", "tenant-1"),
        ("servegen", "client"),
    ]
    counts = tuple((minute, 1) for minute in [1, *five])
    assert found[-1].demand == Demand(counts, 0, 14 * DAY)
    assert {each.scored_from for each in found} == {HISTORY}


@pytest.mark.parametrize(
    ("minutes", "is_scored"),
    [
        ([0, 1, 2, HALF_DAY, HALF_DAY + 1, HALF_DAY + 2], True),
        ([0, 1, 2, HALF_DAY, HALF_DAY + 1], False),
        ([0, HALF_DAY - 1, HALF_DAY, HALF_DAY + 1, HALF_DAY + 2], False),
        (list(range(300, 300 + HALF_DAY - 1)), True),
        (list(range(300, 300 + HALF_DAY)), False),
    ],
)
def test_of_one_day_both_halves_have_to_say_something(
    tmp_path: Path, minutes: list[int], is_scored: bool
) -> None:
    other = _rows("other", [0, 1, 2, 1000, 1001, 1002])
    found = read_traces(_write(tmp_path, azure2019_1day=_rows("function", minutes) + other))
    assert [each.name for each in found] == ["function"] * is_scored + ["other"]
    assert {(each.group, each.scored_from) for each in found} == {("one-day", HALF_DAY)}


# ----------------------------------------------------------------------------- the hybrid histogram


def _learned(*gaps: int) -> IdleTimes:
    idle_times, minute = IdleTimes(), 0
    idle_times.add(minute)
    for gap in gaps:
        minute += gap + 1
        idle_times.add(minute)
    return idle_times


def test_nothing_known_and_nothing_typical_keep_it_for_the_range() -> None:
    assert window_of(_learned()) == Window(0, BINS)
    assert window_of(_learned(*range(BINS))) == Window(0, BINS)


def test_head_and_tail_have_margins() -> None:
    # 100 idle times: the 5th percentile is 59, the 99th 62; bins reach from n to n + 1.
    assert window_of(_learned(*[59] * 5, *[60] * 90, *[62] * 5)) == Window(53, 70)
    assert window_of(_learned(*[0] * 5, *[60] * 95)) == Window(0, 68)
    assert window_of(_learned(*[0] * 4, *[60] * 96)) == Window(54, 68)


def test_idle_times_beyond_the_range_are_predicted() -> None:
    assert window_of(_learned(*[600] * 4)) == Window(510, 690)
    assert window_of(_learned(*[600] * 2, 5, 5)) == Window(4, 7)


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=12))
def test_what_is_predicted_lies_among_what_was_seen(numbers: list[int]) -> None:
    assert min(numbers) - 1e-6 <= smoothed(numbers) <= max(numbers) + 1e-6


@given(st.lists(st.integers(0, 400), max_size=40))
def test_the_variation_is_that_of_the_bins(gaps: list[int]) -> None:
    idle_times = _learned(*gaps)
    mean = sum(idle_times.bins) / BINS
    variance = sum((count - mean) ** 2 for count in idle_times.bins) / BINS
    expected = variance**0.5 / mean if mean else 0.0
    assert idle_times.variation == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_it_is_off_until_a_start_before_the_window() -> None:
    policy, known = HybridHistogram(WAKE), _learned(*[59] * 20)
    assert window_of(known) == Window(53, 66)
    last = known.last
    assert last is not None
    assert policy.advise(known, Situation(last + 1, last, is_on=True)).change_at == last + 1
    # Minute 54 after the last request is the first that may have one.
    off = policy.advise(known, Situation(last + 2, last, is_on=False))
    assert off.change_at == last + 54 - WAKE
    on = policy.advise(known, Situation(last + 54, last, is_on=True))
    assert on.change_at == last + 66
    assert policy.advise(known, Situation(last + 67, last, is_on=False)).change_at is None


def test_it_is_not_stopped_for_less_than_a_minute() -> None:
    policy, known = HybridHistogram(WAKE), _learned(*[8] * 20)
    assert window_of(known) == Window(7, 10)
    last = known.last
    assert last is not None
    for after in range(2, 10):
        advice = policy.advise(known, Situation(last + after, last, is_on=True))
        assert advice.change_at == last + 10
    assert policy.advise(known, Situation(last + 1, last, is_on=True)).change_at == last + 1


def test_an_hourly_job_is_awaited() -> None:
    demand = Demand(tuple((minute, 1) for minute in range(0, 4 * DAY, 60)), 0, 4 * DAY)
    found = simulate(demand, HybridHistogram(WAKE), WAKE, DAY)
    assert found.cold_minutes == 0
    # 5 minutes of a start, and from minute 54 on, or thereabouts, to 60.
    assert found.endpoint_minutes == 72 * 13


def test_who_never_asked_is_off() -> None:
    policy = HybridHistogram(WAKE)
    assert policy.advise(IdleTimes(), Situation(7, None, is_on=False)).change_at is None
    assert policy.advise(IdleTimes(), Situation(7, None, is_on=True)).change_at == 7


# --------------------------------------------------------------------------------------- the scores

POINTS = st.lists(st.tuples(st.integers(0, 99), st.integers(1, 99)), min_size=1, max_size=9)


def test_between_two_points_it_is_linear() -> None:
    frontier = frontier_of([(100, 1000), (10, 3000), (50, 4000), (20, 2000)])
    assert frontier.points == ((10, 3000), (20, 2000), (100, 1000))
    assert frontier.at(15) == 2500
    assert frontier.at(60) == 1500
    assert frontier.at(5) == float("inf")
    assert frontier.at(500) == 1000


@given(POINTS)
def test_nobody_of_the_family_is_below_its_own_corners(points: list[tuple[int, int]]) -> None:
    frontier = frontier_of(points)
    assert set(frontier.points) <= set(points)
    for cold, up in points:
        assert frontier.at(cold) <= up
        assert (
            frontier.at(cold) == min(u for c, u in points if c <= cold)
            or (
                cold,
                frontier.at(cold),
            )
            not in frontier.points
        )


def _table(**by_policy: tuple[int, int]) -> Any:
    """Figures of one group: endpoint minutes and cold minutes, 1000 and 0 where none are given."""
    return {
        run: Figures(*by_policy.get(run.policy.replace("-", "_"), (1000, 0)), 0, 0)
        for run in runs()
    }


def test_a_score_is_the_cost_over_the_best_timeout_s() -> None:
    table = totals(
        [
            ("servegen", _table(fixed_60=(100, 4), forecast=(80, 2), clairvoyant=(40, 0))),
            ("servegen", _table(fixed_60=(100, 6), forecast=(80, 3), clairvoyant=(40, 0))),
        ]
    )
    found = report(table)["policies"]
    assert list(found) == list(POLICIES)
    # The best costs 200 + 10 * 15, 200 + 10 * 60, and at 240 being always on: 2000.
    assert found["forecast"]["cells"] == {
        "servegen/15": pytest.approx((160 + 75) / 350, abs=1e-6),
        "servegen/60": pytest.approx((160 + 300) / 800, abs=1e-6),
        "servegen/240": pytest.approx((160 + 1200) / 2000, abs=1e-6),
    }
    assert found["forecast"]["worst"] == 0.68
    assert found["forecast"]["gm"] == pytest.approx((235 / 350 * 460 / 800 * 0.68) ** (1 / 3), 1e-5)
    assert found["always-on"]["worst"] == pytest.approx(2000 / 350, abs=1e-6)
    assert found["forecast"]["groups"]["servegen"] == {
        "endpoint_minutes": 160,
        "cold_minutes": 5,
        "cold_requests": 0,
        "starts": 0,
    }
    assert set(found["forecast"]["by_delay_cost"]) == set(map(str, DELAY_COSTS))


def test_who_is_under_the_frontier_is_said() -> None:
    table = totals(
        [("servegen", _table(fixed_60=(100, 10), hybrid_histogram=(600, 5), forecast=(500, 5)))]
    )
    found = report(table)["frontier"]["servegen"]
    assert found["fixed"] == [
        {"cold_minutes": 0, "endpoint_minutes": 1000},
        {"cold_minutes": 10, "endpoint_minutes": 100},
    ]
    assert found["hybrid-histogram"]["any"]["frontier_endpoint_minutes"] == 550
    assert not found["hybrid-histogram"]["any"]["is_under"]
    assert found["forecast"]["60"]["is_under"]
    assert found["forecast_where_hybrid_is"]["is_under"]


def test_the_one_day_is_compared_with_break_even_and_is_no_cell() -> None:
    table = totals([("one-day", _table(break_even=(100, 2), forecast=(90, 3)))])
    found = report(table)
    assert found["policies"]["forecast"]["cells"] == {}
    assert found["one_day"]["forecast"]["15"]["over_break_even"] == pytest.approx(135 / 130, 1e-5)
    assert found["one_day"]["forecast"]["15"]["over_best_fixed"] == 0.135


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=12))
def test_the_mean_lies_between(ratios: list[float]) -> None:
    assert min(ratios) * 0.999 <= geometric_mean(ratios) <= max(ratios) * 1.001


# ------------------------------------------------------------------------------------------ one run


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    write_traces(folder, seed=8)
    return folder


def _run(traces: Path, hash_seed: str, processes: int) -> dict[str, Any]:
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.policy", "--json"),
            *("--traces", traces, "--processes", str(processes)),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return document


@pytest.fixture(scope="module")
def document(traces: Path) -> dict[str, Any]:
    return _run(traces, "1", 2)


def test_the_same_traces_give_the_same_figures(traces: Path, document: dict[str, Any]) -> None:
    again = _run(traces, "2", 1)
    assert again["seconds"] > 0
    assert again["decision"]["advise_ms"]["median"] > 0
    assert _without_times(again) == _without_times(document)


def _without_times(document: dict[str, Any]) -> dict[str, Any]:
    sizes = document["decision"]["state_bytes"]
    return document | {"seconds": None, "decision": sizes}


def test_a_seed_gives_the_same_bytes(traces: Path, tmp_path: Path) -> None:
    write_traces(tmp_path, seed=8)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (traces / name).read_bytes()
    write_traces(tmp_path, seed=9)
    assert (tmp_path / "servegen.csv.gz").read_bytes() != (traces / "servegen.csv.gz").read_bytes()


def test_every_policy_is_scored_in_twelve_cells(document: dict[str, Any]) -> None:
    policies = document["policies"]
    assert list(policies) == list(POLICIES)
    for scored in policies.values():
        assert len(scored["cells"]) == 12
        assert scored["worst"] == max(scored["cells"].values())
    for cell in policies["always-on"]["cells"]:
        assert min(policies[name]["cells"][cell] for name in FIXED) == 1.0
        bound = policies["clairvoyant"]["cells"][cell]
        assert all(bound <= scored["cells"][cell] for scored in policies.values())
    for group in policies["always-on"]["groups"].values():
        assert (group["cold_minutes"], group["starts"]) == (0, 0)
    assert set(document["frontier"]) == set(policies["always-on"]["groups"])
    assert set(document["one_day"]) == set(POLICIES)


def test_another_figure_than_the_reference_s_is_named(tmp_path: Path) -> None:
    table = totals([("servegen", _table(fixed_60=(100, 4)))])
    assert differences(table, tmp_path) is None
    right = {"fixed-60": {"endpoint_minutes": 100.0, "requests": 7}, "endpoints": 1}
    (tmp_path / "reference.json").write_text(
        json.dumps({"servegen": right | {"best_fixed_cost": {"15": 160.0}}})
    )
    assert differences(table, tmp_path) == []
    wrong = {"fixed-60": {"endpoint_minutes": 101.0}, "best_fixed_cost": {"60": 1.0}}
    (tmp_path / "reference.json").write_text(json.dumps({"servegen": wrong, "gentd-mme": {}}))
    assert differences(table, tmp_path) == [
        "servegen, fixed-60: endpoint_minutes is 100, not 101",
        "servegen, 60: the best fixed costs 340, not 1",
        "gentd-mme: the traces have none of it",
    ]
    (tmp_path / "reference.json").write_text("[]")
    with pytest.raises(TracesError, match=r"reference\.json"):
        differences(table, tmp_path)


def test_a_policy_without_knob_is_run_once() -> None:
    found = list(runs())
    assert len(found) == len(set(found)) == len(POLICIES) + 2 * (len(DELAY_COSTS) - 1)
    assert Run("forecast", 60) in found
    assert Run("hybrid-histogram") in found
