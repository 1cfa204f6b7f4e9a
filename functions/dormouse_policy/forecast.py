"""The forecast: up while that is expected to cost less than the delays that it spares.

How likely a request is in each minute to come follows from the endpoint's own history (features.py)
by a law that was fitted to public traces (law.py, hazard.py); what to do from what each way would
cost (expected_cost.py, outlook.py). While there is too little history, it is break-even; and so it
is once it has cost too much more than break-even would have, of which it keeps account.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dormouse_policy.break_even import BreakEven
from dormouse_policy.expected_cost import Step, paid
from dormouse_policy.forecast_state import Account, ForecastState
from dormouse_policy.hazard import Hazard, Law
from dormouse_policy.law import WEIGHTS
from dormouse_policy.outlook import OUTLOOK, OUTLOOKS, SHORTEST_IDLE, Limit, Outlook, Spell
from dormouse_policy.policy import Advice, Situation, Stakes
from dormouse_policy.slots import DAY

# Before that it goes by break-even: the law was fitted to what came after the first day.
HISTORY_NEEDED = DAY
SLACK = 0.05
"""By this share of what break-even costs, the forecast may cost more for ever."""
TIMEOUTS_AT_RISK = 40
"""And by so many timeouts of break-even, once."""
# Of these, its account begins with some, which it loses before it is break-even; and one silence
# may take the others, in the first outlook and in all later ones.
_AT_FIRST = 5
_IN_FIRST_OUTLOOK = 15
_IN_LATER_OUTLOOKS = TIMEOUTS_AT_RISK - _AT_FIRST - _IN_FIRST_OUTLOOK
# What it has gained counts for so many at most.
_MOST = 10
# Of so many minutes the sentence speaks: the first of these that show why.
_SPOKEN_OF = (30, 20, 15, 10, 8, 5, 45, 60, 90, 120, 240, 480)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Stops when staying up is expected to cost more than delays would, and starts before somebody
    asks where that is expected to cost less.

    Over any demand it costs at most 1 + SLACK times what break-even costs, and `at_risk` more.
    """

    stakes: Stakes
    weights: Law = WEIGHTS

    @property
    def name(self) -> str:
        """As it is written in the tag."""
        return "forecast"

    @property
    def at_risk(self) -> float:
        """By how many minutes of the endpoint it may cost more than break-even and its slack: what
        the account begins with, what one silence may take, and a last start that delays all who
        ask meanwhile.
        """
        return self._timeouts(TIMEOUTS_AT_RISK) + self.stakes.wake * self.stakes.delay_cost

    @property
    def _even(self) -> BreakEven:
        return BreakEven(self.stakes)

    def _timeouts(self, number: float) -> float:
        return number * self._even.timeout

    def begin(self) -> ForecastState:
        """Know nothing."""
        return ForecastState()

    def learn(self, state: ForecastState, minute: int, count: int) -> ForecastState:
        """Add a minute, and reckon up what the silence before it has cost."""
        account = self._settled(state, minute)
        state.learn(minute, count)
        state.account = account
        return state

    def advise(self, state: ForecastState, at: Situation) -> Advice:
        """Say what is expected to cost the least."""
        last, stakes = state.last, self.stakes
        if last is not None and at.idle_since is not None and at.idle_since > last + stakes.wake:
            # It was used since, which has not been learned yet.
            state = state.copy()
            state.learn(at.idle_since, 1)
            last = at.idle_since
        why = self._why_even(state)
        if last is None or why is not None:
            advice = self._even.advise(None, at)
            return replace(advice, words=f"{why}; {advice.words}")
        if at.is_on and at.now - last < SHORTEST_IDLE:
            return Advice(None, last + SHORTEST_IDLE, "somebody has asked in the last minutes")
        outlook = self._outlook(state, last, at.now)
        if outlook is None:
            words = f"nobody has asked for {(at.now - last) // DAY} days"
            return Advice(at.now if at.is_on else None, None, words)
        spells = outlook.spells(self._limit(state, last, outlook.index))
        change, is_limited = _change(outlook, spells, at.now - last, is_on=at.is_on)
        words = _words(outlook, at.now - last, change, is_on=at.is_on)
        if is_limited:
            words += ", so that it costs no more than it may"
        change_at = None
        if change is not None:
            change_at = max(at.now, last + change - 1 if at.is_on else last + change)
        return Advice(change_at, last + outlook.end - 1, words)

    def _why_even(self, state: ForecastState) -> str | None:
        if state.first is None or state.last is None or state.last - state.first < HISTORY_NEEDED:
            return "too little history for a forecast"
        if self._left(state) <= 0:
            return "the forecast has cost more than break-even would have"
        return None

    def _left(self, state: ForecastState) -> float:
        left = state.account.left
        return self._timeouts(_AT_FIRST) if left is None else min(left, self._timeouts(_MOST))

    def _limit(self, state: ForecastState, last: int, index: int) -> Limit:
        if index:
            return Limit(self._timeouts(_IN_LATER_OUTLOOKS / OUTLOOKS))
        return Limit(self._timeouts(1 + _IN_FIRST_OUTLOOK), state.account.ready - last)

    def _outlook(self, state: ForecastState, last: int, now: int) -> Outlook | None:
        """Return the outlook of the minute after this one; None where none is made so late."""
        index = (now - last) // OUTLOOK
        if index >= OUTLOOKS:
            return None
        known = state.foreseen.get((self, index))
        if known is None:
            law = state.foreseen.get(self.weights)
            if law is None:
                law = state.foreseen[self.weights] = Hazard(self.weights, state)
            known = state.foreseen[self, index] = Outlook(law, state, self.stakes, index)
        return known

    def _settled(self, state: ForecastState, minute: int) -> Account:
        """Say how the account stands when somebody asks again."""
        wake, delay_cost = self.stakes.wake, self.stakes.delay_cost
        if state.last is None:
            return Account(self._timeouts(_AT_FIRST), minute + wake, minute + wake)
        account, last = state.account, state.last
        even_stop = max(last, account.even_ready) + self._even.timeout
        even_ready = account.even_ready if minute <= even_stop else minute + wake
        even_cost = min(minute - 1, even_stop) - last + 1 + delay_cost * (minute < even_ready)
        cost, end, ready = 1.0, 1, account.ready
        for spell in self._spells(state, last, minute - last):
            cost += min(spell.end, minute - last) - spell.begin
            # One outlook may go on with what the one before it ends with.
            ready = ready if spell.begin == end else last + spell.begin + wake
            end = spell.end
        if end <= minute - last:
            ready = minute + wake
        cost += delay_cost * (minute < ready)
        left = self._left(state) + (1 + SLACK) * even_cost - cost
        return Account(min(left, self._timeouts(_MOST)), ready, even_ready)

    def _spells(self, state: ForecastState, last: int, idle: int) -> Iterator[Spell]:
        """Yield when it is paid for in a silence, as far as that begins before so many minutes."""
        if self._why_even(state) is not None:
            stop = max(last, state.account.ready) + self._even.timeout
            yield Spell(1, stop - last + 1)
            return
        if idle <= SHORTEST_IDLE:
            yield Spell(1, idle + 1)
            return
        for begin in range(0, idle, OUTLOOK):
            outlook = self._outlook(state, last, last + begin)
            if outlook is None:
                return
            for spell in outlook.spells(self._limit(state, last, outlook.index)):
                if spell.begin >= idle:
                    return
                yield spell


