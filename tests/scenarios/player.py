"""Plays a scenario: brings about what each step tells, ticks, and holds what follows against it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from dormouse.adapters.sagemaker import SageMakerEndpoints
from dormouse.adapters.state import EndpointsTable
from dormouse.bootstrap.graph import Durations, World, reconciler_of
from dormouse.decisions import Outcome
from dormouse.domain import idle_policy
from dormouse.domain.claims import TaggedConfig
from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.intent import Hold, Resume, Sleep, Suspend
from dormouse.domain.ledger import Ledger
from dormouse.domain.spec import TAG_PREFIX
from dormouse.domain.timing import Timing
from dormouse.domain.usage import MinutePart, minute_of
from dormouse.intents import Intents
from dormouse_policy.policy import Stakes
from tests.fakes.announcements import FakeBus, FakeTopics
from tests.fakes.clock import FakeClock
from tests.fakes.deployment import DEPLOYMENT, LEASE_TERMS, RESEND_AFTER, STACK_ID
from tests.fakes.endpoints import FakeEndpoints
from tests.fakes.requests import FakeRequestRecords, FakeUsageLedger, FakeWorkQueue
from tests.fakes.surroundings import (
    FakeConfigs,
    FakeDeclarations,
    FakeRates,
    FakeScaling,
    FakeSchedules,
)
from tests.fakes.tables import decisions_table
from tests.fakes.world import FakeCatalog, FakeMetrics
from tests.scenarios.golden_sagemaker import GoldenSageMaker
from tests.scenarios.scenario import Scenario, Step, moment

ENDPOINT = "reviews"


class Player:
    """One scenario, in a deployment of its own."""

    def __init__(self, scenario: Scenario, table: EndpointsTable) -> None:
        self.scenario = scenario
        self.table = table
        self.sagemaker = GoldenSageMaker()
        self.clock = FakeClock()
        self.catalog = FakeCatalog()
        self.bus, self.topics = FakeBus(), FakeTopics()
        self.usage = FakeUsageLedger()
        self.intents = Intents(self.catalog, table, self.usage, self.clock, DEPLOYMENT)
        client = self.sagemaker.client()
        world = World(
            catalog=self.catalog,
            created=FakeEndpoints(self.clock),
            schedules=FakeSchedules(),
            endpoints=SageMakerEndpoints(reader=client, writer=client),
            configs=FakeConfigs(),
            scaling=FakeScaling(),
            declarations=FakeDeclarations(),
            metrics=FakeMetrics(),
            rates=FakeRates(),
            state=table,
            history=decisions_table(table.client),
            usage=self.usage,
            records=FakeRequestRecords(),
            work=FakeWorkQueue(),
            bus=self.bus,
            topics=self.topics,
            clock=self.clock,
        )
        self.reconciler = reconciler_of(
            world,
            deployment=DEPLOYMENT,
            timing=Timing(
                metric_lag=timedelta(minutes=5),
                ledger_interval=timedelta(seconds=30),
                demand_patience=timedelta(hours=1),
            ),
            durations=Durations(
                warm_up=timedelta(minutes=10),
                resend_after=RESEND_AFTER,
                config_grace=timedelta(hours=24),
            ),
            stack_id=STACK_ID,
        )

    def play(self) -> None:
        """Play it to its end.

        Raises:
            AssertionError: something else follows than is told.
        """
        self._tag(self.scenario.configs)
        self._learn()
        for step in self.scenario.story:
            self._prepare(step)
            for at in step.times:
                self.clock.now = at
                for event in step.when:
                    self._happen(event)
                self._look(step, is_first=at == step.times[0])

    def _tag(self, configs: Mapping[str, Mapping[str, str]]) -> None:
        self.catalog.configs = [
            TaggedConfig(name, {f"{TAG_PREFIX}{key}": value for key, value in tags.items()})
            for name, tags in configs.items()
        ]

    def _prepare(self, step: Step) -> None:
        if step.configs is not None:
            self._tag(step.configs)
        if step.golden is not None:
            self.sagemaker.described = step.seen
        # What comes of a change has to be told.
        assert step.golden is not None or not self.sagemaker.has_changed
        self.sagemaker.has_changed = False
        if step.tags is not None:
            self.sagemaker.tags = step.tags
        self.sagemaker.refuses = step.refuses

    def _learn(self) -> None:
        """Let its policy know what was asked before the story begins, as ticks have learned it."""
        asked = self.scenario.history
        if asked:
            minutes = [(idle_policy.minute_of(at), 1) for at in asked]
            text = idle_policy.learned(Stakes(5, 15.0), None, minutes)
            history = DemandHistory(asked[-1] + timedelta(minutes=1), text)
            self.table.record_demand_history(ENDPOINT, Ledger(), history)

    def _count(self, at: datetime) -> None:
        """Count a request as whoever answers it does."""
        self.usage.record([MinutePart(ENDPOINT, minute_of(at), "container", demand=1)], [])

    def _happen(self, event: str) -> None:
        now = self.clock()
        match event:
            case "a request comes":
                news_since = now - timedelta(seconds=15)
                self.table.record_demand(ENDPOINT, now, news_since, known_only=False)
                self._count(now)
            case "it is used":
                until = LEASE_TERMS.until(now)
                lease = self.table.take_lease(ENDPOINT, now, until, is_request=True)
                assert lease.until is not None
                self._count(now)
            case "held for 8 hours":
                self.intents.record(Hold(ENDPOINT, timedelta(hours=8)))
            case "put to sleep":
                self.intents.record(Sleep(ENDPOINT))
            case "suspended":
                self.intents.record(Suspend(ENDPOINT))
            case "resumed":
                self.intents.record(Resume(ENDPOINT))
            case _:
                raise AssertionError(event)

    def _look(self, step: Step, *, is_first: bool) -> None:
        self.sagemaker.calls.clear()
        self.bus.told.clear()
        self.topics.told.clear()
        outcomes = list(self.reconciler.tick())
        then, where = step.then, f"{self.scenario.name}, {self.clock.now:%a %H:%M}"
        if then is None:
            _expect(where, "is managed", False, found=bool(outcomes))
            _expect(where, "calls", [], found=self.sagemaker.calls)
            _expect(where, "told", [], found=self.bus.told)
            return
        (outcome,) = outcomes
        assert isinstance(outcome, Outcome)
        plan, problem = outcome.plan, outcome.problem
        where = f"{where} ({plan.action}, {plan.reason})"
        _expect(where, "plan", then.plan, found=plan.action)
        _expect(where, "rule", then.rule, found=plan.rule)
        for words in then.because:
            _expect_in(where, "because", words, found=plan.reason)
        if then.look_again:
            _expect(where, "look again", _moment(then.look_again), found=plan.next_look_at)
        _expect(where, "calls", list(then.calls), found=self.sagemaker.calls)
        if then.problem is None:
            _expect(where, "problem", None, found=problem)
        else:
            _expect_in(where, "problem", then.problem, found=problem or "")
        self._look_at_notices(where, then.told if is_first else {})

    def _look_at_notices(self, where: str, told: Mapping[str, str]) -> None:
        _expect(where, "told", list(told), found=[each.kind.value for each in self.bus.told])
        for notice in self.bus.told:
            _expect_in(where, "told", told[notice.kind], found=f"{notice.reason}; {notice.detail}")
        by_topic = [(each.topic, each) for each in self.bus.told if each.topic]
        _expect(where, "told by topic", by_topic, found=self.topics.told)


def _expect(where: str, what: str, told: object, *, found: object) -> None:
    if found != told:
        raise AssertionError(f"{where}: {what}: the story tells {told!r}; found {found!r}")


def _expect_in(where: str, what: str, told: str, *, found: str) -> None:
    if told not in found:
        raise AssertionError(f"{where}: {what}: the story tells {told!r}; found {found!r}")


def _moment(text: str) -> datetime | None:
    return None if text == "never" else moment(text)
