"""The forecast: of too thin a history, as every one is to this version, it says break-even."""

from dataclasses import dataclass, field, replace

from dormouse_policy.break_even import BreakEven
from dormouse_policy.policy import Advice, Situation, Stakes


@dataclass(slots=True)
class ForecastState:
    """What was learned."""

    counts: dict[int, int] = field(default_factory=dict)

    def write(self) -> str:
        """Write it so that it reads back."""
        return " ".join(f"{minute}:{count}" for minute, count in self.counts.items())

    @classmethod
    def parse(cls, text: str) -> "ForecastState":
        """Read what was written.

        Raises:
            ValueError: it was not.
        """
        pairs = (word.split(":") for word in text.split())
        return cls({int(minute): int(count) for minute, count in pairs})


@dataclass(frozen=True, slots=True)
class Forecast:
    """Stops and starts by what is likely."""

    stakes: Stakes

    @property
    def name(self) -> str:
        """As it is written in the tag."""
        return "forecast"

    def begin(self) -> ForecastState:
        """Know nothing."""
        return ForecastState()

    def learn(self, state: ForecastState, minute: int, count: int) -> ForecastState:
        """Add a minute."""
        state.counts[minute] = count
        return state

    def advise(self, state: ForecastState, at: Situation) -> Advice:
        """Say what break-even says."""
        advice = BreakEven(self.stakes).advise(None, at)
        return replace(advice, words=f"too little history for a forecast; {advice.words}")
