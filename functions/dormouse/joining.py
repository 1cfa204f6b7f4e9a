"""A request that is sent again while the first still waits: it joins that, and is executed once.

The SDK sends a request again when it has waited for too long (boto3: 60 seconds), and names it by
the same `amz-sdk-invocation-id`. While it is held, a record of that name (and principal, and
endpoint) says who answers it. What a crash leaves is a claim that ends by itself: then whoever
repeats the request takes it over. Until then nobody else executes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from dormouse import responses
from dormouse.domain.invocation import InvocationRequest, InvocationResponse
from dormouse.domain.parked_request import (
    Kind,
    ParkedRequest,
    Result,
    Status,
    answered,
    claimed,
)
from dormouse.domain.principals import name_of
from dormouse.domain.request_identity import fingerprint_of, request_id, token_of_held
from dormouse.errors import AwsError, MissingPayloadError
from dormouse.ports import Clock, Payloads, RequestRecords
from dormouse.responses import Refused


@dataclass(frozen=True, slots=True)
class Mine:
    """It is to be executed here, and nowhere else."""

    record: ParkedRequest


@dataclass(frozen=True, slots=True)
class Theirs:
    """Somebody else answers it."""


@dataclass(frozen=True, slots=True)
class Answered:
    """It was answered, so."""

    response: InvocationResponse


Turn = Mine | Theirs | Answered


@dataclass(frozen=True, slots=True)
class Joining:
    """Keeps the records of requests that are held."""

    records: RequestRecords
    payloads: Payloads
    clock: Clock
    draw_token: Callable[[], str]

    def record_of(
        self, request: InvocationRequest, sdk_name: str, until: datetime
    ) -> ParkedRequest:
        """Make the record by which a request is claimed until then. It is not written yet."""
        principal = name_of(request.caller)
        token = token_of_held(principal, request.endpoint, sdk_name)
        return ParkedRequest(
            endpoint=request.endpoint,
            id=request_id(request.endpoint, token),
            kind=Kind.HELD,
            status=Status.ANSWERING,
            principal=principal,
            headers=MappingProxyType({}),
            # Its caller still has it.
            body_key="",
            accepted_at=self.clock(),
            expires_at=until,
            fingerprint=fingerprint_of(Kind.HELD, request.runtime_headers, request.body),
            claim=self.draw_token(),
            claimed_until=until,
        )

    def turn(self, ours: ParkedRequest) -> Turn:
        """Claim it, unless somebody else has, or has answered it.

        Raises:
            Refused: another request has its name.
            AwsError: it can't be told, or not be claimed.
        """
        there = self.records.read(ours.endpoint, ours.id) or self.records.create(ours)
        if there is None:
            return Mine(ours)
        if there.fingerprint != ours.fingerprint:
            raise Refused(responses.conflict("amz-sdk-invocation-id"))
        if there.status is Status.ANSWERED and there.result is not None:
            return Answered(self._response(there.result))
        if there.claim == ours.claim:
            # It was written, but the answer was lost.
            return Mine(there)
        if ours.claim is None or ours.claimed_until is None or not there.is_claimable(self.clock()):
            return Theirs()
        taken_over = claimed(there, ours.claim, ours.claimed_until)
        return Mine(taken_over) if self.records.change(there, taken_over) else Theirs()

    def exists(self, endpoint: str, request_id: str) -> bool:
        """Whether there is a record of this id.

        Raises:
            AwsError: it can't be told.
        """
        return self.records.read(endpoint, request_id) is not None

    def finish(
        self, mine: ParkedRequest, response: InvocationResponse, problems: list[str]
    ) -> None:
        """Keep the answer for repetitions, before it is given. That it can't be kept does not cost
        it; then the claim stands until it runs out.
        """
        key = f"requests/{mine.endpoint}/{mine.id}/result-{mine.claim}"
        content_type = response.headers.get("content-type", "application/octet-stream")
        result = Result(response.status, MappingProxyType(dict(response.headers)), key)
        try:
            self.payloads.put(key, response.body, content_type)
            self.records.change(mine, answered(mine, result, self.clock()))
        except AwsError as error:
            problems.append(str(error))

    def withdraw(self, mine: ParkedRequest, problems: list[str]) -> None:
        """Leave it to whoever repeats it."""
        try:
            self.records.delete(mine)
        except AwsError as error:
            problems.append(str(error))

    def _response(self, result: Result) -> InvocationResponse:
        try:
            body = self.payloads.get(result.body_key)
        except MissingPayloadError as error:
            return responses.unanswered(f"the answer was given, and is no longer kept: {error}")
        return InvocationResponse(result.status, result.headers, body)
