"""How likely it is that somebody asks in the next minute, given what is known of that minute."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from math import exp, fsum, log
from operator import mul

from dormouse_policy.features import NAMES, OF_ALL, OF_SLOT, Features
from dormouse_policy.forecast_state import ForecastState
from dormouse_policy.slots import SLOT

KNOTS = (2, 5, 12, 40, 150, 600, 1800)
"""After so many idle minutes the weights are those of one row; between them they are mixed, by the
logarithm of the idle minutes."""

# After so many idle minutes a minute is at least as likely as this share of what the rhythm of its
# days alone expects: such days are few in public traces, and so the law trusts none of them enough.
_BY_RHYTHM_FROM = 60
_RHYTHM_IS_RIGHT = 0.8

Law = Sequence[Sequence[float]]
"""A row for each of KNOTS, which has a weight for each of features.NAMES."""

_LOGS = [log(knot + 1.5) for knot in KNOTS]
_SLOT_AT = len(OF_ALL)
_STEP_AT = _SLOT_AT + len(OF_SLOT)


# As many as there are minutes in all outlooks.
@lru_cache(maxsize=16_384)
def place_of(idle: int) -> tuple[int, float]:
    """Say after which of KNOTS so many idle minutes come, and which share of the next one's weights
    they have.
    """
    length = log(idle + 1.5)
    at = min(max(bisect_right(_LOGS, length) - 1, 0), len(_LOGS) - 2)
    return at, min(max((length - _LOGS[at]) / (_LOGS[at + 1] - _LOGS[at]), 0.0), 1.0)


class Hazard:
    """A law, of the minutes after the last request of a state."""

    def __init__(self, law: Law, state: ForecastState) -> None:
        """Take a law, and a state in which somebody has asked."""
        if any(len(row) != len(NAMES) for row in law) or len(law) != len(KNOTS):
            raise ValueError("the law has not a weight for each feature")
        self._features = Features(state)
        self._last = self._features.last
        self._always = [_product(row[:_SLOT_AT], self._features.of_all) for row in law]
        self._of_slot = [row[_SLOT_AT:_STEP_AT] for row in law]
        self._of_step = [row[_STEP_AT:] for row in law]
        self._slots: dict[int, tuple[float, ...]] = {}
        self._known: dict[tuple[int, int], float] = {}

    def chance(self, idle: int, minutes: int) -> float:
        """Say how likely a request is in each of so many minutes, the first of which comes `idle`
        after the last request, if none comes before.
        """
        middle = idle + minutes // 2
        row, share = place_of(middle)
        slot = (self._last + middle) // SLOT
        of_step = self._features.of_step(idle, minutes)
        low = self._before_step(slot, row) + _product(self._of_step[row], of_step)
        high = self._before_step(slot, row + 1) + _product(self._of_step[row + 1], of_step)
        logit = low + share * (high - low)
        chance = 1 / (1 + exp(-min(max(logit, -30.0), 30.0)))
        if idle < _BY_RHYTHM_FROM:
            return chance
        return max(chance, 1 - exp(-_RHYTHM_IS_RIGHT * self._features.by_rhythm(idle, minutes)))

    def _before_step(self, slot: int, row: int) -> float:
        known = self._known.get((slot, row))
        if known is None:
            of_slot = self._slots.get(slot)
            if of_slot is None:
                of_slot = self._slots[slot] = self._features.of_slot(slot)
            known = self._always[row] + _product(self._of_slot[row], of_slot)
            self._known[slot, row] = known
        return known


def _product(weights: Sequence[float], features: Sequence[float]) -> float:
    return fsum(map(mul, weights, features))
