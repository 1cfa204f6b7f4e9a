"""A histogram of latencies that is small, merges exactly, and tells quantiles well enough.

Its buckets are the same for everybody and each a fifth wider than the one before, so what is said
of a latency between 0.1 ms and 15 minutes is off by 9.1 % at the most, and two histograms are
merged by adding up.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from math import ceil
from typing import Self

_MICROSECOND = timedelta(microseconds=1)

# The longest latency of each bucket, in microseconds: 0.1 ms to 15.4 minutes. What is stored names
# buckets by their number, so none of these may ever change.
_GROWTH = Fraction(6, 5)
_BOUNDS = tuple(round(100 * _GROWTH**number) for number in range(89))

# "41:3 42:1": three in bucket 41, one in 42.
_BUCKET = re.compile(r"(?P<bucket>[0-9]{1,2}):(?P<count>[1-9][0-9]{0,17})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Latencies:
    """How many latencies fell into each bucket, by its number; no bucket is empty."""

    counts: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, latency: timedelta) -> Self:
        """Count one. What takes longer than 15 minutes is in the last bucket."""
        return cls({min(bisect_left(_BOUNDS, latency // _MICROSECOND), len(_BOUNDS) - 1): 1})

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `write` wrote.

        Raises:
            ValueError: it is something else; the message quotes the part that is.
        """
        counts: dict[int, int] = {}
        for word in text.split():
            match = _BUCKET.fullmatch(word)
            if match is None or int(match["bucket"]) >= len(_BOUNDS):
                raise ValueError(f"{word!r} is not a bucket of latencies and its count, as 41:3 is")
            bucket = int(match["bucket"])
            counts[bucket] = counts.get(bucket, 0) + int(match["count"])
        return cls(counts)

    def write(self) -> str:
        """Write it as text, as in `41:3 42:1`."""
        return " ".join(f"{bucket}:{self.counts[bucket]}" for bucket in sorted(self.counts))

    def plus(self, other: "Latencies") -> "Latencies":
        """Add those of another."""
        counts = dict(self.counts)
        for bucket, count in other.counts.items():
            counts[bucket] = counts.get(bucket, 0) + count
        return Latencies(counts)

    def quantile(self, share: float) -> timedelta | None:
        """Say which latency that share of them (more than 0, up to 1) did not exceed, by the
        nearest rank; None if there are none.
        """
        rank = ceil(share * sum(self.counts.values()))
        for bucket in sorted(self.counts):
            rank -= self.counts[bucket]
            if rank <= 0:
                return _middle(bucket)
        return None


def _middle(bucket: int) -> timedelta:
    """Say what is off by the same share from both ends of a bucket."""
    high = _BOUNDS[bucket]
    low = _BOUNDS[bucket - 1] if bucket else high
    return timedelta(microseconds=2 * low * high / (low + high))
