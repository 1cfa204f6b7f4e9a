"""How long one decision of the forecast takes, and how large what it goes by is."""

import time
from collections.abc import Iterator, Sequence
from statistics import median, quantiles
from typing import Any

from benchmarks.policy.runs import DELAY_COSTS, WAKE
from benchmarks.policy.traces import Workload
from dormouse_policy.forecast import HISTORY_NEEDED, Forecast
from dormouse_policy.forecast_state import ForecastState
from dormouse_policy.policy import Situation, Stakes

# As soon as it may be stopped; and in another outlook than the first.
_IDLE = (4, 600)


def measure(workloads: Sequence[Workload]) -> dict[str, Any]:
    """Ask of each workload that is known for long enough, as it stands where its score begins, what
    to do: as in a container that has nothing in memory, from the text that the endpoint's item has.
    """
    read, advised, sizes = list[float](), list[float](), list[int]()
    for text in _texts(workloads):
        sizes.append(len(text))
        for delay_cost in DELAY_COSTS:
            for idle in _IDLE:
                began = time.perf_counter()
                state = ForecastState.parse(text)
                known = time.perf_counter()
                if state.last is not None:
                    at = Situation(state.last + idle, state.last, idle == _IDLE[0])
                    Forecast(Stakes(WAKE, float(delay_cost))).advise(state, at)
                advised.append(time.perf_counter() - known)
                read.append(known - began)
    return {
        "state_bytes": {"median": median(sizes), "largest": max(sizes)},
        "read_ms": _spread(read),
        "advise_ms": _spread(advised),
    }


def _texts(workloads: Sequence[Workload]) -> Iterator[str]:
    for workload in workloads:
        state = ForecastState()
        for minute, count in workload.demand.counts:
            if minute < workload.scored_from:
                state.learn(minute, count)
        first, last = state.first, state.last
        if first is not None and last is not None and last - first >= HISTORY_NEEDED:
            yield state.write()


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    hundredths = quantiles(seconds, n=100, method="inclusive")
    return {"median": round(median(seconds) * 1e3, 3), "p95": round(hundredths[94] * 1e3, 3)}
