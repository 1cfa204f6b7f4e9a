"""`invoke`: the front door, SageMaker's runtime protocol behind a Function URL."""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from dormouse.bootstrap import proxy
from dormouse.domain.invocation import InvocationRequest
from dormouse.function_url import Refused, read_request, write_response
from dormouse.observability import count, logger, metrics
from dormouse.proxy import Fate, Handled

_COUNTED = {
    Fate.FORWARDED: "Forwarded",
    Fate.COLD: "ColdRequests",
    Fate.DENIED: "Denied",
    Fate.UNDECIDED: "Undecided",
    Fate.UNKNOWN_ENDPOINT: "UnknownEndpoints",
    Fate.UNANSWERED: "Unanswered",
}


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
@metrics.log_metrics
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Answer one HTTP request of the Function URL."""
    try:
        request = read_request(event)
    except Refused as refused:
        fields = {"status": refused.response.status, "path": event["rawPath"]}
        logger.info("refused", extra=fields)
        count("Refused")
        return write_response(refused.response)
    began = time.monotonic()
    handled = proxy().handle(request)
    _report(request, handled, time.monotonic() - began)
    return write_response(handled.response)


def _report(request: InvocationRequest, handled: Handled, seconds: float) -> None:
    fields = {
        "endpoint": request.endpoint,
        "target_model": request.target_model,
        "principal": request.caller.arn,
        "status": handled.response.status,
        "latency_ms": round(seconds * 1000, 1),
        "request_bytes": len(request.body),
        "response_bytes": len(handled.response.body),
    }
    say = logger.warning if handled.fate is Fate.DENIED else logger.info
    say(handled.fate.value, extra=fields)
    count(_COUNTED[handled.fate])
    for problem in handled.problems:
        count("Problems")
        logger.error(problem, extra=fields)
