"""One endpoint in one tick: look closely, plan, apply, record.

What is decided from a list alone may be stale; so before anything is changed, the endpoint is
described, and it is planned anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import assert_never

from dormouse.acting import Acting
from dormouse.adopting import Adoption
from dormouse.awakening import Awakening
from dormouse.decisions import Decisions, Outcome
from dormouse.domain import news
from dormouse.domain.activity import Activity, Measured, NotMeasured
from dormouse.domain.claims import Claim, Deployment, Refusal, Why
from dormouse.domain.demand_fold import counted_since
from dormouse.domain.endpoint import Absent, EndpointStatus, Observation, Ownership, Present
from dormouse.domain.failures import Failure, failed_again, is_passing, of_use
from dormouse.domain.idle_policy import evidence_since
from dormouse.domain.keepsake import tags_to_create
from dormouse.domain.ledger import Ledger
from dormouse.domain.notice import Notice
from dormouse.domain.plan import Action, Plan, decide, failed_update, guard, is_same_config
from dormouse.domain.rule import Rule
from dormouse.domain.spec import ENDPOINT_TAG, STACK_TAG, Policy, Spec
from dormouse.domain.spending import spent_by
from dormouse.domain.terms import terms_of
from dormouse.domain.timing import Timing
from dormouse.domain.waiting import NOBODY, Waiting
from dormouse.errors import AwsError, AwsUnansweredError
from dormouse.learning import Learning
from dormouse.ports import Clock, Endpoints, Metrics, Rates, ReconcilerState, Window
from dormouse.releasing import Releasing
from dormouse.teardown import Teardown, taken

# What changes or ends an endpoint that exists: only where its tags say that it is ours to change.
_GUARDED = frozenset({Action.STOP, Action.CLEAR, Action.UPDATE})
# What is not done on the word of a list.
_LOOKED_AT_CLOSELY = _GUARDED | {Action.REOPEN}

_GONE_ALREADY = Plan(
    Action.WAIT, Rule.IN_TRANSITION, "it is gone, which another tick notes at this moment"
)


@dataclass(frozen=True, slots=True)
class Look:
    """An endpoint as it is seen. It `is_close` if DescribeEndpoint has said so in this tick, rather
    than ListEndpoints, which knows neither its EndpointConfig nor its FailureReason.
    """

    seen: Observation
    is_close: bool


@dataclass(frozen=True, slots=True)
class Settling:
    """Brings one endpoint to the state that its spec and its demand ask for."""

    endpoints: Endpoints
    metrics: Metrics
    state: ReconcilerState
    rates: Rates
    clock: Clock
    timing: Timing
    deployment: Deployment
    acting: Acting
    adoption: Adoption
    teardown: Teardown
    awakening: Awakening
    releasing: Releasing
    learning: Learning
    decisions: Decisions

    def settle(
        self,
        claim: Claim,
        ledger: Ledger,
        look: Callable[[], Look],
        activity: Activity | None = None,
    ) -> Outcome:
        """Look at it, plan, apply and record. The ledger must have been read before the look, which
        may raise AwsError. `activity` is what CloudWatch has said, if it was asked already.

        Raises:
            AwsError: it can't be judged; nothing was changed.
        """
        self._keep_terms(claim, ledger)
        # Also where nothing else is done for it: requests expire, and somebody has to be told.
        waiting = self._look_for_requests(claim.endpoint, ledger)
        problem = self._have_it_told(waiting)
        if isinstance(claim, Refusal):
            outcome = self._refuse(claim, ledger)
        else:
            outcome = self._judge(claim, ledger, look(), waiting, activity or NotMeasured())
        return outcome if problem is None else outcome.with_problem(problem)

    def measuring(self, claim: Claim, ledger: Ledger, look: Look) -> Window | None:
        """Say what CloudWatch will have to be asked of it, as far as that can be foreseen."""
        seen = self.as_remembered(ledger, look).seen
        if isinstance(claim, Refusal) or isinstance(seen, Absent) or ledger.has_requests:
            return None
        plan = self._decide(claim, ledger, seen, NotMeasured(), NOBODY)
        return self._window(claim, ledger, seen) if plan.action is Action.MEASURE else None

    def as_remembered(self, ledger: Ledger, look: Look) -> Look:
        """Add what DescribeEndpoint said of it before, if the list shows no change since."""
        seen, known = look.seen, ledger.described
        if look.is_close or not isinstance(seen, Present) or known is None:
            return look
        is_same = (seen.arn, seen.status, seen.last_modified_at) == (
            known.arn,
            known.status,
            known.last_modified_at,
        )
        return Look(known, is_close=False) if is_same else look

    def _refuse(self, refusal: Refusal, ledger: Ledger) -> Outcome:
        """Leave it as it is; of what may be another deployment's nothing is looked at."""
        outcome = _refuse(refusal)
        notices = news.of_refusal(ledger, refusal, outcome.plan, self.clock())
        return self.decisions.keep(ledger, Absent(), outcome, notices)

    def _judge(
        self, claim: Spec, ledger: Ledger, look: Look, waiting: Waiting, activity: Activity
    ) -> Outcome:
        endpoint = claim.endpoint
        look = self._look_again(endpoint, ledger, look)
        seen = look.seen
        if isinstance(seen, Absent) and (ledger.closing is not None or ledger.has_life):
            if not self._note_gone(endpoint, ledger):
                return Outcome(endpoint, _GONE_ALREADY)
            ledger = ledger.without_life()
        ledger, ended = self._note_update(claim, ledger, seen)
        ledger, plan, problem = self._plan(claim, ledger, seen, waiting, activity)
        if plan.action in _LOOKED_AT_CLOSELY and not look.is_close:
            look = Look(self.endpoints.observe(endpoint), is_close=True)
            return self._judge(claim, ledger, look, waiting, activity)
        ownership = Ownership()
        if plan.action in _GUARDED and isinstance(seen, Present):
            ownership = self.endpoints.ownership(seen.arn)
            plan = self._guarded(endpoint, ledger, plan, seen, ownership)
        outcome = self._apply(claim, ledger, plan, seen, ownership)
        is_first = False
        if isinstance(seen, Present) and seen.status.is_serving and lets_through(ledger, outcome):
            outcome, is_first = self._announce(claim, ledger, seen, waiting, outcome)
        told = (*ended, *self._notices(claim, ledger, seen, outcome, is_first=is_first))
        outcome = self.decisions.keep(ledger, seen, outcome, told)
        return outcome if problem is None else outcome.with_problem(problem)

    def _look_again(self, endpoint: str, ledger: Ledger, look: Look) -> Look:
        """Describe it where the list does not suffice: what it shows has changed, or is not there
        any more.
        """
        look = self.as_remembered(ledger, look)
        if look.is_close:
            return look
        match look.seen:
            case Absent():
                is_enough = ledger.closing is None and not ledger.has_life
            case Present(status=EndpointStatus.CREATING | EndpointStatus.DELETING):
                is_enough = True
            case Present() as seen:
                is_enough = seen is ledger.described
            case _:
                assert_never(look.seen)
        if is_enough:
            return look
        described = self.endpoints.observe(endpoint)
        if isinstance(described, Present) and described.status.is_serving:
            self.state.record_described(endpoint, described)
        return Look(described, is_close=True)

    def _note_gone(self, endpoint: str, ledger: Ledger) -> bool:
        if ledger.closing is not None:
            return self.state.record_gone(endpoint, ledger)
        # Somebody else has deleted it, nobody knows when.
        up_since = ledger.billed_since(bills_creation=self.timing.bills_creation)
        spent = spent_by(ledger.spent, up_since, ledger.rate, self.clock())
        return self.state.record_vanished(endpoint, ledger, spent)

    def _note_update(
        self, spec: Spec, ledger: Ledger, seen: Observation
    ) -> tuple[Ledger, tuple[Notice, ...]]:
        """Note how the last update has ended, if it has."""
        if not isinstance(seen, Present) or ledger.updated_to is None or not seen.config_name:
            return ledger, ()
        now, failures = self.clock(), dict(ledger.failures)
        failed = failed_update(ledger, seen)
        if failed is not None:
            reason = seen.failure_reason or f"it serves on {seen.config_name} again"
            before = failures.get(failed.lower())
            failures[failed.lower()] = failed_again(before, now, reason)
            noted = news.of_failed_update(spec, ledger, failed, reason, seen=seen, now=now)
        elif is_same_config(seen.config_name, ledger.updated_to) and (
            seen.status is EndpointStatus.IN_SERVICE
        ):
            failures.pop(seen.config_name.lower(), None)
            noted = news.of_update(spec, ledger, seen, now)
        else:
            return ledger, ()
        if not self.state.record_failures(spec.endpoint, ledger, failures):
            return ledger, ()
        return replace(ledger, failures=failures, updated_to=None), noted

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

    def _guarded(
        self, endpoint: str, ledger: Ledger, plan: Plan, seen: Present, ownership: Ownership
    ) -> Plan:
        guarded = guard(plan, ownership, self.deployment.stack_name)
        if guarded is plan and ownership.created_by != self.deployment.stack_name:
            why_not = self.adoption.why_not(seen, ownership)
            if why_not is not None:
                reason = f"left as it is, since {why_not}"
                guarded = Plan(Action.WAIT, Rule.REFUSED, reason)
        if guarded.rule is Rule.REFUSED and ledger.closing is not None:
            # Ours is gone, and somebody else has made one of this name since; or it was handed
            # over, and has been taken back. It is open, whatever was begun.
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

    def _plan(
        self, spec: Spec, ledger: Ledger, seen: Observation, waiting: Waiting, activity: Activity
    ) -> tuple[Ledger, Plan, str | None]:
        """Plan, by all that can be known. Returns the ledger with what was learned for that, and
        what has kept something from being learned.
        """
        ledger, problem = self.learning.learn(spec, ledger, seen, activity)
        plan = self._decide(spec, ledger, seen, activity, waiting)
        if plan.action is Action.MEASURE and not isinstance(seen, Absent):
            window = self._window(spec, ledger, seen)
            activity = self.metrics.last_activity([window], self.clock())[spec.endpoint]
            ledger, problem = self.learning.learn(spec, ledger, seen, activity)
            plan = self._decide(spec, ledger, seen, activity, waiting)
        if isinstance(activity, Measured) and activity.last_active_at is not None:
            self.state.record_metrics_activity(spec.endpoint, activity.last_active_at)
        return ledger, plan, problem

    def _decide(
        self, spec: Spec, ledger: Ledger, seen: Observation, activity: Activity, waiting: Waiting
    ) -> Plan:
        now, timing = self.clock(), self.timing
        return decide(spec, ledger, seen, activity, timing=timing, now=now, waiting=waiting)

    def _window(self, spec: Spec, ledger: Ledger, seen: Present) -> Window:
        since = evidence_since(spec, ledger, self.timing, self.clock())
        # What it learns from goes farther back, and costs nothing more.
        learns = spec.policy is Policy.FORECAST
        counted = counted_since(ledger, self.clock()) if learns else None
        return Window(spec.endpoint, seen.variant_names, since, counted)

    def _apply(
        self, spec: Spec, ledger: Ledger, plan: Plan, seen: Observation, ownership: Ownership
    ) -> Outcome:
        endpoint = spec.endpoint
        try:
            match plan.action:
                case Action.START:
                    plan = self._start(spec, ledger, plan)
                case Action.UPDATE:
                    plan = self._update(spec, ledger, plan, seen)
                case Action.STOP | Action.CLEAR if isinstance(seen, Present):
                    plan = self.teardown.drive(seen, ownership, ledger, plan, spec)
                case Action.REOPEN:
                    if not self.state.reopen(endpoint, ledger):
                        reason = "it was to be reopened, but its teardown has gone on"
                        plan = replace(plan, action=Action.WAIT, reason=reason)
                case _:
                    pass
        except AwsError as error:
            return Outcome(endpoint, plan, str(error))
        return Outcome(endpoint, plan)

    def _start(self, spec: Spec, ledger: Ledger, plan: Plan) -> Plan:
        endpoint, config = spec.endpoint, plan.config_name or spec.config_name
        own = {ENDPOINT_TAG: endpoint, STACK_TAG: self.deployment.stack_name}
        keepsake = ledger.keepsake
        tags = own if keepsake is None else tags_to_create(keepsake, own)
        deployment_config = None if keepsake is None else keepsake.deployment_config

        def create() -> None:
            rate = self.rates.rate(config) if spec.budget is not None else None
            # Before: the endpoint whose start is not noted teaches nothing about wakes.
            self.state.record_start(endpoint, self.clock(), rate)
            create = partial(self.endpoints.create, endpoint, config, tags, deployment_config)
            self._noting_failure(spec, replace(ledger, updated_to=None), config, create)

        return plan if self.acting.once(endpoint, ledger, create, creates=True) else taken(plan)

    def _update(self, spec: Spec, ledger: Ledger, plan: Plan, seen: Observation) -> Plan:
        endpoint, config = spec.endpoint, plan.config_name or spec.config_name
        retains = isinstance(seen, Present) and seen.deployment_config is not None

        def update() -> None:
            call = partial(self.endpoints.update, endpoint, config, retains_deployment=retains)
            self._noting_failure(spec, ledger, config, call)
            # Only now: an update that was refused is asked for again, later.
            self.state.record_update(endpoint, config, self.clock())

        return plan if self.acting.once(endpoint, ledger, update) else taken(plan)

    def _noting_failure(self, spec: Spec, ledger: Ledger, config: str, call: partial[None]) -> None:
        """Call SageMaker, and remember a refusal of this EndpointConfig; to call too often is none.

        Raises:
            AwsError: it was refused, or not answered.
        """
        try:
            call()
        except AwsUnansweredError:
            raise
        except AwsError as error:
            failures: Mapping[str, Failure] = ledger.failures
            if not is_passing(str(error)):
                before = failures.get(config.lower())
                failure = failed_again(before, self.clock(), str(error))
                failures = {**failures, config.lower(): failure}
            # In any case: what somebody else creates now was not started here.
            claimed = replace(ledger, acts=ledger.acts + 1)
            self.state.record_failures(spec.endpoint, claimed, failures)
            raise

    def _announce(
        self, spec: Spec, ledger: Ledger, seen: Present, waiting: Waiting, outcome: Outcome
    ) -> tuple[Outcome, bool]:
        """Let those who wait know that it serves, each of them whatever becomes of the others: who
        is held sends as soon as it is noted, though no order for `drain` can be given. Return
        whether it was noted just now.
        """
        is_first = False

        def release() -> None:
            if waiting.is_work:
                self.releasing.release(spec.endpoint, waiting, self.clock())

        def note() -> None:
            nonlocal is_first
            is_first = self.awakening.note(spec, ledger, seen)

        def restore() -> None:
            self.awakening.restore(spec.endpoint, ledger, seen)

        def forgive() -> None:
            self._forgive(spec, ledger, seen)

        # Those who wait first: the models that they ask for are loaded by that.
        for step in (release, note, restore, forgive):
            try:
                step()
            except AwsError as error:
                outcome = outcome.with_problem(str(error))
        return outcome, is_first

    def _forgive(self, spec: Spec, ledger: Ledger, seen: Present) -> None:
        """Forget the failures of the EndpointConfig that it serves on, and old ones of those that
        are asked for no more.
        """
        is_mixed = seen.status is EndpointStatus.UPDATE_ROLLBACK_FAILED
        if not ledger.failures or ledger.updated_to is not None or is_mixed:
            return
        left = dict(of_use(ledger.failures, spec.configs, self.clock()))
        left.pop(seen.config_name.lower(), None)
        if left != ledger.failures:
            self.state.record_failures(spec.endpoint, ledger, left)

    def _notices(
        self, spec: Spec, ledger: Ledger, seen: Observation, outcome: Outcome, *, is_first: bool
    ) -> tuple[Notice, ...]:
        now, notices = self.clock(), list[Notice]()
        if is_first and isinstance(seen, Present):
            notices.append(news.of_serving(spec, ledger, seen, outcome.plan, now))
        notices += news.of_plan(spec, ledger, seen, outcome.plan, problem=outcome.problem, now=now)
        warning = news.of_budget(spec, ledger, outcome.plan, now, self.timing)
        if warning is not None:
            spent = spent_by(ledger.spent, None, None, now)
            self.state.record_budget_warning(spec.endpoint, replace(spent, warned=True))
            notices.append(warning)
        return tuple(notices)


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


def lets_through(ledger: Ledger, outcome: Outcome) -> bool:
    """Whether requests may be sent to it after this tick, as far as the tick knows."""
    match outcome.plan.action:
        case Action.REOPEN:
            return outcome.problem is None
        case Action.STAY_UP | Action.UPDATE | Action.WAIT:
            return ledger.closing is None
        case _:
            return False
