"""How the law of the forecast was found: `python -m benchmarks.policy.fit --traces DIR`.

Fits it to the traces and to workloads of regular habits, and says what it is worth by
cross-validation: each workload is judged by a law that was fitted to others. Prints one JSON object
as its last line; with `--write`, the law goes to functions/dormouse_policy/law.py.
`make fit-policy TRACES=DIR`; docs/policies.md says what came of it.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from benchmarks.policy import habits
from benchmarks.policy.regression import L2, SMOOTH, Samples, fit
from benchmarks.policy.runs import DELAY_COSTS, FIXED, WAKE, Figures, Run, figures, play_run
from benchmarks.policy.samples import samples_of
from benchmarks.policy.scores import best_fixed, geometric_mean, totals
from benchmarks.policy.side_by_side import play_all
from benchmarks.policy.traces import GROUPS, TracesError, Workload, read_traces
from benchmarks.program import be_interruptible, positive
from benchmarks.progress import say
from dormouse_policy.forecast import Forecast
from dormouse_policy.hazard import KNOTS, Law
from dormouse_policy.policy import Stakes
from dormouse_policy.simulation import simulate

LAW = Path(__file__).parents[2] / "functions" / "dormouse_policy" / "law.py"
FOLDS = 5
HABITS = 20
# Beside the 1 of each group of the traces: enough to be learned, too little to be seen in them.
HABITS_WEIGH = 0.1
_SEED = 1
_FORECAST = "forecast"

_TEXT = '''"""The law by which a forecast judges how likely a request is: its weights.

A row for each of hazard.KNOTS, a weight for each of features.NAMES. They are those of a logistic
regression (L2, neighbouring rows drawn together) of "somebody asks in this minute" on the minutes
without requests of public traces, Alibaba's cluster-trace-v2026-GenAI (Yan et al., SoCC'25) and
ServeGen (arXiv 2505.09999), and of made workloads of regular habits. `make fit-policy` writes it;
docs/policies.md says how its constants were chosen.
"""

WEIGHTS = (
'''


def main(arguments: Sequence[str]) -> int:
    """Fit, judge and print; the exit status."""
    options = _options(arguments)
    be_interruptible()
    try:
        workloads = [each for each in read_traces(options.traces) if each.group in GROUPS]
        made = habits.habits(HABITS, _SEED)
        say(f"what is known of the silences of {len(workloads)} workloads, and of {len(made)} made")
        samples = play_all(samples_of, [*workloads, *made], options.processes)
        known = dict(zip([*workloads, *made], samples, strict=True))
        law = _law(known)
        document: dict[str, object] = {"knots": KNOTS, "l2": L2, "smooth": SMOOTH}
        if options.folds:
            document["cross_validated"] = _cross_validated(workloads, known, options)
    except (TracesError, BrokenProcessPool) as error:
        print(f"dormouse fit-policy: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        return 130
    if options.write:
        rows = "".join(f"    ({', '.join(f'{each:.4f}' for each in row)}),\n" for row in law)
        LAW.write_text(f"{_TEXT}{rows})\n")
        say(f"written: {LAW.name}")
    print(json.dumps(document), flush=True)
    return 0


def _law(known: Mapping[Workload, Samples]) -> Law:
    by_group: dict[str, list[Samples]] = {}
    for workload, samples in known.items():
        if samples.asked.any():
            by_group.setdefault(workload.group, []).append(samples)
    weights = [HABITS_WEIGH if group == habits.GROUP else 1.0 for group in by_group]
    return tuple(tuple(row) for row in fit(list(zip(weights, by_group.values(), strict=True))))


def _cross_validated(
    workloads: Sequence[Workload], known: Mapping[Workload, Samples], options: argparse.Namespace
) -> Mapping[str, object]:
    fold_of = _folds(workloads)
    played: dict[Workload, Mapping[Run, Figures]] = {}
    for fold in range(options.folds):
        law = _law({each: part for each, part in known.items() if fold_of.get(each) != fold})
        judged = [each for each in workloads if fold_of[each] == fold]
        say(f"fold {fold + 1} of {options.folds}: {len(judged)} workloads")
        found = play_all(partial(_play, law), judged, options.processes)
        played |= zip(judged, found, strict=True)
    table = totals((each.group, played[each]) for each in workloads)
    cells = {
        f"{group}/{delay_cost}": table[group][Run(_FORECAST, delay_cost)].cost(delay_cost)
        / best_fixed(table[group], delay_cost)
        for group in table
        for delay_cost in DELAY_COSTS
    }
    return {
        "gm": round(geometric_mean(list(cells.values())), 6),
        "worst": round(max(cells.values()), 6),
        "cells": {cell: round(score, 6) for cell, score in cells.items()},
    }


def _folds(workloads: Sequence[Workload]) -> Mapping[Workload, int]:
    """Deal the workloads of each group out, in the order of their names."""
    folds: dict[Workload, int] = {}
    for group in GROUPS:
        of_group = [each for each in workloads if each.group == group]
        folds |= {each: at % FOLDS for at, each in enumerate(of_group)}
    return folds


def _play(law: Law, workload: Workload) -> Mapping[Run, Figures]:
    found = {Run(policy): play_run(Run(policy), workload) for policy in ("always-on", *FIXED)}
    for delay_cost in DELAY_COSTS:
        policy = Forecast(Stakes(WAKE, float(delay_cost)), law)
        outcome = simulate(workload.demand, policy, WAKE, workload.scored_from)
        found[Run(_FORECAST, delay_cost)] = figures(outcome)
    return found


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.policy.fit",
        description="Find the law of the forecast, and what it is worth for workloads not seen.",
    )
    parser.add_argument(
        "--traces",
        type=Path,
        required=True,
        help="the folder with the three traces: workload,minute,count, as .csv.gz",
    )
    parser.add_argument(
        "--processes", type=positive, default=2, help="how many play side by side; default: 2"
    )
    parser.add_argument(
        "--no-folds",
        dest="folds",
        action="store_const",
        const=0,
        default=FOLDS,
        help="only fit; say nothing of what it is worth",
    )
    parser.add_argument("--write", action="store_true", help=f"write the law to {LAW.name}")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
