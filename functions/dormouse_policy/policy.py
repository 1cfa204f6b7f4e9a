"""What a policy is asked, and what it answers."""

from dataclasses import dataclass
from typing import Protocol, TypeVar

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Stakes:
    """What a decision may cost. A start takes `wake` minutes, at least 1.

    `delay_cost` is how many minutes of the endpoint its owner would pay to spare one delayed
    minute: one in which somebody asks, and it does not answer.
    """

    wake: int
    delay_cost: float


@dataclass(frozen=True, slots=True)
class Situation:
    """How the endpoint stands at the end of the minute `now`, in which nobody asked for it.

    `idle_since` is the last minute with requests, or the first in which it could answer if those
    came while it was starting; None where nobody ever asked.
    """

    now: int
    idle_since: int | None
    is_on: bool


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do if nobody asks. A request always starts it, and makes every advice void.

    `change_at` is the minute at whose end an endpoint that is on is to be stopped, or in which one
    that is off is to be started, `now` at the earliest; None: it stays as it is. From `review_at`
    on the policy is to be asked again, whatever it advised; None: it would say the same.
    """

    change_at: int | None
    review_at: int | None
    words: str


class Policy(Protocol[State]):
    """Decides from what it has learned of an endpoint, and from nothing later than `now`."""

    @property
    def name(self) -> str:
        """As it is written in the tag."""

    def begin(self) -> State:
        """What is known of an endpoint of which nothing is known."""

    def learn(self, state: State, minute: int, count: int) -> State:
        """Add a minute with `count` requests, at least 1; minutes come in order, each once.

        The state that was given may be changed, and must not be used any more.
        """

    def advise(self, state: State, at: Situation) -> Advice:
        """Say what to do; the same whenever the same is asked."""
