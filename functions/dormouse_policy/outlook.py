"""What is foreseen of some hours of silence, and what is best done in them.

A silence is divided, from its first minute on, into outlooks of eight hours. Each is judged alone,
from what was known when the silence began, so that whoever asks at any time in it, and whoever
reckons afterwards, gets the same answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from dormouse_policy.expected_cost import Expectation, Step, expect
from dormouse_policy.forecast_state import ForecastState
from dormouse_policy.hazard import Hazard
from dormouse_policy.policy import Stakes

OUTLOOK = 8 * 60
"""Minutes."""
OUTLOOKS = 24
"""So many are made, eight days: what comes only after that is not foreseen."""

# Nothing is stopped sooner: what it would spare is less than the next question costs.
SHORTEST_IDLE = 3

# Minutes are looked at one by one at first, then in fives of the clock, since what a clock sends
# comes at their beginning. An outlook looks beyond its end, to see what is worth being kept.
_SINGLE = 60
_FEW = 5
_FARTHER = 6 * 60
_FARTHER_STEP = 30


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be done in an outlook: it may be paid for `paid` minutes of it, and not be stopped
    before the one that comes `not_before` after the last request.
    """

    paid: float
    not_before: int = 0


@dataclass(frozen=True, slots=True)
class Spell:
    """When an endpoint is paid for, from a minute to before another, counted from the last
    request; `is_limited` if it would be longer, were it not for the limit.
    """

    begin: int
    end: int
    is_limited: bool = False


class Outlook:
    """The eight hours of a silence that come after so many others."""

    def __init__(self, law: Hazard, state: ForecastState, stakes: Stakes, index: int) -> None:
        """Judge them. Somebody must have asked before."""
        if state.last is None:
            raise ValueError("nobody has ever asked")
        self.begin = 1 + index * OUTLOOK
        self.end = self.begin + OUTLOOK
        self.index = index
        self._wake = stakes.wake
        self.delay = stakes.delay_cost * max(1.0, state.delayed_minutes)
        self.steps: Sequence[Step] = list(_steps(law, state.last, self.begin, self.end))
        self.best: Expectation = expect(self.steps, stakes.wake, self.delay)

    def spells(self, limit: Limit) -> Sequence[Spell]:
        """Say when it is paid for, if nobody asks: what is best, as far as it may be.

        It is on before the first outlook. Each later one begins with what is worth a start.
        """
        begin = self.begin if self.index == 0 else None
        not_before = max(SHORTEST_IDLE, limit.not_before) if self.index == 0 else 0
        spells, paid = list[Spell](), 0
        for step, stops, starts in zip(self.steps, self.best.stops, self.best.starts, strict=True):
            if step.begin >= self.end:
                break
            if begin is None:
                if starts and paid + max(self._wake + 1, step.minutes) <= limit.paid:
                    begin, not_before = step.begin, step.begin + self._wake
                    paid += step.minutes
                continue
            # It is stopped at the end of a minute, the one before the step.
            may_stop = step.begin - 1 >= not_before
            is_limited = paid + step.minutes > limit.paid
            if may_stop and (stops or is_limited):
                spells.append(Spell(begin, step.begin, is_limited))
                begin = None
                continue
            paid += step.minutes
        if begin is not None:
            spells.append(Spell(begin, self.end))
        return spells


def divide(last: int, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Divide the minutes of a silence that come after the one `last`, from one to before another:
    into how many minutes, and which is the first of them.
    """
    idle = begin
    while idle < end:
        is_single = idle <= _SINGLE or (last + idle) % _FEW
        minutes = 1 if is_single else min(_FEW, end - idle)
        yield idle, minutes
        idle += minutes


def _steps(law: Hazard, last: int, begin: int, end: int) -> Iterator[Step]:
    farther = ((idle, _FARTHER_STEP) for idle in range(end, end + _FARTHER, _FARTHER_STEP))
    for idle, minutes in chain(divide(last, begin, end), farther):
        yield Step(idle, minutes, 1 - (1 - law.chance(idle, minutes)) ** minutes)
