"""What the runtime's answer means for a request that has waited: is it the end, or not yet?

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_Errors
"""

from collections.abc import Iterator
from enum import StrEnum
from itertools import chain, repeat

from dormouse.domain.invocation import (
    InvocationResponse,
    error_members,
    error_message,
    error_type,
)

# Refusals of the moment, or of Dormouse's own signature (401, 403: the caller was let in at the
# door): the same request may be taken later.
_PASSING_REFUSALS = frozenset({401, 403, 408, 409, 425, 429})

# A reason is kept in a record, and a model may answer anything.
_LONGEST_MESSAGE = 1000


class Verdict(StrEnum):
    """What an answer means."""

    ANSWER = "answer"
    """The prediction."""
    NOT_YET = "not yet"
    """The model is still being loaded, or too many ask at once: it was not executed."""
    REFUSAL = "refusal"
    """The same request would be refused again, however often it is sent."""
    FAILURE = "failure"
    """Something broke, which another try may find mended."""


def judge(response: InvocationResponse) -> Verdict:
    """Say what an answer of SageMaker's runtime means."""
    status = response.status
    if 200 <= status < 300:
        return Verdict.ANSWER
    if status == 429 or error_type(response).startswith("Throttl"):
        return Verdict.NOT_YET
    if status == 424:
        # ModelError: the model itself has answered, with a status of its own.
        original = error_members(response).get("OriginalStatusCode")
        status = original if isinstance(original, int) else 500
    is_refusal = 400 <= status < 500 and status not in _PASSING_REFUSALS
    return Verdict.REFUSAL if is_refusal else Verdict.FAILURE


def reason_of(response: InvocationResponse) -> str:
    """Say in words what was answered instead of a prediction."""
    if response.status == 424:
        members = error_members(response)
        message = members.get("OriginalMessage") or members.get("Message") or "nothing"
        status = members.get("OriginalStatusCode", "an unknown status")
        return f"the model answered {status!s:.20}: {message!s:.{_LONGEST_MESSAGE}}"
    message = error_message(response) or "it does not say why"
    kind = error_type(response) or "an unknown error"
    return f"SageMaker answered {response.status} {kind:.100}: {message:.{_LONGEST_MESSAGE}}"


def pauses() -> Iterator[float]:
    """Say how many seconds to wait before a model is asked again that was not ready yet.

    SageMaker itself waits for a minute before it says so. Where it says so at once, since too many
    ask, they had better not all come back at once.
    """
    return chain((1.0, 2.0, 4.0, 8.0), repeat(10.0))
