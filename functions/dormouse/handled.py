"""What became of one request at the front door."""

from dataclasses import dataclass, field
from enum import StrEnum

from dormouse.domain.capture_policy import CapturePolicy
from dormouse.domain.exchange import Exchange
from dormouse.domain.invocation import InvocationResponse
from dormouse.domain.usage import Arrival


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

    `held_seconds` is how long it was held; `request_id` names it, where it was parked. It is cold
    if it found the endpoint not serving; one that is not managed was passed on to an endpoint that
    nobody manages. `exchange` is for the capture and the ledger, None where there is none to tell;
    `capture` says what is captured of it. `arrival` is for the ledger, where a request that counts
    as demand has no exchange (yet). It is a repetition if it was accepted before.
    """

    response: InvocationResponse
    fate: Fate
    problems: tuple[str, ...] = ()
    held_seconds: float | None = None
    request_id: str | None = None
    # What is told of it makes no two answers differ.
    is_cold: bool = field(default=False, compare=False)
    is_managed: bool = field(default=True, compare=False)
    exchange: Exchange | None = field(default=None, compare=False)
    capture: CapturePolicy | None = field(default=None, compare=False)
    arrival: Arrival | None = field(default=None, compare=False)
    is_repetition: bool = field(default=False, compare=False)
