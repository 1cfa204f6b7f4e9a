"""What of a tick is news to an endpoint's owner: each thing that happens to it, once.

The ledger that is asked is the one from before the tick. What it has decided then, or what had
failed by then, has been told.
"""

from datetime import datetime, timedelta

from dormouse.domain.claims import Refusal, Why
from dormouse.domain.endpoint import Absent, EndpointStatus, Observation, Present
from dormouse.domain.failures import failed_again, is_passing, retry_at
from dormouse.domain.ledger import Ledger
from dormouse.domain.notice import Notice, NoticeKind
from dormouse.domain.plan import Action, Plan, is_same_config
from dormouse.domain.rule import Rule
from dormouse.domain.spec import Spec
from dormouse.domain.spending import (
    is_spent,
    is_warning_due,
    runs_out_at,
    spent_by,
    words_of_spent,
)
from dormouse.domain.timing import Timing

DONE_ONCE = frozenset(
    {
        NoticeKind.WAKING,
        NoticeKind.FALLEN_BACK,
        NoticeKind.SERVING,
        NoticeKind.ASLEEP,
        NoticeKind.ROLLED_OUT,
        NoticeKind.ROLLOUT_FAILED,
        NoticeKind.RETURNED,
    }
)
"""Of ticks that overlap one alone comes to these, since it has done or noted them under a claim."""

# What fails again within this is the same trouble, which its owner knows of. It is longer than the
# longest backoff and a creation that fails late.
_SAME_TROUBLE = timedelta(hours=6)

# Those that somebody's asking makes apply.
_ASKED_FOR = frozenset({Rule.HOLD, Rule.WAITING_WORK})

# A teardown goes through these, whatever rule it was begun by.
_ON_THE_WAY_DOWN = frozenset({Rule.BUDGET, Rule.TEARDOWN, Rule.IN_TRANSITION})


def of_refusal(ledger: Ledger, refusal: Refusal, plan: Plan, now: datetime) -> tuple[Notice, ...]:
    """Tell that tags can't be obeyed, and again when it is for another reason."""
    before = ledger.decision
    is_told = before is not None and (before.rule, before.reason) == (plan.rule, plan.reason)
    if refusal.why is not Why.FAULT or is_told:
        return ()
    return (Notice(NoticeKind.REFUSED, refusal.endpoint, now, plan.reason),)


def of_failed_update(
    spec: Spec, ledger: Ledger, config_name: str, reason: str, *, seen: Present, now: datetime
) -> tuple[Notice, ...]:
    """Tell that an update has ended without success, and again when it is not tried any more."""
    words = f"it serves on EndpointConfig {seen.config_name}: the update to {config_name} failed"
    return _of_failed_roll_out(spec, ledger, config_name, words, reason, now=now)


def of_update(spec: Spec, ledger: Ledger, seen: Present, now: datetime) -> tuple[Notice, ...]:
    """Tell that it serves on the EndpointConfig that it was updated to."""
    former = "" if ledger.described is None else ledger.described.config_name
    if any(is_same_config(former, fall_back) for fall_back in spec.fall_backs):
        kind, words = NoticeKind.RETURNED, f"it had fallen back on EndpointConfig {former}"
    else:
        kind = NoticeKind.ROLLED_OUT
        words = f"it was updated to EndpointConfig {seen.config_name}, which is asked for"
    return (_notice(kind, spec, now, words, seen.config_name),)


def of_serving(spec: Spec, ledger: Ledger, seen: Present, plan: Plan, now: datetime) -> Notice:
    """Tell that it answers, for the first time since it was created."""
    return _notice(
        NoticeKind.SERVING,
        spec,
        now,
        plan.reason,
        seen.config_name or None,
        by=_asked_by(plan, ledger),
        until=plan.next_look_at,
    )


def of_budget(
    spec: Spec, ledger: Ledger, plan: Plan, now: datetime, timing: Timing
) -> Notice | None:
    """Warn that most of the budget is spent, once in a month; not any more when all of it is."""
    budget = spec.budget
    if budget is None or plan.rule is Rule.BUDGET:
        return None
    up_since = ledger.billed_since(bills_creation=timing.bills_creation)
    rate = None if up_since is None else ledger.rate
    spent = spent_by(ledger.spent, up_since, rate, now)
    if is_spent(spent, budget) or not is_warning_due(spent, budget):
        return None
    until = runs_out_at(budget, spent, rate, now, is_up=up_since is not None)
    words = f"most of its budget is spent: {words_of_spent(spent, budget, rate)}"
    return _notice(NoticeKind.BUDGET_WARNING, spec, now, words, until=until)


def of_plan(
    spec: Spec,
    ledger: Ledger,
    seen: Observation,
    plan: Plan,
    *,
    problem: str | None,
    now: datetime,
) -> tuple[Notice, ...]:
    """Tell what a plan has begun, or what keeps one from being carried out. `problem` is what has
    kept this one from it, if anything did.
    """
    if plan.action is Action.START:
        return _of_start(spec, ledger, plan, problem, now)
    if plan.action is Action.UPDATE:
        return _of_update_call(spec, ledger, plan, problem, now)
    kinds = []
    if _is_spent_now(ledger, seen, plan):
        kinds.append(NoticeKind.BUDGET_SPENT)
    if plan.action is Action.STOP and problem is None and not _is_stopped_again(ledger, plan):
        kinds.append(NoticeKind.ASLEEP)
    if _has_failed_now(ledger, seen, plan, now):
        kinds.append(NoticeKind.FAILED)
    if plan.rule is Rule.STUCK and _begins(ledger, plan):
        kinds.append(NoticeKind.STUCK)
    if plan.rule is Rule.CIRCUIT and _begins(ledger, plan) and _opens(spec, ledger, plan):
        kinds.append(NoticeKind.CIRCUIT_OPEN)
    if plan.rule is Rule.REFUSED and _begins(ledger, plan):
        kinds.append(NoticeKind.REFUSED)
    config_name = seen.config_name or None if isinstance(seen, Present) else None
    detail = seen.failure_reason if isinstance(seen, Present) else None
    return tuple(
        _notice(
            kind,
            spec,
            now,
            plan.reason,
            config_name,
            by=_asked_by(plan, ledger),
            until=plan.next_look_at,
            detail=detail,
        )
        for kind in kinds
    )


