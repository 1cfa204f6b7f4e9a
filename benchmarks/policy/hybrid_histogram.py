"""The hybrid histogram of Shahrad et al., Serverless in the Wild (USENIX ATC 2020), section 4.

Of each workload it keeps a histogram of the idle times between requests, in bins of a minute, up to
four hours. A workload is unloaded at once when it is idle, loaded again when the head of the
histogram has passed (the 5th percentile, rounded down, less 10 %), and kept until the tail has (the
99th, rounded up, and 10 % more); where the head is zero it is not unloaded before the tail. Where
the histogram says nothing (it is empty, or the coefficient of variation of its bins is below 2), a
workload is kept for the whole range, four hours. Where most idle times are longer than that, ARIMA
predicts the next one, and it is loaded from 15 % before that to 15 % after it.

What is adapted, and why:

- Its functions load in about a second, an endpoint takes minutes. A start begins that much earlier,
  so that the endpoint answers when the window begins; and it is not stopped where it could not be
  off for one whole minute before that start.
- The windows count from the last minute with requests, or from when the endpoint could answer them:
  as all timeouts of this benchmark do, and as there they count from the end of an execution.
- There the order of ARIMA is chosen anew for each prediction, by pmdarima. Here it is always
  ARIMA(0,1,1) without a constant, which is exponential smoothing; the weight is fitted to the same
  idle times by least squares. They are few and irregular, where it applies at all, and the
  benchmark needs the standard library alone.
- How many idle times are too many beyond the range is not published: here it is more than half.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from dormouse_policy.policy import Advice, Situation

BINS = 4 * 60
HEAD, TAIL = 0.05, 0.99
MARGIN = 0.10
LEAST_VARIATION = 2.0
FORECAST_MARGIN = 0.15
_WEIGHTS = tuple(weight / 10 for weight in range(1, 11))


@dataclass(slots=True)
class IdleTimes:
    """The idle times of one workload, in whole minutes."""

    bins: list[int] = field(default_factory=lambda: [0] * BINS)
    within: int = 0
    squares: int = 0
    longer: int = 0
    all: list[int] = field(default_factory=list)
    last: int | None = None

    def add(self, minute: int) -> None:
        """Add a minute with requests."""
        if self.last is not None:
            idle = minute - self.last - 1
            self.all.append(idle)
            if idle < BINS:
                self.squares += 2 * self.bins[idle] + 1
                self.bins[idle] += 1
                self.within += 1
            else:
                self.longer += 1
        self.last = minute

    @property
    def variation(self) -> float:
        """Standard deviation of the bins' counts by their mean; 0 where all are empty."""
        if not self.within:
            return 0.0
        mean = self.within / BINS
        return math.sqrt(self.squares / BINS - mean * mean) / mean

    def percentile(self, share: float) -> int:
        """In which bin the idle time is than which so many are no longer."""
        wanted, seen = share * self.within, 0
        for idle, count in enumerate(self.bins):
            seen += count
            if count and seen >= wanted:
                return idle
        raise ValueError("nothing is in the histogram")


@dataclass(frozen=True, slots=True)
class Window:
    """The endpoint is to answer from so many idle minutes on, and for so many."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class HybridHistogram:
    """The policy; a start takes `wake` minutes."""

    wake: int

    @property
    def name(self) -> str:
        """No tag has it."""
        return "hybrid-histogram"

    def begin(self) -> IdleTimes:
        """Know no idle time."""
        return IdleTimes()

    def learn(self, state: IdleTimes, minute: int, count: int) -> IdleTimes:
        """Add the idle time that ends here."""
        state.add(minute)
        return state

    def advise(self, state: IdleTimes, at: Situation) -> Advice:
        """Say when the window begins, and when it ends."""
        if at.idle_since is None:
            return Advice(at.now if at.is_on else None, None, "nobody ever asked")
        window = window_of(state)
        words = f"up from {window.begin} to {window.end} minutes after the last request"
        start_at = at.idle_since + window.begin + 1 - self.wake
        end = at.idle_since + window.end
        if at.is_on:
            # Stopped at the end of this minute, it is off in the next one at the earliest.
            return Advice(at.now if at.now + 1 < start_at else max(at.now, end), None, words)
        return Advice(None if at.now > start_at else start_at, None, words)


def window_of(idle_times: IdleTimes) -> Window:
    """Say which of the three ways applies, and what comes of it."""
    if idle_times.longer > idle_times.within:
        expected = smoothed(idle_times.all)
        begin = math.floor(expected * (1 - FORECAST_MARGIN))
        return Window(begin, math.ceil(expected * (1 + FORECAST_MARGIN)))
    if idle_times.variation < LEAST_VARIATION:
        return Window(0, BINS)
    head = idle_times.percentile(HEAD)
    tail = idle_times.percentile(TAIL) + 1
    return Window(math.floor(head * (1 - MARGIN)), math.ceil(tail * (1 + MARGIN)))


def smoothed(numbers: Sequence[int]) -> float:
    """Predict the next number by exponential smoothing, by the weight that predicted these best."""
    return min(_smooth(numbers, weight) for weight in _WEIGHTS)[1]


def _smooth(numbers: Sequence[int], weight: float) -> tuple[float, float]:
    """Return the sum of squared errors, and the next number."""
    level, errors = float(numbers[0]), 0.0
    for number in numbers[1:]:
        error = number - level
        errors += error * error
        level += weight * error
    return errors, level
