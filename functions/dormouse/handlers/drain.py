"""`drain`: messages of the work queue, by which accepted requests are answered after a wake."""

import json
from datetime import timedelta
from typing import Any, assert_never

from aws_lambda_powertools.utilities.typing import LambdaContext

from dormouse.bootstrap.drain import capture_terms, drain, publishing, recording, warming
from dormouse.domain.exchange import Exchange
from dormouse.domain.parked_request import ParkedRequest
from dormouse.domain.work import AnswerNext, LoadModel, Publish, Work, read_work
from dormouse.drain import Fate, Outcome
from dormouse.handlers import exchange_log
from dormouse.observability import count, logger, metrics
from dormouse.warming import Warmth

# What is left to write down how it has ended, and to capture it, before Lambda kills what runs.
RESERVE = timedelta(seconds=7)

_COUNTED = {
    Fate.ANSWERED: "Answered",
    Fate.FAILED: "Failed",
    Fate.EXPIRED: "Expired",
    Fate.PARKED_AGAIN: "ParkedAgain",
}


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Do the work of a batch of SQS; name the messages that could not be done, so that they come
    again, and go to the dead-letter queue when they have come too often.
    """
    count("Messages", len(event["Records"]))
    undone = [
        {"itemIdentifier": record["messageId"]}
        for record in event["Records"]
        if not _do(record, context)
    ]
    return {"batchItemFailures": undone}


def _do(record: Any, context: LambdaContext) -> bool:
    fields = {"message_id": record["messageId"]}
    try:
        work = read_work(json.loads(record["body"]))
    except (ValueError, RecursionError) as error:
        _report_problem(f"a message that can't be read: {error}", fields)
        return False
    try:
        _carry_out(work, timedelta(milliseconds=context.get_remaining_time_in_millis()) - RESERVE)
    except Exception as error:  # noqa: BLE001 - the other messages of the batch have to be done
        count("Problems")
        logger.exception(str(error), extra=fields | _about(work))
        return False
    return True


def _carry_out(work: Work, time_left: timedelta) -> None:
    fields = _about(work)
    match work:
        case AnswerNext():
            _report(drain().answer_next(work, time_left), fields)
        case Publish():
            told = publishing().publish(work)
            logger.info("published" if told.is_published else "not published yet", extra=fields)
            _report_problems(told.problems, fields)
            _record(told.exchange, fields)
        case LoadModel():
            warmed = warming().load(work, time_left)
            logger.info(warmed.warmth.value, extra=fields)
            if warmed.warmth is Warmth.WARMED:
                count("Warmed")
            _report_problems(warmed.problems, fields)
        case _:
            assert_never(work)


def _report(outcome: Outcome, fields: dict[str, Any]) -> None:
    if outcome.request is not None:
        fields |= _about_request(outcome.request)
    if outcome.exchange is not None:
        fields |= exchange_log.fields_of(outcome.exchange)
    logger.info(outcome.fate.value, extra=fields)
    if outcome.fate in _COUNTED:
        count(_COUNTED[outcome.fate])
    _report_problems(outcome.problems, fields)
    _record(outcome.exchange, fields)


def _record(exchange: Exchange | None, fields: dict[str, Any]) -> None:
    """Tell the capture and the ledger of a request that has ended."""
    if exchange is not None:
        policy = capture_terms().of(exchange.endpoint)
        exchange_log.report(recording().record(exchange, policy), fields)


def _report_problems(problems: tuple[str, ...], fields: dict[str, Any]) -> None:
    for problem in problems:
        _report_problem(problem, fields)


def _report_problem(problem: str, fields: dict[str, Any]) -> None:
    count("Problems")
    logger.error(problem, extra=fields)


def _about(work: Work) -> dict[str, Any]:
    match work:
        case AnswerNext(endpoint, model):
            return {"work": "answer next", "endpoint": endpoint, "target_model": model}
        case Publish(endpoint, request_id):
            return {"work": "publish", "endpoint": endpoint, "request": request_id}
        case LoadModel(endpoint, model):
            return {"work": "load", "endpoint": endpoint, "target_model": model}
        case _:
            assert_never(work)


def _about_request(request: ParkedRequest) -> dict[str, Any]:
    # Not the reason, in which a model may quote its input: `dormouse requests` shows that.
    fields: dict[str, Any] = {
        "request": request.id,
        "kind": request.kind.value,
        "tries": request.tries,
    }
    if request.result is not None:
        fields["status"] = request.result.status
    if request.finished_at is not None:
        waited = request.finished_at - request.accepted_at
        fields["waited_seconds"] = round(waited.total_seconds(), 3)
    return fields
