"""`cleanup`: a custom resource, by which the deletion of the stack waits for its endpoints."""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from dormouse.adapters.moments import read_moment, write_moment
from dormouse.bootstrap.cleanup import answer_cloudformation, invoke_again, removal
from dormouse.observability import logger
from dormouse.removal import Left

# Constant: for another id CloudFormation would delete the "former" resource on an update, and with
# it the endpoints.
PHYSICAL_ID = "dormouse-cleanup"

POLL_SECONDS = 10
# One look more, and the invocation of the next one.
RESERVE_MILLISECONDS = 90_000

_BEGAN_AT = "DormouseBeganAt"


@logger.inject_lambda_context(correlation_id_path="RequestId", clear_state=True)
def handler(event: Any, context: LambdaContext) -> None:
    """Answer CloudFormation at once for Create and Update; for Delete when nothing is left.

    That may take longer than a Lambda function: then it invokes itself with the same event, four
    times at most (Lambda would stop a loop of sixteen).
    """
    try:
        failure = _carry_out(event, context)
    except _NotYetOver:
        return
    except Exception as error:  # noqa: BLE001 - without an answer CloudFormation waits for an hour
        logger.exception("cleanup failed")
        failure = f"{type(error).__name__}: {error}"
    if failure is not None:
        logger.error(failure)
    answer_cloudformation()(event, PHYSICAL_ID, failure)


class _NotYetOver(Exception):
    """The next invocation goes on with it."""


def _carry_out(event: Any, context: LambdaContext) -> str | None:
    """Do what CloudFormation asks, and return why it can't be done, if it can't."""
    if event["RequestType"] != "Delete":
        removal().cancel()
        return None
    began_at = read_moment(event[_BEGAN_AT]) if _BEGAN_AT in event else removal().begin()
    while True:
        left = removal().look(began_at)
        logger.info("look", extra={"left": str(left) if not left.is_nothing else "nothing"})
        if left.is_nothing:
            return None
        if removal().is_overdue(began_at):
            return _overdue(left)
        if context.get_remaining_time_in_millis() < RESERVE_MILLISECONDS:
            invoke_again()(context.function_name, {**event, _BEGAN_AT: write_moment(began_at)})
            raise _NotYetOver
        time.sleep(POLL_SECONDS)


def _overdue(left: Left) -> str:
    return f"{left} Delete what costs money by hand, then delete the stack again."
