"""How likely it is that somebody asks in the next minute, given what is known of that minute."""

from bisect import bisect_right
from collections.abc import Sequence
from math import exp, log

KNOTS = (2, 5, 12, 40, 150, 600, 1800)
"""After so many idle minutes the weights are those of one row; between them they are mixed, by the
logarithm of the idle minutes."""

_LOGS = [log(knot + 1.5) for knot in KNOTS]


def hazard(weights: Sequence[Sequence[float]], features: Sequence[float], idle: int) -> float:
    """Say how likely a request is in a minute, so many minutes after the last.

    `weights` has a row for each of KNOTS, which has a weight for each of the features.
    """
    length = log(idle + 1.5)
    at = min(max(bisect_right(_LOGS, length) - 1, 0), len(_LOGS) - 2)
    share = min(max((length - _LOGS[at]) / (_LOGS[at + 1] - _LOGS[at]), 0.0), 1.0)
    low, high = weights[at], weights[at + 1]
    logit = 0.0
    for before, after, feature in zip(low, high, features, strict=True):
        logit += feature * (before + share * (after - before))
    return 1 / (1 + exp(-min(max(logit, -30.0), 30.0)))
