"""What the proxy costs a warm request: `python -m benchmarks.proxy --json`, `make bench-proxy`.

The handler of `invoke`, with a Function URL's event, next to the same call made directly with
boto3, in turn in one process, as the artefact that is deployed; SageMaker's runtime, DynamoDB and
Firehose are stand-ins on loopback. Then what a cold start takes, in Lambda's Runtime Interface
Emulator. Prints one JSON object as the last line of stdout.
"""

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.artefact import (
    COMMON_SETTINGS,
    BuildError,
    build,
    compile_all,
    lambda_environment,
)
from benchmarks.emulator import ColdStart, cold_start, emulator
from benchmarks.environments import CACHE, ROOT, MissingEnvironmentError, lambda_python
from benchmarks.program import be_interruptible, positive
from benchmarks.progress import say

_EVENTS = ROOT / "events"
_COLD_STARTS = 5
# Before the calls that count: connections are made, and code is warm.
_WARM_UP = 200


@dataclass(frozen=True, slots=True)
class Mode:
    """What is switched on. `interval` is the seconds between two renewals of a lease."""

    name: str
    percent: int
    interval: int


# One lease lasts for a whole run, or is renewed each second (of 30 in the default product), so that
# the run, of some seconds, has renewals. The ledger of uses is written every 5 s in all three.
_ONE_LEASE = 86400
MODES = (
    Mode("off", percent=0, interval=_ONE_LEASE),
    Mode("capture", percent=100, interval=_ONE_LEASE),
    Mode("lease", percent=100, interval=1),
)

# As the template sets them.
SETTINGS = {
    **COMMON_SETTINGS,
    "DORMOUSE_REQUESTS_BUCKET": "requests",
    "DORMOUSE_OWN_ENDPOINT": "dormouse",
    "DORMOUSE_OWN_ENDPOINT_CONFIG": "dormouse",
    "DORMOUSE_RECONCILE_FUNCTION": "reconcile",
    "DORMOUSE_CAPTURE_STREAM": "captures",
    "DORMOUSE_CAPTURE_BUCKET": "captures",
    "DORMOUSE_CAPTURE_BY_MODEL": "false",
    "POWERTOOLS_SERVICE_NAME": "invoke",
}


class FailedError(Exception):
    """It can't be measured; the message says why."""


def main(arguments: Sequence[str]) -> int:
    """Measure and print; the exit status."""
    options = _options(arguments)
    be_interruptible()
    try:
        python, rie = lambda_python(), emulator()
        folder = CACHE / "proxy"
        shutil.rmtree(folder, ignore_errors=True)
        artefact = build("InvokeFunction", folder / "artefact")
        zip_mb = _zip_mb(artefact, folder / "artefact.zip")
        compile_all(python, artefact)
        modes = {mode.name: _measure(mode, python, artefact, options.calls) for mode in MODES}
        starts = _cold_starts(python, rie, artefact, folder)
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        return 130
    except (
        FailedError,
        BuildError,
        MissingEnvironmentError,
        OSError,
        subprocess.SubprocessError,
    ) as error:
        print(f"dormouse proxy: {error}", file=sys.stderr)
        return 1
    calls = {name: of_mode.pop("aws_calls") for name, of_mode in modes.items()}
    result = modes | starts | {"zip_mb": zip_mb, "aws_calls_warm_path": calls}
    if not options.json:
        for name, of_mode in modes.items():
            print(_sentence(name, of_mode))
    print(json.dumps(result), flush=True)
    return 0


def figures(handler: Sequence[float], direct: Sequence[float]) -> dict[str, float]:
    """What the seconds of a mode's calls amount to, in milliseconds."""
    handler_p50, direct_p50 = statistics.median(handler), statistics.median(direct)
    return {
        "overhead_ratio_p50": round(handler_p50 / direct_p50, 3),
        "overhead_ms_p50": _ms(handler_p50 - direct_p50),
        "p99": _ms(percentile(handler, 99)),
        "handler_ms_p50": _ms(handler_p50),
        "boto3_ms_p50": _ms(direct_p50),
        "boto3_ms_p99": _ms(percentile(direct, 99)),
        "calls": len(handler),
    }


def aws_calls(counts: Mapping[str, int], requests: int) -> dict[str, float]:
    """How many calls a request waited for besides its InvokeEndpoint: all of them, and each kind.

    Raises:
        FailedError: not each request was sent, once through the handler and once directly.
    """
    if counts.get("InvokeEndpoint") != 2 * requests:
        raise FailedError(f"of {requests} requests each way {counts} arrived")
    others = {name: number for name, number in counts.items() if name != "InvokeEndpoint"}
    return {
        "per_request": round(sum(others.values()) / requests, 4),
        **{name: round(others[name] / requests, 4) for name in sorted(others)},
    }


