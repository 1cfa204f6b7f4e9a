"""What every path of the front door begins with, and ends with where it goes no further."""

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from dormouse import responses
from dormouse.domain.invocation import InvocationRequest
from dormouse.domain.principals import is_permitted
from dormouse.errors import AwsError
from dormouse.handled import Fate, Handled
from dormouse.permissions import NotKnownYet, Permissions, Permitted
from dormouse.responses import Refused

# Until the next tick has looked at the endpoint.
NOT_KNOWN_RETRY_SECONDS = 60


def answering(answer: Callable[[list[str]], Handled]) -> Handled:
    """Answer a request, come what may of AWS. `answer` adds the faults that decide nothing to the
    list that it is given; it raises AwsError only where nothing was executed or promised.
    """
    problems: list[str] = []
    try:
        handled = answer(problems)
    except Refused as refused:
        handled = Handled(refused.response, _fate_of(refused))
    except AwsError as error:
        problems.append(str(error))
        handled = Handled(responses.records_unreachable(), Fate.UNDECIDED)
    return replace(handled, problems=(*handled.problems, *problems))


def admit(request: InvocationRequest, permissions: Permissions, problems: list[str]) -> Permitted:
    """Let a caller in who may invoke the endpoint.

    Raises:
        Refused: he may not, or it can't be said yet.
    """
    match permissions.of(request.endpoint):
        case NotKnownYet(why, problem):
            problems += [] if problem is None else [problem]
            raise Refused(
                responses.permission_unknown(request.endpoint, why, NOT_KNOWN_RETRY_SECONDS)
            )
        case Permitted(principals) as permitted if is_permitted(request.caller, principals):
            return permitted
        case Permitted():
            raise Refused(responses.denied(request.caller.arn, request.endpoint))
        case other:
            assert_never(other)


def _fate_of(refused: Refused) -> Fate:
    status = refused.response.status
    if status == 429:
        return Fate.TURNED_AWAY
    if status == 403:
        return Fate.DENIED
    return Fate.REFUSED if status < 500 else Fate.UNDECIDED
