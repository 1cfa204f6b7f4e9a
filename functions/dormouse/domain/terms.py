"""The terms: what the front door has to know of a spec, and finds in the ledger."""

from dataclasses import dataclass
from datetime import timedelta

from dormouse.domain.capture_policy import DEFAULT_CAPTURE, CapturePolicy
from dormouse.domain.spec import Spec


@dataclass(frozen=True, slots=True)
class Terms:
    """Who may invoke an endpoint, as its owner wrote it, and what becomes of a cold request.

    `cold_wait` is how long one is held that says nothing of that itself; None where it is refused.
    `completion_topic` hears of requests that name no other topic. `capture` is what is
    kept of requests and responses.
    """

    principals: tuple[str, ...] = ()
    cold_wait: timedelta | None = None
    completion_topic: str | None = None
    capture: CapturePolicy = DEFAULT_CAPTURE


def terms_of(spec: Spec) -> Terms:
    """Take them from a spec."""
    return Terms(
        principals=tuple(principal.text for principal in spec.principals),
        cold_wait=spec.cold_wait,
        completion_topic=spec.completion_topic,
        capture=spec.capture,
    )
