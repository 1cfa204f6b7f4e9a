"""What an operator asks for, over time: wake, hold, release and sleep."""

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.ledger import Ledger
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from dormouse.errors import UnmanagedEndpointError
from tests.fakes.deployment import World


def test_a_hold_keeps_it_up_and_ends(world: World) -> None:
    """It starts it as well."""
    world.hold(hours=2)
    assert world.act() is Action.START
    world.clock.advance(minutes=119)
    assert world.act() is Action.STAY_UP
    world.clock.advance(minutes=1)
    assert world.act() is Action.STOP


def test_a_hold_that_is_released_leaves_it_to_its_use(world: World) -> None:
    """Idle for long, it is stopped; in use, it stays."""
    world.serve()
    world.hold(hours=2)
    assert world.act() is Action.STAY_UP
    world.release()
    assert world.act() is Action.STOP


def test_what_is_released_while_in_use_stays(world: World) -> None:
    """Release is not sleep."""
    world.serve(in_use=True)
    world.hold(hours=2)
    world.release()

    outcome = world.look()

    assert (outcome.plan.action, outcome.plan.rule) == (Action.STAY_UP, Rule.RECENT_ACTIVITY)


def test_a_wake_without_a_duration_counts_as_one_request(world: World) -> None:
    """Absent, it is created; serving, the idle timeout begins anew."""
    world.wake()
    assert world.act() is Action.START
    world.clock.advance(hours=1)
    world.wake()
    assert world.act() is Action.STAY_UP
    world.clock.advance(minutes=15, seconds=30)
    assert world.act() is Action.STOP


def test_nobody_wakes_what_is_not_managed(world: World) -> None:
    """A misspelt name must not look like success, and leaves nothing behind."""
    world.catalog.configs = []
    for intent in (world.wake, world.sleep, world.release, lambda: world.hold(hours=2)):
        with pytest.raises(UnmanagedEndpointError, match="reviews"):
            intent()
    assert world.ledger == Ledger()


def test_sleep_stops_what_is_in_use_and_keeps_it_down(world: World) -> None:
    """Until newer demand: neither a recent request nor the former demand counts."""
    world.ask()
    world.act()
    world.clock.advance(minutes=8)
    world.act()
    world.use()
    world.sleep()
    assert world.act() is Action.CLOSE
    world.clock.advance(seconds=110)
    assert world.act() is Action.STOP
    assert world.act() is Action.WAIT
    world.clock.advance(minutes=1)
    for _ in range(3):
        outcome = world.look()
        assert (outcome.plan.action, outcome.plan.rule) == (Action.STAY_DOWN, Rule.SLEEP)
        world.clock.advance(minutes=1)
    assert world.endpoints.deleted == ["reviews"]


def test_a_warm_request_between_the_sleep_and_the_stop_does_not_keep_it_up(world: World) -> None:
    """It is no demand: it found the endpoint serving."""
    world.serve()
    world.sleep()
    world.use()
    assert world.act() is Action.CLOSE


def test_a_sleep_waits_for_what_is_under_way_and_for_nothing_else(world: World) -> None:
    """A lease that was given before is honoured; none is given after."""
    world.serve()
    lease = world.use()
    world.sleep()
    outcome = world.look()
    assert outcome.plan.action is Action.CLOSE
    assert outcome.plan.next_look_at == lease.until
    assert world.use().until is None
    assert world.endpoints.deleted == []
    world.clock.advance(seconds=110)
    assert world.act() is Action.STOP
    assert world.endpoints.deleted == ["reviews"]


def test_a_wake_between_the_plan_and_the_stop_of_a_sleep_starts_it_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop is forced, so it goes on; but the wake is newer, and not lost."""
    world.serve()
    world.sleep()
    begin_closing = EndpointsTable.begin_closing

    def late(self: EndpointsTable, *args: object, **kwargs: object) -> Ledger | None:
        world.wake()
        return begin_closing(self, *args, **kwargs)  # type: ignore[arg-type] # passed on as they come

    with monkeypatch.context() as patch:
        patch.setattr(EndpointsTable, "begin_closing", late)
        assert world.act() is Action.STOP
    assert world.act() is Action.WAIT
    world.clock.advance(minutes=1)
    assert world.act() is Action.START


def test_a_cold_request_right_after_the_sleep_wakes_it_again(world: World) -> None:
    """Within the seconds in which an unmet demand is not written again, too."""
    world.ask()
    assert not world.ask()
    world.sleep()
    assert world.act() is Action.STAY_DOWN
    assert world.ask()
    assert world.act() is Action.START


def test_a_cold_request_while_it_is_being_deleted_creates_it_anew(world: World) -> None:
    """As soon as it is gone."""
    world.serve()
    world.sleep()
    assert world.act() is Action.STOP
    assert world.ask()
    assert world.act() is Action.WAIT
    world.clock.advance(minutes=1)
    assert world.act() is Action.START
    world.clock.advance(minutes=8)
    assert world.act() is Action.STAY_UP


def test_a_sleep_while_it_is_created_takes_effect_when_that_ends(world: World) -> None:
    """SageMaker deletes nothing that is Creating."""
    world.ask()
    assert world.act() is Action.START
    world.sleep()
    outcome = world.look()
    assert outcome.plan.action is Action.WAIT
    assert "put to sleep" in outcome.plan.reason
    world.clock.advance(minutes=8)
    assert world.act() is Action.STOP
    world.clock.advance(minutes=1)
    assert world.act() is Action.STAY_DOWN
    assert len(world.endpoints.create_calls) == 1


def test_a_creation_that_fails_while_it_is_put_to_sleep_is_cleared_and_not_repeated(
    world: World,
) -> None:
    """Nobody waits any more."""
    world.endpoints.fails_with = "InsufficientInstanceCapacity"
    world.ask()
    world.act()
    world.sleep()
    world.clock.advance(minutes=8)
    assert world.act() is Action.CLEAR
    world.clock.advance(minutes=1)
    assert world.act() is Action.STAY_DOWN


def test_a_sleep_drops_the_hold(world: World) -> None:
    """For good."""
    world.hold(hours=2)
    world.act()
    world.clock.advance(minutes=10)
    assert world.act() is Action.STAY_UP
    world.sleep()
    assert world.act() is Action.STOP
    assert world.ledger.hold_until is None


def test_a_hold_after_the_sleep_wins(world: World) -> None:
    """It is newer demand; when it ends, the endpoint is judged by its use."""
    world.serve()
    world.sleep()
    world.hold(hours=2)
    assert world.act() is Action.STAY_UP
    world.clock.advance(hours=2)
    outcome = world.look()
    assert (outcome.plan.action, outcome.plan.rule) == (Action.STOP, Rule.OTHERWISE_DOWN)


def test_a_release_of_what_is_asleep_wakes_nothing(world: World) -> None:
    """Nor does it end the sleep."""
    world.serve()
    world.sleep()
    world.release()
    assert world.act() is Action.STOP
    world.clock.advance(minutes=1)
    world.release()
    assert world.look().plan.rule is Rule.SLEEP


def test_what_nobody_ever_asked_for_can_be_put_to_sleep(world: World) -> None:
    """An adopted endpoint that was only called directly, before its first tick."""
    world.serve()
    world.sleep()
    assert world.act() is Action.STOP
    world.clock.advance(minutes=1)
    assert world.look().plan.rule is Rule.SLEEP
