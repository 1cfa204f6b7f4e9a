"""The container against the stock set-up: `python -m benchmarks.container`, `make bench-container`.

Prints one JSON object as the last line of stdout: for each figure {"stock", "ours", "ratio"}, the
ratio above 1 where ours is better; at the top level for the tiny model, under "minilm" for the
MiniLM-sized one. docs/benchmarks.md says what is measured and how. Progress is on stderr.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.container import report
from benchmarks.container.agreement import DisagreementError, agreement
from benchmarks.container.ceiling import ceiling
from benchmarks.container.cgroup import NoCgroupError
from benchmarks.container.density import density
from benchmarks.container.fill import fill
from benchmarks.container.load import in_turn, load_seconds
from benchmarks.container.models import Model, model
from benchmarks.container.traffic import Round, TrafficError, drive
from benchmarks.environments import CACHE, MissingEnvironmentError, models_python
from benchmarks.program import be_interruptible
from benchmarks.progress import say
from benchmarks.server import Server, ServerError
from benchmarks.sides import SIDES, running_ours, running_stock

_CALLERS = 16
_PACKAGES = ("tensorflow-cpu", "tf-keras", "transformers", "multi-model-server")


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    loads: int
    rounds: int
    round_seconds: float
    models: int
    texts: int
    # Models under the memory limit, if that is not reached before; None skips it.
    most_in_4gb: int | None
    skipped_because: str = ""


FULL = Effort(loads=10, rounds=5, round_seconds=3, models=10, texts=40, most_in_4gb=200)
QUICK = Effort(
    loads=2,
    rounds=1,
    round_seconds=1,
    # Stock's second worker makes the first one's 300 MB of libraries shared, which lowers the sum
    # by more than the one model adds.
    models=3,
    texts=8,
    most_in_4gb=None,
    skipped_because="--quick",
)


def main(arguments: Sequence[str]) -> int:
    """Measure and print; the exit status."""
    options = _options(arguments)
    effort = QUICK if options.quick else FULL
    if options.skip_cgroup:
        effort = Effort(
            **{**asdict(effort), "most_in_4gb": None, "skipped_because": "--skip-cgroup"}
        )
    be_interruptible()
    names = [options.only] if options.only else ["tiny"] if options.quick else ["tiny", "minilm"]
    try:
        result = _measured(names, effort)
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        return 130
    except (
        ServerError,
        TrafficError,
        DisagreementError,
        MissingEnvironmentError,
        subprocess.CalledProcessError,
    ) as error:
        print(f"dormouse benchmark: {error}", file=sys.stderr)
        return 1
    for name in names:
        figures = result if name == "tiny" else result[name]
        print(f"\n{report.table(name, figures)}", file=sys.stderr if options.json else sys.stdout)
    print(json.dumps(result), flush=True)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.container", description="The container against the stock set-up."
    )
    parser.add_argument(
        "--json", action="store_true", help="nothing but the object on stdout (it is always last)"
    )
    parser.add_argument("--quick", action="store_true", help="a smoke test, of the tiny model")
    parser.add_argument("--only", choices=("tiny", "minilm"), help="one of the two models")
    parser.add_argument("--skip-cgroup", action="store_true", help="without models_in_4gb")
    return parser.parse_args(arguments)


def _measured(names: Sequence[str], effort: Effort) -> dict[str, Any]:
    began_at = time.monotonic()
    models = [model(name) for name in names]
    say("What the client reaches against a server that does nothing …")
    most = ceiling(models[0].bodies, effort.round_seconds)
    result: dict[str, Any] = {}
    for each in models:
        figures = _figures(each, effort)
        result |= figures if each.name == "tiny" else {each.name: figures}
    return result | {
        "client_ceiling": asdict(most),
        "machine": {"cpus": len(os.sched_getaffinity(0)), "versions": _versions()},
        "effort": asdict(effort),
        "seconds": round(time.monotonic() - began_at),
    }


def _figures(each: Model, effort: Effort) -> dict[str, Any]:
    say(f"{each.name}: both servers are started")
    with running_stock(CACHE) as stock, running_ours(CACHE) as ours:
        servers = {"stock": stock, "ours": ours}
        figures = _times(each, servers, effort)
    densities = {}
    for side, start in SIDES.items():
        say(f"{each.name}, {side}: memory of {effort.models} models …")
        densities[side] = density(start, _directory(each, side), each, CACHE, effort.models)
    figures |= report.of_densities(densities)
    figures["models_in_4gb"] = _in_4gb(each, effort)
    return figures


def _times(each: Model, servers: Mapping[str, Server], effort: Effort) -> dict[str, Any]:
    directories = {side: _directory(each, side) for side in servers}
    loads = load_seconds(servers, directories, each.bodies[0], effort.loads)
    for side, server in servers.items():
        server.must(server.load("measured", directories[side]))
    agreed = agreement(each, servers["stock"], servers["ours"], "measured", effort.texts)
    say(f"both answer {agreed.texts} texts alike (within {agreed.largest_difference:.1g})")
    alone: dict[str, list[Round]] = {side: [] for side in servers}
    many: dict[str, list[Round]] = {side: [] for side in servers}
    for number in range(effort.rounds):
        for callers, rounds in ((1, alone), (_CALLERS, many)):
            for side in in_turn(servers, number):
                one = drive(
                    servers[side].port,
                    "/models/measured/invoke",
                    each.bodies,
                    callers=callers,
                    seconds=effort.round_seconds,
                )
                rounds[side].append(one)
        say(
            f"round {number + 1} of {effort.rounds}: "
            + "; ".join(
                f"{side} p50 {alone[side][-1].p50_ms:.1f} ms, {many[side][-1].rps:.0f} a second"
                for side in servers
            )
        )
    throughput = report.of_samples(
        {side: [one.rps for one in measured] for side, measured in many.items()}, lower=False
    )
    for side, measured in many.items():
        throughput[f"{side}_client_cpu"] = round(max(one.client_cpu for one in measured), 3)
    return {
        "load_seconds": report.of_samples(loads, lower=True),
        "latency_p50_ms_c1": report.of_samples(
            {side: [one.p50_ms for one in measured] for side, measured in alone.items()}, lower=True
        ),
        "throughput_rps_c16": throughput,
        "agreement": asdict(agreed),
    }


def _in_4gb(each: Model, effort: Effort) -> dict[str, Any]:
    if effort.most_in_4gb is None:
        return {"skipped": effort.skipped_because}
    fills = {}
    try:
        for side, start in SIDES.items():
            say(f"{each.name}, {side}: models under a limit of 4 GiB …")
            directory = _directory(each, side)
            fills[side] = fill(start, directory, each, CACHE, effort.most_in_4gb)
    except NoCgroupError as error:
        return {"skipped": str(error)}
    return report.of_fills(fills)


def _directory(each: Model, side: str) -> Any:
    return {"stock": each.stock, "ours": each.ours}[side]


def _versions() -> dict[str, str]:
    """Of what both sides run with, asked of the interpreter that has them all."""
    program = (
        "import importlib.metadata as m, json, platform, sys;"
        "print(json.dumps({'python': platform.python_version(),"
        " **{name: m.version(name) for name in sys.argv[1:]}}))"
    )
    printed = subprocess.run(
        [models_python(), "-c", program, *_PACKAGES], capture_output=True, check=True, text=True
    )
    versions: dict[str, str] = json.loads(printed.stdout)
    return versions


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
