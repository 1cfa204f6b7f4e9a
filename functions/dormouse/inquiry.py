"""GET and DELETE /requests/{id}: how an accepted request stands, its result, and its end.

What is told is what is recorded. A request whose time to live has run out is ended in the record
before it is said to have expired, so that nobody answers it after that.
"""

from dataclasses import dataclass

from dormouse import responses
from dormouse.admission import answering
from dormouse.domain.call import Ask, Cancel
from dormouse.domain.invocation import InvocationResponse
from dormouse.domain.ledger import Ledger
from dormouse.domain.parked_request import (
    Kind,
    ParkedRequest,
    Status,
    cancelled,
    expired,
)
from dormouse.domain.principals import Caller, name_of
from dormouse.domain.request_identity import endpoint_of
from dormouse.errors import AwsError, MissingPayloadError
from dormouse.handled import Fate, Handled
from dormouse.parking import Parking
from dormouse.ports import Clock, Payloads, ProxyState, RequestRecords
from dormouse.responses import Refused

# Whoever loses as often against those who answer it looks at what has become of it.
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Tells the callers of requests what has become of them."""

    records: RequestRecords
    payloads: Payloads
    state: ProxyState
    parking: Parking
    clock: Clock

    def ask(self, call: Ask) -> Handled:
        """Say how a request stands, or answer it; never raises for what AWS does."""
        return answering(lambda problems: self._ask(call, problems))

    def cancel(self, call: Cancel) -> Handled:
        """End a request that nobody answers yet; never raises for what AWS does."""
        return answering(lambda problems: self._cancel(call, problems))

    def _ask(self, call: Ask, problems: list[str]) -> Handled:
        request = self._unless_expired(self._own(call.request_id, call.caller))
        match request.status:
            case Status.ANSWERED:
                response = self._result(request)
            case Status.FAILED:
                response = responses.failed(request)
                if request.result is not None:
                    response = self._result(request)
            case Status.EXPIRED | Status.CANCELLED:
                response = responses.never_answered(request)
            case Status.PARKED | Status.RELEASED | Status.ANSWERING:
                ledger = self._ledger(request, problems)
                standing = self.parking.standing(request, ledger, problems)
                response = standing.response(call.base_url)
        return Handled(response, Fate.TOLD, request_id=request.id)

    def _cancel(self, call: Cancel, problems: list[str]) -> Handled:
        for _ in range(_ATTEMPTS):
            request = self._unless_expired(self._own(call.request_id, call.caller))
            if request.status is Status.CANCELLED:
                return Handled(responses.cancelled(request), Fate.CANCELLED, request_id=request.id)
            if request.status not in (Status.PARKED, Status.RELEASED):
                break
            ended = cancelled(request, self.clock())
            if self.records.change(request, ended):
                self._forget_body(ended, problems)
                return Handled(responses.cancelled(ended), Fate.CANCELLED, request_id=ended.id)
        raise Refused(responses.too_late_to_cancel(request))

    def _own(self, request_id: str, caller: Caller) -> ParkedRequest:
        """Read a request of this caller.

        Raises:
            Refused: there is none of this id, or it is somebody else's.
        """
        endpoint = endpoint_of(request_id)
        request = None if endpoint is None else self.records.read(endpoint, request_id)
        # One that is held was promised to nobody.
        if request is None or request.kind is Kind.HELD:
            raise Refused(responses.no_such_request(request_id))
        if not request.principal or request.principal != name_of(caller):
            raise Refused(responses.not_yours(request_id, caller.arn))
        return request

    def _unless_expired(self, request: ParkedRequest) -> ParkedRequest:
        """End it if its time to live has run out, unless somebody has just claimed it."""
        if not request.is_expired(self.clock()):
            return request
        ended = expired(request, self.clock())
        if self.records.change(request, ended):
            return ended
        return self.records.read(request.endpoint, request.id) or ended

    def _result(self, request: ParkedRequest) -> InvocationResponse:
        if request.result is None:
            return responses.result_gone(request.id)
        try:
            body = self.payloads.get(request.result.body_key)
        except MissingPayloadError:
            return responses.result_gone(request.id)
        headers = dict(request.result.headers)
        if request.status is Status.FAILED:
            # A recorded 503 must not be taken for one of this door, by which nothing is lost yet.
            headers["dormouse-request-status"] = request.status.value
        return InvocationResponse(request.result.status, headers, body)

    def _ledger(self, request: ParkedRequest, problems: list[str]) -> Ledger:
        try:
            return self.state.read(request.endpoint)
        except AwsError as error:
            problems.append(str(error))
            return Ledger()

    def _forget_body(self, request: ParkedRequest, problems: list[str]) -> None:
        """Nobody will read it any more."""
        try:
            self.payloads.delete(request.body_key)
        except AwsError as error:
            problems.append(str(error))
