"""The slots of ten minutes in which demand is remembered, and sums over those of four weeks.

A slot is a byte: in how many of its minutes somebody asked, with BEGAN added where a bout began.
"""

from collections.abc import Callable, Mapping
from itertools import accumulate
from operator import add, or_

SLOT = 10
"""Minutes."""
SLOTS_A_DAY = 144
DAY = SLOT * SLOTS_A_DAY
DAYS_KEPT = 28
EMPTY_DAY = bytes(SLOTS_A_DAY)

BEGAN = 16
"""Of a slot: that a bout of requests began in it."""

_MINUTES_OF = bytes(each % BEGAN for each in range(256))
_STARTS_OF = bytes(each // BEGAN & 1 for each in range(256))
_ANY = bytes(each > 0 for each in range(256))


class Sums:
    """Sums over the slots of the days that are kept, for each slot that a question can be about.

    By the place of a slot: `near` says in how many minutes somebody asked of it and of the slots on
    either side, which are half an hour, and `near_any` has a 1 where that was any; `began_near` has
    a 1 where a bout began in these, and `began_wide` in those of four on each side; `asked_before`
    says in how many minutes before the slot somebody asked.
    """

    # A question is about a slot of the next days, or of those that are kept.
    _AHEAD = 10 * SLOTS_A_DAY
    _MARGIN = 10

    def __init__(self, days: Mapping[int, bytes | bytearray]) -> None:
        """Add up the slots of these days, by day."""
        newest = max(days, default=0)
        kept = range(newest - DAYS_KEPT, newest + 1)
        before, ahead = bytes(self._MARGIN), bytes(self._AHEAD)
        slots = b"".join((before, *(days.get(day, EMPTY_DAY) for day in kept), ahead))
        self._begin = (newest - DAYS_KEPT) * SLOTS_A_DAY - self._MARGIN
        asked, self._began = slots.translate(_MINUTES_OF), slots.translate(_STARTS_OF)
        self.asked_before = [0, *accumulate(asked)]
        self.near = _around(asked, 1, add)
        self.near_any = self.near.translate(_ANY)
        self.began_near = _around(self._began, 1, or_)
        self.began_wide = _around(self.began_near, 3, or_)

    def on_days(self, sums: bytes, slot: int, days: int) -> bytes:
        """Say what one of these has for a slot on so many days, its own and those before it that
        are kept, the latest first.
        """
        here = self.place_of(slot)
        end = here - days * SLOTS_A_DAY
        return sums[here : end if end >= 0 else None : -SLOTS_A_DAY]

    def place_of(self, slot: int) -> int:
        """Say where a slot is."""
        return slot - self._begin

    def asked(self, begin: int, end: int) -> int:
        """In how many minutes of the slots from `begin` to before `end` somebody asked."""
        before = self.asked_before
        return before[self.place_of(end)] - before[self.place_of(begin)]

    def began(self, begin: int, end: int) -> int:
        """In how many of those slots a bout began."""
        return sum(self._began[self.place_of(begin) : self.place_of(end)])


def _around(slots: bytes, distance: int, joined: Callable[[int, int], int]) -> bytes:
    """Join each slot with the two so far away from it. None may come to more than a byte."""
    # All at once, in a whole number.
    each, bits = int.from_bytes(slots, "little"), 8 * distance
    return joined(joined(each, each << bits), each >> bits).to_bytes(len(slots), "little")
