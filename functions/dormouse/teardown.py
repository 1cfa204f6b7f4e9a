"""Tearing an endpoint down under two claims, so that no request is cut off.

From the claim of `closing` on no proxy is given a lease, so no new request is sent. When the last
lease has passed, none is under way, and `deleting` is claimed. Only then DeleteEndpoint is called;
and again with each tick, until the endpoint is seen gone. DeleteEndpoint takes no fencing token:
that a tick which was held up deletes what a later one has created is excluded by time alone, since
`reconcile` ends sooner than the shortest wake.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from dormouse.domain.ledger import Ledger
from dormouse.domain.plan import Action, Plan, close
from dormouse.errors import AwsError
from dormouse.ports import Clock, Endpoints, ReconcilerState, UsageLedger

# Models that were used longer before the last request are not loaded again at the next wake.
_WARM_SET_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Teardown:
    """Carries out plans that delete an endpoint."""

    endpoints: Endpoints
    state: ReconcilerState
    usage: UsageLedger
    clock: Clock

    def drive(self, endpoint: str, ledger: Ledger, plan: Plan, warm_set_size: int) -> Plan:
        """Claim what is not claimed yet, delete once both claims stand, and say how far it came.

        Raises:
            AwsError: a claim or the deletion is refused, or their fate is not known.
        """
        # What can't serve has nobody under way whom a deletion could cut off.
        is_forced = plan.is_forced_stop or plan.action is Action.CLEAR
        if ledger.closing is None or (is_forced and not ledger.closing.is_forced):
            closed = self.state.begin_closing(
                endpoint,
                ledger,
                plan.reason,
                self.clock(),
                is_forced=is_forced,
                warm_set=self._warm_set(endpoint, ledger, warm_set_size),
            )
            if closed is None:
                return _judged_anew(plan)
            ledger = closed
        now = self.clock()
        if not ledger.is_deleting and not self.state.begin_deleting(endpoint, ledger, now):
            if ledger.lease_until is None or ledger.lease_until < now:
                # A demand that has become old by now would not undo it, and it would stay so.
                self.state.reopen(endpoint, ledger)
                return _judged_anew(plan)
            return close(plan, ledger.lease_until)
        self.endpoints.delete(endpoint)
        return plan

    def _warm_set(self, endpoint: str, ledger: Ledger, at_most: int) -> Sequence[str]:
        """Name the models to load again at the next wake; at worst those of the last time."""
        if at_most == 0:
            return ()
        since = (ledger.last_request_at or self.clock()) - _WARM_SET_WINDOW
        try:
            return self.usage.hot_models(endpoint, since, at_most)
        except AwsError:
            return ledger.warm_set


def _judged_anew(plan: Plan) -> Plan:
    reason = "it was to stop, but a request came meanwhile; it is judged anew"
    return replace(plan, action=Action.WAIT, reason=reason)
