"""Telling `reconcile` that somebody needs an endpoint."""

from dataclasses import dataclass
from datetime import timedelta

from dormouse.domain.asker import asker
from dormouse.domain.ledger import RecordedDemand
from dormouse.errors import AwsError
from dormouse.ports import Clock, Nudge, ProxyState

# An unmet demand as old as this is written again, so that a nudge that got lost is sent again too,
# while a thousand callers at once still make one write and one nudge.
DEMAND_RENEWAL = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Demand:
    """Records demand, and nudges `reconcile` where it is news.

    The demand is recorded first: a nudge that is lost costs time, since the next scheduled tick
    finds it.
    """

    state: ProxyState
    nudge: Nudge
    clock: Clock

    def note(
        self,
        endpoint: str,
        request_id: str,
        problems: list[str],
        *,
        known_only: bool,
        by: str | None = None,
    ) -> RecordedDemand:
        """Note that a request of `by` found it cold, which nobody keeps.

        Raises:
            AwsError: it could not be recorded.
        """
        now = self.clock()
        recorded = self.state.record_demand(
            endpoint, now, now - DEMAND_RENEWAL, known_only=known_only, by=asker(by)
        )
        self.tell(recorded, endpoint, request_id, problems)
        return recorded

    def raise_for(
        self, endpoint: str, *, has_requests: bool, by: str | None = None
    ) -> RecordedDemand:
        """Note that a request of `by` is held, or parked. `tell` is left to whoever calls this.

        Raises:
            AwsError: it could not be recorded, or it is not known whether it was.
        """
        now = self.clock()
        return self.state.raise_demand(
            endpoint, now, now - DEMAND_RENEWAL, has_requests=has_requests, by=asker(by)
        )

    def tell(
        self, recorded: RecordedDemand, endpoint: str, request_id: str, problems: list[str]
    ) -> None:
        """Nudge, if it is news."""
        if not recorded.is_news:
            return
        try:
            self.nudge(endpoint, request_id)
        except AwsError as error:
            problems.append(str(error))
