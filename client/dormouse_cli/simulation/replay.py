"""What each policy would have made of the same traffic, by the code that decides in the Lambda."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from dormouse_cli.simulation.traffic import DAY_MINUTES

FIXED_MINUTES = (3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440)
"""The grid of fixed timeouts."""

ALWAYS_ON, BREAK_EVEN, FORECAST, CLAIRVOYANT = "always-on", "break-even", "forecast", "clairvoyant"
COMPARED_FIXED = "fixed-30"
LONGEST_HISTORY = 7 * DAY_MINUTES


@dataclass(frozen=True, slots=True)
class Terms:
    """What all policies are judged by: minutes of a start, of the knob, and of history.

    `delay_cost` is how many minutes of the endpoint one delayed minute is worth.
    """

    wake: int
    delay_cost: int
    history: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one policy would have made of it, over the minutes that are scored.

    `waits` are the minutes that cold requests would have waited, each with how many did, the
    shortest first. `spells` are when endpoints were paid for, from a minute to before another.
    """

    name: str
    label: str
    requests: int
    up_minutes: int
    cold_minutes: int
    starts: int
    waits: tuple[tuple[int, int], ...]
    spells: tuple[tuple[int, int], ...]
    cold: tuple[tuple[int, int], ...]

    @property
    def cold_requests(self) -> int:
        """How many would have waited."""
        return sum(number for _, number in self.waits)

    @property
    def cold_share(self) -> float:
        """Which part of all requests would have waited."""
        return self.cold_requests / self.requests if self.requests else 0.0

    @property
    def median_wait(self) -> int | None:
        """What half of those that waited would have waited at most, in minutes."""
        seen = 0
        for minutes, number in self.waits:
            seen += number
            if 2 * seen >= self.cold_requests:
                return minutes
        return None

    @property
    def longest_wait(self) -> int | None:
        """What the last of them would have waited, in minutes."""
        return self.waits[-1][0] if self.waits else None

    @property
    def mean_delay(self) -> Fraction:
        """How many minutes a request would have waited on average, of all requests."""
        waited = sum(minutes * number for minutes, number in self.waits)
        return Fraction(waited, self.requests) if self.requests else Fraction(0)

    def cost(self, delay_cost: int) -> int:
        """Return what it comes to in minutes of the endpoint, with what delays are worth."""
        return self.up_minutes + delay_cost * self.cold_minutes
