"""What the chance of a request is judged by: numbers that an endpoint's past says of a minute."""

from collections.abc import Sequence
from itertools import accumulate, compress, pairwise
from math import exp, fsum, lgamma, log
from operator import mul

from dormouse_policy.forecast_state import HOUR, PAUSES, SPANS, ForecastState, kind_of_pause
from dormouse_policy.persistence import Persistence
from dormouse_policy.rhythm import Rhythm
from dormouse_policy.slots import DAY, DAYS_KEPT, SLOT, SLOTS_A_DAY, Sums

OF_ALL = (
    "always",
    "length of the bout",
    "bouts of a week",
    "share of all minutes",
    "density",
    "requests a minute",
    "bouts of a day",
)
"""The same for all minutes that come after the last request."""
OF_SLOT = (
    "asked within 15 min of it",
    "began within 15 min of it",
    "began within 45 min of it",
    "asked yesterday",
    "half a day against those before",
    "rhythm of its days",
)
"""Of ten minutes of the clock."""
OF_STEP = (
    *(f"share of the last {span:.0f} min" for span in SPANS),
    "began in this minute of five",
    "began in this minute of ten",
    "began in this minute of the hour",
    "pauses of its own that end then",
)
"""Of a minute, or a few."""
NAMES = (*OF_ALL, *OF_SLOT, *OF_STEP)

_WEEK = 7 * SLOTS_A_DAY
_HALF_DAY = SLOTS_A_DAY // 2

# How much less a day counts than the one after it.
_ASKED_FADES = 0.9
_BEGAN_FADES = 0.93
_ASKED_WEIGHTS = [_ASKED_FADES**day for day in range(DAYS_KEPT)]
_BEGAN_WEIGHTS = [_BEGAN_FADES**day for day in range(DAYS_KEPT)]
_ASKED_SUMS = [0.0, *accumulate(_ASKED_WEIGHTS)]
_BEGAN_SUMS = [0.0, *accumulate(_BEGAN_WEIGHTS)]

# How much a habit counts of which no bout has been seen, and how unlikely one is, as a logarithm.
_PRIOR = 0.3
_OF_NO_HABIT = 1.0

# In public traces, a request comes in the next minute about that likely, over the idle minutes.
_USUAL = 0.65
_USUAL_OFFSET = 1.5
# So many pauses that ended as usual are taken for granted.
_PAUSES_AS_USUAL = 5.0
# Where the longest pauses are said to end.
_LONGEST_PAUSE = 4 * PAUSES[-1]
_EXPECTED = [
    _USUAL * log((end + _USUAL_OFFSET) / (begin + _USUAL_OFFSET))
    for begin, end in zip(PAUSES, (*PAUSES[1:], _LONGEST_PAUSE), strict=True)
]


