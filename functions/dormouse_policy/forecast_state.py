"""What a forecast remembers of an endpoint's demand: four weeks, in about a kilobyte.

Of each day it keeps in how many minutes of each ten-minute slot somebody asked, and whether a bout
of requests began in it; of the latest minutes, what tells how a bout goes on; of all bouts, in
which minute of the hour they began, and how long the pauses were. Beside that it keeps the account
of what going by the forecast has cost.
"""

import json
import math
from base64 import b85decode, b85encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import compress, decompressobj, error

from dormouse_policy.slots import BEGAN, DAY, DAYS_KEPT, EMPTY_DAY, SLOT, SLOTS_A_DAY

# Minutes over which the share of minutes with requests is averaged, as an exponential does.
SPANS = (30.0, 120.0, 480.0, 1440.0, 5760.0)

HOUR = 60
"""Minutes."""

# A pause that is longer than this ends a bout.
PAUSE = 5

PAUSES = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
"""Pauses are counted by their length, in minutes: of a kind are those that are as long as this, and
shorter than the next one. None is counted that is shorter than the first."""
# Of how many minutes the newest counts are kept.
RECENT = 10

# How many minutes of a start are delayed, as a rule, and how many starts that counts for.
_USUAL_DELAY = 2.0
_USUAL_WEIGHT = 20.0
# By which older starts count less with each one that comes.
_KEPT_OF_DELAYS = 0.98
_DELAY_MINUTES = 5

# Counts are halved before one would be larger than a byte: what is newer counts more.
_MOST = 255

_VERSION = 2
# Rounding makes a share of 1 a little more.
_LARGEST_SHARE = 1.001
# All that a slot can have.
_SLOTS = bytes((*range(SLOT + 1), *range(BEGAN, BEGAN + SLOT + 1)))
# A state has less than this; what unpacks to more was written by nobody.
_LARGEST = (DAYS_KEPT + 2) * SLOTS_A_DAY
# No minute lies farther from the epoch, and no count is larger: far beyond what can be.
_FARTHEST = 10**12


