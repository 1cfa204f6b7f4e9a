"""What the law of the forecast is fitted to: silences, and what was known when they began."""

from collections.abc import Iterator

import numpy as np

from benchmarks.policy.regression import Samples
from benchmarks.policy.traces import Workload
from dormouse_policy.features import NAMES, Features
from dormouse_policy.forecast_state import PAUSES, ForecastState
from dormouse_policy.outlook import OUTLOOK, OUTLOOKS, divide
from dormouse_policy.slots import DAY


def samples_of(workload: Workload) -> Samples:
    """Go through its silences, but for those of the first day."""
    features, idle, quiet, asked = [], [], [], []
    for state, last, silence, is_over in _silences(workload):
        known = Features(state)
        # No decision is made sooner than its first pause ends, and none farther on than it looks.
        # Whole steps, as a forecast sees them, though some of the last one's minutes never came.
        for begin, minutes in divide(last, 1, silence + OUTLOOK):
            if begin < PAUSES[0]:
                continue
            if begin >= silence + is_over or begin > OUTLOOK * OUTLOOKS:
                break
            features.append(known.at(begin, minutes))
            idle.append(begin + minutes // 2)
            is_asked = is_over and silence < begin + minutes
            quiet.append(min(minutes, silence - begin))
            asked.append(float(is_asked))
    return Samples(
        np.array(features).reshape(-1, len(NAMES)),
        np.array(idle, dtype=np.int64),
        np.array(quiet, dtype=np.float64),
        np.array(asked),
    )


def _silences(workload: Workload) -> Iterator[tuple[ForecastState, int, int, bool]]:
    """Yield what was known when one began, its last minute with requests, after how many minutes
    the next one came, and whether it did, or the trace ended.
    """
    state = ForecastState()
    demand = workload.demand
    nexts = [minute for minute, _ in demand.counts[1:]]
    for (minute, count), then in zip(demand.counts, [*nexts, None], strict=True):
        state.learn(minute, count)
        silence = (demand.end if then is None else then) - minute
        if silence >= PAUSES[0] and minute - demand.counts[0][0] >= DAY:
            yield state, minute, silence, then is not None
