"""Tearing an endpoint down under two claims, so that no request is cut off.

From the claim of `closing` on no proxy is given a lease, so no new request is sent. When the last
lease has passed, none is under way, and `deleting` is claimed. Only then DeleteEndpoint is called;
and again with each tick, until the endpoint is seen gone. DeleteEndpoint takes no fencing token:
that a tick which was held up deletes what a later one has created is excluded by time alone, since
`reconcile` ends sooner than the shortest wake.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dormouse.acting import Acting
from dormouse.domain.endpoint import Ownership, Present
from dormouse.domain.failures import Failure, failed_again
from dormouse.domain.ledger import Ledger
from dormouse.domain.plan import Action, Plan, close
from dormouse.domain.rule import Rule
from dormouse.domain.spec import Spec
from dormouse.domain.spending import Spent, spent_by
from dormouse.errors import AwsError
from dormouse.keeping import Keeping
from dormouse.ports import Clock, Endpoints, ReconcilerState, UsageLedger

# Models that were used longer before the last request are not loaded again at the next wake.
_WARM_SET_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Teardown:
    """Carries out plans that delete an endpoint."""

    endpoints: Endpoints
    state: ReconcilerState
    usage: UsageLedger
    acting: Acting
    keeping: Keeping
    clock: Clock
    bills_creation: bool = True

    def drive(
        self,
        seen: Present,
        ownership: Ownership,
        ledger: Ledger,
        plan: Plan,
        spec: Spec,
        *,
        keeps: bool = True,
    ) -> Plan:
        """Keep what dies with the endpoint, unless it is never woken again; claim what is not
        claimed yet, delete it once both claims stand, and say how far it came.

        Raises:
            AwsError: a claim or the deletion is refused, or their fate is not known; or what dies
                with it can't be read, so that it is left as it is.
        """
        endpoint = spec.endpoint
        # Before it is closed: it can't be deleted without, and would be up and turn requests away.
        if keeps and not ledger.is_deleting and not self._keep(endpoint, seen, ownership, ledger):
            return taken(plan)
        # What can't serve has nobody under way whom a deletion could cut off.
        is_forced = plan.is_forced_stop or plan.action is Action.CLEAR
        if ledger.closing is None or (is_forced and not ledger.closing.is_forced):
            closed = self.state.begin_closing(
                endpoint,
                ledger,
                plan.reason,
                self.clock(),
                is_forced=is_forced,
                warm_set=self._warm_set(endpoint, ledger, spec.warm_set_size),
                # The guard would be none if the demand that is known could start it again.
                sleeps=plan.rule is Rule.MAX_UP,
                failures=self._failures(seen, ledger) if plan.action is Action.CLEAR else None,
            )
            if closed is None:
                return _judged_anew(plan)
            ledger = closed
        if not ledger.is_deleting:
            now = self.clock()
            if not self.state.begin_deleting(endpoint, ledger, now, self._spent(ledger, now)):
                if ledger.lease_until is None or ledger.lease_until < now:
                    # A demand that has become old by now would not undo it, and it would stay so.
                    self.state.reopen(endpoint, ledger)
                    return _judged_anew(plan)
                return close(plan, ledger.lease_until)
        if not self.acting.once(endpoint, ledger, lambda: self.endpoints.delete(endpoint)):
            return taken(plan)
        return plan

    def _keep(self, endpoint: str, seen: Present, ownership: Ownership, ledger: Ledger) -> bool:
        """Keep what dies with it; not of one that has not got back yet what was kept before.

        Returns False where another tick may have deleted it while it was read.
        """
        is_started_here = ledger.started_at is not None or ledger.created_at is not None
        if ledger.awaits_restoring or (is_started_here and ledger.serving_since is None):
            return True
        keepsake = self.keeping.save(endpoint, seen, ownership.tags, ledger.keepsake)
        if keepsake == ledger.keepsake:
            return True
        return self.state.record_keepsake(endpoint, ledger, keepsake)

    def _spent(self, ledger: Ledger, now: datetime) -> Spent:
        up_since = ledger.billed_since(bills_creation=self.bills_creation)
        return spent_by(ledger.spent, up_since, ledger.rate, now)

    def _failures(self, seen: Present, ledger: Ledger) -> Mapping[str, Failure]:
        """Add that its EndpointConfig has failed, if it is known which one."""
        config, reason = seen.config_name.lower(), seen.failure_reason or f"it was {seen.status}"
        if not config:
            return ledger.failures
        failure = failed_again(ledger.failures.get(config), self.clock(), reason)
        return {**ledger.failures, config: failure}

    def _warm_set(self, endpoint: str, ledger: Ledger, at_most: int) -> Sequence[str]:
        """Name the models to load again at the next wake; at worst those of the last time."""
        if at_most == 0:
            return ()
        since = (ledger.last_request_at or self.clock()) - _WARM_SET_WINDOW
        try:
            return self.usage.hot_models(endpoint, since, at_most)
        except AwsError:
            return ledger.warm_set


def taken(plan: Plan) -> Plan:
    """Say that another tick has been quicker."""
    reason = "another tick is at work on it at this moment; it is judged anew"
    return replace(plan, action=Action.WAIT, rule=Rule.IN_TRANSITION, reason=reason)


def _judged_anew(plan: Plan) -> Plan:
    reason = "it was to stop, but a request came meanwhile; it is judged anew"
    return replace(plan, action=Action.WAIT, reason=reason)
