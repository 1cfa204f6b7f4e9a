"""SageMaker creates an endpoint and its answer is lost: it is ours all the same."""

import pytest

from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.plan import Action
from dormouse.errors import AwsUnansweredError
from tests.fakes.deployment import World

SCALING = '{"targets": []}'


@pytest.fixture
def woken(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """It slept, with something to be given back to it; it is created, and nobody heard of it."""
    world.serve()
    world.scaling.scaling["reviews"] = SCALING
    assert world.act() is Action.STOP
    world.scaling.scaling.clear()
    world.clock.advance(minutes=2)
    world.act()
    create = world.endpoints.create

    def lose_the_answer(*args: object) -> None:
        create(*args)  # type: ignore[arg-type] # passed on as they come
        raise AwsUnansweredError("CreateEndpoint failed: read timeout")

    with monkeypatch.context() as patch:
        patch.setattr(world.endpoints, "create", lose_the_answer)
        world.ask()
        assert world.look().problem == "CreateEndpoint failed: read timeout"
    return world


def test_what_died_with_it_is_given_back_to_it_and_kept_again(woken: World) -> None:
    """Else the next teardown would keep that there is nothing."""
    woken.clock.advance(minutes=8)
    woken.act()
    woken.act()

    assert woken.scaling.restored == [("reviews", SCALING)]
    woken.clock.advance(hours=2)
    assert woken.act() is Action.STOP
    assert woken.ledger.keepsake is not None
    assert woken.ledger.keepsake.scaling == SCALING


def test_it_is_created_once(woken: World) -> None:
    """What is not seen yet may come yet."""
    calls = len(woken.endpoints.create_calls)
    for _ in range(10):
        woken.clock.advance(minutes=1)
        woken.act()

    assert len(woken.endpoints.create_calls) == calls


def test_it_is_paid_for_since_it_was_started(woken: World) -> None:
    """As one whose answer came."""
    started_at = woken.ledger.started_at
    assert started_at is not None
    woken.clock.advance(minutes=8)
    woken.act()

    assert woken.ledger.billed_since(bills_creation=True) == started_at


def test_what_somebody_else_creates_meanwhile_is_given_nothing(world: World) -> None:
    """After a creation that was refused for the moment."""
    world.serve()
    world.scaling.scaling["reviews"] = SCALING
    assert world.act() is Action.STOP
    world.clock.advance(minutes=2)
    world.ask()
    world.endpoints.refuses_creation = "CreateEndpoint refused: ThrottlingException: Rate exceeded"
    assert world.look().plan.action is Action.START
    world.endpoints.put("reviews", EndpointStatus.IN_SERVICE, tags={})

    for _ in range(3):
        world.act()

    assert world.scaling.restored == []
    assert world.ledger.created_at is None
