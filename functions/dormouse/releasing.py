"""Looking for the accepted requests of an endpoint, and giving them to `drain` when it serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dormouse.domain.parked_request import ParkedRequest, Queue, Status, expired, released
from dormouse.domain.waiting import Waiting
from dormouse.domain.work import AnswerNext, Publish, Work
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

        Raises:
            AwsError: the requests can't be read.
        """
        parked, ended = self._unless_expired(endpoint, Queue.PARKED, now)
        in_turn, also_ended = self._unless_expired(endpoint, Queue.RELEASED, now)
        if ended or also_ended:
            orders = [Publish(each.endpoint, each.id) for each in (*ended, *also_ended)]
            self.work.send(orders)
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
        self.work.send(
            [
                Publish(each.endpoint, each.id)
                for each in waiting.publishing
                if each.finished_at is not None and now >= each.finished_at + self.resend_after
            ]
        )

    def _unless_expired(
        self, endpoint: str, queue: Queue, now: datetime
    ) -> tuple[Sequence[ParkedRequest], Sequence[ParkedRequest]]:
        """Split a queue into those that wait and those that have just been ended."""
        waiting, ended = [], []
        for each in self.records.queued(endpoint, queue, self.at_most):
            if each.is_expired(now) and self.records.change(each, expired(each, now)):
                ended.append(each)
            else:
                # Or somebody has just claimed it, or cancelled it: the next look will see.
                waiting.append(each)
        return waiting, ended

    def _is_overdue(self, request: ParkedRequest, now: datetime) -> bool:
        """Whether whoever was to answer it has not, or has ended before he could."""
        if request.status is Status.ANSWERING:
            return request.is_claimable(now)
        return request.released_at is None or now >= request.released_at + self.resend_after
