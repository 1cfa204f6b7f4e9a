"""What is asked: each question once, and its answer is no other question's."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from enum import StrEnum

MODELS = 4


class Kind(StrEnum):
    """By which way a request comes, and what its caller does."""

    PLAIN = "plain"
    """Neither waits nor is parked: its caller comes again when Retry-After says."""
    WAIT = "wait"
    """`Prefer: wait=N`; its caller comes again after a 503."""
    RESPOND_ASYNC = "respond-async"
    """Parked, and asked for at its Location until there is an answer."""
    WAIT_OR_ASYNC = "wait, respond-async"
    """Held for some seconds, then parked."""
    ASYNC_INVOCATION = "async-invocation"
    """boto3's invoke_endpoint_async; its caller looks for the object at OutputLocation."""
    REPEATED = "repeated by boto3"
    """`Prefer: wait=N` by a boto3 that loses patience and repeats, under one invocation id."""


# Of twenty: repetitions hold a place each, and the machine has few.
_SHARES = (
    (Kind.PLAIN, 4),
    (Kind.WAIT, 4),
    (Kind.RESPOND_ASYNC, 6),
    (Kind.WAIT_OR_ASYNC, 2),
    (Kind.ASYNC_INVOCATION, 3),
    (Kind.REPEATED, 1),
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question, to one model."""

    number: int
    model: int
    kind: Kind
    run: str

    @property
    def target_model(self) -> str:
        """Its model's name."""
        return f"affine-{self.model}.tar.gz"

    @property
    def inference_id(self) -> str:
        """Its name, by which all that is sent for it is known."""
        return f"{self.run}-{self.number}"

    @property
    def body(self) -> bytes:
        """What is sent."""
        return json.dumps({"instances": [self.number]}).encode()

    def is_answered_by(self, body: bytes) -> bool:
        """Whether that is its answer, and no other's."""
        try:
            answer: object = json.loads(body)
        except ValueError:
            return False
        return answer == {"predictions": [3 * self.number + self.model]}


def questions(number: int, run: str, chance: random.Random) -> list[Question]:
    """So many, of every kind, in an order of chance."""
    shares = [kind for kind, share in _SHARES for _ in range(share)]
    kinds = [shares[index % len(shares)] for index in range(number)]
    chance.shuffle(kinds)
    return [
        Question(index, chance.randrange(MODELS), kind, run) for index, kind in enumerate(kinds)
    ]
