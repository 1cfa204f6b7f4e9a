"""Who is compared, and what each makes of a workload."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.policy.hybrid_histogram import HybridHistogram
from benchmarks.policy.traces import Workload
from dormouse_policy.always_on import AlwaysOn
from dormouse_policy.break_even import BreakEven
from dormouse_policy.clairvoyant import clairvoyant
from dormouse_policy.fixed import Fixed
from dormouse_policy.forecast import Forecast
from dormouse_policy.policy import Policy, Stakes
from dormouse_policy.simulation import Outcome, simulate

WAKE = 5
DELAY_COSTS = (15, 60, 240)
TIMEOUTS = (3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440)

# One is made for each simulation: nothing of one delay cost is known to another.
_WITHOUT_KNOB: Mapping[str, Any] = {
    "always-on": AlwaysOn,
    **{f"fixed-{timeout}": lambda timeout=timeout: Fixed(timeout) for timeout in TIMEOUTS},
    "hybrid-histogram": lambda: HybridHistogram(WAKE),
}
_WITH_KNOB: Mapping[str, Any] = {"break-even": BreakEven, "forecast": Forecast}
CLAIRVOYANT = "clairvoyant"

POLICIES = (
    "always-on",
    *(f"fixed-{timeout}" for timeout in TIMEOUTS),
    "break-even",
    "hybrid-histogram",
    "forecast",
    CLAIRVOYANT,
)
FIXED = tuple(name for name in POLICIES if name.startswith("fixed-"))


@dataclass(frozen=True, slots=True)
class Run:
    """A policy, at a delay cost if it has that knob."""

    policy: str
    delay_cost: int | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of a run in the minutes that are scored, over any number of workloads."""

    endpoint_minutes: int = 0
    cold_minutes: int = 0
    cold_requests: int = 0
    starts: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        """Of both together."""
        return Figures(
            self.endpoint_minutes + other.endpoint_minutes,
            self.cold_minutes + other.cold_minutes,
            self.cold_requests + other.cold_requests,
            self.starts + other.starts,
        )

    def cost(self, delay_cost: int) -> int:
        """In minutes of an endpoint."""
        return self.endpoint_minutes + delay_cost * self.cold_minutes


def run_of(policy: str, delay_cost: int) -> Run:
    """Say which run counts for a policy in the cells of a delay cost."""
    return Run(policy, delay_cost if policy in _WITH_KNOB else None)


def runs() -> Iterator[Run]:
    """All of them, in the order of POLICIES."""
    for policy in POLICIES:
        yield from dict.fromkeys(run_of(policy, delay_cost) for delay_cost in DELAY_COSTS)


def play(workload: Workload) -> Mapping[Run, Figures]:
    """Let everybody decide over a workload."""
    return {run: play_run(run, workload) for run in runs()}


def play_run(run: Run, workload: Workload) -> Figures:
    """Let one of them decide over a workload."""
    return figures(_outcome(run, workload))


def _outcome(run: Run, workload: Workload) -> Outcome:
    if run.policy == CLAIRVOYANT:
        return clairvoyant(workload.demand, WAKE, workload.scored_from)
    policy: Policy[Any] = (
        _WITHOUT_KNOB[run.policy]()
        if run.delay_cost is None
        else _WITH_KNOB[run.policy](Stakes(WAKE, float(run.delay_cost)))
    )
    return simulate(workload.demand, policy, WAKE, workload.scored_from)


def figures(outcome: Outcome) -> Figures:
    """What is counted of an outcome."""
    return Figures(
        outcome.endpoint_minutes, outcome.cold_minutes, outcome.cold_requests, outcome.starts
    )
