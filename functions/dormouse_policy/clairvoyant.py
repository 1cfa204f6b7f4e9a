"""The bound: what whoever knows each request beforehand would pay."""

from dormouse_policy.simulation import Demand, Outcome


def clairvoyant(demand: Demand, wake: int, scored_from: int) -> Outcome:
    """Start just in time for each request, and stay up where a start would cost no less.

    It sees what is scored alone and begins off; each start costs `wake` minutes, also those before
    the score. It is the optimum where a delayed minute is worth at least a start.
    """
    spells: list[tuple[int, int]] = []
    for minute, _ in demand.counts:
        if minute < scored_from:
            continue
        if spells and minute - spells[-1][1] <= wake:
            spells[-1] = (spells[-1][0], minute + 1)
        else:
            spells.append((minute - wake, minute + 1))
    up = sum(until - since for since, until in spells)
    return Outcome(up, 0, 0, len(spells), tuple(spells))
