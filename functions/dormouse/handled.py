"""What became of one request at the front door."""

from dataclasses import dataclass
from enum import StrEnum

from dormouse.domain.invocation import InvocationResponse


class Fate(StrEnum):
    """What became of a request."""

    FORWARDED = "forwarded"
    HELD = "held and forwarded"
    JOINED = "joined"
    """It was sent before, and has the answer of that."""
    PARKED = "parked"
    COLD = "cold"
    WAITED_IN_VAIN = "waited in vain"
    TURNED_AWAY = "turned away"
    """All places to wait are taken, or too many requests wait already."""
    REFUSED = "refused"
    """It can't be obeyed as it is: 4xx."""
    DENIED = "denied"
    UNDECIDED = "undecided"
    UNKNOWN_ENDPOINT = "unknown endpoint"
    UNANSWERED = "unanswered"
    TOLD = "told"
    """How a request stands, or its result."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Handled:
    """The answer to a request, its fate, and the faults on the way that did not decide it.

    `held_seconds` is how long it was held; `request_id` names it, where it was parked.
    """

    response: InvocationResponse
    fate: Fate
    problems: tuple[str, ...] = ()
    held_seconds: float | None = None
    request_id: str | None = None
