"""`reconcile`: one tick, by schedule, event, nudge or an operator's hand."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from dormouse.bootstrap import reconciler
from dormouse.domain.duration import format_duration
from dormouse.domain.intent import Intent, IntentError, Wake, parse_intent
from dormouse.domain.plan import Action, Rule
from dormouse.errors import AwsError, UnmanagedEndpointError
from dormouse.observability import count, logger, metrics
from dormouse.reconciler import Outcome

# What one more endpoint may take where AWS is slow to answer.
RESERVE_MILLISECONDS = 20_000

_COUNTED = {Action.START: "Starts", Action.STOP: "Stops", Action.CLEAR: "Clears"}


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@metrics.log_metrics
def handler(event: Any, context: LambdaContext) -> list[dict[str, Any]]:
    """Carry out the event's intent and return one entry for each endpoint that was looked at.

    Raises:
        IntentError: the event asks for nothing known, and nothing was done.
        UnmanagedEndpointError: a wake names an endpoint that nobody asked Dormouse to manage.
        AwsError: the tags or the ledger can't be reached, so no endpoint was looked at.
    """
    try:
        entries = _carry_out(parse_intent(event), context)
    except (IntentError, UnmanagedEndpointError, AwsError):
        count("Problems")
        raise
    count("Ticks")
    return entries


def _carry_out(intent: Intent, context: LambdaContext) -> list[dict[str, Any]]:
    if isinstance(intent, Wake):
        reconciler().wake(intent.endpoint, intent.hold_for)
        hold_for = format_duration(intent.hold_for) if intent.hold_for else None
        logger.info("wake", extra={"endpoint": intent.endpoint, "hold_for": hold_for})
    entries = []
    for outcome in reconciler().tick(intent.endpoint):
        entries.append(_report(outcome))
        if context.get_remaining_time_in_millis() < RESERVE_MILLISECONDS:
            # Killed by Lambda, it would lose its metrics too, and with them the alarm.
            count("TicksCutShort")
            logger.error("time is running out; the next tick begins with another endpoint")
            break
    return entries


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
    if plan.rule is Rule.FAIL_SAFE and outcome.problem is None:
        count("MetricsUnreadable")
    if outcome.problem is not None:
        count("Problems")
        logger.error(outcome.problem, extra=entry)
    else:
        logger.info(plan.reason, extra=entry)
    if plan.action in _COUNTED and outcome.problem is None:
        count(_COUNTED[plan.action])
    return entry
