"""At which times of the day and of the week an endpoint is asked for, as far as its days show any.

Of each half hour there is a chance that somebody asks in it. That may be the same for all, for all
at one time of the day, for those of working days and for those of weekends, or for those of one
weekday; and it may have been another until a week ago. Each of these is believed as far as the days
are likelier with it than with the others, which is Bayes' question, with a Beta distribution before
anything is seen. So an endpoint without a rhythm is judged as if nobody had looked for one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import compress
from math import exp, fsum, lgamma, log, log1p

from dormouse_policy.slots import DAY, DAYS_KEPT, SLOT, SLOTS_A_DAY, Sums

HALF_HOUR = 3
"""Slots."""

_WEEK = 7
_WORKING_DAYS = 5
_HALF_HOURS = SLOTS_A_DAY // HALF_HOUR

# What is known of a half hour before any day is: as much as one day would tell.
_STRENGTH = 1.0
# How much likelier, as a logarithm, no rhythm is than each, and no change than one.
_RHYTHM_IS_RARE = 1.0
_CHANGE_IS_RARE = 2.0
# Of rhythms that are believed less nothing is seen in what they come to.
_NEGLIGIBLE = 1e-4
_SUREST = 0.9999


class Alike(Enum):
    """Between which half hours there is no difference."""

    ALL = "all"
    DAYS = "those of a time of the day"
    WORKING_DAYS = "those of a time on working days, and on others"
    WEEKDAYS = "those of a time on a weekday"


_RHYTHMS = (Alike.DAYS, Alike.WORKING_DAYS, Alike.WEEKDAYS)


@dataclass(frozen=True, slots=True)
class Belief:
    """Between which half hours there is no difference; since when, in days before the last request,
    None for as long as is known; and how likely that is.
    """

    alike: Alike
    days: int | None
    believed: float


class Rhythm:
    """That of an endpoint, by the time of its last request."""

    def __init__(self, sums: Sums, first: int, last: int) -> None:
        """Compare what may be, over the days between these minutes."""
        self._sums, self._first, self._last_slot = sums, first, last // SLOT
        # What lies before the first day is unknown, and the half hours reach back from the last.
        days = max(1, min(DAYS_KEPT - 1, (last - first) // DAY))
        columns = list(self._columns(days))
        asked, known = sum(sum(each) for _, each in columns), _HALF_HOURS * days
        self.usual = (asked + 0.5) / (known + 1)
        """How likely it is that somebody asks in any half hour."""
        self._asked = _STRENGTH * self.usual
        evidence = _Evidence(self._asked, _STRENGTH - self._asked, days)
        likely: dict[tuple[Alike, int | None], float] = {
            (Alike.ALL, None): asked * log(self.usual) + (known - asked) * log1p(-self.usual)
        }
        for since, rare in ((None, _RHYTHM_IS_RARE), (_WEEK, _RHYTHM_IS_RARE + _CHANGE_IS_RARE)):
            if since is None or since < days:
                of_rhythms = evidence.of(columns, has_changed=since is not None)
                for alike, each in zip(_RHYTHMS, of_rhythms, strict=True):
                    likely[alike, since] = each - rare
        most = max(likely.values())
        shares = {each: exp(log_likely - most) for each, log_likely in likely.items()}
        total = fsum(shares.values())
        self.beliefs = [
            Belief(alike, since, share / total)
            for (alike, since), share in shares.items()
            if share > _NEGLIGIBLE * total
        ]
        self._chances: dict[int, float] = {}

    def _columns(self, days: int) -> Iterator[tuple[int, bytes]]:
        """Yield of each half hour of the last day its weekday, and on which days somebody asked."""
        for at in range(_HALF_HOURS):
            slot = self._last_slot - 1 - HALF_HOUR * at
            yield _weekday(slot), self._sums.on_days(self._sums.near_any, slot, days)

    def chance(self, slot: int) -> float:
        """Say how likely it is that somebody asks in the half hour around a slot to come."""
        known = self._chances.get(slot)
        if known is None:
            known = self._chances[slot] = self._believed_chance(slot)
        return known

    def _believed_chance(self, slot: int) -> float:
        days = max(0, min(DAYS_KEPT, (slot * SLOT - self._first) // DAY))
        column = self._sums.on_days(self._sums.near_any, slot - SLOTS_A_DAY, days)
        silent = max(0, (slot - self._last_slot - 1) // SLOTS_A_DAY)
        chance = 0.0
        for belief in self.beliefs:
            seen = column if belief.days is None else column[: belief.days + silent]
            chance += belief.believed * self._chance(belief.alike, seen, _weekday(slot))
        return min(chance, _SUREST)

    def _chance(self, alike: Alike, seen: bytes, weekday: int) -> float:
        if alike is Alike.ALL:
            return self.usual
        if alike is Alike.WEEKDAYS:
            seen = seen[_WEEK - 1 :: _WEEK]
        elif alike is Alike.WORKING_DAYS:
            seen = bytes(compress(seen, _like(weekday)))
        return (self._asked + sum(seen)) / (_STRENGTH + len(seen))

    def lift(self, slot: int) -> float:
        """Say how much more often somebody asks around a slot than at any time, as a logarithm."""
        return log(-log1p(-self.chance(slot))) - log(-log1p(-self.usual))

    def surplus(self, slot: int, persistence: float) -> float:
        """Say how many more minutes with requests are to be expected of the half hour around a slot
        than of any, a minute, if it is that likely that the rhythm goes on.
        """
        more = log1p(-self.usual) - log1p(-self.chance(slot) * persistence)
        return max(0.0, more) / (HALF_HOUR * SLOT)


class _Evidence:
    """How likely days are, of which it is known on how many somebody asked, if on each of them that
    was as likely, and how likely has a Beta distribution: as a logarithm.
    """

    def __init__(self, alpha: float, beta: float, days: int) -> None:
        numbers = range(DAYS_KEPT + 1)
        self._asked = [lgamma(alpha + each) - lgamma(alpha) for each in numbers]
        self._silent = [lgamma(beta + each) - lgamma(beta) for each in numbers]
        self._days = [lgamma(alpha + beta + each) - lgamma(alpha + beta) for each in numbers]
        self._spans = {False: ((0, days),), True: ((0, _WEEK), (_WEEK, days))}

    def of(self, columns: Sequence[tuple[int, bytes]], *, has_changed: bool) -> Sequence[float]:
        """Say it of all half hours, for each of _RHYTHMS, if the last week is another matter than
        what was before, or none.
        """
        # Most are silent, and the same for all of a weekday.
        silent: dict[tuple[int, int], Sequence[float]] = {}
        found: list[Sequence[float]] = []
        for weekday, column in columns:
            for begin, end in self._spans[has_changed]:
                span = column[begin:end]
                known = None if any(span) else silent.get((weekday, begin))
                if known is None:
                    known = self._of(span, _working(weekday)[begin:end])
                    if not any(span):
                        silent[weekday, begin] = known
                found.append(known)
        return [fsum(each) for each in zip(*found, strict=True)]

    def _of(self, span: bytes, working: bytes) -> Sequence[float]:
        asked, days = sum(span), len(span)
        on_working_days, working_days = sum(compress(span, working)), sum(working)
        if days <= _WEEK:
            by_weekday = asked * self._likely(1, 1) + (days - asked) * self._likely(0, 1)
        else:
            weekdays = [span[at::_WEEK] for at in range(_WEEK)]
            by_weekday = fsum([self._likely(sum(same), len(same)) for same in weekdays])
        return (
            self._likely(asked, days),
            self._likely(on_working_days, working_days)
            + self._likely(asked - on_working_days, days - working_days),
            by_weekday,
        )

    def _likely(self, asked: int, days: int) -> float:
        return self._asked[asked] + self._silent[days - asked] - self._days[days]


def _weekday(slot: int) -> int:
    # The epoch was a Thursday.
    return (slot // SLOTS_A_DAY + 3) % _WEEK


@cache
def _working(weekday: int) -> bytes:
    """Say which are working days of those that go back from one of this weekday."""
    return bytes((weekday - ago) % _WEEK < _WORKING_DAYS for ago in range(DAYS_KEPT))


@cache
def _like(weekday: int) -> bytes:
    """Say which are working days as one of this weekday is, or as it is none, before it."""
    is_working = weekday < _WORKING_DAYS
    return bytes(each == is_working for each in _working((weekday - 1) % _WEEK))
