"""The forecast: up while that is expected to cost less than the delays that it spares.

How likely a request is in each minute of the next day follows from the endpoint's own history
(features.py) by a law that was fitted to public traces (law.py, hazard.py); what to do from what
each way would cost (expected_cost.py). While there is too little history, it is break-even.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

from dormouse_policy.break_even import BreakEven
from dormouse_policy.expected_cost import Step, expect
from dormouse_policy.features import Features
from dormouse_policy.forecast_state import DAY, ForecastState
from dormouse_policy.hazard import hazard
from dormouse_policy.law import WEIGHTS
from dormouse_policy.policy import Advice, Situation, Stakes

# Before that it goes by break-even: the daily rhythm is not seen yet.
HISTORY_NEEDED = 3 * DAY
# Nothing is stopped sooner: what it would spare is less than the next question costs.
SHORTEST_IDLE = 3
HORIZON = DAY
# As long as nobody asks, its forecast changes slowly.
REVIEW_AFTER = 6 * 60
# The steps in which it looks ahead: how many minutes, and from how far ahead on.
_SIZES = ((30, 4 * 60), (10, 30), (1, 0))
# Of what the sentence speaks.
_SOON = 30


@dataclass(frozen=True, slots=True)
class Forecast:
    """Stops when staying up is expected to cost more than delays would, and starts before somebody
    asks where that is expected to cost less.
    """

    stakes: Stakes
    weights: Sequence[Sequence[float]] = WEIGHTS

    @property
    def name(self) -> str:
        """As it is written in the tag."""
        return "forecast"

    def begin(self) -> ForecastState:
        """Know nothing."""
        return ForecastState()

    def learn(self, state: ForecastState, minute: int, count: int) -> ForecastState:
        """Add a minute; what is learned is the same whatever the stakes are."""
        state.learn(minute, count)
        return state

    def advise(self, state: ForecastState, at: Situation) -> Advice:
        """Say what is expected to cost the least."""
        if state.first is None or state.last is None or at.now - state.first < HISTORY_NEEDED:
            advice = BreakEven(self.stakes).advise(None, at)
            review_at = None if state.first is None else state.first + HISTORY_NEEDED
            words = f"too little history for a forecast; {advice.words}"
            return replace(advice, review_at=review_at, words=words)
        last = state.last
        if at.idle_since is not None and at.idle_since - last > self.stakes.wake:
            # It was used since, which has not been learned yet.
            state = deepcopy(state)
            state.learn(at.idle_since, 1)
            last = at.idle_since
        if at.is_on and at.now - last < SHORTEST_IDLE:
            return Advice(None, last + SHORTEST_IDLE, "somebody has asked in the last minutes")
        steps = self._steps(state, at.now, last)
        delay = self.stakes.delay_cost * self._delayed_minutes(state)
        expected = expect(steps, self.stakes.wake, delay)
        changes = expected.stops if at.is_on else expected.starts
        change = next((i for i, changes_then in enumerate(changes) if changes_then), None)
        words = _words(steps, last, change, delay, is_on=at.is_on)
        review_at = at.now + REVIEW_AFTER
        if change is None:
            return Advice(None, review_at, words)
        begin = steps[change].begin
        return Advice(begin - 1 if at.is_on else begin, review_at, words)

    def _delayed_minutes(self, state: ForecastState) -> float:
        """How many minutes a start delays, going by the first five of each bout."""
        return max(1.0, state.delayed_minutes)

    def _steps(self, state: ForecastState, now: int, last: int) -> Sequence[Step]:
        """Divide the next day: minutes at first, then slots of the clock."""
        features = Features(state)
        steps, begin = [], now + 1
        while begin <= now + HORIZON:
            minutes = next(
                size for size, ahead in _SIZES if begin > now + ahead and begin % size == 0
            )
            idle = begin + minutes // 2 - last
            chance = hazard(self.weights, features.at(idle), idle)
            steps.append(Step(begin, minutes, 1 - (1 - chance) ** minutes))
            begin += minutes
        return steps


def _words(
    steps: Sequence[Step], last: int, change: int | None, delay: float, *, is_on: bool
) -> str:
    """Say what the step of the change is judged by, or the first where there is none."""
    first = change or 0
    begin, unasked, staying = steps[first].begin, 1.0, 0.0
    for step in steps[first:]:
        if step.begin >= begin + _SOON:
            break
        staying += unasked * step.minutes * (1 - step.chance / 2)
        unasked *= 1 - step.chance
    likely = 1 - unasked
    costs = (
        f"P(request within {_SOON} min) = {likely:.0%}; staying up costs {staying:.0f} min, "
        f"expected delay costs {likely * delay:.0f} min"
    )
    if first:
        costs = f"once idle for {begin - 1 - last} min, {costs}"
    if change is None:
        return f"{costs}: {'stay up' if is_on else 'stay down'}"
    return f"{costs}: {'stop' if is_on else 'start'}"
