"""One deployment on a stage: every function of it, its containers, and what passes between them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dormouse.awakening import Awakening
from dormouse.domain.claims import Deployment
from dormouse.domain.intent import Hold, Intent, Release, Sleep, Wake
from dormouse.domain.lease import LeaseTerms
from dormouse.domain.parked_request import Kind, ParkedRequest, Status, queue_of
from dormouse.domain.plan import Timing
from dormouse.domain.work import AnswerNext, LoadModel, Publish, Work
from dormouse.drain import Drain
from dormouse.intents import Intents
from dormouse.publishing import Publishing
from dormouse.reconciler import Reconciler
from dormouse.releasing import Releasing
from dormouse.sending import Sender
from dormouse.teardown import Teardown
from dormouse.warming import Warming
from tests.fakes.clock import FakeClock
from tests.fakes.endpoints import STACK
from tests.fakes.ledger import FakeLedgers
from tests.fakes.requests import (
    FakeDeadLetters,
    FakeLocations,
    FakeModelLedger,
    FakeNotifications,
    FakePayloads,
    FakeRequestRecords,
    FakeWarmUpPayloads,
    FakeWorkQueue,
)
from tests.fakes.world import FakeCatalog, config
from tests.state_machine.cloud import ENDPOINT, READ_TIMEOUT, Cloud
from tests.state_machine.interleaving import Actor, Process, Stage, stepped

DEPLOYMENT = Deployment(STACK, "dormouse", "dormouse-config")
ACCOUNT = "123456789012"

# As template.yaml has them.
RECONCILE_LIVES = timedelta(seconds=50)
DRAIN_LIVES = timedelta(seconds=180)
INVOKE_LIVES = timedelta(seconds=900)
CONTROL_LIVES = timedelta(seconds=29)

# Shorter than as the template has them, so that a short story has room for what they lead to.
TIME_TO_LIVE = timedelta(minutes=10)
IDLE_TIMEOUT = timedelta(seconds=60)
METRIC_LAG = timedelta(seconds=60)
LONGEST_HOLD = timedelta(seconds=400)
RESEND_AFTER = timedelta(seconds=60)

TERMS = LeaseTerms(timedelta(seconds=30), READ_TIMEOUT, timedelta(seconds=10))

# Two clocks differ by less than the margin, with what a call may take beyond its read timeout.
SKEWS = [timedelta(seconds=seconds) for seconds in (0, 2, -2, 1, -1, 0)]


class Nudges:
    """Implements Nudge: orders for ticks of one endpoint, on their way."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def __call__(self, endpoint: str, request_id: str) -> None:
        """Send it."""
        self.sent.append(endpoint)


class Forgetful:
    """Implements History; what was decided is looked up by people alone."""

    def append(self, *_: object) -> None:
        """Keep nothing."""

    def recent(self, *_: object) -> tuple[()]:
        """Read nothing."""
        return ()


@dataclass(slots=True, eq=False)
class Promise:
    """A request whose caller was told that it is kept."""

    id: str
    body: bytes
    kind: Kind
    made_at: datetime
    ticks_in_vain: int = 0
    """Whole ticks that have left it parked, though the endpoint served all the while."""


