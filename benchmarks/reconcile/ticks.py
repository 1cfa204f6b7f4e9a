"""The ticks of one size of fleet, in a process that has what Lambda has: an artefact, boto3 and the
settings of `reconcile`. Its environment says where the simulated AWS is.

`python -m benchmarks.reconcile.ticks OUT RUN`. The run `fleet` has four ticks, as in a container
that stays warm: the first finds a deployment that is new; the second lets the ledgers settle; the
third is one in which nothing changes, the fourth the one that counts. The run `container`, which
follows it in a process of its own, has ticks in which nothing changes, the first of them with
nothing in memory. These alone have the time that they have in Lambda, as it is estimated to pass
there; and then each forecast is asked by itself. What they took goes to the file OUT; standard
output, which must be a file, is the function's log.
"""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from aws_lambda_powertools.utilities.typing import LambdaContext

from benchmarks.reconcile.prices import in_lambda
from dormouse.bootstrap import reconcile as bootstrap
from dormouse.domain.idle_policy import minute_of
from dormouse.domain.ledger import Ledger
from dormouse.handlers.reconcile import handler
from dormouse_policy.forecast import Forecast
from dormouse_policy.forecast_state import ForecastState
from dormouse_policy.policy import Situation, Stakes

_EVENT = {"action": "reconcile"}
# The name of each tick, and what happens to the fleet before it.
_RUNS = {
    "fleet": {"first": "read", "second": "spread", "quiet": "minute", "measured": "change"},
    "container": {"renewed": "minute", "following": "minute", "third": "minute"},
}
# So that a slow tick is measured, and not cut short; or as the template has it.
_TIMEOUT_SECONDS = {"fleet": 900, "container": 50}

# What a wake of the fleet takes, and the delay cost that holds where no tag names one.
_STAKES = Stakes(wake=10, delay_cost=15.0)


@dataclass(frozen=True, slots=True)
class _Context:
    """Lambda's context, as far as the handler and Powertools read it, from now on."""

    timeout_seconds: float
    began: float = field(default_factory=time.perf_counter)
    cpu_began: float = field(default_factory=time.process_time)
    function_name: str = "reconcile"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:reconcile"
    aws_request_id: str = "0c7a1f52-3f7b-4d0c-8d5e-9a1b6f2e4c10"

    def get_remaining_time_in_millis(self) -> int:
        seconds, cpu_seconds = self.passed()
        return round(1000 * (self.timeout_seconds - in_lambda(seconds, cpu_seconds)))

    def passed(self) -> tuple[float, float]:
        """Say how long ago it began, and how much of that a processor was busy."""
        return time.perf_counter() - self.began, time.process_time() - self.cpu_began


def main(arguments: Sequence[str]) -> int:
    """Tick, and write what that took; the exit status."""
    out, run = arguments
    start_mb = _peak_mb()
    clock = _Clock()
    ticks = {}
    # As long as nobody has called it, nothing has taken its clock.
    with patch.object(bootstrap, "utc_now", clock.now):
        for name, before in _RUNS[run].items():
            clock.ahead = timedelta(seconds=_steer(before).get("ahead_seconds", 0))
            ticks[name] = _tick(_Context(_TIMEOUT_SECONDS[run]))
    result: dict[str, Any] = {"start_mb": start_mb, "peak_mb": _peak_mb(), "ticks": ticks}
    if run == "container":
        result["decisions"] = _decisions(clock.now())
    Path(out).write_text(json.dumps(result))
    return 0


@dataclass(slots=True)
class _Clock:
    """The fleet's clock, by which the function goes: minutes pass at once."""

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Read it."""
        return datetime.now(UTC) + self.ahead


def _tick(own: _Context) -> dict[str, Any]:
    context: LambdaContext = own  # type: ignore[assignment]  # it has what is read of one
    logged = _log_bytes()
    answer = handler(_EVENT, context)
    seconds, cpu_seconds = own.passed()
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "log_bytes": _log_bytes() - logged,
        "peak_mb": _peak_mb(),
        "is_complete": answer["complete"],
        "looked_at": len(answer["endpoints"]),
        "problems": [
            entry["problem"] for entry in answer.get("endpoints", ()) if entry.get("problem")
        ],
        **_steer("read"),
    }


def _decisions(now: datetime) -> list[tuple[float, float]]:
    """Ask the forecast of each endpoint once, of which nothing is known from before. Returns the
    seconds that it takes to read what was learned, and to say what to do.
    """
    ledgers = bootstrap.reconciler().state.survey().ledgers
    return [
        _decision(ledger, ledger.demand_history.forecast, minute_of(now) - 1)
        for ledger in ledgers.values()
        if ledger.demand_history is not None
    ]


def _decision(ledger: Ledger, forecast: str, minute: int) -> tuple[float, float]:
    used_at = ledger.last_request_at
    since = None if used_at is None else minute_of(used_at)
    began = time.perf_counter()
    state = ForecastState.parse(forecast)
    is_read = time.perf_counter()
    Forecast(_STAKES).advise(state, Situation(minute, since, ledger.has_life))
    return is_read - began, time.perf_counter() - is_read


def _log_bytes() -> int:
    sys.stdout.flush()
    return os.fstat(sys.stdout.fileno()).st_size


def _peak_mb() -> float:
    """Return the most memory that this process has had, without what is on disk only.

    It is what getrusage's ru_maxrss says, which would count the memory of whoever has started this
    process, too.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("the kernel does not say how much memory this process has had")


def _steer(what: str) -> Any:
    request = urllib.request.Request(
        f"{os.environ['AWS_ENDPOINT_URL']}/simulation/{what}", method="POST", data=b""
    )
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.loads(answer.read())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
