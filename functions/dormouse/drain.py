"""Answering the requests that have waited, now that their endpoint serves.

An order says for which model there is something to answer, and whoever takes it answers the oldest
one that is due. Each step is written on the condition that nobody has taken another since, so two
who take the same order, or the same request, never record two results.

Whoever is cut off between two writes leaves a request that is claimed until a set time. Then the
next order finds it; `reconcile` sends one. The model may have run by then, and runs again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never
from uuid import uuid4

from dormouse.domain.asker import asker
from dormouse.domain.exchange import Exchange
from dormouse.domain.invocation import (
    Forwarded,
    InvocationRequest,
    InvocationResponse,
    Unanswered,
)
from dormouse.domain.ledger import Ledger
from dormouse.domain.parked_request import (
    ParkedRequest,
    Queue,
    Result,
    Status,
    answered,
    claim_extended,
    claimed,
    expired,
    failed,
    given_back,
    parked_again,
    tried,
)
from dormouse.domain.principals import Caller
from dormouse.domain.verdict import Verdict, judge, pauses, reason_of
from dormouse.domain.work import AnswerNext
from dormouse.errors import AwsError, MissingPayloadError
from dormouse.exchanges import Body, exchange_of_parked, read_body
from dormouse.ports import Clock, Nudge, Payloads, ProxyState, RequestRecords
from dormouse.publishing import Publishing
from dormouse.sending import Cold, NoLedger, NotKnown, Sender, Sent

# Of a queue, so many are looked at; if others are busy with all of them, more, and then more again.
_LOOKED_AT = (10, 100, 1000)


class Fate(StrEnum):
    """What became of an order to answer a request, or of the request that it came to."""

    ANSWERED = "answered"
    FAILED = "failed"
    EXPIRED = "expired"
    TRIED = "tried"
    """It failed, and is tried again later."""
    PARKED_AGAIN = "parked again"
    """The endpoint is gone again."""
    GIVEN_BACK = "given back"
    """It could not be tried now, by no fault of its own."""
    LOST = "lost"
    """Somebody else has taken a step with it meanwhile, so that nothing of ours is recorded."""
    NOTHING_DUE = "nothing due"
    LEFT = "left"
    """There was no time to begin; `reconcile` orders it again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order, the request as it is now, and the faults on the way. `exchange` is
    for the capture and the ledger, where the request has ended.
    """

    fate: Fate
    request: ParkedRequest | None = None
    problems: tuple[str, ...] = ()
    exchange: Exchange | None = None


@dataclass(frozen=True, slots=True)
class Drain:
    """Answers released requests, the oldest of each model first.

    A request is tried `tries` times at the most, and not again within `retry_pause`, in which
    younger ones come before it; the pause should not be longer than `reconcile` takes to order it
    again. `call_time` is how long one call may take; nothing is begun with less time left.
    `claim_time` is for how long a request is claimed: for a call, and what comes before and after.
    An unmet demand as old as `demand_renewal` is nudged again.
    """

    records: RequestRecords
    payloads: Payloads
    sender: Sender
    state: ProxyState
    nudge: Nudge
    publishing: Publishing
    clock: Clock
    sleep: Callable[[float], None]
    tries: int
    retry_pause: timedelta
    call_time: timedelta
    claim_time: timedelta
    demand_renewal: timedelta
    new_claim: Callable[[], str] = lambda: uuid4().hex

    def answer_next(self, work: AnswerNext, time_left: timedelta) -> Outcome:
        """Answer the oldest request of a model that is due, or end it where it can't be answered.

        Raises:
            AwsError: the records can't be read or written; what was claimed is due again later.
        """
        ends_at = self.clock() + time_left
        if self.clock() + self.call_time > ends_at:
            return Outcome(Fate.LEFT)
        for request in self._due(work):
            outcome = self._take(request, ends_at)
            if outcome is not None:
                problems = (*self.sender.problems, *outcome.problems)
                self.sender.problems.clear()
                return replace(outcome, problems=problems)
        return Outcome(Fate.NOTHING_DUE)

    def _due(self, work: AnswerNext) -> Iterator[ParkedRequest]:
        """Find those that nobody is busy with, the oldest first."""
        for at_most in _LOOKED_AT:
            found = self.records.queued(work.endpoint, Queue.RELEASED, at_most, work.target_model)
            for request in found:
                if self._is_due(request):
                    yield request
            if len(found) < at_most:
                return

    def _is_due(self, request: ParkedRequest) -> bool:
        now = self.clock()
        if not request.is_claimable(now):
            return False
        if request.status is Status.ANSWERING or request.is_expired(now):
            return True
        if request.tries == 0 or request.released_at is None:
            return True
        return now >= request.released_at + self.retry_pause

    def _take(self, request: ParkedRequest, ends_at: datetime) -> Outcome | None:
        """Take it and bring it on; None where somebody else has taken it just now."""
        now = self.clock()
        if request.is_expired(now):
            return _unless_lost(self._end(request, expired(request, now), Fate.EXPIRED))
        if request.tries >= self.tries:
            # Each claim counts: what kills whoever answers it does so only so often.
            before = f"; before that, {request.reason}" if request.reason else ""
            why = f"it was begun {request.tries} times, and the last never ended"
            outcome = self._end(request, failed(request, f"{why}{before}", now), Fate.FAILED)
            if outcome.fate is Fate.FAILED:
                outcome = _told(outcome, read_body(request, self.payloads), why=why)
            return _unless_lost(outcome)
        mine = claimed(request, self.new_claim(), now + self.claim_time)
        if not self.records.change(request, mine):
            return None
        return self._answer(mine, ends_at)

    def _answer(self, mine: ParkedRequest, ends_at: datetime) -> Outcome:
        """Ask the model; wait for it while it is being loaded and time is left."""
        try:
            body = self.payloads.get(mine.body_key)
        except MissingPayloadError as error:
            lost = f"its body is lost: {error}"
            return _told(self._fail(mine, lost), Body(b"", lost))
        except AwsError as error:
            return self._give_back(mine, str(error))
        # Its caller was let in at the door, and is not asked for again.
        request = InvocationRequest(
            mine.endpoint, mine.headers, body, Caller(mine.principal, account=""), mine.id
        )
        for pause in pauses():
            sent = self.sender.send(request)
            if not (isinstance(sent, Forwarded) and judge(sent.response) is Verdict.NOT_YET):
                return _told(self._record(mine, sent), Body(body), sent)
            begins_at = self.clock() + timedelta(seconds=pause)
            if begins_at + self.call_time > ends_at:
                break
            self.sleep(pause)
            before, mine = mine, claim_extended(mine, self.clock() + self.claim_time)
            if not self.records.change(before, mine):
                return Outcome(Fate.LOST, before)
        return self._give_back(mine)

    def _record(self, mine: ParkedRequest, sent: Sent) -> Outcome:
        """Write down what an attempt has come to."""
        match sent:
            case Forwarded(response):
                return self._record_response(mine, response)
            case Unanswered(why, may_have_run):
                if may_have_run:
                    return self._try_again(mine, f"SageMaker did not answer: {why}")
                return self._give_back(mine, f"SageMaker could not be reached: {why}")
            case NoLedger(why):
                return self._give_back(mine, why)
            case Cold(denial=denial, ledger=ledger):
                return self._park_again(mine, ledger, denial)
            case NotKnown():
                return self._park_again(mine, None, None)
            case other:
                assert_never(other)

    def _record_response(self, mine: ParkedRequest, response: InvocationResponse) -> Outcome:
        match judge(response):
            case Verdict.ANSWER:
                try:
                    result = self._keep(mine, response)
                except AwsError as error:
                    return self._try_again(mine, f"its answer could not be kept: {error}")
                return self._end(mine, answered(mine, result, self.clock()), Fate.ANSWERED)
            case Verdict.REFUSAL:
                return self._fail(mine, reason_of(response), response)
            case _:
                return self._try_again(mine, reason_of(response), response)

    def _keep(self, mine: ParkedRequest, response: InvocationResponse) -> Result:
        """Keep the body of a response, under a key that is this claim's own."""
        key = f"requests/{mine.endpoint}/{mine.id}/result-{mine.claim}"
        self.payloads.put(key, response.body, response.headers.get("content-type", ""))
        return Result(response.status, response.headers, key)

    def _end(
        self, before: ParkedRequest, after: ParkedRequest, fate: Fate, *problems: str
    ) -> Outcome:
        """End it, and tell whoever is to know; what can't be told now, `reconcile` orders again."""
        if not self.records.change(before, after):
            return Outcome(Fate.LOST, before, (*problems, *self._discard(after)))
        exchange = None
        if after.wants_publishing:
            try:
                told = self.publishing.tell(after)
                problems, exchange = (*problems, *told.problems), told.exchange
            except AwsError as error:
                problems += (str(error),)
        return Outcome(fate, after, problems, exchange)

    def _discard(self, after: ParkedRequest) -> tuple[str, ...]:
        """Remove a result that nobody will read."""
        if after.result is not None:
            try:
                self.payloads.delete(after.result.body_key)
            except AwsError as error:
                return (str(error),)
        return ()

    def _fail(
        self, mine: ParkedRequest, reason: str, response: InvocationResponse | None = None
    ) -> Outcome:
        """End it with a failure. That counts more than the body of the response does."""
        problems: tuple[str, ...] = ()
        result = None
        if response is not None:
            try:
                result = self._keep(mine, response)
            except AwsError as error:
                problems = (str(error),)
        return self._end(mine, failed(mine, reason, self.clock(), result), Fate.FAILED, *problems)

    def _try_again(
        self, mine: ParkedRequest, reason: str, response: InvocationResponse | None = None
    ) -> Outcome:
        """Let it be tried again, unless it was tried often enough."""
        if mine.tries >= self.tries:
            times = "once" if mine.tries == 1 else f"{mine.tries} times"
            return self._fail(mine, f"{reason} (it was tried {times})", response)
        return self._step(mine, tried(mine, self.clock(), reason), Fate.TRIED)

    def _give_back(self, mine: ParkedRequest, *problems: str) -> Outcome:
        return self._step(mine, given_back(mine, self.clock()), Fate.GIVEN_BACK, *problems)

    def _step(
        self, before: ParkedRequest, after: ParkedRequest, fate: Fate, *problems: str
    ) -> Outcome:
        if not self.records.change(before, after):
            return Outcome(Fate.LOST, before, problems)
        return Outcome(fate, after, problems)

    def _park_again(
        self, mine: ParkedRequest, ledger: Ledger | None, denial: str | None
    ) -> Outcome:
        """Let it wait for the endpoint, and see to it that somebody starts that.

        The demand is raised first: whoever is cut off in between leaves a request that is claimed,
        and a ledger that says that there is one. What was accepted before an operator put the
        endpoint to sleep does not wake it.

        A denial is left to the scheduled tick: one that is nudged and finds the endpoint serving
        would release the request at once, to be denied again, round and round.
        """
        problems = () if denial is None else (denial,)
        now, is_news = self.clock(), False
        try:
            if ledger is None:
                ledger = self.state.read(mine.endpoint)
            if not ledger.is_put_to_sleep:
                since = now - self.demand_renewal
                by = asker(mine.principal)
                recorded = self.state.raise_demand(
                    mine.endpoint, now, since, has_requests=True, by=by
                )
                is_news = recorded.is_news
        except AwsError as error:
            return self._give_back(mine, *problems, str(error))
        outcome = self._step(mine, parked_again(mine), Fate.PARKED_AGAIN, *problems)
        if is_news and denial is None:
            try:
                self.nudge(mine.endpoint, mine.id)
            except AwsError as error:
                # The demand stands, and the next scheduled tick finds it.
                return replace(outcome, problems=(*outcome.problems, str(error)))
        return outcome


def _told(
    outcome: Outcome, body: Body, sent: Sent | None = None, why: str | None = None
) -> Outcome:
    """Add the exchange of a request that has ended with an attempt, or for want of one."""
    request = outcome.request
    if request is None or outcome.fate not in (Fate.ANSWERED, Fate.FAILED):
        return outcome
    response = sent.response if isinstance(sent, Forwarded) else None
    execution = sent.execution if isinstance(sent, Unanswered) else None
    if response is not None and outcome.fate is Fate.FAILED and judge(response) is Verdict.ANSWER:
        # It could not be kept, so that its caller never gets it.
        execution, response = response.execution, None
    exchange = exchange_of_parked(request, body, response, execution, why)
    return replace(outcome, exchange=exchange)


def _unless_lost(outcome: Outcome) -> Outcome | None:
    return None if outcome.fate is Fate.LOST else outcome
