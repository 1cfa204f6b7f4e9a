"""What the chance of a request is judged by: numbers that an endpoint's past says of a minute."""

from itertools import accumulate
from math import exp, log

from dormouse_policy.forecast_state import DAY, DAYS_KEPT, SLOT, SLOTS_A_DAY, SPANS, ForecastState

NAMES = (
    "always",
    *(f"share of the last {span:.0f} min" for span in SPANS),
    "asked within 15 min of it",
    "asked within 45 min of it",
    "asked on this weekday",
    "began within 15 min of it",
    "began more than at other times",
    "began within 45 min of it",
    "asked yesterday",
    "asked in this slot of the last hours",
    "half a day against those before",
    "last pause",
    "length of the bout",
    "bouts of a week",
    "share of all minutes",
    "density",
    "requests a minute",
    "bouts of a day",
)

_WEEK = 7 * SLOTS_A_DAY
_HALF_DAY = SLOTS_A_DAY // 2
_HOUR = 60 // SLOT

# How much less a day counts than the one after it.
_ASKED_FADES = 0.9
_BEGAN_FADES = 0.93
_ASKED_WEIGHTS = [_ASKED_FADES**day for day in range(DAYS_KEPT)]
_BEGAN_WEIGHTS = [_BEGAN_FADES**day for day in range(DAYS_KEPT)]
_ASKED_SUMS = [0.0, *accumulate(_ASKED_WEIGHTS)]
_BEGAN_SUMS = [0.0, *accumulate(_BEGAN_WEIGHTS)]
_WEEKDAY_SUMS = [
    0.0,
    *accumulate(each if day % 7 == 6 else 0.0 for day, each in enumerate(_ASKED_WEIGHTS)),
]


class Features:
    """The features of the minutes after the last request of a state, if none comes before them."""

    def __init__(self, state: ForecastState) -> None:
        """Work out what is the same for all minutes. Somebody must have asked before."""
        if state.first is None or state.last is None:
            raise ValueError("nobody has ever asked")
        self._sums = state.sums
        self._first, self._last = state.first, state.last
        self._slots: dict[int, tuple[float, ...]] = {}
        self._shares = [
            (share, span, 0.3 / span) for share, span in zip(state.shares, SPANS, strict=True)
        ]
        last_slot = self._last_slot = self._last // SLOT
        known = min(self._last - self._first + 1, DAYS_KEPT * DAY)
        everything = self._sums.asked(last_slot - DAYS_KEPT * SLOTS_A_DAY, last_slot + 1)
        self._share = max(everything / known, 1e-4)
        week = min(known, 7 * DAY) / SLOT
        self._begins = self._sums.began(last_slot - _WEEK, last_slot + 1) / max(week, 1.0)
        self._bout = (
            log(state.pause / 60),
            log((self._last - state.bout_began + 1) / 10),
            log(self._begins + 1e-3) + 5,
            log(self._share),
            len(state.recent) / 10,
            log(1 + sum(count for _, count in state.recent) / max(1, len(state.recent))),
            log(1 + self._sums.began(last_slot - SLOTS_A_DAY, last_slot + 1)),
        )

    def at(self, idle: int) -> list[float]:
        """Say what is known of the minute that comes so many after the last request."""
        slot = (self._last + idle) // SLOT
        of_slot = self._slots.get(slot)
        if of_slot is None:
            of_slot = self._slots[slot] = (*self._of_slot(slot), *self._bout)
        shares = [log(1 + share * exp(-idle / span) / floor) for share, span, floor in self._shares]
        return [1.0, *shares, *of_slot]

    def _of_slot(self, slot: int) -> tuple[float, ...]:
        sums, share = self._sums, self._share
        asked, began = sums.asked_before, sums.began_before
        days = max(0, min(DAYS_KEPT, (slot * SLOT - self._first) // DAY))
        near = wide = weekday = began_near = began_wide = 0.0
        # Days on which nobody can have asked so soon after it add nothing.
        silent = max(0, (slot - 4 - self._last_slot - 1) // SLOTS_A_DAY)
        at = sums.place_of(slot - silent * SLOTS_A_DAY)
        for day in range(silent, days):
            at -= SLOTS_A_DAY
            if at < sums.lowest:
                break
            around = asked[at + 5] - asked[at - 4]
            if around:
                wide += _ASKED_WEIGHTS[day] * around
                near += _ASKED_WEIGHTS[day] * (asked[at + 2] - asked[at - 1])
                if day % 7 == 6:
                    weekday += _ASKED_WEIGHTS[day] * around
                if began[at + 5] > began[at - 4]:
                    began_wide += _BEGAN_WEIGHTS[day]
                    if began[at + 2] > began[at - 1]:
                        began_near += _BEGAN_WEIGHTS[day]
        weight, weekday_weight, began_weight = (
            _ASKED_SUMS[days],
            _WEEKDAY_SUMS[days],
            _BEGAN_SUMS[days],
        )
        begins_near, begins_wide = min(1.0, 3 * self._begins), min(1.0, 9 * self._begins)
        yesterday = slot - SLOTS_A_DAY
        hours = sum(
            sums.asked(slot - hour * _HOUR, slot - hour * _HOUR + 1) > 0 for hour in range(1, 7)
        )
        lately = sums.asked(slot - _HALF_DAY, slot + 1)
        before_days = min(7, days)
        before = sum(
            sums.asked(slot - _HALF_DAY - day * SLOTS_A_DAY, slot + 1 - day * SLOTS_A_DAY)
            for day in range(1, before_days + 1)
        )
        return (
            log((near / 30 + 0.3 * share) / (weight + 0.3) / share),
            log((wide / 90 + 0.3 * share) / (weight + 0.3) / share),
            log((weekday / 90 + 0.5 * share) / (weekday_weight + 0.5) / share),
            log((began_near + 0.5 * begins_near) / (began_weight + 0.5) + 1e-3),
            log(
                (began_near + 0.5 * begins_near + 0.01)
                / (began_weight + 0.5)
                / (begins_near + 0.01)
            ),
            log((began_wide + 0.5 * begins_wide) / (began_weight + 0.5) + 1e-3),
            float(sums.asked(yesterday - 3, yesterday + 4) > 0),
            hours / 6,
            log((lately + 3) / (before / max(1, before_days) + 3)),
        )
