"""Observe, plan, apply, record: one tick over the managed endpoints.

This is the one writer of endpoints. A tick is level-triggered: it acts on what it sees now, so one
that is missed, late, doubled or cut short is mended by the next.

The race that remains (docs/adr/0006-the-teardown-race-that-remains.md): `begin_stop` stands on what
was recorded until then; a request that a proxy sends between it and DeleteEndpoint can be cut off.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from dormouse.domain.activity import Measured, NotMeasured
from dormouse.domain.claims import Claim, OwnEndpoint, Refusal, settle_claims
from dormouse.domain.endpoint import Absent, Observation, Present
from dormouse.domain.ledger import Decision, Ledger
from dormouse.domain.plan import Action, Plan, Rule, Timing, decide
from dormouse.domain.spec import ENDPOINT_TAG, Spec
from dormouse.errors import AwsError, UnmanagedEndpointError
from dormouse.ports import Catalog, Clock, Endpoints, Metrics, ReconcilerState

STACK_TAG = "dormouse:stack"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one tick planned for one endpoint, and what kept it from happening, if anything did."""

    endpoint: str
    plan: Plan
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Brings each managed endpoint to the state that its spec and its demand ask for."""

    catalog: Catalog
    endpoints: Endpoints
    metrics: Metrics
    state: ReconcilerState
    clock: Clock
    timing: Timing
    own: OwnEndpoint
    stack_name: str

    def wake(self, endpoint: str, hold_for: timedelta | None) -> None:
        """Record an operator's wake: a hold, or without a duration a request that just arrived.

        Raises:
            UnmanagedEndpointError: no EndpointConfig claims the endpoint; nothing is recorded.
            AwsError: the tags or the ledger can't be reached.
        """
        if not self.catalog.tagged_configs(endpoint):
            raise UnmanagedEndpointError(
                f"no EndpointConfig is tagged {ENDPOINT_TAG}={endpoint}, so it is not managed here"
            )
        now = self.clock()
        if hold_for is None:
            self.state.record_demand(endpoint, now, now, known_only=False)
        else:
            self.state.record_hold(endpoint, now + hold_for, now)

    def tick(self, only: str | None = None) -> Iterator[Outcome]:
        """Look at every managed endpoint, or at one; yield each as it is done.

        A fault at one endpoint becomes its own outcome's problem and stops no other.

        Raises:
            AwsError: the tags can't be read, so nothing is known to be managed.
        """
        claims = settle_claims(self.catalog.tagged_configs(only), self.own)
        if only is not None and not claims:
            self.state.forget_decision(only)
        for claim in _in_turn(claims, self.clock()):
            try:
                yield self._settle(claim)
            except AwsError as error:
                plan = Plan(Action.WAIT, Rule.FAIL_SAFE, "nothing is changed: it can't be judged")
                yield Outcome(claim.endpoint, plan, str(error))

    def _settle(self, claim: Claim) -> Outcome:
        # The ledger is read before SageMaker is asked: demand that it shows came before the status
        # that is seen, so a serving status meets it.
        ledger = self.state.read(claim.endpoint)
        seen: Observation = Absent()
        match claim:
            case Refusal(endpoint, reason):
                plan = Plan(Action.WAIT, Rule.REFUSED, f"left as it is, since {reason}")
                outcome = Outcome(endpoint, plan, reason)
            case Spec():
                seen = self.endpoints.observe(claim.endpoint)
                plan = self._plan(claim, ledger, seen)
                outcome = self._apply(claim, ledger, plan)
            case _:
                assert_never(claim)
        return self._record(ledger, seen, outcome)

    def _plan(self, spec: Spec, ledger: Ledger, seen: Observation) -> Plan:
        now = self.clock()
        plan = decide(spec, ledger, seen, NotMeasured(), timing=self.timing, now=now)
        if plan.action is not Action.MEASURE or isinstance(seen, Absent):
            return plan
        activity = self.metrics.last_activity(
            spec.endpoint, seen.variant_names, now - spec.idle_timeout, now
        )
        if isinstance(activity, Measured) and activity.last_active_at is not None:
            self.state.record_metrics_activity(spec.endpoint, activity.last_active_at)
        return decide(spec, ledger, seen, activity, timing=self.timing, now=now)

    def _apply(self, spec: Spec, ledger: Ledger, plan: Plan) -> Outcome:
        try:
            match plan.action:
                case Action.START:
                    tags = {ENDPOINT_TAG: spec.endpoint, STACK_TAG: self.stack_name}
                    self.endpoints.create(spec.endpoint, spec.config_name, tags)
                case Action.STOP:
                    if not self.state.begin_stop(spec.endpoint, ledger, plan.reason, self.clock()):
                        reason = "it was to stop, but a request came meanwhile; it is judged anew"
                        plan = replace(plan, action=Action.WAIT, reason=reason)
                    else:
                        self.endpoints.delete(spec.endpoint)
                case Action.CLEAR:
                    self.endpoints.delete(spec.endpoint)
                case Action.STAY_UP | Action.STAY_DOWN | Action.WAIT | Action.MEASURE:
                    pass
                case _:
                    assert_never(plan.action)
        except AwsError as error:
            return Outcome(spec.endpoint, plan, str(error))
        return Outcome(spec.endpoint, plan)

    def _record(self, ledger: Ledger, seen: Observation, outcome: Outcome) -> Outcome:
        """Write down what was done; that it can't be written does not undo it."""
        plan, now = outcome.plan, self.clock()
        reason = plan.reason if outcome.problem is None else f"{plan.reason} ({outcome.problem})"
        decision = Decision(plan.action, plan.rule, reason, plan.next_look_at)
        try:
            if isinstance(seen, Present) and seen.status.is_serving and ledger.has_unmet_demand:
                self.state.mark_met(outcome.endpoint, ledger.demand_version)
            if _is_news(decision, ledger.decision, now):
                self.state.record_decision(outcome.endpoint, decision, now)
        except AwsError as error:
            problems = [str(error)] if outcome.problem is None else [outcome.problem, str(error)]
            return replace(outcome, problem="; ".join(problems))
        return outcome


def _in_turn(claims: Sequence[Claim], now: datetime) -> Sequence[Claim]:
    """Begin with another endpoint each minute: a tick that is cut short leaves out the last."""
    first = int(now.timestamp() // 60) % len(claims) if claims else 0
    return [*claims[first:], *claims[:first]]


def _is_news(decision: Decision, recorded: Decision | None, now: datetime) -> bool:
    """Whether a decision has to be written. That of an endpoint in use, whose time moves on with
    each request, is written anew only when the time that was written has passed.
    """
    if recorded is None or (decision.action, decision.rule) != (recorded.action, recorded.rule):
        return True
    if decision.rule == Rule.RECENT_ACTIVITY and recorded.until is not None:
        return now >= recorded.until
    return decision != recorded
