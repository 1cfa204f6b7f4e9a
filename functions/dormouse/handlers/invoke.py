"""`invoke`: the front door, SageMaker's runtime protocol behind a Function URL."""

import os
import time
from typing import Any, assert_never

from aws_lambda_powertools.utilities.typing import LambdaContext

from dormouse.bootstrap.invoke import async_invocations, inquiry, prepare, proxy, recording
from dormouse.domain.call import Ask, Call, Cancel, Invoke, InvokeAsync
from dormouse.function_url import read_call, write_response
from dormouse.handled import Fate, Handled
from dormouse.handlers import exchange_log
from dormouse.observability import count, logger, metrics
from dormouse.responses import Refused

_COUNTED = {
    Fate.FORWARDED: "Forwarded",
    Fate.HELD: "Held",
    Fate.JOINED: "Joined",
    Fate.PARKED: "Parked",
    Fate.COLD: "ColdRequests",
    Fate.WAITED_IN_VAIN: "WaitedInVain",
    Fate.TURNED_AWAY: "TurnedAway",
    Fate.REFUSED: "Refused",
    Fate.DENIED: "Denied",
    Fate.UNDECIDED: "Undecided",
    Fate.UNKNOWN_ENDPOINT: "UnknownEndpoints",
    Fate.UNANSWERED: "Unanswered",
    Fate.TOLD: "Told",
    Fate.CANCELLED: "Cancelled",
}

# In Lambda alone: whoever imports this elsewhere has no settings.
if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    prepare()


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
@metrics.log_metrics
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Answer one HTTP request of the Function URL."""
    try:
        call = read_call(event)
    except Refused as refused:
        fields = {"status": refused.response.status, "path": event["rawPath"]}
        logger.info("refused", extra=fields)
        count("Refused")
        return write_response(refused.response)
    began = time.monotonic()
    handled = _handle(call)
    fields = _report(call, handled, time.monotonic() - began)
    if handled.exchange is not None:
        recorded = recording().record(handled.exchange, handled.capture)
        exchange_log.report(recorded, fields)
    elif handled.arrival is not None:
        exchange_log.report_problems(recording().record_arrival(handled.arrival), fields)
    return write_response(handled.response)


def _handle(call: Call) -> Handled:
    match call:
        case Invoke():
            return proxy().handle(call)
        case InvokeAsync():
            return async_invocations().handle(call)
        case Ask():
            return inquiry().ask(call)
        case Cancel():
            return inquiry().cancel(call)
        case _:
            assert_never(call)


def _report(call: Call, handled: Handled, seconds: float) -> dict[str, Any]:
    """Log and count what became of a request. Returns the fields of its log."""
    fields: dict[str, Any] = {
        "status": handled.response.status,
        "handled_ms": round(seconds * 1000, 1),
        "response_bytes": len(handled.response.body),
    }
    if isinstance(call, Invoke | InvokeAsync):
        fields |= {
            "endpoint": call.invocation.endpoint,
            "target_model": call.invocation.target_model,
            "principal": call.invocation.caller.arn,
            "request_bytes": len(call.invocation.body),
        }
    else:
        fields |= {"principal": call.caller.arn}
    if handled.exchange is not None:
        # The caller by his whole name, his session's included.
        fields |= exchange_log.fields_of(handled.exchange) | {"principal": fields["principal"]}
    if handled.request_id is not None:
        fields["request_id"] = handled.request_id
    if handled.held_seconds is not None:
        fields["held_seconds"] = round(handled.held_seconds, 1)
    say = logger.warning if handled.fate is Fate.DENIED else logger.info
    say(handled.fate.value, extra=fields)
    count(_COUNTED[handled.fate])
    for problem in handled.problems:
        count("Problems")
        logger.error(problem, extra=fields)
    return fields
