"""The last layer of a real model: logistic regression on what the encoder says of each text.

The problem is convex, so there is one answer, and neither a seed nor luck in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.optimize import minimize

Array: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Head:
    """`vectors @ weights + biases` are the logits."""

    weights: Array
    biases: Array

    def logits(self, vectors: Array) -> Array:
        """A row for each vector, a column for each label."""
        logits: Array = vectors @ self.weights + self.biases
        return logits


def fit(vectors: Array, numbers: Sequence[int], penalty: float) -> Head:
    """Learn the number of the label that belongs to each vector.

    The higher the `penalty` on large weights, the less is learned by heart, and the less certain
    are the scores.
    """
    labels = np.eye(max(numbers) + 1)[list(numbers)]
    shape = (vectors.shape[1] + 1, labels.shape[1])

    def loss(flat: Array) -> tuple[float, Array]:
        head = _head(flat.reshape(shape))
        logs = _log_softmax(head.logits(vectors))
        errors = (np.exp(logs) - labels) / len(labels)
        slopes = np.vstack([vectors.T @ errors + penalty * head.weights, errors.sum(axis=0)])
        value = penalty / 2 * (head.weights**2).sum() - (labels * logs).sum() / len(labels)
        return value, slopes.ravel()

    found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B")
    if not found.success:
        raise RuntimeError(f"The head was not found: {found.message}")
    return _head(found.x.reshape(shape))


def _head(rows: Array) -> Head:
    return Head(rows[:-1], rows[-1])


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs
