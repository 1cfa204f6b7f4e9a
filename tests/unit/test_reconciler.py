"""Ticks over time: the story of an endpoint, its faults, and the one writer's restraint."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.activity import Measured, Unreadable
from dormouse.domain.claims import OwnEndpoint, TaggedConfig
from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.ledger import Decision
from dormouse.domain.plan import Action, Rule, Timing
from dormouse.errors import AwsError, UnmanagedEndpointError
from dormouse.reconciler import Outcome, Reconciler
from tests.fakes.clock import FakeClock
from tests.fakes.endpoints import FakeEndpoints
from tests.fakes.world import FakeCatalog, FakeMetrics


class World:
    """A reconciler among stand-ins, with one managed endpoint, `reviews`, of 15 minutes."""

    def __init__(self, table: EndpointsTable) -> None:
        self.clock = FakeClock()
        self.endpoints = FakeEndpoints(self.clock)
        self.metrics = FakeMetrics()
        self.catalog = FakeCatalog([config("reviews")])
        self.state = table
        self.reconciler = Reconciler(
            catalog=self.catalog,
            endpoints=self.endpoints,
            metrics=self.metrics,
            state=table,
            clock=self.clock,
            timing=Timing(timedelta(minutes=5), timedelta(seconds=30), timedelta(hours=1)),
            own=OwnEndpoint("dormouse", "dormouse-config"),
            stack_name="dormouse-stack",
        )

    def tick(self, only: str | None = None) -> list[Outcome]:
        """Tick, and let a second pass, so that no two ticks fall together."""
        outcomes = list(self.reconciler.tick(only))
        self.clock.advance(seconds=1)
        return outcomes

    def act(self) -> Action:
        """Tick, and return what was planned for the only endpoint there is."""
        (outcome,) = self.tick()
        assert outcome.problem is None
        return outcome.plan.action

    def ask(self) -> bool:
        """Let a cold request come, as the proxy records it."""
        now = self.clock()
        since = now - timedelta(seconds=15)
        return self.state.record_demand("reviews", now, since, known_only=False).is_written


def config(endpoint: str, **tags: str) -> TaggedConfig:
    """Tag an EndpointConfig for an endpoint."""
    return TaggedConfig(f"{endpoint}-config", {"dormouse:endpoint": endpoint, **tags})


@pytest.fixture
def world(table: EndpointsTable) -> World:
    """A fresh world."""
    return World(table)


def test_a_request_wakes_it_and_idleness_tears_it_down(world: World) -> None:
    """The main story, minute by minute."""
    assert world.act() is Action.STAY_DOWN
    world.ask()
    assert world.act() is Action.START
    assert world.act() is Action.WAIT
    world.clock.advance(minutes=8)
    assert world.act() is Action.STAY_UP
    minutes_up = 0
    while (action := world.act()) is Action.STAY_UP:
        world.clock.advance(seconds=59)
        minutes_up += 1
    assert action is Action.STOP
    assert minutes_up == 20  # idle timeout and metric lag, after InService
    assert world.act() is Action.WAIT
    world.clock.advance(minutes=1)
    assert world.act() is Action.STAY_DOWN
    assert world.endpoints.create_calls == [
        (
            "reviews",
            "reviews-config",
            {"dormouse:endpoint": "reviews", "dormouse:stack": "dormouse-stack"},
        )
    ]
    assert world.endpoints.deleted == ["reviews"]


def test_a_thousand_cold_requests_make_one_endpoint_and_few_writes(world: World) -> None:
    """Only the first in a while is news."""
    assert [world.ask() for _ in range(1000)].count(True) == 1
    world.act()
    for _ in range(5):
        world.tick("reviews")

    assert len(world.endpoints.create_calls) == 1


def test_demand_that_comes_while_deleting_is_not_lost(world: World) -> None:
    """It is created anew as soon as SageMaker says that it is gone."""
    world.endpoints.put("reviews", EndpointStatus.IN_SERVICE)
    world.clock.advance(hours=1)
    assert world.act() is Action.STOP
    world.ask()
    assert world.act() is Action.WAIT
    world.clock.advance(minutes=1)
    assert world.act() is Action.START


def test_demand_that_comes_between_the_plan_and_the_stop_prevents_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop is conditional on the demand that was seen; the read does not gate it."""
    world.endpoints.put("reviews", EndpointStatus.IN_SERVICE)
    world.clock.advance(hours=1)
    read: Callable[..., Measured | Unreadable] = world.metrics.last_activity

    def meanwhile(*args: object) -> Measured | Unreadable:
        world.ask()
        return read(*args)

    monkeypatch.setattr(world.metrics, "last_activity", meanwhile)

    (outcome,) = world.tick()

    assert outcome.plan.action is Action.WAIT
    assert "a request came meanwhile" in outcome.plan.reason
    assert world.endpoints.deleted == []