def kind_of_pause(idle: int) -> int:
    """Say of which of PAUSES one is that is over after so many minutes; shorter ones are of the
    first.
    """
    return min(max((idle // PAUSES[0]).bit_length() - 1, 0), len(PAUSES) - 1)


@dataclass(slots=True)
class Account:
    """What the forecast has cost compared with break-even, both followed over the same demand.

    `left` is by how much more it may cost from now on, in minutes of the endpoint, None where
    nothing has been reckoned yet. `ready` is the minute from which its last start answers, and
    `even_ready` the one of break-even.
    """

    left: float | None = None
    ready: int = 0
    even_ready: int = 0


@dataclass(slots=True)
class ForecastState:
    """What was learned of an endpoint: `first` and `last` are the first and the latest minute in
    which somebody asked, None where nobody ever did.

    `bout_began` is when the present bout of requests began. `shares` are the averages over SPANS as
    of `last`. `recent` are the newest minutes and their counts. `days` says in how many minutes of
    each slot somebody asked, by day, with BEGAN added where a bout began. `hour` counts the bouts
    by the minute of the hour in which they began, and `pauses` the pauses by PAUSES. `delays`
    counts the bouts, and `delayed` in how many of their first five minutes somebody asked, both the
    less the older they are.
    """

    first: int | None = None
    last: int | None = None
    bout_began: int = 0
    shares: list[float] = field(default_factory=lambda: [0.0] * len(SPANS))
    recent: list[tuple[int, int]] = field(default_factory=list)
    days: dict[int, bytearray] = field(default_factory=dict)
    delayed: float = _USUAL_DELAY * _USUAL_WEIGHT
    delays: float = _USUAL_WEIGHT
    hour: bytearray = field(default_factory=lambda: bytearray(HOUR))
    pauses: bytearray = field(default_factory=lambda: bytearray(len(PAUSES)))
    account: Account = field(default_factory=Account)
    foreseen: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What follows from it, for whoever asks again; empty whenever something was learned."""

    @property
    def delayed_minutes(self) -> float:
        """How many minutes with requests a start of five minutes delays, as experience has it."""
        return self.delayed / self.delays

    def copy(self) -> "ForecastState":
        """One that learns without this one."""
        return replace(
            self,
            shares=[*self.shares],
            recent=[*self.recent],
            days={day: bytearray(slots) for day, slots in self.days.items()},
            hour=bytearray(self.hour),
            pauses=bytearray(self.pauses),
            account=replace(self.account),
        )

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
            self.delayed *= _KEPT_OF_DELAYS
            self.delays = self.delays * _KEPT_OF_DELAYS + 1
            _count(self.hour, minute % HOUR)
        if self.last is not None and idle >= PAUSES[0]:
            _count(self.pauses, kind_of_pause(idle))
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
        self.foreseen.clear()

    def write(self) -> str:
        """Write it as a text of ASCII, which `parse` reads."""
        newest = max(self.days, default=0)
        oldest = min(self.days, default=0)
        slots = b"".join(
            bytes(self.days.get(day, EMPTY_DAY))
            for day in range(oldest, newest + 1 if self.days else 0)
        )
        document = {
            "v": _VERSION,
            "first": self.first,
            "last": self.last,
            "bout": self.bout_began,
            "shares": [float(f"{share:.6g}") for share in self.shares],
            "recent": self.recent,
            "delays": [float(f"{self.delayed:.6g}"), float(f"{self.delays:.6g}")],
            "hour": _packed(self.hour),
            "pauses": _packed(self.pauses),
            "left": None if self.account.left is None else float(f"{self.account.left:.9g}"),
            "ready": [self.account.ready, self.account.even_ready],
            "day": oldest,
            "slots": _packed(slots),
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
        slots = _unpacked(document["slots"], _LARGEST)
        if len(slots) % SLOTS_A_DAY:
            raise ValueError("its slots are no whole days")
        oldest = _whole(document["day"])
        days = {
            oldest + at // SLOTS_A_DAY: slots[at : at + SLOTS_A_DAY]
            for at in range(0, len(slots), SLOTS_A_DAY)
        }
        first, last = document["first"], document["last"]
        left = document["left"]
        delayed, delays = (float(each) for each in document["delays"])
        ready, even_ready = (_whole(each) for each in document["ready"])
        state = cls(
            first=None if first is None else _whole(first),
            last=None if last is None else _whole(last),
            bout_began=_whole(document["bout"]),
            shares=[float(share) for share in document["shares"]],
            recent=[(_whole(minute), _whole(count)) for minute, count in document["recent"]],
            days={day: each for day, each in days.items() if any(each)},
            delayed=delayed,
            delays=delays,
            hour=_unpacked(document["hour"], HOUR),
            pauses=_unpacked(document["pauses"], len(PAUSES)),
            account=Account(None if left is None else float(left), ready, even_ready),
        )
        state._check()
        return state

    def _check(self) -> None:
        """Refuse what `learn` comes to with no demand: a question would be answered with nonsense,
        or not at all.
        """
        if self.first is None or self.last is None:
            if self != ForecastState():
                raise ValueError("it has seen requests at no time")
            return
        if not self.first <= self.bout_began <= self.last:
            raise ValueError("its bout is not between its first minute and its last")
        numbers = (*self.shares, self.delayed, self.delays, self.account.left or 0.0)
        if len(self.shares) != len(SPANS) or not all(map(math.isfinite, numbers)):
            raise ValueError("its averages are none")
        if not all(0 <= share <= _LARGEST_SHARE for share in self.shares):
            raise ValueError("its averages are not between 0 and 1")
        if not 0 <= self.delayed <= _DELAY_MINUTES * self.delays or self.delays < 1:
            raise ValueError("its bouts have not as many minutes as they are delayed")
        minutes = [minute for minute, _ in self.recent]
        if (
            sorted(set(minutes)) != minutes
            or minutes[-1:] != [self.last]
            or minutes[0] <= self.last - RECENT
            or any(count < 1 for _, count in self.recent)
        ):
            raise ValueError("its newest minutes are not those before the last")
        if max(self.days, default=None) != self.last // DAY or min(self.days) < self.first // DAY:
            raise ValueError("its days are not those from its first minute to its last")
        if any(day.translate(None, _SLOTS) for day in self.days.values()):
            raise ValueError("a slot has more than its minutes")
        if len(self.hour) != HOUR or len(self.pauses) != len(PAUSES):
            raise ValueError("its counts are not those of an hour and of the kinds of pauses")


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _FARTHEST:
        raise ValueError(f"{value!r} is no number that it has")
    return value


def _packed(counts: bytes | bytearray) -> str:
    return b85encode(compress(counts, 9)).decode("ascii")


def _unpacked(text: str, most: int) -> bytearray:
    unpacking = decompressobj()
    counts = bytearray(unpacking.decompress(b85decode(text), most + 1))
    if not unpacking.eof or len(counts) > most:
        raise ValueError(f"it has more than {most} counts")
    return counts


def _count(counts: bytearray, at: int) -> None:
    if counts[at] == _MOST:
        counts[:] = bytes(each // 2 for each in counts)
    counts[at] += 1
