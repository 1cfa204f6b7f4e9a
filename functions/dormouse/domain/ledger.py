"""The ledger: what Dormouse itself saw of an endpoint's demand, which AWS can't be asked for."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """The last decision that was recorded, to write the next one only if it differs."""

    action: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is remembered of one endpoint.

    Every demand (a cold request, a wake, a hold) raises `demand_version`. `met_version` is the
    newest that was met: the endpoint was seen serving after it, or was stopped in full knowledge of
    it. Versions are compared rather than times, so that two Lambdas' clocks don't have to agree.

    `last_request_at` is written at most once in an interval, so it may be older than the last
    request by as much.
    """

    demand_version: int = 0
    met_version: int = 0
    demand_at: datetime | None = None
    last_request_at: datetime | None = None
    hold_until: datetime | None = None
    decision: Decision | None = None

    @property
    def has_unmet_demand(self) -> bool:
        """Whether something asked for the endpoint that has not been seen serving since."""
        return self.demand_version > self.met_version
