"""The break-even timeout: up for as long as a wake would have cost.

Whoever stops sooner pays for wakes that were dearer than waiting, whoever stops later pays for more
waiting than the wake would have cost. Where a wake delays the requests of one minute, a gap never
costs more than twice what somebody would have paid who knew when the next request comes, and no
other timeout promises less (Karlin et al., Competitive snoopy caching, 1988).
"""

import math
from dataclasses import dataclass

from dormouse_policy.fixed import idle_for
from dormouse_policy.policy import Advice, Situation, Stakes


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Stops what has been idle for a wake and the delay cost; starts nothing."""

    stakes: Stakes

    @property
    def name(self) -> str:
        """As it is written in the tag."""
        return "break-even"

    @property
    def timeout(self) -> int:
        """What a wake costs that delays one minute, in whole minutes of the endpoint."""
        return math.ceil(self.stakes.wake + self.stakes.delay_cost)

    def begin(self) -> None:
        """Know nothing."""

    def learn(self, state: None, minute: int, count: int) -> None:
        """Learn nothing."""

    def advise(self, state: None, at: Situation) -> Advice:
        """Say when the timeout has passed."""
        return idle_for(self.timeout, at)