def _of_start(
    spec: Spec, ledger: Ledger, plan: Plan, problem: str | None, now: datetime
) -> tuple[Notice, ...]:
    config_name = plan.config_name or spec.config_name
    if problem is not None:
        if not _is_refused(problem, "CreateEndpoint") or _is_repeated(ledger, config_name, now):
            return ()
        words = f"CreateEndpoint from EndpointConfig {config_name} was refused; {plan.reason}"
        return (_notice(NoticeKind.FAILED, spec, now, words, config_name, detail=problem),)
    by, until = _asked_by(plan, ledger), plan.next_look_at
    woken = _notice(NoticeKind.WAKING, spec, now, plan.reason, config_name, by=by, until=until)
    if is_same_config(config_name, spec.config_name):
        return (woken,)
    failure = ledger.failures.get(spec.config_name.lower())
    words = f"it is started from EndpointConfig {config_name}, not from {spec.config_name}"
    detail = None if failure is None else failure.reason
    return woken, _notice(NoticeKind.FALLEN_BACK, spec, now, words, config_name, detail=detail)


def _of_update_call(
    spec: Spec, ledger: Ledger, plan: Plan, problem: str | None, now: datetime
) -> tuple[Notice, ...]:
    """How an update ends is told when it has; here, that it could not begin."""
    config_name = plan.config_name or spec.config_name
    if problem is None or not _is_refused(problem, "UpdateEndpoint"):
        return ()
    return _of_failed_roll_out(spec, ledger, config_name, plan.reason, problem, now=now)


def _of_failed_roll_out(
    spec: Spec, ledger: Ledger, config_name: str, words: str, detail: str, *, now: datetime
) -> tuple[Notice, ...]:
    failure = failed_again(ledger.failures.get(config_name.lower()), now, detail)
    if retry_at(failure) is None:
        words = f"{words}, {failure.count} times in a row, and it is not tried again"
    elif _is_repeated(ledger, config_name, now):
        return ()
    return (_notice(NoticeKind.ROLLOUT_FAILED, spec, now, words, config_name, detail=detail),)


def _notice(
    kind: NoticeKind,
    spec: Spec,
    now: datetime,
    reason: str,
    config_name: str | None = None,
    *,
    by: str | None = None,
    until: datetime | None = None,
    detail: str | None = None,
) -> Notice:
    topic = spec.notification_topic
    return Notice(
        kind, spec.endpoint, now, reason, by, config_name, spec.owner, until, detail, topic
    )


def _asked_by(plan: Plan, ledger: Ledger) -> str | None:
    if plan.rule is Rule.SUSPENDED:
        return ledger.suspended_by
    return ledger.demand_by if plan.rule in _ASKED_FOR else None


def _begins(ledger: Ledger, plan: Plan) -> bool:
    """Whether its rule did not decide before."""
    return ledger.decision is None or ledger.decision.rule != plan.rule


def _is_spent_now(ledger: Ledger, seen: Observation, plan: Plan) -> bool:
    if plan.rule is not Rule.BUDGET or not _begins(ledger, plan):
        return False
    # Where it is gone and was on its way down, that has been told when it began.
    is_told = ledger.decision is not None and ledger.decision.rule in _ON_THE_WAY_DOWN
    return not (isinstance(seen, Absent) and is_told)


def _is_stopped_again(ledger: Ledger, plan: Plan) -> bool:
    """Whether DeleteEndpoint was called before, for the same reason, and with success: else the
    reason that was kept says what went wrong, too.
    """
    before = ledger.decision
    return before is not None and (before.action, before.reason) == (plan.action, plan.reason)


def _has_failed_now(ledger: Ledger, seen: Observation, plan: Plan, now: datetime) -> bool:
    if plan.rule is not Rule.BROKEN or not _begins(ledger, plan) or isinstance(seen, Absent):
        return False
    is_broken = seen.status in (EndpointStatus.FAILED, EndpointStatus.OUT_OF_SERVICE)
    return is_broken and not _is_repeated(ledger, seen.config_name, now)


def _opens(spec: Spec, ledger: Ledger, plan: Plan) -> bool:
    """Whether that is more than one try that has failed again: it begins, or is given up."""
    counts = [
        ledger.failures[name.lower()].count
        for name in spec.configs
        if name.lower() in ledger.failures
    ]
    return plan.next_look_at is None or min(counts, default=1) == 1


def _is_repeated(ledger: Ledger, config_name: str, now: datetime) -> bool:
    """Whether this EndpointConfig has failed before, of late."""
    failure = ledger.failures.get(config_name.lower())
    return failure is not None and now < failure.at + _SAME_TROUBLE


def _is_refused(problem: str, operation: str) -> bool:
    return f"{operation} refused" in problem and not is_passing(problem)
