"""What a family of policies pays for so many cold minutes, between its members too."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frontier:
    """Cold minutes and endpoint minutes of those of which no other has less of both, from the
    fewest cold minutes on.
    """

    points: Sequence[tuple[int, int]]

    def at(self, cold_minutes: int) -> float:
        """What so many cold minutes would come to, linearly between the two points beside them.

        Beyond the last point more of them spare nothing. Whoever has fewer than the first can't
        be compared: there it is infinite.
        """
        after = bisect_left(self.points, (cold_minutes, 0))
        if after == len(self.points):
            return float(self.points[-1][1])
        cold, up = self.points[after]
        if cold == cold_minutes:
            return float(up)
        if after == 0:
            return float("inf")
        cold_before, up_before = self.points[after - 1]
        share = (cold_minutes - cold_before) / (cold - cold_before)
        return up_before + share * (up - up_before)


def frontier_of(points: Iterable[tuple[int, int]]) -> Frontier:
    """Leave out what costs more than another with as few cold minutes, or fewer.

    Raises:
        ValueError: there is no point.
    """
    kept: list[tuple[int, int]] = []
    for cold, up in sorted(points):
        if not kept or up < kept[-1][1]:
            kept.append((cold, up))
    if not kept:
        raise ValueError("a frontier needs a point")
    return Frontier(tuple(kept))