@dataclass
class World:
    """What there is before anything happens: an EndpointConfig that is tagged, and no endpoint."""

    stage: Stage = field(default_factory=Stage)
    ledgers: FakeLedgers = field(default_factory=FakeLedgers)
    records: FakeRequestRecords = field(default_factory=FakeRequestRecords)
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        stage = self.stage
        clock = FakeClock()
        self.cloud = Cloud(clock, stage=stage, ledgers=self.ledgers, metric_lag=METRIC_LAG)

        def tick() -> None:
            clock.now = stage.now
            self.cloud.end_orphans()
            self.cloud.look()

        stage.ticking = tick
        stage.alarms = self.cloud.next_change_at
        self.catalog = FakeCatalog([config(ENDPOINT, idle_timeout="1m", **self.tags)])
        self.nudges = Nudges()
        self.work = FakeWorkQueue()
        self.payloads = FakePayloads()
        self.locations = FakeLocations()
        self.notifications = FakeNotifications()
        self.dead_letters = FakeDeadLetters()
        self.models = FakeModelLedger()
        self.warm_up_payloads = FakeWarmUpPayloads()
        self.history = Forgetful()
        self.processes: dict[str, list[Process]] = {}
        self.promises: dict[str, Promise] = {}
        self.skews = list(SKEWS)

    # ------------------------------------------------------------------------------ the containers

    def process(self, kind: str, build: Callable[[Process], Any]) -> Process:
        """Find a container that is free, or start one."""
        processes = self.processes.setdefault(kind, [])
        for process in processes:
            if not process.is_busy and not process.is_dead:
                return process
        skew = self.skews[len(processes) % len(self.skews)]
        process = Process(f"{kind} container {len(processes) + 1}", self.stage, skew)
        process.app = build(process)
        processes.append(process)
        return process

    def on(self, target: Any, name: str) -> Any:
        """Let every call of a stand-in be a step."""
        return stepped(self.stage, target, name)

    def _reconciler(self, process: Process) -> Reconciler:
        state, work = self.on(self.ledgers, "state"), self.on(self.work, "work")
        endpoints, models = self.on(self.cloud, "sagemaker"), self.on(self.models, "models")
        records = self.on(self.records, "records")
        return Reconciler(
            catalog=self.on(self.catalog, "catalog"),
            created=endpoints,
            endpoints=endpoints,
            metrics=self.cloud,
            state=state,
            history=self.on(self.history, "history"),
            clock=process.clock,
            timing=Timing(METRIC_LAG, TERMS.renewal_interval, timedelta(hours=1)),
            deployment=DEPLOYMENT,
            teardown=Teardown(endpoints, state, models, process.clock),
            awakening=Awakening(state, work, process.clock, timedelta(minutes=3), RESEND_AFTER),
            releasing=Releasing(records, work, RESEND_AFTER),
        )

    def _sender(self, process: Process) -> Sender:
        return Sender(
            runtime=self.cloud,
            state=self.on(self.ledgers, "state"),
            models=self.on(self.models, "models"),
            clock=process.clock,
            terms=TERMS,
        )

    def _drain(self, process: Process) -> tuple[Drain, Publishing, Warming]:
        state = self.on(self.ledgers, "state")
        records, payloads = self.on(self.records, "records"), self.on(self.payloads, "payloads")
        publishing = Publishing(
            records=records,
            payloads=payloads,
            locations=self.on(self.locations, "locations"),
            notifications=self.on(self.notifications, "notifications"),
            dead_letters=self.on(self.dead_letters, "dead letters"),
            clock=process.clock,
            region="us-east-1",
            patience=timedelta(hours=1),
        )
        sender = self._sender(process)
        call_time = TERMS.read_timeout + timedelta(seconds=5)
        drain = Drain(
            records=records,
            payloads=payloads,
            sender=sender,
            state=state,
            nudge=self.on(self.nudges, "nudge"),
            publishing=publishing,
            clock=process.clock,
            sleep=self.stage.sleep,
            tries=3,
            retry_pause=timedelta(seconds=30),
            call_time=call_time,
            claim_time=call_time + timedelta(seconds=25),
            demand_renewal=timedelta(seconds=15),
        )
        warming = Warming(
            sender=sender,
            state=state,
            payloads=self.on(self.warm_up_payloads, "warm-up payloads"),
            clock=process.clock,
            sleep=self.stage.sleep,
            call_time=call_time,
        )
        return drain, publishing, warming

    def _intents(self, process: Process) -> Intents:
        state = self.on(self.ledgers, "state")
        return Intents(self.on(self.catalog, "catalog"), state, process.clock, DEPLOYMENT)

    # ---------------------------------------------------------------------- what may come on stage

    def tick(self, only: str | None = None) -> Actor:
        """Let a tick begin."""
        process = self.process("reconcile", self._reconciler)
        served = self._served()
        parked = [promise for promise in self.promises.values() if self._is_parked(promise)]

        def after(actor: Actor) -> None:
            if not actor.was_hurt and served is not None and served == self._served():
                for promise in parked:
                    self._left_parked(promise)

        return self.stage.begin(
            "tick", process, lambda: list(process.app.tick(only)), RECONCILE_LIVES, after
        )

    def drain(self, work: Work) -> Actor:
        """Let a message of the work queue be taken; it comes again if that fails."""
        process = self.process("drain", self._drain)
        drain, publishing, warming = process.app

        def body() -> object:
            time_left = DRAIN_LIVES - timedelta(seconds=2)
            match work:
                case AnswerNext():
                    return drain.answer_next(work, time_left)
                case Publish():
                    return publishing.publish(work)
                case LoadModel():
                    return warming.load(work, time_left)

        def after(actor: Actor) -> None:
            if actor.error is not None:
                self.work.sent.append(work)

        return self.stage.begin("drain", process, body, DRAIN_LIVES, after)

    def operator(self, intent: Intent) -> Actor:
        """Let an operator ask for something."""
        process = self.process("control", self._intents)
        return self.stage.begin(
            "control", process, lambda: process.app.record(intent), CONTROL_LIVES
        )

    # ------------------------------------------------------------------------------ what must hold

    def promise(self, request_id: str, body: bytes, kind: Kind) -> None:
        """Note that a caller was told that his request is kept."""
        self.promises.setdefault(request_id, Promise(request_id, body, kind, self.stage.now))

    def record_of(self, promise: Promise) -> ParkedRequest | None:
        """Read the record of a request that was promised, by nobody's hand."""
        return self.records.stored.get((ENDPOINT, promise.id))

    def _is_parked(self, promise: Promise) -> bool:
        record = self.record_of(promise)
        return record is not None and record.status is Status.PARKED

    def _served(self) -> int | None:
        """Say which endpoint serves and is not being torn down, by its number."""
        is_open = self.ledgers.read(ENDPOINT).closing is None
        return len(self.cloud.creations) if is_open and self.cloud.is_serving else None

    def _left_parked(self, promise: Promise) -> None:
        if not self._is_parked(promise):
            promise.ticks_in_vain = 0
            return
        promise.ticks_in_vain += 1
        if promise.ticks_in_vain > 2:
            self.cloud.violated(f"{promise.body!r} stays parked while the endpoint serves")

    def check(self) -> None:
        """Look for what must never be, at any moment."""
        ledger = self.ledgers.read(ENDPOINT)
        if ledger.is_deleting and self.cloud.under_way:
            bodies = [run.body for run in self.cloud.under_way]
            self.cloud.violated(f"under way while a teardown is claimed: {bodies}")
        for promise in self.promises.values():
            record = self.record_of(promise)
            if record is None:
                self.cloud.violated(f"{promise.body!r} was promised, and there is no record of it")
            elif queue_of(record) is not None and not ledger.has_requests:
                self.cloud.violated(
                    f"{promise.body!r} is {record.status}, and the ledger knows of no request"
                )
        self.check_results()
        assert not self.cloud.violations, self.story()

    def check_results(self) -> None:
        """Each request ends once, and whatever was recorded as its end stays."""
        ends: dict[str, ParkedRequest] = {}
        for step in self.records.history:
            end = ends.get(step.id)
            if end is not None and (step.status, step.result) != (end.status, end.result):
                self.cloud.violated(f"{step.id} ended as {end.status} and then as {step.status}")
            if step.status.is_final:
                ends[step.id] = step

    def story(self) -> str:
        """Tell what has happened, for whoever reads a failure."""
        return "\n".join([*self.cloud.violations, "", *self.stage.log])


__all__ = ["Hold", "Release", "Sleep", "Wake", "World"]
