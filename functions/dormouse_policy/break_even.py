"""The break-even timeout: up for as long as a wake would have cost."""

import math
from dataclasses import dataclass

from dormouse_policy.policy import Advice, Situation, Stakes


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Stops what has been idle for a wake and the delay cost; starts nothing."""

    stakes: Stakes

    @property
    def name(self) -> str:
        """As it is written in the tag."""
        return "break-even"

    def begin(self) -> None:
        """Know nothing."""

    def learn(self, state: None, minute: int, count: int) -> None:
        """Learn nothing."""

    def advise(self, state: None, at: Situation) -> Advice:
        """Say when the timeout has passed."""
        if not at.is_on:
            return Advice(None, None, "it is started when somebody asks")
        timeout = math.ceil(self.stakes.wake + self.stakes.delay_cost)
        change_at = at.now if at.idle_since is None else max(at.now, at.idle_since + timeout)
        return Advice(change_at, None, f"break-even timeout {timeout} min")
