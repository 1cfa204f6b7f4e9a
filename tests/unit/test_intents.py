"""Recording what an operator asks: only for what is managed, under the name that its tag spells."""

from datetime import timedelta

import pytest

from dormouse.domain.claims import Refusal, Why
from dormouse.domain.intent import Hold, Intent, IntentError, Release, Sleep, Wake
from dormouse.domain.ledger import Ledger
from dormouse.domain.spec import Spec
from dormouse.errors import AwsError, RefusedEndpointError, UnmanagedEndpointError
from tests.fakes.deployment import World
from tests.fakes.endpoints import STACK
from tests.fakes.world import config

ALL: list[type[Wake | Release | Sleep]] = [Wake, Release, Sleep]


def every(endpoint: str) -> list[Intent]:
    """One intent of each kind."""
    return [*(kind(endpoint) for kind in ALL), Hold(endpoint, timedelta(hours=2))]


def test_a_wake_is_a_request_that_has_just_arrived(world: World) -> None:
    """It is unmet demand, and counts as use of what serves."""
    assert world.intents.record(Wake("reviews")) == Spec("reviews", "reviews-config")
    now = world.clock()
    assert world.ledger == Ledger(1, 0, demand_at=now, last_request_at=now)


def test_a_wake_is_written_though_somebody_waits_already(world: World) -> None:
    """An operator's word is not renewed each 15 seconds; it counts from now."""
    world.ask()
    world.clock.advance(seconds=1)
    world.wake()
    assert world.ledger.demand_at == world.clock()
    assert world.ledger.demand_version == 2


def test_a_hold_is_demand_until_then(world: World) -> None:
    """By a duration or a moment."""
    until = world.clock() + timedelta(hours=2)
    for how_long in (timedelta(hours=2), until):
        world.intents.record(Hold("reviews", how_long))
        assert world.ledger.hold_until == until
    assert world.ledger.demand_version == 2
    assert world.ledger.last_request_at is None


def test_a_release_drops_the_hold_alone(world: World) -> None:
    """It is no demand, and ends no sleep."""
    world.hold(hours=2)
    held = world.ledger
    world.release()
    assert world.ledger.hold_until is None
    assert world.ledger.demand_version == held.demand_version
    assert world.ledger.slept_version is None


def test_a_sleep_drops_the_hold_and_overrules_all_demand(world: World) -> None:
    """So far."""
    world.hold(hours=2)
    world.wake()
    world.sleep()
    assert world.ledger.hold_until is None
    assert world.ledger.is_put_to_sleep
    assert world.ledger.slept_at == world.clock()
    assert not world.ledger.has_unmet_demand


def test_a_hold_out_of_bounds_records_nothing(world: World) -> None:
    """The moment is judged when it comes."""
    with pytest.raises(IntentError, match="must be from 1m to 168h from now"):
        world.intents.record(Hold("reviews", world.clock() + timedelta(days=8)))
    assert world.ledger == Ledger()


@pytest.mark.parametrize("name", ["reveiws", "REVIEWS", "a_b", "", "x" * 64, "dormouse:removal"])
def test_what_is_not_managed_is_not_written(world: World, name: str) -> None:
    """A misspelt name must not look like success; nor can the tombstone be named."""
    for intent in every(name):
        with pytest.raises(UnmanagedEndpointError) as refusal:
            world.intents.record(intent)
        assert name in str(refusal.value)
    assert sorted(world.state.read_all()) == []


def test_what_is_no_name_is_not_even_looked_for(world: World) -> None:
    """The tagging API would refuse it in other words."""
    for intent in every("a_b"):
        with pytest.raises(UnmanagedEndpointError, match="'a_b' is not the name of an endpoint"):
            world.intents.record(intent)
    assert world.catalog.asked == []


def test_what_another_deployment_manages_is_refused(world: World) -> None:
    """Its own control takes the intent."""
    world.catalog.configs = [config("reviews", stack="other-stack")]
    for intent in every("reviews"):
        with pytest.raises(RefusedEndpointError, match="the deployment other-stack manages it"):
            world.intents.record(intent)
    assert world.ledger == Ledger()


@pytest.mark.parametrize("configs", [[], [config("dormouse", "former-config", stack=STACK)]])
def test_the_stacks_own_endpoint_takes_intents_before_its_tags_can_be_seen(
    world: World, configs: list[object]
) -> None:
    """Right after the deployment; reconcile finds the demand when they can."""
    world.catalog.configs[:] = configs  # type: ignore[assignment] # a list of TaggedConfig
    claim = world.intents.record(Wake("dormouse"))
    assert isinstance(claim, Refusal)
    assert claim.why is Why.NOT_VISIBLE_YET
    assert world.state.read("dormouse").has_unmet_demand


def test_tags_that_cannot_be_read_are_an_error(world: World) -> None:
    """Not an endpoint that nobody manages."""
    world.catalog.unreadable = "GetResources refused: Throttling"
    with pytest.raises(AwsError, match="GetResources"):
        world.intents.record(Wake("dormouse"))


def test_only_the_tags_of_that_endpoint_are_asked_for(world: World) -> None:
    """A fleet's would be many pages."""
    world.wake()
    assert world.catalog.asked == ["reviews"]
