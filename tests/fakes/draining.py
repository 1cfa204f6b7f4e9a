"""A drain among stand-ins: requests for one endpoint, `reviews`, that have their turn."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dormouse.domain.invocation import (
    Forwarded,
    InvocationRequest,
    InvocationResponse,
    NotServing,
    Unanswered,
)
from dormouse.domain.lease import LeaseTerms
from dormouse.domain.ledger import Decision, Lease, Ledger, RecordedDemand
from dormouse.domain.parked_request import Kind, ParkedRequest, Queue, Status
from dormouse.domain.warm_up import WarmUp
from dormouse.domain.work import AnswerNext, LoadModel, Publish
from dormouse.drain import Drain, Outcome
from dormouse.publishing import Publishing
from dormouse.responses import runtime_error
from dormouse.sending import Sender
from dormouse.warming import Warmed, Warming
from tests.fakes.clock import FakeClock
from tests.fakes.ledger import FakeLedgers
from tests.fakes.requests import (
    Disturb,
    FakeDeadLetters,
    FakeLocations,
    FakeNotifications,
    FakePayloads,
    FakeRequestRecords,
    FakeWarmUpPayloads,
    disturbed,
    undisturbed,
)
from tests.fakes.world import FakeNudge

READ_TIMEOUT = timedelta(seconds=70)
CALL_TIME = timedelta(seconds=75)
CLAIM_TIME = timedelta(seconds=100)
RETRY_PAUSE = timedelta(seconds=30)
TIME_TO_LIVE = timedelta(hours=6)
A_WHILE = timedelta(minutes=5)
LAMBDA_TIMEOUT = timedelta(seconds=150)
TOPIC = "arn:aws:sns:us-east-1:123456789012:done"
OUTPUT = "s3://requests/output/reviews/1.out"
FAILURE = "s3://requests/output/reviews/1-error.out"

PREDICTION = Forwarded(InvocationResponse(200, {"content-type": "application/json"}, b"[1]"))
NOT_READY = Forwarded(runtime_error(429, "ModelNotReadyException", "it is being loaded"))
BROKEN = Forwarded(runtime_error(500, "InternalFailure", "try again"))
REFUSED = Forwarded(runtime_error(400, "ValidationError", "Failed to download model data"))
GONE = NotServing(runtime_error(400, "ValidationError", "Endpoint reviews of account 1 not found."))

Answer = Forwarded | NotServing | Unanswered


@dataclass
class ScriptedRuntime:
    """Implements Runtime. Gives the answers in their order, and the last of them from then on;
    calls `meanwhile` before each.
    """

    answers: list[Answer] = field(default_factory=lambda: [PREDICTION])
    meanwhile: Callable[[], None] = lambda: None
    requests: list[InvocationRequest] = field(default_factory=list)

    def forward(self, request: InvocationRequest) -> Answer:
        """Give the next answer."""
        self.requests.append(request)
        self.meanwhile()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def bodies(self) -> list[bytes]:
        """What was asked, in its order."""
        return [request.body for request in self.requests]


@dataclass
class DisturbedLedgers(FakeLedgers):
    """The ledgers, where a test is let in as `tests.fakes.requests` says."""

    disturb: Disturb = undisturbed

    def raise_demand(
        self,
        endpoint: str,
        now: datetime,
        news_since: datetime,
        *,
        has_requests: bool,
        by: str | None = None,
    ) -> RecordedDemand:
        """Note that a request is held or parked."""
        with disturbed(self.disturb, "state.raise_demand"):
            return super().raise_demand(endpoint, now, news_since, has_requests=has_requests, by=by)

    def take_lease(
        self, endpoint: str, now: datetime, until: datetime, *, is_request: bool
    ) -> Lease:
        """Write the lease, unless it is closing or not known."""
        with disturbed(self.disturb, "state.take_lease"):
            return super().take_lease(endpoint, now, until, is_request=is_request)

    def record_invoked(self, endpoint: str, target_model: str, began_at: datetime) -> None:
        """Note that this warm-up has invoked a model."""
        with disturbed(self.disturb, "state.record_invoked"):
            super().record_invoked(endpoint, target_model, began_at)


class Desk:
    """Everything that a drain needs. `reviews` serves, with a warm-up of the models `a` and `b`.

    Every stand-in calls `self.disturb`, whatever a test puts there.
    """

    def __init__(self, clock: FakeClock | None = None, endpoint: str = "reviews") -> None:
        self.disturb: Disturb = undisturbed
        self.endpoint = endpoint
        self.clock = clock or FakeClock()
        self.records = FakeRequestRecords(self._let_in)
        self.payloads = FakePayloads(self._let_in)
        self.locations = FakeLocations(disturb=self._let_in)
        self.notifications = FakeNotifications(self._let_in)
        self.dead_letters = FakeDeadLetters(self._let_in)
        self.warm_up_payloads = FakeWarmUpPayloads(self._let_in)
        self.state = DisturbedLedgers(disturb=self._let_in)
        self.runtime = ScriptedRuntime()
        self.nudge = FakeNudge()
        self.slept: list[float] = []
        now = self.clock()
        self.state.ledgers[endpoint] = Ledger(
            decision=Decision("stay up", "", ""),
            serving_since=now,
            has_requests=True,
            warm_up=WarmUp(("a", "b"), frozenset(), now, now + timedelta(minutes=10)),
        )
        self.publishing = Publishing(
            records=self.records,
            payloads=self.payloads,
            locations=self.locations,
            notifications=self.notifications,
            dead_letters=self.dead_letters,
            clock=self.clock,
            region="us-east-1",
            patience=timedelta(hours=1),
        )
        self.drain = self.new_drain()
        self.warming = Warming(
            sender=self.new_sender(),
            state=self.state,
            payloads=self.warm_up_payloads,
            clock=self.clock,
            sleep=self._sleep,
            call_time=CALL_TIME,
        )

    def new_sender(self) -> Sender:
        """Build the sender of a fresh container."""
        terms = LeaseTerms(timedelta(seconds=30), READ_TIMEOUT, timedelta(seconds=10))
        return Sender(self.runtime, self.state, self.clock, terms)

    def new_drain(self) -> Drain:
        """Build the drain of a fresh container."""
        return Drain(
            records=self.records,
            payloads=self.payloads,
            sender=self.new_sender(),
            state=self.state,
            nudge=self.nudge,
            publishing=self.publishing,
            clock=self.clock,
            sleep=self._sleep,
            tries=3,
            retry_pause=RETRY_PAUSE,
            call_time=CALL_TIME,
            claim_time=CLAIM_TIME,
            demand_renewal=timedelta(seconds=15),
        )

    def release(self, number: int = 1, model: str = "a", **fields: object) -> ParkedRequest:
        """Let a request have its turn that was accepted so many seconds after nine o'clock."""
        request_id = f"{self.endpoint}.{number:032x}"
        body_key = f"requests/{self.endpoint}/{request_id}/body"
        self.payloads.stored[body_key] = (f"body {number}".encode(), "text/plain")
        accepted_at = FakeClock().now + timedelta(seconds=number)
        request = ParkedRequest(
            endpoint=self.endpoint,
            id=request_id,
            kind=Kind.RESPOND_ASYNC,
            status=Status.RELEASED,
            principal="arn:aws:iam::123456789012:user/jo",
            headers={"content-type": "text/plain", "x-amzn-sagemaker-target-model": model},
            body_key=body_key,
            accepted_at=accepted_at,
            expires_at=accepted_at + TIME_TO_LIVE,
            fingerprint="f",
            released_at=accepted_at,
        )
        request = replace(request, **fields)  # type: ignore[arg-type]  # callers name fields
        self.records.stored[self.endpoint, request_id] = request
        return request

    def answer(self, model: str = "a", drain: Drain | None = None) -> Outcome:
        """Carry out an order to answer the next of a model."""
        work = AnswerNext(self.endpoint, model)
        return (drain or self.drain).answer_next(work, LAMBDA_TIMEOUT)

    def load(self, model: str = "a") -> Warmed:
        """Carry out an order to load a model."""
        return self.warming.load(LoadModel(self.endpoint, model), LAMBDA_TIMEOUT)

    def catch_up(self) -> None:
        """Order again, after a while, all that `reconcile` would."""
        self.clock.now += A_WHILE
        for request in self.records.queued(self.endpoint, Queue.RELEASED, 1000):
            self.answer(request.target_model, self.new_drain())
        for request in self.records.queued(self.endpoint, Queue.PUBLISHING, 1000):
            self.publishing.publish(Publish(self.endpoint, request.id))

    def now(self, request: ParkedRequest) -> ParkedRequest:
        """Read how a request stands."""
        return self.records.stored[request.endpoint, request.id]

    @property
    def ledger(self) -> Ledger:
        """What is remembered of the endpoint."""
        return self.state.read(self.endpoint)

    def change_ledger(self, **fields: object) -> None:
        """Let something else be remembered."""
        ledger = replace(self.ledger, **fields)  # type: ignore[arg-type]  # callers name fields
        self.state.ledgers[self.endpoint] = ledger

    def _let_in(self, operation: str, is_done: bool) -> None:
        self.disturb(operation, is_done)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds=seconds)
