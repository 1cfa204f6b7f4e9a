"""Looking for the accepted requests of an endpoint, and giving them to `drain` when it serves."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from dormouse.domain.parked_request import ParkedRequest, Queue, Status, expired, released
from dormouse.domain.waiting import Waiting
from dormouse.domain.work import AnswerNext, Publish, Work
from dormouse.errors import AwsError
from dormouse.ports import RequestRecords, WorkQueue


@dataclass(frozen=True, slots=True)
class Releasing:
    """Moves parked requests on, the oldest first.

    A request is marked as released before `drain` hears of it. So an order for `drain` that was
    never sent, or got lost, is missed after `resend_after`, and sent again. `at_most` requests of
    each queue are looked at in one tick.
    """

    records: RequestRecords
    work: WorkQueue
    resend_after: timedelta
    at_most: int = 500

    def look(self, endpoint: str, now: datetime) -> Waiting:
        """Find what waits, strongly consistent; what has expired is ended.

        A queue is read at a moment of its own, and a request may go from one to the other in
        between: forth by another tick, back by a `drain` that found the endpoint gone. So, before
        it is said that nothing waits, the first is read once more.

        Raises:
            AwsError: the requests can't be read.
        """
        in_turn = self._unless_expired(endpoint, Queue.RELEASED, now)
        parked = self._unless_expired(endpoint, Queue.PARKED, now)
        if not in_turn and not parked:
            in_turn = self._unless_expired(endpoint, Queue.RELEASED, now)
        publishing = self.records.queued(endpoint, Queue.PUBLISHING, self.at_most)
        return Waiting(tuple(parked), tuple(in_turn), tuple(publishing))

    def release(self, endpoint: str, waiting: Waiting, now: datetime) -> None:
        """Let `drain` answer what waits, now that the endpoint serves.

        Raises:
            AwsError: the requests can't be written, or the orders not be sent.
        """
        orders: list[Work] = []
        for parked in waiting.parked:
            if self.records.change(parked, released(parked, now)):
                orders.append(AnswerNext(endpoint, parked.target_model))
        orders += [
            AnswerNext(endpoint, each.target_model)
            for each in waiting.released
            if self._is_overdue(each, now)
        ]
        self.work.send(orders)

    def publish(self, waiting: Waiting, now: datetime) -> None:
        """Let `drain` tell again what it should have told.

        Raises:
            AwsError: the orders can't be sent.
        """
        orders = [
            Publish(each.endpoint, each.id)
            for each in waiting.publishing
            if each.finished_at is not None and now >= each.finished_at + self.resend_after
        ]
        if orders:
            self.work.send(orders)

    def _unless_expired(
        self, endpoint: str, queue: Queue, now: datetime
    ) -> Sequence[ParkedRequest]:
        """List those of a queue that wait, and end those whose time is over."""
        waiting: list[ParkedRequest] = []
        ended: list[Work] = []
        for each in self.records.queued(endpoint, queue, self.at_most):
            after = expired(each, now)
            if not each.is_expired(now) or not self.records.change(each, after):
                # Or somebody has just claimed it, or cancelled it: the next look will see.
                waiting.append(each)
            elif after.wants_publishing:
                ended.append(Publish(each.endpoint, each.id))
        if ended:
            # What can't be ordered now stands in the queue of what is to be told, and is later.
            with suppress(AwsError):
                self.work.send(ended)
        return waiting

    def _is_overdue(self, request: ParkedRequest, now: datetime) -> bool:
        """Whether whoever was to answer it has not, or has ended before he could."""
        if request.status is Status.ANSWERING:
            return request.is_claimable(now)
        return request.released_at is None or now >= request.released_at + self.resend_after
