"""Whether both servers have the same model: only then are their figures worth comparing."""

import json
from dataclasses import dataclass
from typing import Any

from benchmarks.container.models import Model
from benchmarks.server import Server

TOLERANCE = 1e-3


class DisagreementError(Exception):
    """A text got two different answers; the message has both."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the probabilities were apart at most, and over how many texts."""

    texts: int
    largest_difference: float


def agreement(model: Model, stock: Server, ours: Server, name: str, texts: int) -> Agreement:
    """Ask both for the first `texts` of `model`, which they have loaded as `name`.

    Raises `DisagreementError` for another label, or a probability that differs by more than
    `TOLERANCE`.
    """
    largest = 0.0
    bodies = model.bodies[:texts]
    for body in bodies:
        theirs = stock_scores(json.loads(stock.must(stock.invoke(name, body)).body), model.labels)
        own = our_scores(json.loads(ours.must(ours.invoke(name, body)).body))
        largest = max(largest, difference(theirs, own, body.decode()))
    return Agreement(len(bodies), largest)


def stock_scores(answer: Any, labels: tuple[str, ...]) -> dict[str, float]:
    """The probability of each label: the stock handler answers with a bare list."""
    return dict(zip(labels, answer, strict=True))


def our_scores(answer: Any) -> dict[str, float]:
    """The probability of each label, as container/handler/answer.py writes them."""
    [prediction] = answer["predictions"]
    scores: dict[str, float] = prediction["scores"]
    return scores


def difference(stock: dict[str, float], ours: dict[str, float], text: str) -> float:
    """The largest difference of a probability; raises `DisagreementError` as said above."""
    found = max(abs(stock[label] - ours[label]) for label in stock.keys() | ours.keys())
    if found > TOLERANCE or max(stock, key=stock.__getitem__) != max(ours, key=ours.__getitem__):
        raise DisagreementError(f"{text}: stock answers {stock}, ours {ours}.")
    return found
