"""A forecast that says what it is told to."""

import json
from dataclasses import dataclass

from dormouse_policy.policy import Advice, Situation, Stakes


@dataclass(frozen=True, slots=True)
class ScriptedState:
    """What is said of what is up (until the end of minute `stop`, None for ever), and of what is
    down (from minute `start` on, None never); and from which minute on that is to be asked again.
    """

    stop: int | None = None
    start: int | None = None
    review: int | None = None

    def write(self) -> str:
        """Write it so that it reads back."""
        return json.dumps([self.stop, self.start, self.review])

    @classmethod
    def parse(cls, text: str) -> "ScriptedState":
        """Read what was written.

        Raises:
            ValueError: it was not.
        """
        return cls(*json.loads(text))


@dataclass(frozen=True, slots=True)
class ScriptedForecast:
    """Stands in for Forecast, with figures in its words that are others each minute."""

    stakes: Stakes

    name = "forecast"

    def begin(self) -> ScriptedState:
        """Want nothing."""
        return ScriptedState(stop=0)

    def learn(self, state: ScriptedState, minute: int, count: int) -> ScriptedState:
        """Want what is used up for another ten minutes."""
        return ScriptedState(stop=minute + 10)

    def advise(self, state: ScriptedState, at: Situation) -> Advice:
        """Say what the script says."""
        change_at = state.stop if at.is_on else state.start
        if change_at is not None:
            change_at = max(change_at, at.now)
        # A moment to be asked again that has come is followed by another one.
        review_at = None if state.review is None else max(state.review, at.now + 1)
        words = f"P(request within 30 min) = {at.now % 100} %, asked of minute {at.now}"
        return Advice(change_at, review_at, words)