def test_a_request_that_is_forwarded_between_the_plan_and_the_stop_prevents_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy notes the first request after a pause before it sends it."""
    world.endpoints.put("reviews", EndpointStatus.IN_SERVICE)
    world.act()
    world.clock.advance(hours=1)
    read: Callable[..., Measured | Unreadable] = world.metrics.last_activity

    def meanwhile(*args: object) -> Measured | Unreadable:
        world.state.record_request("reviews", world.clock())
        return read(*args)

    monkeypatch.setattr(world.metrics, "last_activity", meanwhile)

    (outcome,) = world.tick()

    assert outcome.plan.action is Action.WAIT
    assert world.endpoints.deleted == []


def test_what_was_deleted_by_hand_stays_down_until_newer_demand(world: World) -> None:
    """However recent its last request is."""
    world.ask()
    world.act()
    world.clock.advance(minutes=8)
    assert world.act() is Action.STAY_UP
    world.state.record_request("reviews", world.clock())
    world.endpoints.vanish("reviews")
    assert world.act() is Action.STAY_DOWN
    world.ask()
    assert world.act() is Action.START


def test_what_was_done_is_told_even_if_it_cannot_be_written_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop that happened must not read as if nothing was changed."""
    world.endpoints.put("reviews", EndpointStatus.IN_SERVICE)
    world.clock.advance(hours=1)
    monkeypatch.setattr(
        EndpointsTable, "record_decision", lambda *_: _raise("UpdateItem refused: Throttling")
    )

    (outcome,) = world.tick()

    assert outcome.plan.action is Action.STOP
    assert outcome.problem == "UpdateItem refused: Throttling"
    assert world.endpoints.deleted == ["reviews"]


def test_cloudwatch_is_not_asked_again_while_its_last_answer_suffices(world: World) -> None:
    """An invocation that it showed keeps the endpoint up for the idle timeout, free of charge."""
    world.endpoints.put("reviews", EndpointStatus.IN_SERVICE)
    world.clock.advance(hours=1)
    world.metrics.answer = Measured(world.clock())
    for _ in range(15):
        assert world.act() is Action.STAY_UP
        world.clock.advance(seconds=59)
    assert len(world.metrics.asked) == 1
    world.metrics.answer = Measured(None)
    assert world.act() is Action.STOP


def test_an_endpoint_that_is_not_claimed_any_more_is_not_known(world: World) -> None:
    """Seen by the next nudge, so that the proxy asks the tags before it says that it wakes it."""
    world.act()
    assert world.state.read("reviews").decision is not None
    world.catalog.configs = []
    assert world.tick("reviews") == []
    assert world.state.read("reviews").decision is None


def test_each_minute_begins_with_another_endpoint(world: World) -> None:
    """So that a tick that is cut short does not leave out the same ones for ever."""
    world.catalog.configs = [config("a"), config("b"), config("c")]
    first = set()
    for _ in range(3):
        first.add(world.tick()[0].endpoint)
        world.clock.advance(seconds=59)
    assert first == {"a", "b", "c"}


def test_a_hold_keeps_it_up_and_ends(world: World) -> None:
    """`wake` with a duration starts it as well."""
    world.reconciler.wake("reviews", timedelta(hours=2))
    assert world.act() is Action.START
    world.clock.advance(minutes=119)
    assert world.act() is Action.STAY_UP
    world.clock.advance(minutes=1)
    assert world.act() is Action.STOP


def test_a_wake_without_a_duration_counts_as_one_request(world: World) -> None:
    """Absent, it is created; serving, the idle timeout begins anew."""
    world.reconciler.wake("reviews", None)
    assert world.act() is Action.START
    world.clock.advance(hours=1)
    world.reconciler.wake("reviews", None)
    assert world.act() is Action.STAY_UP
    world.clock.advance(minutes=15, seconds=30)
    assert world.act() is Action.STOP


def test_nobody_wakes_what_is_not_managed(world: World) -> None:
    """A misspelt name must not look like success, and leaves nothing behind."""
    with pytest.raises(UnmanagedEndpointError, match="reveiws"):
        world.reconciler.wake("reveiws", None)
    assert world.state.read("reveiws").demand_version == 0


def test_unreadable_metrics_leave_it_up(world: World) -> None:
    """With the reason in words."""
    world.endpoints.put("reviews", EndpointStatus.IN_SERVICE)
    world.clock.advance(hours=1)
    world.metrics.answer = Unreadable("GetMetricData refused: Throttling: Rate exceeded")

    (outcome,) = world.tick()

    assert (outcome.plan.action, outcome.plan.rule) == (Action.STAY_UP, Rule.FAIL_SAFE)
    assert world.endpoints.deleted == []


def test_metrics_are_asked_with_every_variant_for_the_idle_timeout(world: World) -> None:
    """And never while something else decides."""
    world.ask()
    world.act()
    world.clock.advance(minutes=8)
    world.act()
    assert world.metrics.asked == []
    world.clock.advance(minutes=21)
    now = world.clock()
    world.act()
    assert world.metrics.asked == [("reviews", ("AllTraffic",), now - timedelta(minutes=15), now)]


def test_a_failed_creation_is_cleared_and_tried_again_while_somebody_waits(world: World) -> None:
    """The reason that SageMaker gave is recorded."""
    world.endpoints.fails_with = "InsufficientInstanceCapacity"
    world.ask()
    world.act()
    world.clock.advance(minutes=8)
    assert world.act() is Action.CLEAR
    decision = world.state.read("reviews").decision
    assert decision is not None
    assert "InsufficientInstanceCapacity" in decision.reason
    world.clock.advance(minutes=1)
    assert world.act() is Action.START
    world.clock.advance(hours=2)
    assert world.act() is Action.CLEAR
    world.clock.advance(minutes=1)
    assert world.act() is Action.STAY_DOWN


def test_a_refused_creation_is_a_problem_and_is_tried_at_the_next_tick(world: World) -> None:
    """A quota, say."""
    world.endpoints.refuses_creation = "CreateEndpoint refused: ResourceLimitExceeded: 0 Instances"
    world.ask()

    (outcome,) = world.tick()

    assert outcome.plan.action is Action.START
    assert outcome.problem is not None
    assert "ResourceLimitExceeded" in outcome.problem
    decision = world.state.read("reviews").decision
    assert decision is not None
    assert "ResourceLimitExceeded" in decision.reason
    world.endpoints.refuses_creation = None
    assert world.act() is Action.START


def test_one_fault_stops_no_other_endpoint(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that can't be observed is left alone; the next one is looked at."""
    world.catalog.configs = [config("a"), config("b")]
    observe = world.endpoints.observe
    monkeypatch.setattr(
        world.endpoints,
        "observe",
        lambda name: observe(name) if name == "b" else _raise("DescribeEndpoint failed"),
    )

    first, second = world.tick()

    assert (first.endpoint, first.problem) == ("a", "DescribeEndpoint failed")
    assert first.plan.action is Action.WAIT
    assert (second.endpoint, second.plan.action) == ("b", Action.STAY_DOWN)


def _raise(message: str) -> None:
    raise AwsError(message)


def test_a_bad_tag_changes_nothing_and_says_so(world: World) -> None:
    """Not even for an endpoint that has been idle for days."""
    world.catalog.configs = [config("reviews", **{"dormouse:idle-timeout": "soon"})]
    world.endpoints.put("reviews", EndpointStatus.IN_SERVICE)
    world.clock.advance(hours=48)

    (outcome,) = world.tick()

    assert outcome.plan.rule is Rule.REFUSED
    assert "dormouse:idle-timeout: 'soon'" in outcome.plan.reason
    assert world.endpoints.deleted == []


def test_an_endpoint_whose_config_is_not_listed_is_not_touched(world: World) -> None:
    """The tagging API is eventually consistent: absence is no reason to act."""
    world.endpoints.put("reviews", EndpointStatus.IN_SERVICE)
    world.catalog.configs = []
    world.clock.advance(hours=48)

    assert world.tick() == []
    assert world.endpoints.deleted == []


def test_tags_that_cannot_be_read_end_the_tick(world: World) -> None:
    """With nothing done."""
    world.catalog.unreadable = "GetResources refused: Throttling"

    with pytest.raises(AwsError, match="GetResources"):
        world.tick()


def test_a_decision_is_written_on_change_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watching must not eat the saving."""
    written = []
    record = EndpointsTable.record_decision

    def recording(self: EndpointsTable, endpoint: str, decision: Decision, now: datetime) -> None:
        written.append(decision.action)
        record(self, endpoint, decision, now)

    monkeypatch.setattr(EndpointsTable, "record_decision", recording)
    for _ in range(10):
        world.tick()
    world.ask()
    for _ in range(10):
        world.tick()

    assert written == [Action.STAY_DOWN, Action.START, Action.WAIT]


def test_an_endpoint_in_use_is_written_once_in_an_idle_timeout(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time moves on with each request; the time that was written stays true until it passes."""
    written = []
    record = EndpointsTable.record_decision

    def recording(self: EndpointsTable, endpoint: str, decision: Decision, now: datetime) -> None:
        written.append(decision.until)
        record(self, endpoint, decision, now)

    world.endpoints.put("reviews", EndpointStatus.IN_SERVICE)
    world.clock.advance(hours=1)
    monkeypatch.setattr(EndpointsTable, "record_decision", recording)
    world.ask()
    for _ in range(60):
        world.state.record_request("reviews", world.clock())
        assert world.act() is Action.STAY_UP
        world.clock.advance(seconds=59)

    assert len(written) == 4