def percentile(values: Sequence[float], percent: int) -> float:
    """The least value that so many percent do not exceed."""
    ranked = sorted(values)
    return ranked[math.ceil(len(ranked) * percent / 100) - 1]


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.proxy", description="What the proxy costs a warm request."
    )
    parser.add_argument(
        "--calls", type=positive, default=4000, help="each way and in each mode; default: 4000"
    )
    parser.add_argument("--json", action="store_true", help="print the object alone")
    return parser.parse_args(arguments)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _sentence(name: str, mode: Mapping[str, float]) -> str:
    return (
        f"{name}: the handler {mode['handler_ms_p50']} ms, boto3 {mode['boto3_ms_p50']} ms at p50: "
        f"{mode['overhead_ratio_p50']} times as long; p99 {mode['p99']} ms"
    )


# ------------------------------------------------------------------------------------- the artefact


def _zip_mb(artefact: Path, archive: Path) -> float:
    """Pack it as `sam deploy` does, and say how large that is."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(artefact.rglob("*")):
            packed.write(path, path.relative_to(artefact))
    return round(archive.stat().st_size / 1e6, 2)


# ---------------------------------------------------------------------------------------- the calls


def _measure(mode: Mode, python: Path, artefact: Path, calls: int) -> dict[str, Any]:
    out, log = artefact.parent / f"{mode.name}.json", artefact.parent / f"{mode.name}.log"
    with _stand_ins(python) as url, log.open("wb") as output:
        subprocess.run(
            [
                python,
                "-m",
                "benchmarks.proxy_calls",
                *(str(mode.percent), str(calls), str(_WARM_UP), out),
            ],
            cwd=ROOT,
            env=_environment(artefact, url)
            | {
                "PYTHONPATH": f"{artefact}:{ROOT}",
                "DORMOUSE_LEDGER_INTERVAL_SECONDS": str(mode.interval),
            },
            stdout=output,
            check=True,
        )
    measured = json.loads(out.read_text())
    found: dict[str, Any] = figures(measured["handler"], measured["direct"])
    say(_sentence(mode.name, found))
    return found | {"aws_calls": aws_calls(measured["counts"], calls)}


@contextmanager
def _stand_ins(python: Path) -> Iterator[str]:
    """Run them; gives their address."""
    with subprocess.Popen(
        [python, "-m", "benchmarks.loopback"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            if not port:
                raise FailedError("the stand-ins have not started")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _environment(artefact: Path, url: str | None) -> dict[str, str]:
    return lambda_environment(artefact, "invoke", SETTINGS, url)


# ---------------------------------------------------------------------------------- the cold starts


def _cold_starts(python: Path, rie: Path, artefact: Path, folder: Path) -> dict[str, Any]:
    """Start it so often with AWS's own addresses, which loads certificates, and as often with those
    of the stand-ins, which can answer a first request.
    """
    unknown, invoke = (
        json.loads((_EVENTS / name).read_text())
        for name in ("invoke-unknown-path.json", "invoke-json.json")
    )
    at_aws: list[ColdStart] = []
    at_stand_ins: list[ColdStart] = []
    with _stand_ins(python) as url:
        _tell_item(python, artefact, url)
        for number in range(_COLD_STARTS):
            for environment, event, status, starts in (
                (_environment(artefact, None), unknown, 404, at_aws),
                (_environment(artefact, url), invoke, 200, at_stand_ins),
            ):
                log = folder / f"start-{number}-{status}.log"
                start = cold_start(rie, python, environment, event, log)
                if start.answer["statusCode"] != status:
                    raise FailedError(f"a cold start answered {start.answer}")
                starts.append(start)
                say(f"init {start.init_ms:.0f} ms, first request {start.request_ms:.1f} ms")
    return {
        "init_ms": _median(start.init_ms for start in at_aws),
        "first_request_ms": _median(start.request_ms for start in at_stand_ins),
        "second_request_ms": _median(start.second_request_ms for start in at_stand_ins),
        "init_ms_all": [round(start.init_ms, 1) for start in at_aws],
        "first_request_ms_all": [round(start.request_ms, 1) for start in at_stand_ins],
    }


def _tell_item(python: Path, artefact: Path, url: str) -> None:
    """Have the stand-ins know the endpoint: one call of the handler does."""
    subprocess.run(
        [python, "-m", "benchmarks.proxy_calls", "100", "1", "0", artefact.parent / "item.json"],
        cwd=ROOT,
        env=_environment(artefact, url) | {"PYTHONPATH": f"{artefact}:{ROOT}"},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _median(milliseconds: Iterable[float]) -> float:
    return round(statistics.median(milliseconds), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
