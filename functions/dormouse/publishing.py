"""Telling how a request has ended: its output's place, its topic, the dead-letter queue."""

from dataclasses import dataclass
from datetime import timedelta

from dormouse.domain.exchange import Exchange
from dormouse.domain.invocation import InvocationResponse
from dormouse.domain.notification import failure_document, notification
from dormouse.domain.parked_request import ParkedRequest, Status, published
from dormouse.domain.work import Publish
from dormouse.errors import AwsError, LocationError, MissingPayloadError
from dormouse.exchanges import exchange_of_parked, read_body
from dormouse.ports import (
    Clock,
    DeadLetters,
    Locations,
    Notifications,
    Payloads,
    RequestRecords,
)

_FAULTS = (AwsError, LocationError, MissingPayloadError)


@dataclass(frozen=True, slots=True)
class Told:
    """Whether everybody has been told by now who is to be, and the faults on the way. `exchange` is
    of a request that has expired, which nobody else tells the capture and the ledger of: whoever
    ends it may be `reconcile`, or a caller who asks.
    """

    is_published: bool
    problems: tuple[str, ...] = ()
    exchange: Exchange | None = None


@dataclass(frozen=True, slots=True)
class Publishing:
    """Tells each thing once or, after a crash, more than once, with the same content.

    A topic hears only of an output that is there, and the dead letter comes last: so what is
    repeated while one of them can't be reached is the harmless part. What could not be told within
    `patience` is left out, since nobody is helped by its being tried for a week.
    """

    records: RequestRecords
    payloads: Payloads
    locations: Locations
    notifications: Notifications
    dead_letters: DeadLetters
    clock: Clock
    region: str
    patience: timedelta

    def publish(self, work: Publish) -> Told:
        """Tell how a request has ended, if that is still to be done.

        Raises:
            AwsError: the record can't be read, or that it is done not be noted.
        """
        request = self.records.read(work.endpoint, work.request_id)
        if request is None or not request.wants_publishing:
            return Told(is_published=True)
        return self.tell(request)

    def tell(self, request: ParkedRequest) -> Told:
        """Tell how this one has ended, and note that it is done.

        Raises:
            AwsError: that it is done can't be noted.
        """
        ended_at = request.finished_at or request.accepted_at
        is_late = self.clock() >= ended_at + self.patience
        problems: list[str] = []
        for say in (self._write_output, self._notify, self._bury):
            try:
                say(request)
            except _FAULTS as error:
                problems.append(f"it can't be told how {request.id} has ended: {error}")
                if not is_late:
                    return Told(is_published=False, problems=tuple(problems))
                if request.status is Status.ANSWERED:
                    # A topic must not hear of an output that is not there.
                    break
        # Who has told it meanwhile has noted that too, and who has replayed it tells it anew.
        is_ours = self.records.change(request, published(request))
        exchange = None
        if is_ours and request.status is Status.EXPIRED:
            exchange = exchange_of_parked(request, read_body(request, self.payloads))
        return Told(is_published=True, problems=tuple(problems), exchange=exchange)

    def _write_output(self, request: ParkedRequest) -> None:
        if request.status is Status.ANSWERED:
            if request.output_location is not None and request.result is not None:
                body = self.payloads.get(request.result.body_key)
                content_type = request.result.headers.get("content-type", "")
                self.locations.write(request.output_location, body, content_type)
        elif request.failure_location is not None:
            document = failure_document(request, self._response(request))
            self.locations.write(request.failure_location, document, "application/json")

    def _response(self, request: ParkedRequest) -> InvocationResponse | None:
        result = request.result
        if result is None:
            return None
        body = self.payloads.get(result.body_key)
        return InvocationResponse(result.status, result.headers, body)

    def _notify(self, request: ParkedRequest) -> None:
        if request.completion_topic is not None:
            self.notifications.publish(request.completion_topic, notification(request, self.region))

    def _bury(self, request: ParkedRequest) -> None:
        if request.status is Status.FAILED:
            self.dead_letters.send(request)
