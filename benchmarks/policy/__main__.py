"""Which idle policy costs the least: `python -m benchmarks.policy --traces DIR --json`.

Each policy decides over the demand of real traces, and each of its minutes that is paid for and
each in which somebody had to wait is counted. Prints one JSON object as the last line of stdout.
`make bench-policy TRACES=DIR`; docs/benchmarks.md says what is measured and how.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from benchmarks.policy.decisions import measure
from benchmarks.policy.reference import FILE, differences
from benchmarks.policy.runs import play
from benchmarks.policy.scores import report, totals
from benchmarks.policy.side_by_side import play_all
from benchmarks.policy.traces import TracesError, read_traces
from benchmarks.program import be_interruptible, positive
from benchmarks.progress import say

PROCESSES = 2


def main(arguments: Sequence[str]) -> int:
    """Play and print; the exit status, which is 0 whatever the figures are."""
    options = _options(arguments)
    be_interruptible()
    began_at = time.monotonic()
    try:
        workloads = read_traces(options.traces)
        minutes = sum(len(workload.demand.counts) for workload in workloads)
        say(f"{len(workloads)} workloads, {minutes} active minutes")
        # First, while nothing else fills the memory, as in a Lambda.
        decision = measure(workloads)
        played = play_all(play, workloads, options.processes)
        groups = [workload.group for workload in workloads]
        table = totals(zip(groups, played, strict=True))
        found = differences(table, options.traces)
    except (TracesError, BrokenProcessPool) as error:
        print(f"dormouse bench-policy: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        return 130
    if found is not None:
        for difference in found:
            say(f"other than {FILE}: {difference}")
        say(f"{FILE}: {'equal' if not found else f'{len(found)} figures are others'}")
    document = report(table)
    if found is not None:
        document["differences_from_reference"] = found
    document["decision"] = decision
    document["seconds"] = round(time.monotonic() - began_at, 1)
    print(f"\n{_table(document)}", file=sys.stderr if options.json else sys.stdout)
    print(json.dumps(document), flush=True)
    return 0


def _table(document: Mapping[str, Any]) -> str:
    """For people: the scores, and what the forecast is compared with."""
    lines = [f"{'policy':17}{'gm':>8}{'worst':>8}"]
    for policy, scored in document["policies"].items():
        if scored["gm"] is not None:
            lines.append(f"{policy:17}{scored['gm']:8.3f}{scored['worst']:8.2f}")
    lines.append("\nendpoint minutes over those of the fixed timeouts with as many cold minutes")
    for group, compared in document["frontier"].items():
        for policy in ("hybrid-histogram", "forecast"):
            ratios = ", ".join(f"{each['over_frontier']:.3f}" for each in compared[policy].values())
            lines.append(f"{group:13}{policy:17}{ratios}")
    if "one_day" in document:
        lines.append("\none day: cost over break-even's")
        for policy in ("hybrid-histogram", "forecast", "clairvoyant"):
            by_delay_cost = document["one_day"][policy]
            ratios = ", ".join(f"{each['over_break_even']:.3f}" for each in by_delay_cost.values())
            lines.append(f"{policy:17}{ratios}")
    return "\n".join(lines)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.policy",
        description="Which idle policy costs the least, on traces of real demand.",
    )
    parser.add_argument(
        "--traces",
        type=Path,
        required=True,
        help="the folder with the three traces: workload,minute,count, as .csv.gz",
    )
    parser.add_argument(
        "--processes",
        type=positive,
        default=PROCESSES,
        help=f"how many play side by side; default: {PROCESSES}",
    )
    parser.add_argument("--json", action="store_true", help="print the object alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