class Features:
    """The features of the minutes after the last request of a state, if none comes before them."""

    def __init__(self, state: ForecastState) -> None:
        """Work out what is the same for all minutes. Somebody must have asked before."""
        if state.first is None or state.last is None:
            raise ValueError("nobody has ever asked")
        self._sums = Sums(state.days)
        self._first, self.last = state.first, state.last
        self._shares = [
            (share * span / 0.3, -1 / span) for share, span in zip(state.shares, SPANS, strict=True)
        ]
        self._minutes = _minutes_of_the_hour(state.hour)
        self._steps: dict[tuple[int, int], tuple[float, ...]] = {}
        self._own = _own_pauses(state.pauses)
        self._rhythm = Rhythm(self._sums, self._first, self.last)
        last_slot = self._last_slot = self.last // SLOT
        self._persistence = Persistence(self._rhythm, last_slot)
        self._surpluses: dict[int, float] = {}
        known = min(self.last - self._first + 1, DAYS_KEPT * DAY)
        everything = self._sums.asked(last_slot - DAYS_KEPT * SLOTS_A_DAY, last_slot + 1)
        self._share = max(everything / known, 1e-4)
        week = min(known, 7 * DAY) / SLOT
        self._begins = self._sums.began(last_slot - _WEEK, last_slot + 1) / max(week, 1.0)
        self.of_all = (
            1.0,
            log((self.last - state.bout_began + 1) / 10),
            log(self._begins + 1e-3) + 5,
            log(self._share),
            len(state.recent) / 10,
            log(1 + sum(count for _, count in state.recent) / max(1, len(state.recent))),
            log(1 + self._sums.began(last_slot - SLOTS_A_DAY, last_slot + 1)),
        )

    def at(self, idle: int, minutes: int) -> list[float]:
        """Say all that is known of so many minutes, by NAMES; the first of them comes `idle` after
        the last request.
        """
        slot = (self.last + idle + minutes // 2) // SLOT
        return [*self.of_all, *self.of_slot(slot), *self.of_step(idle, minutes)]

    def by_rhythm(self, idle: int, minutes: int) -> float:
        """Say how many requests a minute the rhythm of its days alone would expect in them, more
        than at any time; where bouts keep to minutes of the hour, in those.
        """
        slot = (self.last + idle + minutes // 2) // SLOT
        surplus = self._surpluses.get(slot)
        if surplus is None:
            surplus = self._rhythm.surplus(slot, self._persistence.at(slot))
            self._surpluses[slot] = surplus
        if surplus == 0:
            return 0.0
        first = (self.last + idle) % HOUR
        *_, hour = self._minutes
        return surplus * HOUR * fsum((hour + hour)[first : first + minutes]) / minutes

    def of_step(self, idle: int, minutes: int) -> list[float]:
        """Say what is known of these minutes alone."""
        middle = idle + minutes // 2
        shares = [log(1 + share * exp(middle * falls)) for share, falls in self._shares]
        first = (self.last + idle) % HOUR
        of_clock = self._steps.get((first, minutes))
        if of_clock is None:
            of_clock = self._steps[first, minutes] = self._of_clock(first, minutes)
        return [*shares, *of_clock, self._own[kind_of_pause(idle)]]

    def _of_clock(self, first: int, minutes: int) -> tuple[float, ...]:
        five, ten, hour = (
            each[first] if minutes == 1 else fsum((each + each)[first : first + minutes])
            for each in self._minutes
        )
        return (log(5 * five / minutes), log(2 * ten / five), log(6 * hour / ten))

    def of_slot(self, slot: int) -> tuple[float, ...]:
        """Say what is known of a slot of the clock that the last request does not come after."""
        sums, share = self._sums, self._share
        days = max(0, min(DAYS_KEPT, (slot * SLOT - self._first) // DAY))
        yesterday = slot - SLOTS_A_DAY
        near = began_near = began_wide = 0.0
        around = sums.on_days(sums.near, yesterday, days)
        if any(around):
            near = fsum(map(mul, _ASKED_WEIGHTS, around))
        began = sums.on_days(sums.began_wide, yesterday, days)
        if any(began):
            began_wide = fsum(compress(_BEGAN_WEIGHTS, began))
            began = sums.on_days(sums.began_near, yesterday, days)
            began_near = fsum(compress(_BEGAN_WEIGHTS, began))
        weight, began_weight = _ASKED_SUMS[days], _BEGAN_SUMS[days]
        begins_near, begins_wide = min(1.0, 3 * self._begins), min(1.0, 9 * self._begins)
        # The half day before it, and the same one of the days before.
        before_days = min(7, days)
        end, farthest = sums.place_of(slot + 1), (before_days + 1) * SLOTS_A_DAY
        ends = sums.asked_before[end : end - farthest : -SLOTS_A_DAY]
        begin = end - 1 - _HALF_DAY
        begins = sums.asked_before[begin : begin - farthest : -SLOTS_A_DAY]
        lately = ends[0] - begins[0]
        before = sum(ends) - sum(begins) - lately
        return (
            log((near / 30 + 0.3 * share) / (weight + 0.3) / share),
            log((began_near + 0.5 * begins_near) / (began_weight + 0.5) + 1e-3),
            log((began_wide + 0.5 * begins_wide) / (began_weight + 0.5) + 1e-3),
            float(sums.asked(yesterday - 3, yesterday + 4) > 0),
            log((lately + 3) / (before / max(1, before_days) + 3)),
            self._rhythm.lift(slot),
        )


def _minutes_of_the_hour(
    bouts: bytes | bytearray,
) -> tuple[list[float], list[float], list[float]]:
    """Of each minute of the hour: how likely a bout that begins does so in this minute of five, of
    ten, and of sixty.
    """
    shares, likely = list[list[float]](), [1.0]
    for whole, finer in pairwise((1, 5, 10, HOUR)):
        counts = [0] * finer
        for minute, count in enumerate(bouts):
            counts[minute % finer] += count
        parts = _parts(counts, whole)
        likely = [likely[minute % whole] * parts[minute] for minute in range(finer)]
        shares.append([likely[minute % finer] for minute in range(HOUR)])
    five, ten, hour = shares
    return five, ten, hour


def _parts(counts: Sequence[int], whole: int) -> list[float]:
    """Say which share each count has of those that leave the same when divided by `whole`: one of
    its own as far as that makes the counts likelier, and as much as its neighbours otherwise.

    Whether it does is Bayes' question, with equal shares on one side, and on the other a Dirichlet
    prior in which few shares are large.
    """
    each = len(counts) // whole
    likelier = -_OF_NO_HABIT
    for first in range(whole):
        here = counts[first::whole]
        likelier += lgamma(each * _PRIOR) - lgamma(sum(here) + each * _PRIOR)
        likelier += fsum(lgamma(count + _PRIOR) - lgamma(_PRIOR) for count in here)
        likelier += sum(here) * log(each)
    believed = 1 / (1 + exp(-min(max(likelier, -30.0), 30.0)))
    return [
        believed * (count + _PRIOR) / (sum(counts[at % whole :: whole]) + each * _PRIOR)
        + (1 - believed) / each
        for at, count in enumerate(counts)
    ]


def _own_pauses(ended: bytes | bytearray) -> list[float]:
    """Of each kind of pause: the logarithm of how many of its own have ended, over how many would
    have as usual; its neighbours count for half.
    """
    longer, expected = 0, [0.0] * len(PAUSES)
    for kind in range(len(PAUSES) - 1, -1, -1):
        # Those that ended in it lasted half of it, about.
        expected[kind] = _EXPECTED[kind] * (longer + ended[kind] / 2)
        longer += ended[kind]
    own = []
    for kind in range(len(PAUSES)):
        had = wanted = _PAUSES_AS_USUAL
        for other in range(max(0, kind - 1), min(len(PAUSES), kind + 2)):
            weight = 1.0 if other == kind else 0.5
            had += weight * ended[other]
            wanted += weight * expected[other]
        own.append(log(had / wanted))
    return own
