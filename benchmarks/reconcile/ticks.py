"""The ticks of one size of fleet, in a process that has what Lambda has: an artefact, boto3 and the
settings of `reconcile`. Its environment says where the simulated AWS is.

`python -m benchmarks.reconcile.ticks OUT`: four ticks, as in a container that stays warm. The first
finds a deployment that is new; the second lets the ledgers settle; the third is one in which
nothing changes, the fourth the one that counts. What they took goes to the file OUT; standard
output, which must be a file, is the function's log.
"""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from dormouse.handlers.reconcile import handler

_EVENT = {"action": "reconcile"}
# The name of each tick, and what happens to the fleet before it.
_TICKS = {"first": "read", "second": "spread", "quiet": "minute", "measured": "change"}


@dataclass(frozen=True, slots=True)
class _Context:
    """Lambda's context, as far as the handler and Powertools read it."""

    function_name: str = "reconcile"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:reconcile"
    aws_request_id: str = "0c7a1f52-3f7b-4d0c-8d5e-9a1b6f2e4c10"

    def get_remaining_time_in_millis(self) -> int:
        # So that a slow tick is measured, and not cut short.
        return 900_000


def main(arguments: Sequence[str]) -> int:
    """Tick, and write what that took; the exit status."""
    start_mb = _peak_mb()
    ticks = {}
    for name, before in _TICKS.items():
        _steer(before)
        ticks[name] = _tick()
    result = {"start_mb": start_mb, "peak_mb": _peak_mb(), "ticks": ticks}
    Path(arguments[0]).write_text(json.dumps(result))
    return 0


def _tick() -> dict[str, Any]:
    context: LambdaContext = _Context()  # type: ignore[assignment]  # it has what is read of one
    logged = _log_bytes()
    cpu_began, began = time.process_time(), time.perf_counter()
    answer = handler(_EVENT, context)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "log_bytes": _log_bytes() - logged,
        "is_complete": answer["complete"],
        "problems": [
            entry["problem"] for entry in answer.get("endpoints", ()) if entry.get("problem")
        ],
        **_steer("read"),
    }


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
