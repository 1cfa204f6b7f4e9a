"""The plan: the one action that follows from what is asked for and what is seen, and why.

Which reason to be up or down decides is said in precedence.py. Here is said what can be done about
it, as the endpoint stands.

A teardown that has begun goes on. One that was not forced is undone by whatever would keep the
endpoint up, until `deleting` is claimed.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from dormouse.domain.activity import Activity, Measured, NotMeasured, Unreadable
from dormouse.domain.duration import format_duration
from dormouse.domain.endpoint import Absent, EndpointStatus, Observation, Ownership, Present
from dormouse.domain.failures import choose, retry_at, return_at
from dormouse.domain.idle_policy import evidence_since, evidence_wait, timeout_of
from dormouse.domain.ledger import Closing, KeptDown, Ledger
from dormouse.domain.precedence import Case, Finding, Ruling, clock, findings, rule_on
from dormouse.domain.rule import Rule
from dormouse.domain.spec import ADOPTED_TAG, Spec
from dormouse.domain.timing import Timing
from dormouse.domain.waiting import NOBODY, Waiting


class Action(StrEnum):
    """What is done with an endpoint in one tick."""

    START = "start"
    CLOSE = "close"
    """Let no request through any more; delete it when those that may be under way have ended."""
    REOPEN = "reopen"
    """It was closed, and is wanted again before it was deleted."""
    STOP = "stop"
    CLEAR = "clear"
    """Delete what can't serve and can't be mended."""
    UPDATE = "update"
    """Move what serves to the EndpointConfig that is asked for now."""
    STAY_UP = "stay up"
    STAY_DOWN = "stay down"
    WAIT = "wait"
    """SageMaker is busy with it: nothing can be done now."""
    MEASURE = "measure"
    """All else says stop: ask CloudWatch, then plan again."""
    RELEASE = "release"
    """Leave it to its owner: the deployment goes, and has not created it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One action, the rule that decided it, the reason in words, and when another could follow.

    `next_look_at` is None where only something from outside (a request, SageMaker) changes it. The
    reason holds times, not ages, so that it stays true for as long as the decision stands.
    `config_name` is the EndpointConfig to start it from or to move it to. `kept_down` is what wants
    it down whoever uses it, also while something else decides what can be done now.
    """

    action: Action
    rule: Rule
    reason: str
    next_look_at: datetime | None = None
    config_name: str | None = None
    kept_down: KeptDown | None = None

    @property
    def is_forced_stop(self) -> bool:
        """Whether it stops what may be in use."""
        return self.action is Action.STOP and self.rule not in _UNFORCED


_UNFORCED = frozenset({Rule.OTHERWISE_DOWN, Rule.TEARDOWN})


def decide(
    spec: Spec,
    ledger: Ledger,
    seen: Observation,
    activity: Activity,
    *,
    timing: Timing,
    now: datetime,
    waiting: Waiting = NOBODY,
) -> Plan:
    """Say what to do with one endpoint, from what was asked, remembered and seen before `now`.

    The ledger must have been read before the endpoint was observed and before the waiting requests
    were looked for. An absent endpoint must have no `closing`: note that it is gone before.

    `Action.MEASURE` is planned only while `activity` is NotMeasured. `Action.STOP` is planned only
    with positive evidence: the ledger and a complete reading of CloudWatch both show no use for the
    timeout that its policy computes, and the endpoint has been serving for longer than that plus
    the metric lag. What a forecast would stop has served for a minute plus the metric lag, and a
    complete reading shows no use later than the last that the forecast goes by.
    """
    if isinstance(activity, Measured):
        ledger = ledger.with_metrics(activity)
    case = Case(spec, ledger, seen, waiting, timing, now)
    ruling = rule_on(findings(case))
    plan = _decide(case, ruling, activity)
    return replace(plan, kept_down=_kept_down(plan, ruling.finding))


def _kept_down(plan: Plan, finding: Finding) -> KeptDown | None:
    if finding.forces_down:
        return KeptDown(finding.rule, finding.words, finding.changes_at)
    if plan.rule is Rule.CIRCUIT:
        return KeptDown(plan.rule, plan.reason, plan.next_look_at)
    return None


def _decide(case: Case, ruling: Ruling, activity: Activity) -> Plan:
    ledger, seen = case.ledger, case.seen
    if ledger.closing is not None and (ledger.closing.is_forced or ledger.is_deleting):
        return _unless_stuck(_go_on(seen, ledger.closing), case)
    if ruling.finding.forces_down:
        plan = decide_down(seen, ruling.finding.rule, ruling.finding.words)
        return _unless_stuck(replace(plan, next_look_at=ruling.changes_at), case)
    match seen:
        case Absent():
            return _decide_absent(case, ruling)
        case Present() if ledger.closing is not None and ruling.finding.is_up:
            words = f"it was closing, and is wanted again: {ruling.finding.words}"
            return Plan(Action.REOPEN, ruling.finding.rule, words, ruling.changes_at)
        case Present() if ledger.closing is not None:
            return _unless_stuck(_go_on(seen, ledger.closing), case)
        case Present():
            plan = _decide_present(case, seen, ruling, activity)
            return _unless_stuck(_on_its_config(plan, case, seen), case)
        case _:
            assert_never(seen)


def _decide_absent(case: Case, ruling: Ruling) -> Plan:
    finding = ruling.finding
    if not finding.is_up:
        words = f"it does not exist and {finding.words}"
        return Plan(Action.STAY_DOWN, finding.rule, words, ruling.changes_at)
    chosen = choose(case.spec.configs, case.ledger.failures, case.now)
    if chosen.config_name is None:
        words = f"it is not started, though {finding.lasting_words}: {chosen.words}"
        return Plan(Action.STAY_DOWN, Rule.CIRCUIT, words, chosen.until)
    words = f"{finding.words}; {chosen.words}" if chosen.words else finding.words
    return Plan(Action.START, finding.rule, words, ruling.changes_at, chosen.config_name)


def decide_down(seen: Observation, rule: Rule, words: str) -> Plan:
    """Say how to bring it down, whoever uses it, for a rule that forces that."""
    match seen:
        case Absent():
            return Plan(Action.STAY_DOWN, rule, words)
        case Present(status=EndpointStatus.IN_SERVICE | EndpointStatus.UPDATE_ROLLBACK_FAILED):
            return Plan(Action.STOP, rule, words)
        case Present(status=EndpointStatus.FAILED | EndpointStatus.OUT_OF_SERVICE):
            return _clear(seen, f": {words}")
        case Present(status=EndpointStatus.DELETING):
            return _wait(f"it is Deleting: {words}")
        case Present():
            return _wait(f"it is {seen.status}, and can't be deleted before that ends; {words}")
        case _:
            assert_never(seen)


def _go_on(seen: Observation, closing: Closing) -> Plan:
    """Drive on a teardown that has begun, for the reason for which it began."""
    return decide_down(seen, Rule.TEARDOWN, closing.reason)


def close(plan: Plan, lease_until: datetime) -> Plan:
    """Turn a stop into what can be done of it while requests may be under way until then."""
    reason = (
        f"{plan.reason}; no request is let through any more, and it is deleted when those under "
        f"way have ended, at {clock(lease_until)} at the latest"
    )
    return replace(plan, action=Action.CLOSE, reason=reason, next_look_at=lease_until)


def guard(plan: Plan, ownership: Ownership, stack_name: str) -> Plan:
    """Hold back a plan that would change an endpoint which is not this deployment's to change.

    IAM refuses that too: this is what says why.
    """
    if stack_name in (ownership.created_by, ownership.adopted_by):
        return plan
    if ownership.created_by is not None:
        whose = f"the deployment {ownership.created_by} has created it"
    elif ownership.adopted_by is not None:
        whose = f"it was handed over to the deployment {ownership.adopted_by}"
    else:
        whose = (
            f"no deployment has created it, and it is not tagged {ADOPTED_TAG}={stack_name}, by "
            "which its owner would hand it over"
        )
    would = f"otherwise the plan would be: {plan.action}, {plan.reason}"
    return Plan(Action.WAIT, Rule.REFUSED, f"left as it is, since {whose}; {would}")


def _on_its_config(plan: Plan, case: Case, seen: Present) -> Plan:
    """Turn staying up into an update, where it runs on another EndpointConfig than is asked for.

    What has failed is tried again later, and less and less often: where SageMaker has gone back to
    the former config, it would again. On a fall-back it stays for a while at least.
    """
    spec, wanted = case.spec, case.spec.config_name
    is_mixed = seen.status is EndpointStatus.UPDATE_ROLLBACK_FAILED
    if plan.action is not Action.STAY_UP:
        return plan
    if is_same_config(seen.config_name, wanted) and not is_mixed:
        return plan
    if case.ledger.updated_to is not None and is_same_config(case.ledger.updated_to, wanted):
        return replace(plan, reason=f"{plan.reason}; it is being updated to {wanted}")
    if not seen.config_name or seen.status.is_changing:
        # DescribeEndpoint need not name it, and what isn't known is no reason to act.
        return plan
    runs_on = f"EndpointConfig {seen.config_name}"
    if is_mixed:
        runs_on = f"a mix of EndpointConfigs, since it is {seen.status}"
    differs = f"it runs on {runs_on}, and {wanted} is asked for"
    failure = case.ledger.failures.get(wanted.lower())
    due_at: datetime | None = case.now
    if any(is_same_config(seen.config_name, other) for other in spec.fall_backs):
        running_since = case.serving_since or case.now
        due_at = return_at(wanted, case.ledger.failures, running_since)
    elif failure is not None:
        due_at = retry_at(failure)
    if due_at is not None and due_at <= case.now:
        # Why it is up is left out: that moves on with each request, and the reason would be written
        # anew each time where the update is refused.
        return Plan(Action.UPDATE, plan.rule, differs, config_name=wanted)
    why = "" if failure is None else f", which has failed ({failure.reason})"
    then = "it is not tried again" if due_at is None else f"it is tried at {clock(due_at)}"
    looks = [at for at in (plan.next_look_at, due_at) if at is not None]
    return replace(
        plan, reason=f"{plan.reason}; {differs}{why}; {then}", next_look_at=min(looks, default=None)
    )


def is_same_config(config_name: str, other: str) -> bool:
    """Whether two names are of one EndpointConfig: those that come from ARNs are lower-cased."""
    return config_name.lower() == other.lower()


def failed_update(ledger: Ledger, seen: Observation) -> str | None:
    """Name the EndpointConfig that the last update was to move it to, where that has failed: it
    serves, and not on that one alone.
    """
    if not isinstance(seen, Present) or ledger.updated_to is None or not seen.config_name:
        return None
    if ledger.updated_at is not None and seen.last_modified_at <= ledger.updated_at:
        # SageMaker shows it as it was before the update. (Former versions noted no time.)
        return None
    match seen.status:
        case EndpointStatus.UPDATE_ROLLBACK_FAILED:
            return ledger.updated_to
        case EndpointStatus.IN_SERVICE if not is_same_config(seen.config_name, ledger.updated_to):
            return ledger.updated_to
        case _:
            return None


def _decide_present(case: Case, seen: Present, ruling: Ruling, activity: Activity) -> Plan:
    finding = ruling.finding
    match seen.status:
        case EndpointStatus.CREATING:
            then = finding.lasting_words if finding.is_up else "nobody needs it any more"
            return _wait(f"it is Creating, and can't be deleted before that ends; {then}")
        case EndpointStatus.DELETING:
            wanted = f"it is wanted again: {finding.lasting_words}"
            then = wanted if finding.is_up else "nobody needs it"
            return _wait(f"it is Deleting; {then}")
        case EndpointStatus.UPDATING | EndpointStatus.SYSTEM_UPDATING | EndpointStatus.ROLLING_BACK:
            return _wait(f"it is {seen.status}: it serves, and can't be deleted before that ends")
        case EndpointStatus.FAILED | EndpointStatus.OUT_OF_SERVICE:
            wanted = f", so that it can be created anew: {finding.lasting_words}"
            return _clear(seen, wanted if finding.is_up else "")
        case EndpointStatus.IN_SERVICE | EndpointStatus.UPDATE_ROLLBACK_FAILED:
            if finding.rule in (Rule.OTHERWISE_DOWN, Rule.MIN_UP):
                return _decide_idle(case, seen, ruling, activity)
            return Plan(Action.STAY_UP, finding.rule, finding.words, ruling.changes_at)
        case _:
            assert_never(seen.status)


def _decide_idle(case: Case, seen: Present, ruling: Ruling, activity: Activity) -> Plan:
    """Decide for a serving endpoint that nothing remembered keeps up but its min-up."""
    ledger, now, lag = case.ledger, case.now, case.timing.metric_lag
    advice, timeout = case.advice, timeout_of(case.spec, case.wake)
    wait = lag + evidence_wait(case.spec, ledger, case.timing)
    judged_at = seen.last_modified_at + wait
    if ledger.warm_up is not None:
        # CloudWatch counts its invocations, which nobody asked for.
        warm_up_end = ledger.warm_up.end(now)
        if warm_up_end is None:
            words = (
                f"its models are being loaded: {len(ledger.warm_up.invoked)} of "
                f"{len(ledger.warm_up.models)} invoked since it serves"
            )
            until = ledger.warm_up.until + wait
            return Plan(Action.STAY_UP, Rule.RECENT_ACTIVITY, words, until)
        judged_at = max(judged_at, warm_up_end + wait)
    if now < judged_at:
        what = f"{timeout.name} {timeout.short_length}" if advice is None else "a minute"
        return Plan(
            Action.STAY_UP,
            Rule.RECENT_ACTIVITY,
            f"not judged before {clock(judged_at)}: {seen.status} since "
            f"{clock(seen.last_modified_at)}, {what} and metric lag {format_duration(lag)}",
            judged_at,
        )
    if ruling.finding.rule is Rule.MIN_UP:
        return Plan(Action.STAY_UP, Rule.MIN_UP, ruling.finding.words, ruling.changes_at)
    unused = f"no request for {timeout.length}"
    if advice is not None:
        since = evidence_since(case.spec, ledger, case.timing, now)
        unused = f"no request since {clock(since)}"
    match activity:
        case NotMeasured():
            return Plan(
                Action.MEASURE,
                Rule.OTHERWISE_DOWN,
                f"the proxy has seen {unused}; CloudWatch is asked",
            )
        case Unreadable(why):
            return Plan(
                Action.STAY_UP, Rule.FAIL_SAFE, f"it stays up, as CloudWatch can't be read: {why}"
            )
        case Measured():
            why = "" if advice is None else f"; {advice.words}"
            return Plan(
                Action.STOP,
                Rule.OTHERWISE_DOWN,
                f"{unused}, by the proxy's ledger and by CloudWatch{why}",
            )
        case _:
            assert_never(activity)


def _unless_stuck(plan: Plan, case: Case) -> Plan:
    """Say so where SageMaker takes longer for a change than that ever takes. Nothing else can be
    done: what is in transition can't be deleted.
    """
    seen = case.seen
    if plan.action is not Action.WAIT or not isinstance(seen, Present):
        return plan
    if case.now < seen.last_modified_at + case.timing.stuck_after:
        return plan
    words = (
        f"{plan.reason}; it has been {seen.status} since {clock(seen.last_modified_at)}, longer "
        "than that takes: if it does not end, AWS Support can end it"
    )
    return replace(plan, rule=Rule.STUCK, reason=words)


def _clear(seen: Present, then: str) -> Plan:
    why = f" ({seen.failure_reason})" if seen.failure_reason else ""
    return Plan(Action.CLEAR, Rule.BROKEN, f"it is {seen.status}{why} and is deleted{then}")


def _wait(reason: str) -> Plan:
    return Plan(Action.WAIT, Rule.IN_TRANSITION, reason)
