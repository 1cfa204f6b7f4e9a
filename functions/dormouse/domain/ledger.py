"""The ledger: what Dormouse itself saw of an endpoint's demand, which AWS can't be asked for."""

from dataclasses import dataclass, replace
from datetime import datetime

from dormouse.domain.activity import Measured


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as it is recorded; `until` is when another could follow, None if that is open."""

    action: str
    rule: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PastDecision:
    """A decision, and when it was taken."""

    at: datetime
    decision: Decision


@dataclass(frozen=True, slots=True)
class RecordedDemand:
    """What became of a demand: whether it was written, and the endpoint's last decision.

    It is not written where an unmet demand of late stands already, or where the endpoint is not
    known. One that `reconcile` has never decided about (`decision` is None) is not known.
    """

    is_written: bool
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is remembered of one endpoint.

    Every demand (a cold request, a wake, a hold) raises `demand_version`. `met_version` is the
    newest that was met: the endpoint was seen serving after it, or was stopped in full knowledge of
    it. Versions are compared rather than times, so that two Lambdas' clocks don't have to agree.

    `last_request_at` is written at most once in an interval, so it may be older than the last
    request by as much. `metrics_active_at` is the end of the latest minute in which CloudWatch
    showed an invocation, so that it need not be asked again while that suffices.

    `slept_version` is the newest demand that an operator's `sleep` of `slept_at` has overruled.
    `updated_to` is the EndpointConfig that UpdateEndpoint was last asked for since the endpoint was
    created. `principals` are those of the last spec that could be obeyed, as its owner wrote them;
    None where there has been none.
    """

    demand_version: int = 0
    met_version: int = 0
    demand_at: datetime | None = None
    last_request_at: datetime | None = None
    metrics_active_at: datetime | None = None
    hold_until: datetime | None = None
    slept_version: int | None = None
    slept_at: datetime | None = None
    updated_to: str | None = None
    principals: tuple[str, ...] | None = None
    decision: Decision | None = None
    decided_at: datetime | None = None

    @property
    def has_unmet_demand(self) -> bool:
        """Whether something asked for the endpoint that has not been seen serving since."""
        return self.demand_version > self.met_version

    @property
    def is_put_to_sleep(self) -> bool:
        """Whether an operator has put it to sleep, and nothing has asked for it since."""
        return self.slept_version is not None and self.demand_version <= self.slept_version

    def with_metrics(self, measured: Measured) -> "Ledger":
        """Add a reading of CloudWatch, which can only make the activity more recent."""
        known = [at for at in (self.metrics_active_at, measured.last_active_at) if at is not None]
        return replace(self, metrics_active_at=max(known, default=None))
