"""One deployment on a stage: every function of it, its containers, and what passes between them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from dormouse.async_invocations import AsyncInvocations
from dormouse.bootstrap import graph
from dormouse.demanding import Demand
from dormouse.domain.call import Ask, Call, Cancel, Invoke, InvokeAsync
from dormouse.domain.claims import Deployment
from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.intent import Intent
from dormouse.domain.invocation import InvocationResponse
from dormouse.domain.lease import LeaseTerms
from dormouse.domain.parked_request import Kind, ParkedRequest, Status, queue_of
from dormouse.domain.timing import Timing
from dormouse.domain.work import AnswerNext, LoadModel, Publish, Work
from dormouse.drain import Drain
from dormouse.handled import Fate, Handled
from dormouse.holding import Holding
from dormouse.inquiry import Inquiry
from dormouse.intents import Intents
from dormouse.joining import Joining
from dormouse.parking import Parking
from dormouse.permissions import Permissions
from dormouse.proxy import Proxy
from dormouse.publishing import Publishing
from dormouse.reconciler import Reconciler
from dormouse.sending import Sender
from dormouse.warming import Warming
from tests.fakes.announcements import FakeBus, FakeTopics
from tests.fakes.clock import FakeClock
from tests.fakes.endpoints import STACK
from tests.fakes.hold_slots import FakeHoldSlots
from tests.fakes.ledger import FakeLedgers
from tests.fakes.requests import (
    FakeDeadLetters,
    FakeLocations,
    FakeNotifications,
    FakePayloads,
    FakeRequestRecords,
    FakeUsageLedger,
    FakeWarmUpPayloads,
    FakeWorkQueue,
)
from tests.fakes.surroundings import (
    FakeConfigs,
    FakeDeclarations,
    FakeRates,
    FakeScaling,
    FakeSchedules,
)
from tests.fakes.world import FakeCatalog, config
from tests.state_machine.callers import ACCOUNT, TOPIC, Request
from tests.state_machine.cloud import ALIAS, ENDPOINT, READ_TIMEOUT, Cloud, answer_to
from tests.state_machine.interleaving import Actor, Process, Stage, stepped

DEPLOYMENT = Deployment(STACK, "dormouse", "dormouse-config")
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
EXPECTED_WAKE = timedelta(minutes=2)
HOLD_SLOTS = 6
BACKLOG_LIMIT = 8
RESEND_AFTER = timedelta(seconds=60)

# Of clocks: a claim is made by one and outlived by another.
MARGIN = timedelta(seconds=10)
TERMS = LeaseTerms(timedelta(seconds=30), READ_TIMEOUT, MARGIN)

_ON_ITS_WAY = (
    EndpointStatus.CREATING,
    EndpointStatus.IN_SERVICE,
    EndpointStatus.UPDATING,
)

# Two clocks differ by less than the margin, with what a call may take beyond its read timeout.
SKEWS = [timedelta(seconds=seconds) for seconds in (0, 2, -2, 1, -1, 0)]


@dataclass(frozen=True, slots=True)
class Wish:
    """A request that was told that the endpoint is started for it, and how many had been then."""

    body: bytes
    began_at: datetime
    creations: int


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """What `invoke` consists of."""

    proxy: Proxy
    asynchronous: AsyncInvocations
    inquiry: Inquiry

    def answer(self, call: Call) -> Handled:
        """Answer whatever is asked."""
        match call:
            case Invoke():
                return self.proxy.handle(call)
            case InvokeAsync():
                return self.asynchronous.handle(call)
            case Ask():
                return self.inquiry.ask(call)
            case Cancel():
                return self.inquiry.cancel(call)


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
    told: InvocationResponse | None = None
    """The final answer that somebody was given who asked."""
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
        tags = self.tags if "policy" in self.tags else {"idle_timeout": "1m", **self.tags}
        self.catalog = FakeCatalog([config(ENDPOINT, **tags)])
        self.nudges = Nudges()
        self.work = FakeWorkQueue()
        self.payloads = FakePayloads()
        self.locations = FakeLocations()
        self.notifications = FakeNotifications()
        self.dead_letters = FakeDeadLetters()
        self.usage = FakeUsageLedger()
        self.warm_up_payloads = FakeWarmUpPayloads()
        self.history = Forgetful()
        self.cloud.count_steps = lambda: len(self.records.history)
        self.slots = FakeHoldSlots(HOLD_SLOTS)
        self.bus, self.scaling = FakeBus(), FakeScaling()
        self.callers: dict[str, Actor] = {}
        self.wishes: list[Wish] = []
        self.tokens = 0
        self.requests: list[Request] = []
        self.processes: dict[str, list[Process]] = {}
        self.promises: dict[str, Promise] = {}
        self.skews = list(SKEWS)

    def point(self, model: str) -> None:
        """Let the alias stand for a model."""
        self.ledgers.set_alias(ENDPOINT, ALIAS, model, self.stage.now, 9)

    # ------------------------------------------------------------------------------- the containers

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
        endpoints, usage = self.on(self.cloud, "sagemaker"), self.on(self.usage, "usage")
        records = self.on(self.records, "records")
        world = graph.World(
            catalog=self.on(self.catalog, "catalog"),
            created=endpoints,
            schedules=FakeSchedules(),
            endpoints=endpoints,
            configs=self.on(FakeConfigs(), "configs"),
            scaling=self.on(self.scaling, "scaling"),
            declarations=FakeDeclarations(),
            metrics=self.cloud,
            rates=FakeRates(),
            state=state,
            history=self.on(self.history, "history"),
            usage=usage,
            records=records,
            work=work,
            bus=self.on(self.bus, "bus"),
            topics=FakeTopics(),
            clock=process.clock,
        )
        return graph.reconciler_of(
            world,
            deployment=DEPLOYMENT,
            timing=Timing(METRIC_LAG, TERMS.renewal_interval, timedelta(hours=1)),
            durations=graph.Durations(
                warm_up=timedelta(minutes=3),
                resend_after=RESEND_AFTER,
                config_grace=timedelta(hours=24),
                claim=RECONCILE_LIVES + MARGIN,
            ),
            stack_id="stack-id",
        )

    def _sender(self, process: Process) -> Sender:
        return Sender(
            runtime=self.cloud,
            state=self.on(self.ledgers, "state"),
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
        call_time = TERMS.read_timeout
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
            claim_time=2 * TERMS.read_timeout + TERMS.margin,
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

    def _front_door(self, process: Process) -> FrontDoor:
        state, clock = self.on(self.ledgers, "state"), process.clock
        records, payloads = self.on(self.records, "records"), self.on(self.payloads, "payloads")
        catalog, sender = self.on(self.catalog, "catalog"), self._sender(process)
        demand = Demand(state, self.on(self.nudges, "nudge"), clock)
        permissions = Permissions(
            state, catalog, clock, DEPLOYMENT, ACCOUNT, TERMS.renewal_interval
        )
        parking = Parking(
            records=records,
            payloads=payloads,
            work=self.on(self.work, "work"),
            demand=demand,
            clock=clock,
            draw_token=self._draw_token,
            time_to_live=TIME_TO_LIVE,
            backlog_limit=BACKLOG_LIMIT,
            completion_topics=frozenset({TOPIC}),
            expected_wake=EXPECTED_WAKE,
        )
        holding = Holding(
            sender=sender,
            state=state,
            slots=self.on(self.slots, "slots"),
            joining=Joining(records, payloads, clock, self._draw_token),
            demand=demand,
            clock=clock,
            sleep=self.stage.sleep,
            jitter=lambda: 0.5,
        )
        proxy = Proxy(
            sender=sender,
            runtime=self.cloud,
            state=state,
            demand=demand,
            permissions=permissions,
            holding=holding,
            parking=parking,
            clock=clock,
            draw_token=self._draw_token,
            longest_hold=LONGEST_HOLD,
            expected_wake=EXPECTED_WAKE,
        )
        asynchronous = AsyncInvocations(
            state=state,
            permissions=permissions,
            parking=parking,
            locations=self.on(self.locations, "locations"),
            clock=clock,
            draw_token=self._draw_token,
            requests_bucket="bucket",
        )
        return FrontDoor(proxy, asynchronous, Inquiry(records, payloads, state, parking, clock))

    def _draw_token(self) -> str:
        self.tokens += 1
        return f"{self.tokens:032x}"

    def _intents(self, process: Process) -> Intents:
        catalog, state = self.on(self.catalog, "catalog"), self.on(self.ledgers, "state")
        return Intents(catalog, state, self.on(self.usage, "usage"), process.clock, DEPLOYMENT)

    # ----------------------------------------------------------------------- what may come on stage

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

    def send(self, request: Request) -> Actor:
        """Let a request arrive at the front door, for the first time or once more."""
        if request not in self.requests:
            self.requests.append(request)

        def after(actor: Actor) -> None:
            if actor.error is not None:
                self.cloud.violated(f"the front door broke down: {actor.error!r}")
                return
            handled: Handled = actor.result
            self.stage.note(f"{request.body!r} is told {handled.response.status} ({handled.fate})")
            request.answers.append((self.stage.now, handled.response))
            is_cold = handled.fate in (Fate.COLD, Fate.WAITED_IN_VAIN)
            # Whoever joins another that has no answer yet is told just that.
            is_told_so = b"was sent before" not in handled.response.body
            if is_cold and is_told_so and not actor.was_hurt:
                self.wishes.append(Wish(request.body, actor.began_at, len(self.cloud.creations)))
            if handled.response.status == 202:
                assert handled.request_id is not None
                self.promise(handled.request_id, request)
            elif handled.response.status == 200 and handled.response.body != answer_to(
                request.body
            ):
                self.cloud.violated(f"{request.body!r} was answered {handled.response.body!r}")

        call = request.call()
        actor = self._call(call, after)
        self.callers[call.invocation.request_id] = actor
        return actor

    def inquire(self, call: Ask | Cancel) -> Actor:
        """Let somebody ask for a request that was promised, or cancel it."""
        promise = self.promises[call.request_id]

        def after(actor: Actor) -> None:
            if actor.error is not None:
                self.cloud.violated(f"the front door broke down: {actor.error!r}")
                return
            response = actor.result.response
            self.stage.note(f"{promise.body!r} stands at {response.status}")
            is_final = isinstance(call, Ask) and response.status not in (202, 503)
            if not is_final:
                return
            if promise.told is not None and promise.told != response:
                self.cloud.violated(f"{promise.body!r} was told {promise.told}, then {response}")
            if response.status == 200 and response.body != answer_to(promise.body):
                self.cloud.violated(f"{promise.body!r} was answered {response.body!r}")
            if response.status in (403, 404, 500):
                self.cloud.violated(f"{promise.body!r} is not known any more: {response}")
            promise.told = response

        return self._call(call, after)

    def _call(self, call: Call, after: Callable[[Actor], None]) -> Actor:
        process = self.process("invoke", self._front_door)
        return self.stage.begin(
            "invoke", process, lambda: process.app.answer(call), INVOKE_LIVES, after
        )

    # ------------------------------------------------------------------------------- what must hold

    def promise(self, request_id: str, request: Request) -> None:
        """Note that a caller was told that his request is kept."""
        promise = Promise(request_id, request.body, request.manner.kind, self.stage.now)
        self.promises.setdefault(request_id, promise)

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
        self.wishes = [wish for wish in self.wishes if not self._is_granted(wish)]
        self.check_results()
        assert not self.cloud.violations, self.story()

    def _is_granted(self, wish: Wish) -> bool:
        """Whether the endpoint was there for it, or an operator has overruled it."""
        ledger = self.ledgers.read(ENDPOINT)
        is_overruled = (
            ledger.slept_at is not None and ledger.slept_at >= wish.began_at - TERMS.margin
        )
        is_there = self.cloud.status in _ON_ITS_WAY and ledger.closing is None
        return is_overruled or is_there or len(self.cloud.creations) > wish.creations

    def check_results(self) -> None:
        """Each request ends once, and whatever was recorded as its end stays."""
        ends: dict[str, ParkedRequest] = {}
        for step in self.records.history:
            end = ends.get(step.id)
            if end is not None and (step.status, step.result) != (end.status, end.result):
                self.cloud.violated(f"{step.id} ended as {end.status} and then as {step.status}")
            if step.status.is_final:
                ends[step.id] = step

    # -------------------------------------------------------------------------------------- at last

    @property
    def alive(self) -> list[Actor]:
        """Whoever has something to do still."""
        return [actor for actor in self.stage.actors if actor.is_alive]

    @property
    def ready(self) -> list[Actor]:
        """Whoever can go on without time passing."""
        return [actor for actor in self.stage.actors if actor.is_ready]

    @property
    def orders_for_ticks(self) -> list[str]:
        """Nudges, and events that EventBridge has made of changes of status."""
        changes, self.cloud.status_changes = self.cloud.status_changes, []
        self.nudges.sent += [ENDPOINT] * len(changes)
        return self.nudges.sent

    def work_off(self) -> None:
        """Carry out all that waits in the work queue, and what that leads to."""
        for _ in range(50):
            if not self.work.sent:
                return
            self.stage.run(self.drain(self.work.sent.pop(0)))

    def rest_in_peace(self, rounds: int) -> None:
        """Let ticks, drains and time go on without faults until nothing is left to be done."""
        self.stage.note("from here on nothing fails")
        self.cloud.failures = self.cloud.not_ready = 0
        self.cloud.metrics_fail = False
        with self.stage.quiet():
            for _ in range(rounds):
                for actor in self.ready:
                    self.stage.run(actor)
                self.stage.run(self.tick())
                self.work_off()
                self.check()
                if self._is_over():
                    break
                self.stage.advance(60)
            assert self._is_over(), f"it does not come to an end: {self._left()}\n{self.story()}"
        self.check_ends()

    def _check_runs(self, request: Request) -> None:
        """What has a record is executed once, unless something has happened to whoever executed
        it. What was executed before there was a record does not count, nor what was sent for the
        first time and was not held: it was sent warm, and looks for no record.
        """
        ids = {id_ for id_, promise in self.promises.items() if promise.body == request.body}
        # Without a name, what is sent again is another request.
        groups = [ids] if request.has_name else [{id_} for id_ in ids]
        for group in groups:
            # A record may be taken back, and another be made later.
            begins = [
                number
                for number, step in enumerate(self.records.history)
                if step.revision == 0
                if step.id in group
                or (request.has_name and step.fingerprint in request.fingerprints)
            ]
            runs = [
                run
                for run in self.cloud.runs
                if run.body == request.body and run.is_good and not run.is_warm
                if run.request_id in group or (request.has_name and run.is_from_door)
                if run.actor is not None and not run.actor.was_hurt
            ]
            for begin, end in pairwise([*begins, len(self.records.history) + 1]):
                names = [
                    run.actor.name
                    for run in runs
                    if begin < run.steps_before <= end and run.actor is not None
                ]
                if len(names) > 1 and not request.is_bad:
                    self.cloud.violated(f"{request.body!r} was executed more than once: {names}")
        assert not self.cloud.violations, self.story()

    def _is_over(self) -> bool:
        return not self._left()

    def _left(self) -> list[str]:
        """Say what is left to be done."""
        ledger = self.ledgers.read(ENDPOINT)
        left = [f"{actor}" for actor in self.alive]
        left += [f"{wish.body!r} was told that it is started" for wish in self.wishes]
        left += [
            f"{record.id}: {record.status}"
            for record in self.records.stored.values()
            # Of what nobody was promised it does not matter when somebody comes to look for it.
            if queue_of(record) is not None and record.id in self.promises
        ]
        if self.cloud.status is not None:
            left.append(f"the endpoint is {self.cloud.status}")
        if ledger.closing is not None:
            left.append(f"it is {ledger.closing}")
        # What is parked again while it is put to sleep raises no demand, so the note stays.
        if ledger.has_requests and not ledger.is_put_to_sleep:
            left.append("the ledger knows of requests")
        return left

    def check_ends(self) -> None:
        """Each request that was promised has one end, and whoever asks for it is told; none was
        executed twice of which nothing had gone wrong; no place to wait is taken.
        """
        for request in self.requests:
            self._check_runs(request)
        for (_, holder), until in self.slots.taken.items():
            # One that was given up in vain, or whose holder has died, ends by itself.
            assert self.callers[holder].was_hurt, f"{holder} keeps his place\n{self.story()}"
            latest = self.callers[holder].began_at + LONGEST_HOLD + 2 * READ_TIMEOUT
            assert until <= latest, f"{holder} keeps his place until {until}"
        for promise in self.promises.values():
            record = self.record_of(promise)
            assert record is not None and record.status.is_final, promise
            if record.status is Status.ANSWERED:
                assert record.result is not None
                body = self.payloads.get(record.result.body_key)
                assert body == answer_to(promise.body), f"{promise} got {body!r}\n{self.story()}"

    def story(self) -> str:
        """Tell what has happened, for whoever reads a failure."""
        return "\n".join([*self.cloud.violations, "", *self.stage.log])
