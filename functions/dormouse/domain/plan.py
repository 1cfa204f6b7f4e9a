"""The plan: the one action that follows from what is asked for and what is seen, and why.

The rules, the first that applies wins: hold > sleep (until newer demand) > waiting work > recent
activity > otherwise down. Hold and waiting work start what is absent; recent activity only keeps
what serves.

A teardown that has begun goes on. One that was not forced is undone by whatever would keep the
endpoint up, until `deleting` is claimed.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from dormouse.domain.activity import Activity, Measured, NotMeasured, Unreadable
from dormouse.domain.duration import format_duration
from dormouse.domain.endpoint import Absent, EndpointStatus, Observation, Ownership, Present
from dormouse.domain.ledger import Closing, Ledger
from dormouse.domain.spec import ADOPTED_TAG, Spec
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


class Rule(StrEnum):
    """Which rule decided."""

    REMOVAL = "removal"
    HOLD = "hold"
    SLEEP = "sleep"
    WAITING_WORK = "waiting work"
    RECENT_ACTIVITY = "recent activity"
    OTHERWISE_DOWN = "otherwise down"
    TEARDOWN = "teardown"
    """It was decided before that it goes; that is driven on."""
    IN_TRANSITION = "in transition"
    BROKEN = "broken"
    FAIL_SAFE = "fail safe"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Timing:
    """The settings that a plan depends on.

    `metric_lag` is how late CloudWatch may show an invocation. `ledger_interval` is how much older
    than the last request `Ledger.last_request_at` may be. `demand_patience` is how long an unmet
    demand counts: whoever still waits asks again within it.
    """

    metric_lag: timedelta
    ledger_interval: timedelta
    demand_patience: timedelta


@dataclass(frozen=True, slots=True)
class Plan:
    """One action, the rule that decided it, the reason in words, and when another could follow.

    `next_look_at` is None where only something from outside (a request, SageMaker) changes it. The
    reason holds times, not ages, so that it stays true for as long as the decision stands.
    """

    action: Action
    rule: Rule
    reason: str
    next_look_at: datetime | None = None

    @property
    def is_forced_stop(self) -> bool:
        """Whether it stops what may be in use."""
        return self.action is Action.STOP and self.rule not in (
            Rule.OTHERWISE_DOWN,
            Rule.TEARDOWN,
        )


@dataclass(frozen=True, slots=True)
class _ReasonToBeUp:
    rule: Rule
    words: str
    until: datetime


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
    idle timeout, and the endpoint has been serving for longer than that plus the metric lag.
    """
    if isinstance(activity, Measured):
        ledger = ledger.with_metrics(activity)
    if ledger.closing is not None and (ledger.closing.is_forced or ledger.is_deleting):
        return _go_on(seen, ledger.closing)
    wanted = _wanted(spec, ledger, seen, waiting, timing=timing, now=now)
    is_held = wanted is not None and wanted.rule is Rule.HOLD
    if not is_held and ledger.is_put_to_sleep and ledger.slept_at is not None:
        return decide_down(
            seen,
            Rule.SLEEP,
            f"put to sleep at {_clock(ledger.slept_at)}, until somebody asks for it",
        )
    match seen:
        case Absent():
            if wanted is None:
                return Plan(
                    Action.STAY_DOWN, Rule.OTHERWISE_DOWN, "it does not exist and nobody needs it"
                )
            return Plan(Action.START, wanted.rule, wanted.words, wanted.until)
        case Present() if ledger.closing is not None and wanted is not None:
            words = f"it was closing, and is wanted again: {wanted.words}"
            return Plan(Action.REOPEN, wanted.rule, words, wanted.until)
        case Present() if ledger.closing is not None:
            return _go_on(seen, ledger.closing)
        case Present():
            plan = _decide_present(spec, ledger, seen, wanted, activity, timing=timing, now=now)
            return _on_its_config(plan, spec, ledger, seen)
        case _:
            assert_never(seen)


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
        f"way have ended, at {_clock(lease_until)} at the latest"
    )
    return Plan(Action.CLOSE, plan.rule, reason, lease_until)


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


def _on_its_config(plan: Plan, spec: Spec, ledger: Ledger, seen: Present) -> Plan:
    """Turn staying up into an update, where it runs on another EndpointConfig than is asked for.

    An update is asked for once: where SageMaker has gone back to the former config, it would again.
    """
    if plan.action is not Action.STAY_UP or _is_same(seen.config_name, spec.config_name):
        return plan
    if not seen.config_name:
        # DescribeEndpoint need not name it, and what isn't known is no reason to act.
        return plan
    differs = f"it runs on EndpointConfig {seen.config_name}, and {spec.config_name} is asked for"
    if ledger.updated_to is not None and _is_same(ledger.updated_to, spec.config_name):
        why = f" ({seen.failure_reason})" if seen.failure_reason else ""
        return replace(
            plan, reason=f"{plan.reason}; {differs}, but the update to it did not succeed{why}"
        )
    # Why it is up is left out: that moves on with each request, and the reason would be written
    # anew each time where the update is refused.
    return Plan(Action.UPDATE, plan.rule, differs)


def _is_same(config_name: str, other: str) -> bool:
    # Names that come from ARNs are lower-cased.
    return config_name.lower() == other.lower()


