"""Accepting a request that is answered later: nothing is promised before it is durable.

The order, and what a crash after each step leaves:

1. the payload. A crash leaves an object that no record names; the bucket's lifecycle removes it.
   Its key is of this attempt alone, so that another request under the same name can't overwrite it.
2. the record, parked. A crash leaves a request that nobody was promised. If the same request comes
   again under its name, it is found, and goes on with the next step.
3. the demand, which also says that requests wait. From here on `reconcile` finds it. A crash
   leaves a request that is answered, though nobody was told so.
4. the nudge, or, where the endpoint serves, the release and an order for `drain`. A crash or a
   fault costs time: `reconcile` does the same with its next tick.
5. the 202.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from dormouse import responses
from dormouse.demanding import Demand
from dormouse.domain.coldness import (
    expected_at,
    forced_down,
    lets_through,
    seconds_until_serving,
    why_never,
)
from dormouse.domain.invocation import InvocationResponse
from dormouse.domain.ledger import Ledger, RecordedDemand
from dormouse.domain.parked_request import Kind, ParkedRequest, Queue, Status, released, sent_again
from dormouse.domain.request_identity import request_id
from dormouse.domain.spec import COMPLETION_TOPIC_TAG
from dormouse.domain.work import AnswerNext
from dormouse.errors import AwsError
from dormouse.ports import Clock, Payloads, RequestRecords, WorkQueue
from dormouse.responses import Refused


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request as its door has read it. `token` is derived from its name, where it has one, and
    drawn otherwise. `headers` are those to send. `topic` is what it says itself, `default_topic`
    what its endpoint's tag does. `names` is what a repetition is recognised by, in words.
    """

    endpoint: str
    kind: Kind
    token: str
    principal: str
    headers: Mapping[str, str]
    fingerprint: str
    inference_id: str | None = None
    input_location: str | None = None
    output_location: str | None = None
    failure_location: str | None = None
    topic: str | None = None
    default_topic: str | None = None
    time_to_live: timedelta | None = None
    names: str = "InferenceId"

    @property
    def id(self) -> str:
        """Its name at the door."""
        return request_id(self.endpoint, self.token)


@dataclass(frozen=True, slots=True)
class Parked:
    """It is kept. `position` counts from 1; None where it is being answered, or not known. It is a
    repetition if it was accepted before.
    """

    request: ParkedRequest
    position: int | None
    expected_at: datetime | None
    retry_after_seconds: int
    is_repetition: bool = False

    def response(self, base_url: str) -> InvocationResponse:
        """Say so, and where to ask for the answer."""
        return responses.accepted(
            self.request,
            f"{base_url}/requests/{self.request.id}",
            position=self.position,
            expected_at=self.expected_at,
            retry_after_seconds=self.retry_after_seconds,
        )