def _change(
    outlook: Outlook, spells: Sequence[Spell], idle: int, *, is_on: bool
) -> tuple[int | None, bool]:
    """Say from which minute on, after the last request, it is not as it is, None if it stays so for
    the whole outlook; and whether that is only since it must not cost more.
    """
    if is_on:
        now = next((each for each in spells if each.begin <= idle + 1 <= each.end), None)
        if now is not None:
            return (now.end, now.is_limited) if now.end < outlook.end else (None, False)
        if any(spell.is_limited for spell in spells if spell.end <= idle):
            return idle + 1, True
    elif not any(spell.begin < idle < spell.end for spell in spells):
        return next((spell.begin for spell in spells if spell.begin >= idle), None), False
    # Somebody else has started it, or stopped it; or its moment was missed.
    changes = outlook.best.stops if is_on else outlook.best.starts
    soonest = idle + 1 if is_on else idle
    for step, is_best in zip(outlook.steps, changes, strict=True):
        if is_best and soonest < step.begin + step.minutes and step.begin < outlook.end:
            return max(step.begin, soonest), False
    return None, False


def _words(outlook: Outlook, idle: int, change: int | None, *, is_on: bool) -> str:
    """Say what the minutes after a change are judged by; after now, where there is none."""
    begin = idle + 1 if change is None else change
    is_up = is_on == (change is None)
    judged = ((soon, *_judged(outlook, begin, soon)) for soon in _SPOKEN_OF)
    soon, likely, staying = next(
        (each for each in judged if (each[2] < each[1] * outlook.delay) == is_up),
        (_SPOKEN_OF[0], *_judged(outlook, begin, _SPOKEN_OF[0])),
    )
    costs = (
        f"P(request within {soon} min) = {likely:.0%}; staying up costs {staying:.0f} min, "
        f"expected delay costs {likely * outlook.delay:.0f} min"
    )
    if begin > idle + 1:
        costs = f"once idle for {begin - 1} min, {costs}"
    if change is None:
        return f"{costs}: {'stay up' if is_on else 'stay down'}"
    return f"{costs}: {'stop' if is_on else 'start'}"


def _judged(outlook: Outlook, begin: int, soon: int) -> tuple[float, float]:
    """Say how likely a request is in so many minutes, and how many of them are paid for until it
    comes.
    """
    unasked, staying = 1.0, 0.0
    for step in outlook.steps:
        if step.begin >= begin + soon:
            break
        if begin <= step.begin:
            within = min(step.minutes, begin + soon - step.begin)
            chance = 1 - (1 - step.chance) ** (within / step.minutes)
            staying += unasked * paid(Step(step.begin, within, chance))
            unasked *= 1 - chance
    return 1 - unasked, staying
