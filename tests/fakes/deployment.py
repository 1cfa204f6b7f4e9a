"""One deployment among stand-ins: a reconciler, what records intents, and an operator's desk."""

from datetime import timedelta

from dormouse.adapters.state import EndpointsTable
from dormouse.bootstrap import graph
from dormouse.control import Control
from dormouse.decisions import Outcome
from dormouse.domain.claims import Deployment
from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.intent import Hold, Release, Sleep, Wake
from dormouse.domain.lease import LeaseTerms
from dormouse.domain.ledger import Lease, Ledger
from dormouse.domain.plan import Action
from dormouse.domain.timing import Timing
from dormouse.intents import Intents
from dormouse.waiting_requests import WaitingRequests
from tests.fakes.announcements import FakeBus, FakeTopics
from tests.fakes.clock import FakeClock
from tests.fakes.endpoints import STACK, FakeEndpoints
from tests.fakes.requests import FakeDeadLetters, FakeRequestRecords, FakeUsageLedger, FakeWorkQueue
from tests.fakes.surroundings import (
    FakeConfigs,
    FakeDeclarations,
    FakeRates,
    FakeScaling,
    FakeSchedules,
)
from tests.fakes.tables import decisions_table
from tests.fakes.world import FakeCatalog, FakeMetrics, FakeNudge, config

DEPLOYMENT = Deployment(STACK, "dormouse", "dormouse-config")
STACK_ID = f"arn:aws:cloudformation:us-east-1:123456789012:stack/{STACK}/1"
ACCOUNT = "123456789012"
LEASE_TERMS = LeaseTerms(
    renewal_interval=timedelta(seconds=30),
    read_timeout=timedelta(seconds=70),
    margin=timedelta(seconds=10),
)
RESEND_AFTER = timedelta(seconds=60)


class World:
    """A deployment whose only claimed endpoint is `reviews`, with an idle timeout of 15 minutes."""

    def __init__(self, table: EndpointsTable) -> None:
        self.clock = FakeClock()
        self.endpoints = FakeEndpoints(self.clock)
        self.metrics = FakeMetrics()
        self.catalog = FakeCatalog([config("reviews", idle_timeout="15m")])
        self.nudge = FakeNudge()
        self.records = FakeRequestRecords()
        self.letters = FakeDeadLetters()
        self.state = table
        self.history = decisions_table(table.client)
        self.work = FakeWorkQueue()
        self.usage = FakeUsageLedger()
        self.schedules, self.rates = FakeSchedules(), FakeRates()
        self.scaling, self.declarations = FakeScaling(), FakeDeclarations()
        self.configs = FakeConfigs()
        self.bus, self.topics = FakeBus(), FakeTopics()
        timing = Timing(timedelta(minutes=5), timedelta(seconds=30), timedelta(hours=1))
        world = graph.World(
            catalog=self.catalog,
            created=self.endpoints,
            schedules=self.schedules,
            endpoints=self.endpoints,
            configs=self.configs,
            scaling=self.scaling,
            declarations=self.declarations,
            metrics=self.metrics,
            rates=self.rates,
            state=table,
            history=self.history,
            usage=self.usage,
            records=self.records,
            work=self.work,
            bus=self.bus,
            topics=self.topics,
            clock=self.clock,
        )
        self.reconciler = graph.reconciler_of(
            world,
            deployment=DEPLOYMENT,
            timing=timing,
            durations=graph.Durations(
                warm_up=timedelta(minutes=10),
                resend_after=RESEND_AFTER,
                config_grace=timedelta(hours=24),
            ),
            stack_id=STACK_ID,
        )
        self.intents = Intents(self.catalog, table, self.usage, self.clock, DEPLOYMENT)
        self.control = Control(
            intents=self.intents,
            catalog=self.catalog,
            schedules=self.schedules,
            endpoints=self.endpoints,
            state=table,
            history=self.history,
            requests=WaitingRequests(
                self.records, self.letters, table, self.clock, timedelta(hours=6)
            ),
            nudge=self.nudge,
            clock=self.clock,
            account_id=ACCOUNT,
            timing=timing,
        )

    def tick(self, only: str | None = None) -> list[Outcome]:
        """Tick, and let a second pass, so that no two ticks fall together."""
        outcomes = [each for each in self.reconciler.tick(only) if isinstance(each, Outcome)]
        self.clock.advance(seconds=1)
        return outcomes

    def look(self) -> Outcome:
        """Tick, and return the only outcome there is."""
        (outcome,) = self.tick()
        return outcome

    def act(self) -> Action:
        """Tick, and return what was planned for the only endpoint there is, without a problem."""
        outcome = self.look()
        assert outcome.problem is None
        return outcome.plan.action

    def ask(self) -> bool:
        """Let a cold request come, as the proxy records it; say whether it was written."""
        now = self.clock()
        since = now - timedelta(seconds=15)
        return self.state.record_demand("reviews", now, since, known_only=False).is_written

    def use(self) -> Lease:
        """Let a warm request come: the proxy takes a lease for it."""
        now = self.clock()
        return self.state.take_lease("reviews", now, LEASE_TERMS.until(now), is_request=True)

    def wake(self) -> None:
        """Wake it by an operator's hand."""
        self.intents.record(Wake("reviews"))

    def hold(self, **duration: float) -> None:
        """Hold it for `timedelta(**duration)`."""
        self.intents.record(Hold("reviews", timedelta(**duration)))

    def release(self) -> None:
        """Release the hold."""
        self.intents.record(Release("reviews"))

    def sleep(self) -> None:
        """Put it to sleep."""
        self.intents.record(Sleep("reviews"))

    def serve(self, *, config_name: str = "reviews-config", in_use: bool = False) -> None:
        """Let it be InService for an hour, known to the proxy, and used just now or not at all."""
        self.endpoints.put("reviews", EndpointStatus.IN_SERVICE, config_name=config_name)
        self.tick()
        self.clock.advance(hours=1)
        if in_use:
            self.use()

    @property
    def ledger(self) -> Ledger:
        """What is remembered of it."""
        return self.state.read("reviews")
