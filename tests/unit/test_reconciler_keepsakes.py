"""What dies with an endpoint is kept before anything else is done to it, and given back."""

import json
from typing import Any

import pytest

from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.keepsake import Keepsake
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from tests.fakes.deployment import World
from tests.fakes.endpoints import STACK

ADOPTED = {"dormouse:adopted-by": STACK, "team": "search"}


def scaling_of(*variants: str) -> str:
    """Autoscaling of these variants, as it is kept."""
    targets = [{"ResourceId": f"endpoint/reviews/variant/{name}"} for name in variants]
    return json.dumps({"targets": targets, "policies": [], "actions": []}, sort_keys=True)


SCALING = scaling_of("AllTraffic")


def kept(world: World) -> tuple[Any, ...]:
    """The tags and the autoscaling that are kept."""
    keepsake = world.ledger.keepsake
    return (None, None) if keepsake is None else (dict(keepsake.tags), keepsake.scaling)


def suspend(world: World) -> None:
    """Let an operator have suspended it before it was looked at for the first time."""
    world.state.suspend("reviews", world.clock(), "an operator")


@pytest.mark.parametrize("status", [EndpointStatus.IN_SERVICE, EndpointStatus.FAILED])
def test_an_adopted_endpoint_that_goes_at_the_first_look_is_kept(
    world: World, status: EndpointStatus
) -> None:
    """It was never seen serving here, and all that its owner has put on it would be lost."""
    world.endpoints.put("reviews", status, tags=ADOPTED)
    world.scaling.scaling["reviews"] = SCALING
    suspend(world)

    assert world.act() in (Action.STOP, Action.CLEAR)

    assert world.endpoints.deleted == ["reviews"]
    assert kept(world) == ({"team": "search"}, SCALING)


def test_one_that_was_never_given_back_what_it_had_does_not_overwrite_that(world: World) -> None:
    """It was created here, and failed before it served: nothing is on it yet."""
    world.serve()
    world.scaling.scaling["reviews"] = SCALING
    assert world.act() is Action.STOP
    world.scaling.scaling.clear()
    world.clock.advance(minutes=2)
    world.act()
    world.endpoints.fails_with = "InternalFailure"
    world.ask()
    assert world.act() is Action.START
    world.clock.advance(hours=1)

    assert world.act() is Action.CLEAR

    assert kept(world) == ({}, SCALING)


def test_what_waits_for_the_return_from_a_fall_back_is_kept_on(world: World) -> None:
    """Its variants have other names than those that it serves with now."""
    world.serve()
    large = Keepsake(scaling=scaling_of("large"))
    assert world.state.record_keepsake("reviews", world.ledger, large)
    world.scaling.scaling["reviews"] = SCALING

    assert world.act() is Action.STOP

    assert kept(world) == ({}, scaling_of("AllTraffic", "large"))


def test_what_cannot_be_read_leaves_it_as_it_is(world: World) -> None:
    """It goes on serving, and says what it would need."""
    world.endpoints.put("reviews", EndpointStatus.IN_SERVICE, tags=ADOPTED)
    world.tick()
    world.clock.advance(hours=1)
    denied = "DescribeScalableTargets refused: AccessDeniedException: not authorized to perform"
    world.scaling.unreadable = denied

    outcome = world.look()

    assert (outcome.plan.action, outcome.problem) == (Action.STOP, denied)
    assert world.endpoints.deleted == []
    assert world.ledger.closing is None
    assert world.use().until is not None


def test_when_the_stack_goes_nothing_is_kept(world: World) -> None:
    """Nothing is woken again, and what can't be read must not keep it running."""
    world.serve(in_use=True)
    world.clock.advance(seconds=111)
    world.scaling.unreadable = "DescribeScalableTargets refused: AccessDeniedException"
    world.state.begin_removal(world.clock())

    (outcome,) = [each for each in world.tick() if each.endpoint == "reviews"]

    assert (outcome.plan.rule, outcome.problem) == (Rule.REMOVAL, None)
    assert world.endpoints.deleted == ["reviews"]
    assert world.ledger.keepsake is None


def test_a_tick_that_reads_too_late_does_not_write_over_it(world: World) -> None:
    """Another one has kept it and deleted the endpoint since this one saw it serve: nothing is
    there any more to be read.
    """
    world.serve()
    world.scaling.scaling["reviews"] = SCALING

    def is_deleted() -> None:
        assert world.act() is Action.STOP
        world.scaling.scaling.clear()

    world.scaling.meanwhile = is_deleted

    assert world.act() is Action.WAIT

    assert world.endpoints.deleted == ["reviews"]
    assert kept(world) == ({}, SCALING)
    assert world.ledger.is_deleting
