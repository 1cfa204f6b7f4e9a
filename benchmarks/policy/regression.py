"""The regression by which the law of the forecast is found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dormouse_policy.features import NAMES
from dormouse_policy.hazard import KNOTS, place_of

Numbers = NDArray[np.float64]

L2 = 20.0
"""How strongly each weight is drawn to nothing, but for that of "always"."""
SMOOTH = 60.0
"""How strongly the weights of neighbouring knots are drawn together."""
TOTAL = 10_000.0
"""So many requests all samples weigh."""

_ROUNDS = 60
_SMALL = 1e-7
_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Samples:
    """Steps of silence: what was known of each (by features.NAMES), after how many idle minutes it
    came, in how many of its minutes nobody asked, and whether somebody did in the one after them.
    """

    features: Numbers
    idle: NDArray[np.int64]
    quiet: Numbers
    asked: Numbers


def fit(groups: Sequence[tuple[float, Sequence[Samples]]]) -> Sequence[Sequence[float]]:
    """Find the law that makes the samples likeliest, given how much each group of them weighs
    beside the others: by Newton's method, each minute being a trial of its own.
    """
    parts = [
        (samples, weight / sum(float(each.asked.sum()) for each in of_group))
        for weight, of_group in groups
        for samples in of_group
    ]
    scale = TOTAL / sum(float(part.asked.sum()) * weight for part, weight in parts)
    features = np.concatenate([part.features for part, _ in parts])
    quiet = np.concatenate([part.quiet * weight * scale for part, weight in parts])
    asked = np.concatenate([part.asked * weight * scale for part, weight in parts])
    places = [place_of(int(idle)) for part, _ in parts for idle in part.idle]
    row = np.array([at for at, _ in places])
    share = np.array([each for _, each in places])
    # The samples between two knots, in the weights of both.
    between = []
    for at in range(len(KNOTS) - 1):
        here = row == at
        mixed = np.hstack(
            [features[here] * (1 - share[here, None]), features[here] * share[here, None]]
        )
        between.append((mixed, quiet[here], asked[here]))
    return _newton(between)


def _newton(between: Sequence[tuple[Numbers, Numbers, Numbers]]) -> Sequence[Sequence[float]]:
    width, size = len(NAMES), len(NAMES) * len(KNOTS)
    penalty = _penalty(width)
    weights = np.zeros(size)
    weights[::width] = -4.0 - np.linspace(0, 3, len(KNOTS))
    loss = _loss(between, weights, penalty)
    for _ in range(_ROUNDS):
        slope, curve = penalty @ weights, penalty.copy()
        for at, (mixed, quiet, asked) in enumerate(between):
            here = slice(at * width, (at + 2) * width)
            chance = 1 / (1 + np.exp(-np.clip(mixed @ weights[here], -30, 30)))
            slope[here] += mixed.T @ (quiet * chance - asked * (1 - chance))
            trials = (quiet + asked) * chance * (1 - chance)
            curve[here, here] += mixed.T @ (mixed * trials[:, None])
        step = np.linalg.solve(curve, slope)
        length = 1.0
        while (then := _loss(between, weights - length * step, penalty)) > loss and length > _SMALL:
            length /= 2
        weights, gained, loss = weights - length * step, loss - then, then
        if gained < _SMALL * loss:
            break
    return [
        [round(float(weight), _DECIMALS) for weight in of_knot]
        for of_knot in weights.reshape(len(KNOTS), width)
    ]


def _penalty(width: int) -> Numbers:
    size = width * len(KNOTS)
    penalty = np.zeros((size, size))
    for at in range(size):
        if at % width:
            penalty[at, at] += L2
            if at + width < size:
                penalty[at, at] += SMOOTH
                penalty[at + width, at + width] += SMOOTH
                penalty[at, at + width] -= SMOOTH
                penalty[at + width, at] -= SMOOTH
    # Not so much that it would matter: what nobody has seen must not make it unsolvable.
    return penalty + 1e-6 * np.eye(size)


def _loss(
    between: Sequence[tuple[Numbers, Numbers, Numbers]], weights: Numbers, penalty: Numbers
) -> float:
    width = len(NAMES)
    total = float(weights @ penalty @ weights) / 2
    for at, (mixed, quiet, asked) in enumerate(between):
        logit = np.clip(mixed @ weights[at * width : (at + 2) * width], -30, 30)
        total += float(asked @ np.logaddexp(0, -logit) + quiet @ np.logaddexp(0, logit))
    return total
