"""What a forecast remembers of an endpoint's demand: four weeks, in about a kilobyte.

Of each day it keeps in how many minutes of each ten-minute slot somebody asked, and whether a bout
of requests began in it; of the latest minutes, what tells how a bout goes on.
"""

import json
import math
from base64 import b85decode, b85encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any
from zlib import compress, decompressobj, error

SLOT = 10
"""Minutes."""
SLOTS_A_DAY = 144
DAY = SLOT * SLOTS_A_DAY
DAYS_KEPT = 28

# Minutes over which the share of minutes with requests is averaged, as an exponential does.
SPANS = (30.0, 120.0, 480.0, 1440.0, 5760.0)

# A pause that is longer than this ends a bout.
PAUSE = 5
# Of how many minutes the newest counts are kept.
RECENT = 10

# How many minutes of a start are delayed, as a rule, and how many starts that counts for.
_USUAL_DELAY = 2.0
_USUAL_WEIGHT = 20.0
# By which older starts count less with each one that comes.
_KEPT_OF_DELAYS = 0.98
_DELAY_MINUTES = 5

BEGAN = 16
"""Of a slot: that a bout of requests began in it."""
_MINUTES = BEGAN - 1

_MINUTES_OF = bytes(each & _MINUTES for each in range(256))
_STARTS_OF = bytes(each // BEGAN & 1 for each in range(256))

_VERSION = 1
_EMPTY = bytes(SLOTS_A_DAY)
# A state has less than this; what unpacks to more was written by nobody.
_LARGEST = (DAYS_KEPT + 2) * SLOTS_A_DAY


@dataclass(slots=True)
class ForecastState:
    """What was learned of an endpoint: `first` and `last` are the first and the latest minute in
    which somebody asked, None where nobody ever did.

    `bout_began` is when the present bout of requests began, and `pause` how long it was quiet
    before it. `shares` are the averages over SPANS as of `last`. `recent` are the newest minutes
    and their counts. `days` says in how many minutes of each slot somebody asked, by day, with
    BEGAN added where a bout began. `delays` counts the bouts, and `delayed` in how many of their
    first five minutes somebody asked, both the less the older they are.
    """

    first: int | None = None
    last: int | None = None
    bout_began: int = 0
    pause: int = DAY
    shares: list[float] = field(default_factory=lambda: [0.0] * len(SPANS))
    recent: list[tuple[int, int]] = field(default_factory=list)
    days: dict[int, bytearray] = field(default_factory=dict)
    delayed: float = _USUAL_DELAY * _USUAL_WEIGHT
    delays: float = _USUAL_WEIGHT
    _sums: "Sums | None" = field(default=None, init=False, repr=False, compare=False)

    @property
    def delayed_minutes(self) -> float:
        """How many minutes with requests a start of five minutes delays, as experience has it."""
        return self.delayed / self.delays

    @property
    def sums(self) -> "Sums":
        """What is added up of the days, once for all questions."""
        if self._sums is None:
            self._sums = Sums(self)
        return self._sums

    def learn(self, minute: int, count: int) -> None:
        """Add a minute with requests, later than all before.

        Raises:
            ValueError: it is not later, or there were none.
        """
        if count < 1:
            raise ValueError(f"minute {minute} has {count} requests: leave it out")
        if self.last is not None and minute <= self.last:
            raise ValueError(f"minute {minute} does not come after {self.last}")
        idle = DAY * DAYS_KEPT if self.last is None else minute - self.last
        if self.first is None:
            self.first = minute
        if idle > PAUSE:
            self.bout_began = minute
            self.pause = DAY if self.last is None else min(idle, 2 * DAY)
            self.delayed *= _KEPT_OF_DELAYS
            self.delays = self.delays * _KEPT_OF_DELAYS + 1
        if minute - self.bout_began < _DELAY_MINUTES:
            self.delayed += 1
        for at, span in enumerate(SPANS):
            kept = math.exp(-idle / span)
            # What it was in the minutes between, and this one.
            self.shares[at] = self.shares[at] * kept + 1 - math.exp(-1 / span)
        self.last = minute
        self.recent = [each for each in self.recent if each[0] > minute - RECENT]
        self.recent.append((minute, count))
        day, slot = divmod(minute // SLOT, SLOTS_A_DAY)
        if day not in self.days:
            self.days[day] = bytearray(SLOTS_A_DAY)
            for old in [each for each in self.days if each < day - DAYS_KEPT]:
                del self.days[old]
        self.days[day][slot] += 1
        if self.bout_began == minute:
            self.days[day][slot] |= BEGAN
        self._sums = None

    def write(self) -> str:
        """Write it as a text of ASCII, which `parse` reads."""
        newest = max(self.days, default=0)
        oldest = min(self.days, default=0)
        slots = b"".join(
            bytes(self.days.get(day, _EMPTY))
            for day in range(oldest, newest + 1 if self.days else 0)
        )
        document = {
            "v": _VERSION,
            "first": self.first,
            "last": self.last,
            "bout": self.bout_began,
            "pause": self.pause,
            "shares": [float(f"{share:.6g}") for share in self.shares],
            "recent": self.recent,
            "delays": [float(f"{self.delayed:.6g}"), float(f"{self.delays:.6g}")],
            "day": oldest,
            "slots": b85encode(compress(slots, 9)).decode("ascii"),
        }
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> "ForecastState":
        """Read what `write` wrote.

        Raises:
            ValueError: it was not written by this version.
        """
        try:
            document = json.loads(text)
            if document["v"] != _VERSION:
                raise ValueError(f"it is of version {document['v']!r}")
            return cls._read(document)
        except (KeyError, TypeError, AttributeError, OverflowError, RecursionError, error) as fault:
            raise ValueError(f"no state of a forecast: {fault!r}") from fault

    @classmethod
    def _read(cls, document: Mapping[str, Any]) -> "ForecastState":
        unpacking = decompressobj()
        slots = bytearray(unpacking.decompress(b85decode(document["slots"]), _LARGEST))
        if not unpacking.eof or len(slots) % SLOTS_A_DAY:
            raise ValueError("its slots are no whole days")
        oldest = int(document["day"])
        days = {
            oldest + at // SLOTS_A_DAY: slots[at : at + SLOTS_A_DAY]
            for at in range(0, len(slots), SLOTS_A_DAY)
        }
        shares = [float(share) for share in document["shares"]]
        delayed, delays = (float(each) for each in document["delays"])
        first, last = document["first"], document["last"]
        state = cls(
            first=None if first is None else int(first),
            last=None if last is None else int(last),
            bout_began=int(document["bout"]),
            pause=int(document["pause"]),
            shares=shares,
            recent=[(int(minute), int(count)) for minute, count in document["recent"]],
            days={day: each for day, each in days.items() if any(each)},
            delayed=delayed,
            delays=delays,
        )
        numbers = (*shares, delayed, delays)
        if len(shares) != len(SPANS) or not all(map(math.isfinite, numbers)) or delays <= 0:
            raise ValueError("its averages are none")
        if any(
            each & _MINUTES > SLOT or each > BEGAN + SLOT
            for day in state.days.values()
            for each in day
        ):
            raise ValueError("a slot has more than its minutes")
        if (state.first is None) != (state.last is None) or (state.last is None and state.days):
            raise ValueError("it has seen requests at no time")
        return state


class Sums:
    """Sums over the slots of the days that are kept, so that any window is two look-ups.

    `asked_before` has in how many minutes before each place somebody asked, `began_before` how many
    bouts began. The places of the slots of these days are there, with some on either side; the
    one of `lowest` is the first of them.
    """

    _MARGIN = 10

    def __init__(self, state: ForecastState) -> None:
        """Add up what a state knows."""
        newest = max(state.days, default=0)
        days = range(newest - DAYS_KEPT, newest + 1)
        margin = bytes(self._MARGIN)
        slots = b"".join((margin, *(bytes(state.days.get(day, _EMPTY)) for day in days), margin))
        self._begin = (newest - DAYS_KEPT) * SLOTS_A_DAY - self._MARGIN
        self.lowest = self._MARGIN
        self.asked_before = [0, *accumulate(slots.translate(_MINUTES_OF))]
        self.began_before = [0, *accumulate(slots.translate(_STARTS_OF))]

    def place_of(self, slot: int) -> int:
        """Say where a slot is, in `asked_before` and `began_before`."""
        return slot - self._begin

    def asked(self, begin: int, end: int) -> int:
        """In how many minutes of the slots from `begin` to before `end` somebody asked."""
        return self.asked_before[self._within(end)] - self.asked_before[self._within(begin)]

    def began(self, begin: int, end: int) -> int:
        """In how many of those slots a bout began."""
        return self.began_before[self._within(end)] - self.began_before[self._within(begin)]

    def _within(self, slot: int) -> int:
        return min(max(slot - self._begin, 0), len(self.asked_before) - 1)
