"""Ticks over time: the story of an endpoint, and the one writer's restraint."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.decisions import Outcome
from dormouse.domain.activity import Measured, Unreadable
from dormouse.domain.claims import Claim
from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.ledger import Decision
from dormouse.domain.plan import Action
from dormouse.ports import Window
from dormouse.reconciler import Skipped
from dormouse.settling import Settling
from tests.fakes.deployment import World
from tests.fakes.endpoints import STACK
from tests.fakes.world import config


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
            {"dormouse:endpoint": "reviews", "dormouse:stack": STACK},
        )
    ]
    assert world.endpoints.deleted == ["reviews"]


def test_a_crowd_of_cold_requests_makes_one_endpoint_and_few_writes(world: World) -> None:
    """Only the first in a while is news."""
    assert [world.ask() for _ in range(100)].count(True) == 1
    world.act()
    for _ in range(5):
        world.tick("reviews")

    assert len(world.endpoints.create_calls) == 1


def test_demand_that_comes_while_deleting_is_not_lost(world: World) -> None:
    """It is created anew as soon as SageMaker says that it is gone."""
    world.serve()
    assert world.act() is Action.STOP
    world.ask()
    assert world.act() is Action.WAIT
    world.clock.advance(minutes=1)
    assert world.act() is Action.START


def test_demand_that_comes_between_the_plan_and_the_stop_prevents_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop is conditional on the demand that was seen; the read does not gate it."""
    world.serve()
    read: Callable[..., Mapping[str, Measured | Unreadable]] = world.metrics.last_activity

    def meanwhile(*args: object) -> Mapping[str, Measured | Unreadable]:
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
    read: Callable[..., Mapping[str, Measured | Unreadable]] = world.metrics.last_activity

    def meanwhile(*args: object) -> Mapping[str, Measured | Unreadable]:
        world.use()
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
    world.use()
    world.endpoints.vanish("reviews")
    assert world.act() is Action.STAY_DOWN
    world.ask()
    assert world.act() is Action.START


def test_cloudwatch_is_not_asked_again_while_its_last_answer_suffices(world: World) -> None:
    """An invocation that it showed keeps the endpoint up for the idle timeout, free of charge."""
    world.serve()
    world.metrics.answer = Measured(world.clock())
    for _ in range(15):
        assert world.act() is Action.STAY_UP
        world.clock.advance(seconds=59)
    assert len(world.metrics.asked) == 1
    world.metrics.answer = Measured(None)
    assert world.act() is Action.STOP


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


def test_an_endpoint_that_is_not_claimed_any_more_is_not_known(world: World) -> None:
    """Seen by the next nudge, so that the proxy asks the tags before it says that it wakes it."""
    world.act()
    assert world.ledger.decision is not None
    world.catalog.configs = []
    assert world.tick("reviews") == []
    assert world.ledger.decision is None


def test_each_minute_begins_with_another_endpoint(world: World) -> None:
    """So that a tick that is cut short does not leave out the same ones for ever."""
    world.catalog.configs = [config("a"), config("b"), config("c")]
    first = set()
    for _ in range(3):
        first.add(world.tick()[0].endpoint)
        world.clock.advance(seconds=59)
    assert first == {"a", "b", "c"}


def test_a_tick_that_is_cut_short_has_come_to_an_end_with_some(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes long, which is to find out what CloudWatch must be asked, is done for some first,
    not for all: or a fleet that takes longer than a tick has would never be judged.
    """
    monkeypatch.setattr("dormouse.reconciler._AT_ONCE", 2)
    names = ["a", "b", "c", "d", "e"]
    world.catalog.configs = [config(name) for name in names]
    looked_at = []
    measuring = Settling.measuring

    def recording(self: Settling, claim: Claim, *rest: Any) -> Window | None:
        looked_at.append(claim.endpoint)
        return measuring(self, claim, *rest)

    monkeypatch.setattr(Settling, "measuring", recording)
    # For the first two: before they are looked at, and before each of them.
    time_is_left = iter([True] * 3)
    done = list(world.reconciler.tick(has_time=lambda: next(time_is_left, False)))
    settled = [each.endpoint for each in done if isinstance(each, Outcome)]
    skipped = [each.endpoint for each in done if isinstance(each, Skipped)]
    assert len(settled) == 2
    assert looked_at == settled
    assert sorted([*settled, *skipped]) == names


def test_a_tick_that_is_cut_short_begins_with_who_is_waited_for(world: World) -> None:
    """In each minute, whose turn it might be."""
    world.catalog.configs = [config(name) for name in ("a", "b", "c", "d", "reviews")]
    world.tick()
    world.ask()
    for _ in range(5):
        assert _looked_at_in_a_short_tick(world) == ["reviews"]
        world.clock.advance(seconds=59)


def test_a_tick_that_is_cut_short_begins_with_what_may_have_to_be_stopped(world: World) -> None:
    """A new container, which has to make each forecast of a large fleet, stops in time all the
    same.
    """
    world.catalog.configs = [config(f"n{number}") for number in range(30)]
    world.catalog.configs.append(config("reviews"))
    world.serve(in_use=True)
    world.tick()
    until = world.ledger.decision.until if world.ledger.decision else None
    assert until is not None
    assert _looked_at_in_a_short_tick(world) != ["reviews"]
    world.clock.advance(minutes=(until - world.clock()) / timedelta(minutes=1))
    assert _looked_at_in_a_short_tick(world) == ["reviews"]
    assert world.endpoints.deleted == ["reviews"]


def _looked_at_in_a_short_tick(world: World) -> list[str]:
    """Tick with time for one: it is asked for before CloudWatch is, and before one is settled."""
    time_is_left = iter([True] * 2)
    done = list(world.reconciler.tick(has_time=lambda: next(time_is_left, False)))
    return [each.endpoint for each in done if isinstance(each, Outcome)]


def test_a_decision_is_written_on_change_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watching must not eat the saving."""
    written = []
    record = EndpointsTable.record_decision

    def recording(self: EndpointsTable, endpoint: str, decision: Decision, *args: Any) -> bool:
        written.append(decision.action)
        return record(self, endpoint, decision, *args)

    monkeypatch.setattr(EndpointsTable, "record_decision", recording)
    for _ in range(10):
        world.tick()
    world.ask()
    for _ in range(10):
        world.tick()

    assert written == [Action.STAY_DOWN, Action.START, Action.WAIT]
    history = [past.decision.action for past in world.history.recent("reviews", 20)]
    assert history == [Action.WAIT, Action.START, Action.STAY_DOWN]


def test_an_endpoint_in_use_is_written_once_in_an_idle_timeout(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time moves on with each request; the time that was written stays true until it passes."""
    written = []
    record = EndpointsTable.record_decision

    def recording(self: EndpointsTable, endpoint: str, decision: Decision, *args: Any) -> bool:
        written.append(decision.until)
        return record(self, endpoint, decision, *args)

    world.serve()
    monkeypatch.setattr(EndpointsTable, "record_decision", recording)
    world.ask()
    for _ in range(60):
        world.use()
        assert world.act() is Action.STAY_UP
        world.clock.advance(seconds=59)

    assert len(written) == 4
