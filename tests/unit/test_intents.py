"""Recording what an operator asks: only for what is managed, under the name that its tag spells."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dormouse.domain.claims import Refusal, Why
from dormouse.domain.failures import Failure, FailureKind
from dormouse.domain.intent import Hold, Intent, IntentError, Release, Resume, Sleep, Suspend, Wake
from dormouse.domain.ledger import Ledger
from dormouse.domain.named_schedules import NamedSchedules
from dormouse.domain.spec import Spec
from dormouse.domain.usage import minute_of
from dormouse.errors import AwsError, RefusedEndpointError, UnmanagedEndpointError
from tests.fakes.deployment import World
from tests.fakes.endpoints import STACK
from tests.fakes.world import config

ALL: list[type[Wake | Release | Sleep | Suspend | Resume]] = [
    Wake,
    Release,
    Sleep,
    Suspend,
    Resume,
]
JO = "arn:aws:iam::123456789012:user/jo"


def every(endpoint: str) -> list[Intent]:
    """One intent of each kind."""
    return [*(kind(endpoint) for kind in ALL), Hold(endpoint, timedelta(hours=2))]


def test_a_wake_is_a_request_that_has_just_arrived(world: World) -> None:
    """It is unmet demand, and counts as use of what serves."""
    claim = world.intents.record(Wake("reviews"))
    assert isinstance(claim, Spec)
    assert claim.endpoint == "reviews"
    now = world.clock()
    assert world.ledger == Ledger(1, 0, demand_at=now, last_request_at=now)


def test_a_wake_is_written_though_somebody_waits_already(world: World) -> None:
    """An operator's word is not renewed each 15 seconds; it counts from now."""
    world.ask()
    world.clock.advance(seconds=1)
    world.wake()
    assert world.ledger.demand_at == world.clock()
    assert world.ledger.demand_version == 2


def test_a_wake_counts_as_one_request_and_no_other_intent_does(world: World) -> None:
    """So that idle policies learn of it; each wake is counted, and by what is read adds up."""
    for intent in (*every("reviews"), Wake("reviews")):
        world.intents.record(intent)

    parts = list(world.usage.parts.values())
    assert [part.demand for part in parts] == [1, 1]
    assert {part.minute for part in parts} == {minute_of(world.clock())}
    assert all(part.requests == 0 for part in parts)


def test_a_wake_stands_though_it_can_t_be_counted(world: World) -> None:
    """Somebody waits for the endpoint."""

    def refuse(operation: str, is_done: bool) -> None:
        raise AwsError(f"{operation} {is_done}")

    world.usage.disturb = refuse

    world.intents.record(Wake("reviews"))

    assert world.ledger.has_unmet_demand
    assert not world.usage.parts


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


def test_a_suspension_is_no_demand_and_leaves_the_hold(world: World) -> None:
    """Which counts again after that."""
    world.hold(hours=2)
    held = world.ledger
    world.intents.record(Suspend("reviews"), JO)

    expected = replace(held, suspended_at=world.clock(), suspended_by=JO)
    assert world.ledger == expected
    world.clock.advance(minutes=1)
    world.intents.record(Suspend("reviews"), "somebody else")
    assert world.ledger == expected
    world.intents.record(Resume("reviews"), JO)
    assert world.ledger == held


def test_a_resume_closes_the_circuit(world: World) -> None:
    """Also of what was given up; and starts nothing by itself."""
    failure = Failure(10, world.clock(), FailureKind.OTHER, "the image is gone")
    assert world.state.record_failures("reviews", world.ledger, {"reviews-config": failure})
    assert world.ledger.failures

    world.intents.record(Resume("reviews"))
    assert world.ledger == Ledger()


@pytest.mark.parametrize("intent", [Wake("reviews"), Hold("reviews", timedelta(hours=2))])
def test_who_has_asked_is_kept_with_the_demand(world: World, intent: Intent) -> None:
    """The last one counts; a name that is too long is cut, and that shows."""
    world.intents.record(intent, JO)
    assert world.ledger.demand_by == JO
    world.clock.advance(seconds=1)
    world.intents.record(intent, "x" * 300)
    assert world.ledger.demand_by == "x" * 255 + "…"
    world.clock.advance(seconds=1)
    world.intents.record(intent)
    assert world.ledger.demand_by is None


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


def test_an_intent_needs_no_named_schedule(world: World) -> None:
    """Though the tags refer to one that can't be read, they are well formed."""
    world.catalog.configs = [config("reviews", schedule="@office")]
    world.schedules.named = NamedSchedules(unreadable="throttled")

    assert isinstance(world.intents.record(Wake("reviews")), Spec)
    assert isinstance(world.control.describe("reviews").claim, Refusal)
