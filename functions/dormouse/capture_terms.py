"""What is captured of an endpoint's requests, for whoever answers them without a look at who may
invoke it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dormouse.domain.capture_policy import CapturePolicy
from dormouse.errors import AwsError
from dormouse.ports import Clock, ProxyState


@dataclass(frozen=True, slots=True)
class CaptureTerms:
    """Reads the ledger, in which `reconcile` keeps the terms of each endpoint, at most once in an
    interval. While it can't be read, what was captured at last is.
    """

    state: ProxyState
    clock: Clock
    interval: timedelta
    _known: dict[str, tuple[datetime, CapturePolicy]] = field(default_factory=dict)

    def of(self, endpoint: str) -> CapturePolicy | None:
        """Say what is captured; None where that can't be told. Never raises for what AWS does."""
        now = self.clock()
        read_at, known = self._known.get(endpoint, (None, None))
        if read_at is not None and read_at <= now < read_at + self.interval:
            return known
        try:
            terms = self.state.read(endpoint).terms
        except AwsError:
            return known
        if terms is None:
            return known
        self._known[endpoint] = (now, terms.capture)
        return terms.capture