@dataclass(frozen=True, slots=True)
class Parking:
    """Accepts requests, up to `backlog_limit` of one endpoint that wait for it to serve."""

    records: RequestRecords
    payloads: Payloads
    work: WorkQueue
    demand: Demand
    clock: Clock
    draw_token: Callable[[], str]
    time_to_live: timedelta
    backlog_limit: int
    completion_topics: frozenset[str]
    expected_wake: timedelta

    def _check(self, wanted: Wanted, ledger: Ledger) -> str | None:
        """Return the topic to tell; what can't be accepted is refused, before anything is stored.

        Raises:
            Refused: nothing can start the endpoint, not before the request expires, or the topic is
                not listed.
        """
        now, never = self.clock(), why_never(ledger)
        if never is not None:
            seconds = seconds_until_serving(ledger, self.expected_wake, now)
            raise Refused(responses.refused(wanted.endpoint, never, seconds))
        forced = forced_down(ledger, now)
        if forced is not None and not forced.ends_by(self._expires_at(wanted, now)):
            raise Refused(responses.kept_down(wanted.endpoint, forced, now))
        topic, named_by = wanted.topic, "the header dormouse-completion-topic"
        if topic is None:
            topic = wanted.default_topic
            named_by = f"the tag {COMPLETION_TOPIC_TAG} of its EndpointConfig"
        if topic is not None and topic not in self.completion_topics:
            raise Refused(responses.topic_not_listed(topic, named_by))
        return topic

    def find(self, wanted: Wanted) -> ParkedRequest | None:
        """Find the same request, if it was accepted before.

        Raises:
            Refused: another request has its name.
            AwsError: the records can't be read.
        """
        there = self.records.read(wanted.endpoint, wanted.id)
        return None if there is None else _same(there, wanted)

    def again(self, there: ParkedRequest, lambda_request_id: str, problems: list[str]) -> Parked:
        """Accept what was accepted before: it may have got no further than its record.

        Raises:
            Refused: it can't be made sure that it is answered.
        """
        if there.status is not Status.PARKED:
            return replace(self._standing(there, None, problems), is_repetition=True)
        ours = sent_again(there)
        try:
            # Whoever has written it may be about to take it back, since he could not go on.
            if not self.records.change(there, ours):
                ours = self._seen_anew(there)
            recorded = self.demand.raise_for(there.endpoint, has_requests=True, by=there.principal)
        except AwsError as error:
            problems.append(str(error))
            seconds = responses.SOON_SECONDS
            refusal = responses.demand_not_recorded(there.endpoint, seconds)
            raise Refused(refusal) from error
        parked = self._go_on(ours, recorded, None, lambda_request_id, problems)
        return replace(parked, is_repetition=True)

    def _seen_anew(self, there: ParkedRequest) -> ParkedRequest:
        """Read what somebody else has taken a step with, which keeps it; or has taken back."""
        seen = self.records.read(there.endpoint, there.id)
        if seen is None:
            raise Refused(responses.records_unreachable())
        return seen

    def park(
        self,
        wanted: Wanted,
        ledger: Ledger,
        read_body: Callable[[], bytes],
        lambda_request_id: str,
        problems: list[str],
    ) -> Parked:
        """Keep it. If it can't be kept, nothing of it is, as far as that is possible. `ledger` is
        what is remembered of its endpoint. `read_body` is called when nothing else can refuse it.

        Raises:
            Refused: nothing can start the endpoint, or not before the request expires; the topic is
                not listed, too many wait, another request has its name, or it could not be kept; or
                what `read_body` says.
            AwsError: the records can't be read, or the body can't; nothing is kept.
        """
        endpoint = wanted.endpoint
        topic = self._check(wanted, ledger)
        waiting = self.records.count(endpoint, Queue.PARKED, self.backlog_limit)
        if waiting >= self.backlog_limit:
            seconds = int(self.expected_wake.total_seconds())
            raise Refused(responses.backlog_full(endpoint, self.backlog_limit, seconds))
        body = read_body()
        request = self._record_of(wanted, topic, is_cold=not lets_through(ledger))
        try:
            content_type = wanted.headers.get("content-type", "application/octet-stream")
            self.payloads.put(request.body_key, body, content_type)
            there = self.records.create(request)
            # What was written, and asked for again as the answer was lost, is there already.
            is_ours = there is None or there.body_key == request.body_key
            if is_ours:
                recorded = self.demand.raise_for(endpoint, has_requests=True, by=wanted.principal)
        except AwsError as error:
            problems.append(str(error))
            self._remove(request, problems)
            seconds = responses.SOON_SECONDS
            raise Refused(responses.demand_not_recorded(endpoint, seconds)) from error
        if there is not None and not is_ours:
            self._remove_payload(request, problems)
            return self.again(_same(there, wanted), lambda_request_id, problems)
        return self._go_on(request, recorded, waiting + 1, lambda_request_id, problems)

    def standing(self, request: ParkedRequest, ledger: Ledger, problems: list[str]) -> Parked:
        """Say how one stands that has no answer yet."""
        return self._standing(request, ledger, problems)

    def _expires_at(self, wanted: Wanted, now: datetime) -> datetime:
        return now + (wanted.time_to_live or self.time_to_live)

    def _record_of(self, wanted: Wanted, topic: str | None, *, is_cold: bool) -> ParkedRequest:
        now = self.clock()
        return ParkedRequest(
            endpoint=wanted.endpoint,
            id=wanted.id,
            kind=wanted.kind,
            status=Status.PARKED,
            principal=wanted.principal,
            headers=MappingProxyType(dict(wanted.headers)),
            body_key=f"requests/{wanted.endpoint}/{wanted.id}/body-{self.draw_token()}",
            accepted_at=now,
            expires_at=self._expires_at(wanted, now),
            fingerprint=wanted.fingerprint,
            is_cold=is_cold,
            inference_id=wanted.inference_id,
            input_location=wanted.input_location,
            output_location=wanted.output_location,
            failure_location=wanted.failure_location,
            completion_topic=topic,
        )

    def _go_on(
        self,
        request: ParkedRequest,
        recorded: RecordedDemand,
        position: int | None,
        lambda_request_id: str,
        problems: list[str],
    ) -> Parked:
        """Have it answered: at once, if the endpoint serves. From here on it is promised."""
        if request.status is Status.PARKED and lets_through(recorded.ledger):
            in_turn = self._release(request, problems)
            if in_turn is not None:
                return self._standing(in_turn, recorded.ledger, problems)
        self.demand.tell(recorded, request.endpoint, lambda_request_id, problems)
        return self._standing(request, recorded.ledger, problems, position)

    def _release(self, request: ParkedRequest, problems: list[str]) -> ParkedRequest | None:
        """Let it take its turn; None where that is left to `reconcile`."""
        in_turn = released(request, self.clock())
        try:
            if not self.records.change(request, in_turn):
                return None
            self.work.send([AnswerNext(request.endpoint, request.target_model)])
        except AwsError as error:
            problems.append(str(error))
            return None
        return in_turn

    def _standing(
        self,
        request: ParkedRequest,
        ledger: Ledger | None,
        problems: list[str],
        position: int | None = None,
    ) -> Parked:
        if request.status is not Status.PARKED or ledger is None or lets_through(ledger):
            soon = responses.SOON_SECONDS
            return Parked(request, self._position(request, problems), None, soon)
        now = self.clock()
        return Parked(
            request,
            self._position(request, problems) if position is None else position,
            expected_at(ledger, self.expected_wake, now),
            seconds_until_serving(ledger, self.expected_wake, now),
        )

    def _position(self, request: ParkedRequest, problems: list[str]) -> int | None:
        if request.status not in (Status.PARKED, Status.RELEASED):
            return None
        try:
            return self.records.position(request) + 1
        except AwsError as error:
            problems.append(str(error))
            return None

    def _remove(self, request: ParkedRequest, problems: list[str]) -> None:
        """Take back what may have been stored. A record goes first: one without its payload can't
        be answered. It may be the same request's that was sent before and is kept: that one has
        another payload. If somebody has taken a step with ours already, it stays, and is answered.
        """
        try:
            there = self.records.read(request.endpoint, request.id)
            is_ours = there is not None and there.body_key == request.body_key
            if there is not None and is_ours and not self.records.delete(request):
                return
        except AwsError as error:
            problems.append(str(error))
            return
        self._remove_payload(request, problems)

    def _remove_payload(self, request: ParkedRequest, problems: list[str]) -> None:
        try:
            self.payloads.delete(request.body_key)
        except AwsError as error:
            problems.append(str(error))


def _same(there: ParkedRequest, wanted: Wanted) -> ParkedRequest:
    if there.fingerprint != wanted.fingerprint:
        raise Refused(responses.conflict(wanted.names))
    return there
