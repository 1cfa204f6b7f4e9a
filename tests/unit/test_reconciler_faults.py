"""What goes wrong changes nothing, is told, and stops no other endpoint."""

import pytest

from dormouse.adapters.history import DecisionsTable
from dormouse.adapters.state import EndpointsTable
from dormouse.domain.activity import Unreadable
from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from dormouse.errors import AwsError
from tests.fakes.deployment import World
from tests.fakes.world import config


def test_unreadable_metrics_leave_it_up(world: World) -> None:
    """With the reason in words."""
    world.serve()
    world.metrics.answer = Unreadable("GetMetricData refused: Throttling: Rate exceeded")

    outcome = world.look()

    assert (outcome.plan.action, outcome.plan.rule) == (Action.STAY_UP, Rule.FAIL_SAFE)
    assert world.endpoints.deleted == []


def test_a_failed_creation_is_cleared_and_tried_again_while_somebody_waits(world: World) -> None:
    """The reason that SageMaker gave is recorded."""
    world.endpoints.fails_with = "InsufficientInstanceCapacity"
    world.ask()
    world.act()
    world.clock.advance(minutes=8)
    assert world.act() is Action.CLEAR
    decision = world.ledger.decision
    assert decision is not None
    assert "InsufficientInstanceCapacity" in decision.reason
    world.clock.advance(minutes=1)
    assert world.act() is Action.STAY_DOWN
    world.clock.advance(minutes=1)
    assert world.act() is Action.START
    world.clock.advance(hours=2)
    assert world.act() is Action.CLEAR
    world.clock.advance(minutes=1)
    assert world.act() is Action.STAY_DOWN


def test_a_refused_creation_is_a_problem_and_is_tried_a_little_later(world: World) -> None:
    """A quota, say."""
    world.endpoints.refuses_creation = "CreateEndpoint refused: ResourceLimitExceeded: 0 Instances"
    world.ask()

    outcome = world.look()

    assert outcome.plan.action is Action.START
    assert outcome.problem is not None
    assert "ResourceLimitExceeded" in outcome.problem
    decision = world.ledger.decision
    assert decision is not None
    assert "ResourceLimitExceeded" in decision.reason
    world.endpoints.refuses_creation = None
    assert world.act() is Action.STAY_DOWN
    world.clock.advance(minutes=2)
    assert world.act() is Action.START


def test_one_fault_stops_no_other_endpoint(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that can't be observed is left alone; the next one is looked at."""
    world.catalog.configs = [config("a"), config("b")]
    world.endpoints.put("a", EndpointStatus.IN_SERVICE)
    world.endpoints.put("b", EndpointStatus.UPDATING)
    observe = world.endpoints.observe
    monkeypatch.setattr(
        world.endpoints,
        "observe",
        lambda name: observe(name) if name == "b" else _raise("DescribeEndpoint failed"),
    )

    first, second = world.tick()

    assert (first.endpoint, first.problem) == ("a", "DescribeEndpoint failed")
    assert first.plan.action is Action.WAIT
    assert (second.endpoint, second.plan.action) == ("b", Action.WAIT)


def test_what_was_done_is_told_even_if_it_cannot_be_written_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop that happened must not read as if nothing was changed."""
    world.serve()
    monkeypatch.setattr(
        EndpointsTable, "record_decision", lambda *_: _raise("UpdateItem refused: Throttling")
    )

    outcome = world.look()

    assert outcome.plan.action is Action.STOP
    assert outcome.problem == "UpdateItem refused: Throttling"
    assert world.endpoints.deleted == ["reviews"]


def test_a_history_that_cannot_be_written_is_a_problem_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done is done; and beside a fault of SageMaker's both are told."""
    monkeypatch.setattr(DecisionsTable, "append", lambda *_: _raise("PutItem refused"))
    assert world.look().problem == "PutItem refused"
    world.endpoints.refuses_creation = "CreateEndpoint refused"
    world.ask()
    assert world.look().problem == "CreateEndpoint refused; PutItem refused"


def _raise(message: str) -> None:
    raise AwsError(message)


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
