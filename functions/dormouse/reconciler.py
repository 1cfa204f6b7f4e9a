"""Observe, plan, apply, record: one tick over the managed endpoints.

This is the one writer of endpoints. A tick is level-triggered: it acts on what it sees now, so one
that is missed, late, doubled or cut short is mended by the next.

What deletes is in teardown.py, and what follows from serving in awakening.py and releasing.py.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import assert_never

from dormouse.awakening import Awakening
from dormouse.domain.activity import Measured, NotMeasured
from dormouse.domain.claims import Claim, Deployment, Refusal, Why, settle_claims
from dormouse.domain.endpoint import Absent, Observation, Ownership, Present
from dormouse.domain.ledger import Decision, Ledger, PastDecision
from dormouse.domain.plan import Action, Plan, Rule, Timing, decide, guard
from dormouse.domain.removal import decide_removal, release
from dormouse.domain.spec import ENDPOINT_TAG, STACK_TAG, Spec
from dormouse.domain.terms import terms_of
from dormouse.domain.waiting import NOBODY, Waiting
from dormouse.errors import AwsDeniedError, AwsError
from dormouse.ports import (
    Catalog,
    Clock,
    Endpoints,
    EndpointsOfDeployment,
    History,
    Metrics,
    ReconcilerState,
)
from dormouse.releasing import Releasing
from dormouse.teardown import Teardown

# What changes or ends an endpoint that exists: only where its tags say that it is ours to change.
_GUARDED = frozenset({Action.STOP, Action.CLEAR, Action.UPDATE})


_GONE_ALREADY = Plan(
    Action.WAIT, Rule.IN_TRANSITION, "it is gone, which another tick notes at this moment"
)


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
    created: EndpointsOfDeployment
    endpoints: Endpoints
    metrics: Metrics
    state: ReconcilerState
    history: History
    clock: Clock
    timing: Timing
    deployment: Deployment
    teardown: Teardown
    awakening: Awakening
    releasing: Releasing

    def tick(self, only: str | None = None) -> Iterator[Outcome]:
        """Look at every managed endpoint, or at one; yield each as it is done.

        Once the deployment is being deleted, look at every endpoint that it may have created
        instead, or at one of them. A fault at one endpoint becomes its own outcome's problem and
        stops no other.

        Raises:
            AwsError: the tags or the ledger can't be read, so nothing is known to be managed.
        """
        if self.state.removal_began_at() is not None:
            yield from self._remove_all(only)
            return
        claims = settle_claims(self.catalog.tagged_configs(only), self.deployment)
        if only is not None and not claims:
            self.state.forget_decision(only)
        for claim in _in_turn(claims, self.clock()):
            yield self._fail_safe(claim.endpoint, partial(self._settle, claim))

    def _fail_safe(self, endpoint: str, look: Callable[[], Outcome]) -> Outcome:
        try:
            return look()
        except AwsError as error:
            plan = Plan(Action.WAIT, Rule.FAIL_SAFE, "nothing is changed: it can't be judged")
            return Outcome(endpoint, plan, str(error))

    def _settle(self, claim: Claim) -> Outcome:
        # The ledger is read first. Demand that it shows came before the status that is seen, so a
        # serving status meets it; and before the requests are looked for, so those that raised it
        # are found.
        ledger = self.state.read(claim.endpoint)
        self._keep_terms(claim, ledger)
        # Also where nothing else is done for it: requests expire, and somebody has to be told.
        waiting = self._look_for_requests(claim.endpoint, ledger)
        problem = self._have_it_told(waiting)
        outcome = self._judge(claim, ledger, waiting)
        if problem is None:
            return outcome
        problems = [text for text in (outcome.problem, problem) if text is not None]
        return replace(outcome, problem="; ".join(problems))

    def _judge(self, claim: Claim, ledger: Ledger, waiting: Waiting) -> Outcome:
        if isinstance(claim, Refusal):
            return self._record(ledger, Absent(), _refuse(claim))
        seen = self.endpoints.observe(claim.endpoint)
        if isinstance(seen, Absent) and ledger.closing is not None:
            if not self.state.record_gone(claim.endpoint, ledger):
                return Outcome(claim.endpoint, _GONE_ALREADY)
            ledger = _gone(ledger)
        plan = self._plan(claim, ledger, seen, waiting)
        if plan.action in _GUARDED and isinstance(seen, Present):
            plan = self._guarded(claim.endpoint, ledger, plan, seen)
        outcome = self._apply(claim, ledger, plan)
        if isinstance(seen, Present) and seen.status.is_serving and _lets_through(ledger, outcome):
            outcome = self._announce(claim, ledger, seen, waiting, outcome)
        return self._record(ledger, seen, outcome)

    def _look_for_requests(self, endpoint: str, ledger: Ledger) -> Waiting:
        if not ledger.has_requests:
            return NOBODY
        now = self.clock()
        waiting = self.releasing.look(endpoint, now)
        # What is parked again while it sleeps raises no demand, by which that would be noticed.
        if waiting.is_empty and not ledger.is_put_to_sleep:
            self.state.clear_requests(endpoint, ledger.demand_version)
        return waiting

    def _have_it_told(self, waiting: Waiting) -> str | None:
        """Order again what was not told; return what keeps that from being done, if anything. It is
        no reason not to start the endpoint for others, nor to let it cost money.
        """
        try:
            self.releasing.publish(waiting, self.clock())
        except AwsError as error:
            return str(error)
        return None

    def _guarded(self, endpoint: str, ledger: Ledger, plan: Plan, seen: Present) -> Plan:
        guarded = guard(plan, self.endpoints.ownership(seen.arn), self.deployment.stack_name)
        if guarded.rule is Rule.REFUSED and ledger.closing is not None:
            # Somebody else has made one of this name since: ours is gone, and this one is open.
            self.state.record_gone(endpoint, ledger)
        return guarded

    def _keep_terms(self, claim: Claim, ledger: Ledger) -> None:
        """Let the front door know them. A spec that can't be obeyed leaves the last ones."""
        if isinstance(claim, Refusal):
            terms = None if claim.why is Why.NOT_OURS else ledger.terms
        else:
            terms = terms_of(claim)
        if terms != ledger.terms:
            self.state.record_terms(claim.endpoint, terms)

    def _plan(self, spec: Spec, ledger: Ledger, seen: Observation, waiting: Waiting) -> Plan:
        now = self.clock()
        plan = decide(
            spec, ledger, seen, NotMeasured(), timing=self.timing, now=now, waiting=waiting
        )
        if plan.action is not Action.MEASURE or isinstance(seen, Absent):
            return plan
        activity = self.metrics.last_activity(
            spec.endpoint, seen.variant_names, now - spec.idle_timeout, now
        )
        if isinstance(activity, Measured) and activity.last_active_at is not None:
            self.state.record_metrics_activity(spec.endpoint, activity.last_active_at)
        return decide(spec, ledger, seen, activity, timing=self.timing, now=now, waiting=waiting)

    def _apply(self, spec: Spec, ledger: Ledger, plan: Plan) -> Outcome:
        endpoint = spec.endpoint
        try:
            match plan.action:
                case Action.START:
                    tags = {ENDPOINT_TAG: endpoint, STACK_TAG: self.deployment.stack_name}
                    # Before: the endpoint whose start is not noted teaches nothing about wakes.
                    self.state.record_start(endpoint, self.clock())
                    self.endpoints.create(endpoint, spec.config_name, tags)
                case Action.UPDATE:
                    self.endpoints.update(endpoint, spec.config_name)
                    # Only now: an update that was refused is asked for again.
                    self.state.record_update(endpoint, spec.config_name)
                case Action.STOP | Action.CLEAR:
                    plan = self.teardown.drive(endpoint, ledger, plan, spec.warm_set_size)
                case Action.REOPEN:
                    if not self.state.reopen(endpoint, ledger):
                        reason = "it was to be reopened, but its teardown has gone on"
                        plan = replace(plan, action=Action.WAIT, reason=reason)
                case (
                    Action.STAY_UP
                    | Action.STAY_DOWN
                    | Action.WAIT
                    | Action.MEASURE
                    | Action.RELEASE
                    | Action.CLOSE
                ):
                    pass
                case _:
                    assert_never(plan.action)
        except AwsError as error:
            return Outcome(endpoint, plan, str(error))
        return Outcome(endpoint, plan)

    def _announce(
        self, spec: Spec, ledger: Ledger, seen: Present, waiting: Waiting, outcome: Outcome
    ) -> Outcome:
        """Let those who wait know that it serves, each of them whatever becomes of the others: who
        is held sends as soon as it is noted, though no order for `drain` can be given.
        """
        # Those who wait first: the models that they ask for are loaded by that.
        steps = [partial(self.awakening.note, spec, ledger, seen)]
        if waiting.is_work:
            steps.insert(0, partial(self.releasing.release, spec.endpoint, waiting, self.clock()))
        problems = [] if outcome.problem is None else [outcome.problem]
        for step in steps:
            try:
                step()
            except AwsError as error:
                problems.append(str(error))
        return replace(outcome, problem="; ".join(problems) or None)

    def _remove_all(self, only: str | None) -> Iterator[Outcome]:
        """Remove every endpoint that this deployment may have created.

        Nothing is ever started without an entry in the ledger; the tags know of what was started
        before a ledger that was replaced.
        """
        own = self.deployment.endpoint
        tagged = [*self.created.created_endpoints(self.deployment.stack_name), own]
        is_tagged = {name.lower() for name in tagged}
        names = {n.lower(): n for n in (*tagged, *self.state.known_endpoints(), own)}
        for name in sorted(names.values()):
            # An event may name any endpoint of the region.
            if only is None or name.lower() == only.lower():
                look = partial(self._remove, name, is_tagged=name.lower() in is_tagged)
                yield self._fail_safe(name, look)

    def _remove(self, endpoint: str, *, is_tagged: bool) -> Outcome:
        ledger = self.state.read(endpoint)
        try:
            seen = self.endpoints.observe(endpoint)
        except AwsDeniedError:
            # What was created here has the tags by which IAM allows a look at it.
            if is_tagged:
                raise
            plan = release(self.deployment.stack_name)
            return self._record(ledger, Absent(), Outcome(endpoint, plan))
        ownership = Ownership()
        if isinstance(seen, Present):
            ownership = self.endpoints.ownership(seen.arn)
        if isinstance(seen, Absent) and ledger.closing is not None:
            self.state.record_gone(endpoint, ledger)
            ledger = _gone(ledger)
        plan = decide_removal(seen, ownership, self.deployment.stack_name)
        outcome = Outcome(endpoint, plan)
        if plan.action in (Action.STOP, Action.CLEAR):
            try:
                plan = self.teardown.drive(endpoint, ledger, plan, warm_set_size=0)
                outcome = Outcome(endpoint, plan)
            except AwsError as error:
                outcome = replace(outcome, problem=str(error))
        return self._record(ledger, seen, outcome)

    def _record(self, ledger: Ledger, seen: Observation, outcome: Outcome) -> Outcome:
        """Write down what was done; that it can't be written does not undo it."""
        plan, now = outcome.plan, self.clock()
        reason = plan.reason
        # That of a refusal is the reason already.
        if outcome.problem is not None and outcome.problem not in reason:
            reason = f"{reason} ({outcome.problem})"
        decision = Decision(plan.action, plan.rule, reason, plan.next_look_at)
        try:
            is_met = isinstance(seen, Present) and seen.status.is_serving and ledger.closing is None
            if is_met and ledger.has_unmet_demand:
                self.state.mark_met(outcome.endpoint, ledger.demand_version)
            if _is_news(decision, ledger.decision, now):
                self.state.record_decision(outcome.endpoint, decision, now)
                self.history.append(outcome.endpoint, PastDecision(now, decision))
        except AwsError as error:
            problems = [str(error)] if outcome.problem is None else [outcome.problem, str(error)]
            return replace(outcome, problem="; ".join(problems))
        return outcome


def _refuse(refusal: Refusal) -> Outcome:
    reason = f"left as it is, since {refusal.reason}"
    match refusal.why:
        case Why.FAULT:
            plan = Plan(Action.WAIT, Rule.REFUSED, reason)
            return Outcome(refusal.endpoint, plan, refusal.reason)
        case Why.NOT_OURS:
            return Outcome(refusal.endpoint, Plan(Action.WAIT, Rule.REFUSED, reason))
        case Why.NOT_VISIBLE_YET:
            return Outcome(refusal.endpoint, Plan(Action.WAIT, Rule.FAIL_SAFE, reason))
        case _:
            assert_never(refusal.why)


def _gone(ledger: Ledger) -> Ledger:
    """What is remembered of an endpoint that was being torn down and has been noted as gone."""
    return replace(ledger, closing=None, serving_since=None, started_at=None, warm_up=None)


def _lets_through(ledger: Ledger, outcome: Outcome) -> bool:
    """Whether requests may be sent to it after this tick, as far as the tick knows."""
    match outcome.plan.action:
        case Action.REOPEN:
            return outcome.problem is None
        case Action.STAY_UP | Action.UPDATE | Action.WAIT:
            return ledger.closing is None
        case _:
            return False


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