def _decide_present(
    spec: Spec,
    ledger: Ledger,
    seen: Present,
    wanted: _ReasonToBeUp | None,
    activity: Activity,
    *,
    timing: Timing,
    now: datetime,
) -> Plan:
    match seen.status:
        case EndpointStatus.CREATING:
            then = "nobody needs it any more" if wanted is None else wanted.words
            return _wait(f"it is Creating, and can't be deleted before that ends; {then}")
        case EndpointStatus.DELETING:
            then = "nobody needs it" if wanted is None else f"it is wanted again: {wanted.words}"
            return _wait(f"it is Deleting; {then}")
        case EndpointStatus.UPDATING | EndpointStatus.SYSTEM_UPDATING | EndpointStatus.ROLLING_BACK:
            return _wait(f"it is {seen.status}: it serves, and can't be deleted before that ends")
        case EndpointStatus.FAILED | EndpointStatus.OUT_OF_SERVICE:
            then = "" if wanted is None else f", so that it can be created anew: {wanted.words}"
            return _clear(seen, then)
        case EndpointStatus.IN_SERVICE | EndpointStatus.UPDATE_ROLLBACK_FAILED:
            if wanted is not None:
                return Plan(Action.STAY_UP, wanted.rule, wanted.words, wanted.until)
            return _decide_idle(spec, ledger, seen, activity, timing=timing, now=now)
        case _:
            assert_never(seen.status)


def _decide_idle(
    spec: Spec,
    ledger: Ledger,
    seen: Present,
    activity: Activity,
    *,
    timing: Timing,
    now: datetime,
) -> Plan:
    """Decide for a serving endpoint that nothing remembered keeps up."""
    timeout = format_duration(spec.idle_timeout)
    judged_at = seen.last_modified_at + spec.idle_timeout + timing.metric_lag
    if ledger.warm_up is not None:
        # CloudWatch counts its invocations, which nobody asked for.
        warm_up_end = ledger.warm_up.end(now)
        if warm_up_end is None:
            words = (
                f"its models are being loaded: {len(ledger.warm_up.invoked)} of "
                f"{len(ledger.warm_up.models)} invoked since it serves"
            )
            until = ledger.warm_up.until + spec.idle_timeout + timing.metric_lag
            return Plan(Action.STAY_UP, Rule.RECENT_ACTIVITY, words, until)
        judged_at = max(judged_at, warm_up_end + spec.idle_timeout + timing.metric_lag)
    if now < judged_at:
        return Plan(
            Action.STAY_UP,
            Rule.RECENT_ACTIVITY,
            f"not judged before {_clock(judged_at)}: {seen.status} since "
            f"{_clock(seen.last_modified_at)}, idle timeout {timeout} and metric lag "
            f"{format_duration(timing.metric_lag)}",
            judged_at,
        )
    match activity:
        case NotMeasured():
            return Plan(
                Action.MEASURE,
                Rule.OTHERWISE_DOWN,
                f"the proxy has seen no request for {timeout}; CloudWatch is asked",
            )
        case Unreadable(why):
            return Plan(
                Action.STAY_UP, Rule.FAIL_SAFE, f"it stays up, as CloudWatch can't be read: {why}"
            )
        case Measured():
            return Plan(
                Action.STOP,
                Rule.OTHERWISE_DOWN,
                f"no request for {timeout}, by the proxy's ledger and by CloudWatch",
            )
        case _:
            assert_never(activity)


def _wanted(
    spec: Spec,
    ledger: Ledger,
    seen: Observation,
    waiting: Waiting,
    *,
    timing: Timing,
    now: datetime,
) -> _ReasonToBeUp | None:
    """Find the first reason to be up, by the rule of precedence, that needs no metrics."""
    if ledger.hold_until is not None and now < ledger.hold_until:
        return _ReasonToBeUp(
            Rule.HOLD, f"needed until {_clock(ledger.hold_until)}: it is held", ledger.hold_until
        )
    if waiting.is_work:
        return _requests_wait(waiting)
    if isinstance(seen, Present) and seen.status.is_serving and ledger.closing is None:
        return _recent_activity(spec, ledger, timing, now)
    if ledger.has_unmet_demand and ledger.demand_at is not None:
        until = ledger.demand_at + timing.demand_patience
        if now < until:
            words = f"a request of {_clock(ledger.demand_at)} waits for it"
            return _ReasonToBeUp(Rule.WAITING_WORK, words, until)
    return None


def _requests_wait(waiting: Waiting) -> _ReasonToBeUp:
    requests = (*waiting.parked, *waiting.released)
    oldest_at = min(each.accepted_at for each in requests)
    last_expires_at = max(each.expires_at for each in requests)
    # Without how many, which would be written anew with each tick; `status` counts them.
    words = f"accepted requests wait for it, the oldest since {_clock(oldest_at)}"
    return _ReasonToBeUp(Rule.WAITING_WORK, words, last_expires_at)


def _recent_activity(
    spec: Spec, ledger: Ledger, timing: Timing, now: datetime
) -> _ReasonToBeUp | None:
    """Find activity within the idle timeout in what is remembered, the latest first."""
    remembered = []
    interval = format_duration(timing.ledger_interval)
    if (at := ledger.last_request_at) is not None:
        noted = f"the proxy noted a request at {_clock(at)} (one in {interval})"
        remembered.append((at + timing.ledger_interval, noted))
    if (at := ledger.metrics_active_at) is not None:
        remembered.append((at, f"CloudWatch shows an invocation before {_clock(at)}"))
    if not remembered:
        return None
    last_active_at, words = max(remembered)
    until = last_active_at + spec.idle_timeout
    if until <= now:
        return None
    timeout = format_duration(spec.idle_timeout)
    return _ReasonToBeUp(
        Rule.RECENT_ACTIVITY,
        f"needed until {_clock(until)}: {words}, idle timeout {timeout}",
        until,
    )


def _clear(seen: Present, then: str) -> Plan:
    why = f" ({seen.failure_reason})" if seen.failure_reason else ""
    return Plan(Action.CLEAR, Rule.BROKEN, f"it is {seen.status}{why} and is deleted{then}")


def _wait(reason: str) -> Plan:
    return Plan(Action.WAIT, Rule.IN_TRANSITION, reason)


def _clock(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
