"""Two ticks that overlap (a nudge beside the schedule, a repetition, one that was held up) never do
the same thing twice: every way in which one goes on for some steps, then the other, then both.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.intent import Hold, Wake
from tests.fakes.endpoints import STACK
from tests.fakes.ledger import FakeLedgers
from tests.fakes.world import config
from tests.state_machine.cloud import ENDPOINT
from tests.state_machine.world import World

# No tick here makes more steps before it has done what this is about.
MOST_STEPS = 60


def wanted(world: World) -> None:
    """It is absent, and somebody asks for it."""
    world.stage.run(world.tick())
    world.stage.run(world.operator(Wake(ENDPOINT)))


def idle(world: World) -> None:
    """It serves, and nobody has used it for longer than its idle timeout."""
    serving(world)
    world.stage.advance(300)


def serving(world: World) -> None:
    """It serves, since it was woken."""
    wanted(world)
    for _ in range(3):
        world.stage.run(world.tick())
        world.stage.advance(60)
    world.cloud.asked.clear()
    world.bus.told.clear()


def failed(world: World) -> None:
    """Its creation has failed, and it is still wanted."""
    world.cloud.failures = 1
    wanted(world)
    world.stage.run(world.tick())
    world.stage.advance(120)
    world.cloud.asked.clear()
    world.bus.told.clear()


def superseded(world: World) -> None:
    """It serves and is held, and another EndpointConfig is asked for."""
    serving(world)
    world.stage.run(world.operator(Hold(ENDPOINT, timedelta(hours=1))))
    world.catalog.configs = [config(ENDPOINT, "new-config", idle_timeout="60s", stack=STACK)]


def updated_in_vain(world: World) -> None:
    """An update has just ended on the former config."""
    superseded(world)
    world.cloud.update_fails_with = "no capacity"
    world.stage.run(world.tick())
    world.stage.advance(301)
    world.cloud.asked.clear()
    world.bus.told.clear()


CASES: dict[str, tuple[Callable[[World], None], list[str]]] = {
    "a start": (wanted, ["create"]),
    "a stop": (idle, ["delete"]),
    "a failure": (failed, ["delete"]),
    "an update": (superseded, ["update"]),
    "a failed update": (updated_in_vain, []),
}


def play(
    arrange: Callable[[World], None],
    *,
    first_steps: int,
    other_steps: int,
    nudged: bool,
    ledgers: FakeLedgers | None = None,
) -> tuple[World, bool]:
    """Let one tick go on by so many steps, another by so many, then end the first, and then the
    other. Return whether the first had any steps left where the other began.
    """
    world = World() if ledgers is None else World(ledgers=ledgers)
    arrange(world)
    one = world.tick()
    world.stage.run(one, first_steps)
    was_under_way = one.is_alive
    other = world.tick(ENDPOINT if nudged else None)
    world.stage.run(other, other_steps)
    world.stage.run(one)
    world.stage.run(other)
    assert one.error is None
    assert other.error is None
    return world, was_under_way


@pytest.mark.parametrize("nudged", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_nothing_is_done_twice(name: str, nudged: bool) -> None:
    """Neither asked of SageMaker, nor counted as a failure, nor told."""
    arrange, expected = CASES[name]
    overlaps = 0
    for first_steps in range(MOST_STEPS):
        for other_steps in range(0, MOST_STEPS, 3):
            world, was_under_way = play(
                arrange, first_steps=first_steps, other_steps=other_steps, nudged=nudged
            )
            try:
                assert world.cloud.asked == expected, world.story()
                told = [notice.kind for notice in world.bus.told]
                assert len(told) == len(set(told)), world.story()
                counts = [each.count for each in world.ledgers.read(ENDPOINT).failures.values()]
                assert counts in ([], [1]), world.story()
                assert not world.cloud.violations, world.story()
            finally:
                world.stage.end()
            overlaps += was_under_way
        if not was_under_way:
            break
    # That both were under way at once is what this is about.
    assert overlaps > MOST_STEPS


class UnclaimedActs(FakeLedgers):
    """Whoever wants to act may."""

    def begin_act(self, *_: object) -> bool:
        """Overlook what others do."""
        return True


def test_without_the_claim_it_would_be() -> None:
    """So the test above can fail."""
    asked = set()
    for first_steps in range(0, MOST_STEPS, 2):
        world, _ = play(
            wanted,
            first_steps=first_steps,
            other_steps=MOST_STEPS,
            nudged=True,
            ledgers=UnclaimedActs(),
        )
        asked.add(tuple(world.cloud.asked))
        world.stage.end()

    assert ("create", "create") in asked


def test_a_tick_that_died_at_work_is_waited_for() -> None:
    """What it has asked for may come yet; when it can not any more, it is done again."""
    world = World()
    wanted(world)
    died = world.stage.run_to(world.tick(), "sagemaker.create")
    world.stage.kill(died)
    world.stage.run(world.tick())
    assert world.cloud.asked == []
    world.stage.advance(120)
    world.stage.run(world.tick())
    assert world.cloud.asked == ["create"]
    assert world.cloud.status is EndpointStatus.CREATING
    world.stage.end()
