"""What it takes to watch a fleet: `python -m benchmarks.reconcile --json`, `make bench-reconcile`.

One tick of `reconcile`, as the artefact that is deployed, over 10, 100, 1,000 and 5,000 endpoints
of which a fifth serve and one in a hundred has to be started or stopped; with `--forecast 100` they
all go by the forecast. AWS is simulated on loopback, and answers each call after 50 ms. Prints one
JSON object, keyed by the number of endpoints, as the last line of stdout. docs/benchmarks.md says
what is measured and how.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.artefact import (
    COMMON_SETTINGS,
    BuildError,
    build,
    compile_all,
    lambda_environment,
)
from benchmarks.environments import CACHE, ROOT, MissingEnvironmentError, lambda_python
from benchmarks.program import be_interruptible, positive
from benchmarks.progress import say
from benchmarks.reconcile.names import (
    ACCOUNT,
    STACK,
    TEAMS,
    config_name_of,
    name_of,
    topic_of,
)
from benchmarks.reconcile.report import (
    Figures,
    WrongTickError,
    figures,
    forecast_figures,
    forecast_table,
    judge,
    table,
)

SIZES = (10, 100, 1000, 5000)
SMALLEST = 10
LATENCY_MS = 50

# As the template sets them.
SETTINGS: Mapping[str, str] = {
    **COMMON_SETTINGS,
    "DORMOUSE_DECISIONS_TABLE": "decisions",
    "DORMOUSE_SCHEDULES_PARAMETER": "/dormouse/schedules",
    "DORMOUSE_NOTICE_BUS": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/{STACK}",
    "DORMOUSE_NOTIFICATION_TOPICS": " ".join(map(topic_of, range(TEAMS))),
    "DORMOUSE_STACK_ID": f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/{STACK}/7c1f",
    "DORMOUSE_OWN_ENDPOINT": name_of(0),
    "DORMOUSE_OWN_ENDPOINT_CONFIG": config_name_of(0),
    "POWERTOOLS_SERVICE_NAME": "reconcile",
}


class FailedError(Exception):
    """It can't be measured; the message says why."""


def main(arguments: Sequence[str]) -> int:
    """Measure and print; the exit status, which is 0 also where limits are missed."""
    options = _options(arguments)
    be_interruptible()
    try:
        python = lambda_python()
        folder = CACHE / "reconcile"
        shutil.rmtree(folder, ignore_errors=True)
        artefact = build("ReconcileFunction", folder / "artefact")
        compile_all(python, artefact)
        by_size = {
            size: measure(
                size,
                python,
                artefact,
                folder,
                latency_ms=options.latency,
                forecast_percent=options.forecast,
            )
            for size in sorted(set(options.sizes))
        }
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        return 130
    except (
        FailedError,
        WrongTickError,
        BuildError,
        MissingEnvironmentError,
        OSError,
        subprocess.SubprocessError,
    ) as error:
        print(f"dormouse reconcile: {error}", file=sys.stderr)
        return 1
    judge(by_size)
    tables = [table(by_size), *([forecast_table(by_size)] if options.forecast else [])]
    print("", *tables, sep="\n", file=sys.stderr if options.json else sys.stdout)
    for size, found in by_size.items():
        for name in found["missed"]:
            limit = found["limits"][name]
            say(f"missed at {size} endpoints: {name} is {found[name]:g}, limit {limit:g}")
    print(json.dumps(by_size), flush=True)
    return 0


def measure(
    size: int,
    python: Path,
    artefact: Path,
    folder: Path,
    *,
    latency_ms: int,
    forecast_percent: int = 0,
) -> Figures:
    """Let a fleet be watched, in a process of its own; and in a second one where some of it goes by
    the forecast.

    Raises:
        FailedError: the simulation or the function has ended early.
        WrongTickError: a tick did something else than it had to.
    """
    say(f"{size} endpoints …")
    runs = ("fleet", "container") if forecast_percent else ("fleet",)
    with _simulated(python, artefact, (size, latency_ms, forecast_percent)) as url:
        environment = lambda_environment(artefact, "reconcile", SETTINGS, url)
        environment |= {"PYTHONPATH": f"{artefact}:{ROOT}"}
        measured = [_ticks(python, folder / f"{size}-{run}", run, environment) for run in runs]
    found = figures(size, measured[0])
    if forecast_percent:
        found |= forecast_figures(size, forecast_percent, measured[1])
    say(
        f"{size} endpoints: {found['read_calls']} reads and {found['write_calls']} writes in "
        f"{found['seconds']:.2f} s, {found['peak_mb']:.0f} MB"
    )
    return found


def _ticks(python: Path, stem: Path, run: str, environment: Mapping[str, str]) -> Any:
    out, log = stem.with_suffix(".json"), stem.with_suffix(".log")
    with log.open("wb") as output:
        ended = subprocess.run(
            [python, "-m", "benchmarks.reconcile.ticks", out, run],
            cwd=ROOT,
            env=environment,
            stdout=output,
            check=False,
        )
    if ended.returncode != 0:
        raise FailedError(f"a tick of {stem.name} has failed; its log is {log}")
    return json.loads(out.read_text())


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reconcile", description="What it takes to watch a fleet."
    )
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default=SIZES,
        help=f"how many endpoints, as in 10,100; default: {','.join(map(str, SIZES))}",
    )
    parser.add_argument(
        "--latency",
        type=positive,
        default=LATENCY_MS,
        help=f"of each call, in milliseconds; default: {LATENCY_MS}",
    )
    parser.add_argument(
        "--forecast",
        type=_percent,
        default=0,
        help="what percentage of them goes by the forecast; default: 0",
    )
    parser.add_argument("--json", action="store_true", help="print the object alone")
    return parser.parse_args(arguments)


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(map(positive, text.split(",")))
    except ValueError:
        sizes = ()
    # With fewer, none is left asleep when one was started, or up when one was stopped.
    if not sizes or min(sizes) < SMALLEST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of numbers from {SMALLEST} on, as in 10,100"
        )
    return sizes


def _percent(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage from 0 to 100")
    return int(text)


@contextmanager
def _simulated(python: Path, artefact: Path, numbers: Iterable[int]) -> Iterator[str]:
    """Run the simulated AWS with a fleet in it, as the numbers say; gives its address."""
    with subprocess.Popen(
        [python, "-m", "benchmarks.reconcile.stand_ins", *map(str, numbers)],
        cwd=ROOT,
        env=lambda_environment(artefact, "stand-ins", SETTINGS, None)
        | {"PYTHONPATH": f"{artefact}:{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            if not port:
                raise FailedError("the simulated AWS has not started")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
