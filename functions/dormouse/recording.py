"""Telling the capture and the ledger of an exchange, once it has ended.

Nothing of this changes what its caller gets: whatever goes wrong here is counted and told.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from dormouse.domain.capture import is_sampled, write_record
from dormouse.domain.capture_policy import CapturePolicy
from dormouse.domain.exchange import Exchange
from dormouse.domain.usage import Arrival
from dormouse.ports import Captures


class Capture(StrEnum):
    """What became of the capture of an exchange."""

    NOT_SAMPLED = "not sampled"
    CAPTURED = "captured"
    SPILLED = "spilled"
    """It is kept, though not by way of the stream."""
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the capture, and the faults on the way."""

    capture: Capture
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """Captures the exchanges that are sampled, and tells the ledger of each.

    `note` tells the ledger, and returns the faults of that; `note_arrival` likewise. With
    `by_model`, what is captured says under which part of the captures' key its model is found.
    """

    captures: Captures
    note: Callable[[Exchange], tuple[str, ...]]
    note_arrival: Callable[[Arrival], tuple[str, ...]]
    by_model: bool

    def record(self, exchange: Exchange, policy: CapturePolicy | None) -> Recorded:
        """Tell of one; never raises. `policy` is None where it could not be read: then nothing may
        be kept of what its owner perhaps does not want to be kept.
        """
        try:
            recorded = self._capture(exchange, policy)
        except Exception as error:  # noqa: BLE001 - its caller is to be answered, come what may
            recorded = _lost(exchange, error)
        try:
            problems = self.note(exchange)
        except Exception as error:  # noqa: BLE001 - likewise
            problems = (f"the ledger was not told of {exchange.event_id}: {_words(error)}",)
        return Recorded(recorded.capture, (*recorded.problems, *problems))

    def record_arrival(self, arrival: Arrival) -> tuple[str, ...]:
        """Tell the ledger of a request whose exchange is not told here; never raises. Returns the
        faults on the way.
        """
        try:
            return self.note_arrival(arrival)
        except Exception as error:  # noqa: BLE001 - its caller is to be answered, come what may
            return (f"the ledger was not told of a request to {arrival.endpoint}: {_words(error)}",)

    def _capture(self, exchange: Exchange, policy: CapturePolicy | None) -> Recorded:
        if policy is None:
            return _lost(exchange, "what to capture of its endpoint can't be read")
        if not is_sampled(policy, exchange.inference_id or exchange.event_id):
            return Recorded(Capture.NOT_SAMPLED)
        kept = self.captures.keep(write_record(exchange, policy, by_model=self.by_model))
        return Recorded(Capture.SPILLED if kept.is_spilled else Capture.CAPTURED, kept.problems)


def _lost(exchange: Exchange, why: Exception | str) -> Recorded:
    words = why if isinstance(why, str) else _words(why)
    return Recorded(Capture.LOST, (f"the capture of {exchange.event_id} is lost: {words}",))


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
