"""What a tick notes when an endpoint begins to serve: how long it took, and the warm-up."""

from datetime import timedelta

from dormouse.domain.plan import Action
from dormouse.domain.work import LoadModel
from tests.fakes.deployment import World

MODELS = {"a.tar.gz": 3, "b.tar.gz": 2, "c.tar.gz": 1}


def put_to_sleep(world: World) -> None:
    """Let it serve, use three models, and fall asleep."""
    world.serve()
    world.usage.use("reviews", MODELS, world.clock())
    assert world.act() is Action.STOP
    world.clock.advance(minutes=1)
    assert world.act() is Action.STAY_DOWN


def wake(world: World, minutes: float = 8) -> None:
    """Ask for it, and look again after so long, when it serves."""
    world.ask()
    assert world.act() is Action.START
    world.clock.advance(minutes=minutes)
    assert world.act() is Action.STAY_UP


def test_the_time_of_a_wake_is_from_its_start_to_its_first_service(world: World) -> None:
    """By SageMaker's own time of the change, however late the tick comes."""
    wake(world, minutes=20)
    assert world.ledger.wakes == (world.endpoints.create_takes,)


def test_one_that_was_started_by_somebody_else_teaches_nothing(world: World) -> None:
    """Nobody knows when that was."""
    world.serve()
    assert world.ledger.wakes == ()
    assert world.ledger.serving_since is not None


def test_one_that_was_deleted_by_hand_is_a_new_life(world: World) -> None:
    """Its next wake is learned from, too."""
    wake(world)
    world.endpoints.vanish("reviews")
    assert world.act() is Action.STAY_DOWN
    wake(world)
    assert len(world.ledger.wakes) == 2


def test_the_warm_set_is_loaded_again_the_most_used_first(world: World) -> None:
    """By orders for `drain`: the tick itself does not wait."""
    put_to_sleep(world)
    wake(world)
    assert world.work.sent == [LoadModel("reviews", model) for model in MODELS]


def test_models_that_were_not_invoked_yet_are_ordered_again(world: World) -> None:
    """An order may be lost."""
    put_to_sleep(world)
    wake(world)
    warm_up = world.ledger.warm_up
    assert warm_up is not None
    world.work.sent.clear()
    world.state.record_invoked("reviews", "a.tar.gz", warm_up.began_at)
    world.clock.advance(seconds=60)
    world.act()
    assert world.work.sent == [LoadModel("reviews", "b.tar.gz"), LoadModel("reviews", "c.tar.gz")]


def test_the_idle_clock_starts_when_the_warm_up_ends(world: World) -> None:
    """CloudWatch counts its invocations, which nobody asked for."""
    put_to_sleep(world)
    wake(world)
    warm_up = world.ledger.warm_up
    assert warm_up is not None
    world.clock.advance(minutes=9)
    assert "0 of 3 invoked" in world.look().plan.reason or world.ledger.has_unmet_demand is False
    for model in MODELS:
        world.state.record_invoked("reviews", model, warm_up.began_at)
    world.act()
    ended = world.ledger.warm_up
    assert ended is not None
    assert ended.ended_at is not None
    world.clock.advance(minutes=19)
    assert world.act() is Action.STAY_UP
    world.clock.now = ended.ended_at + timedelta(minutes=20)
    assert world.act() is Action.STOP


def test_a_warm_up_that_does_not_come_to_its_end_is_ended(world: World) -> None:
    """A model that can't be loaded must not keep the endpoint up."""
    put_to_sleep(world)
    wake(world)
    world.clock.advance(minutes=11)
    world.act()
    assert world.ledger.warm_up is not None
    assert world.ledger.warm_up.ended_at == world.ledger.warm_up.until
    world.clock.advance(minutes=20)
    assert world.act() is Action.STOP


def test_without_a_warm_set_there_is_no_warm_up(world: World) -> None:
    """As after the very first wake."""
    wake(world)
    assert world.ledger.warm_up is None
    assert world.work.sent == []
