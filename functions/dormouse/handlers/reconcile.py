"""`reconcile`: one tick, by schedule, event, nudge or an operator's hand."""

from collections import Counter
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from dormouse.bootstrap.reconcile import intents, reconciler
from dormouse.decisions import Outcome
from dormouse.domain.intent import Intent, IntentError, Tick, parse_intent, parse_tick, read_asker
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from dormouse.errors import AwsError, RefusedEndpointError, UnmanagedEndpointError
from dormouse.observability import count, logger, metrics
from dormouse.reconciler import Skipped

# What one more endpoint may take where AWS is slow to answer.
RESERVE_MILLISECONDS = 20_000

_COUNTED = {
    Action.START: "Starts",
    Action.UPDATE: "Updates",
    Action.STOP: "Stops",
    Action.CLEAR: "Clears",
}

_COUNTED_RULES = {
    Rule.BROKEN: "FailedEndpoints",
    Rule.STUCK: "StuckEndpoints",
    Rule.CIRCUIT: "OpenCircuits",
    Rule.BUDGET: "BudgetsSpent",
}


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@metrics.log_metrics
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Tick; before it, record what an operator asks for. Return one entry for each endpoint that
    was looked at, and whether that is all of them.

    Raises:
        IntentError: the event asks for nothing known, and nothing was done.
        UnmanagedEndpointError: nobody asked Dormouse to manage the endpoint that is named.
        RefusedEndpointError: what is asked for that endpoint can't be obeyed.
        AwsError: the tags or the ledger can't be reached, so no endpoint was looked at.
    """
    try:
        tick = parse_tick(event) or _record(parse_intent(event), read_asker(event))
        report = _carry_out(tick, context)
    except (IntentError, UnmanagedEndpointError, RefusedEndpointError, AwsError):
        count("Problems")
        raise
    # The alarm watches the schedule: a nudge for one endpoint says nothing about it.
    count("Ticks" if tick.endpoint is None else "Nudges")
    return report


def _record(intent: Intent, by: str) -> Tick:
    claim = intents().record(intent, by)
    fields = {"endpoint": claim.endpoint, "intent": str(intent), "principal": by}
    logger.info("intent", extra=fields)
    return Tick(claim.endpoint)


def _carry_out(tick: Tick, context: LambdaContext) -> dict[str, Any]:
    def has_time() -> bool:
        return context.get_remaining_time_in_millis() >= RESERVE_MILLISECONDS

    entries: list[dict[str, Any]] = []
    skipped = 0
    for outcome in reconciler().tick(tick.endpoint, has_time):
        if isinstance(outcome, Skipped):
            skipped += 1
        else:
            entries.append(_report(outcome))
    if skipped:
        # Killed by Lambda, it would lose its metrics too, and with them the alarm.
        count("TicksCutShort")
        logger.error(
            "time ran out; the next tick begins with another endpoint", extra={"skipped": skipped}
        )
    if tick.endpoint is None:
        planned = Counter(f"{entry['action']} by {entry['rule']}" for entry in entries)
        logger.info("a whole tick", extra={"endpoints": len(entries), "planned": dict(planned)})
    return {"complete": not skipped, "endpoints": entries}


def _report(outcome: Outcome) -> dict[str, Any]:
    plan = outcome.plan
    entry = {
        "endpoint": outcome.endpoint,
        "action": plan.action.value,
        "rule": plan.rule.value,
        "reason": plan.reason,
        "next_look_at": plan.next_look_at.isoformat() if plan.next_look_at else None,
        "problem": outcome.problem,
    }
    if plan.action in (Action.STAY_UP, Action.UPDATE) and plan.rule is Rule.FAIL_SAFE:
        count("MetricsUnreadable")
    if plan.rule in _COUNTED_RULES:
        count(_COUNTED_RULES[plan.rule])
    if outcome.is_overdue:
        count("OverdueStops")
    if outcome.problem is not None:
        count("Problems")
        logger.error(outcome.problem, extra=entry)
    elif outcome.is_news:
        logger.info(plan.reason, extra=entry)
    else:
        # A line for each endpoint and minute would cost more than all else.
        logger.debug(plan.reason, extra=entry)
    if plan.action in _COUNTED and outcome.problem is None:
        count(_COUNTED[plan.action])
    return entry
