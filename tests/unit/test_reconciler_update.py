"""A new EndpointConfig over time: an update for what serves, the next wake for what sleeps."""

from typing import Any

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.endpoint import EndpointStatus, Present
from dormouse.domain.plan import Action
from tests.fakes.deployment import World
from tests.fakes.world import config


def runs_on(world: World) -> str:
    """Name the config that it runs on."""
    seen = world.endpoints.observe("reviews")
    assert isinstance(seen, Present)
    return seen.config_name


def test_a_new_config_for_what_serves_is_one_update(world: World) -> None:
    """It serves all the while, and stays as long as it is used."""
    world.serve(in_use=True)
    world.catalog.configs = [config("reviews", "new")]
    assert world.act() is Action.UPDATE
    assert world.endpoints.update_calls == [("reviews", "new")]
    assert world.act() is Action.WAIT
    world.clock.advance(minutes=5)
    assert world.act() is Action.STAY_UP
    assert runs_on(world) == "new"
    assert world.endpoints.deleted == []
    assert len(world.endpoints.update_calls) == 1


def test_a_new_config_for_what_sleeps_is_the_next_wake(world: World) -> None:
    """Nothing is done before."""
    world.act()
    world.catalog.configs = [config("reviews", "new")]
    assert world.act() is Action.STAY_DOWN
    world.ask()
    assert world.act() is Action.START
    assert world.endpoints.create_calls[0][1] == "new"
    assert world.endpoints.update_calls == []


def test_a_new_config_while_it_is_created_is_an_update_when_it_serves(world: World) -> None:
    """SageMaker updates nothing that is Creating."""
    world.ask()
    assert world.act() is Action.START
    world.catalog.configs = [config("reviews", "new")]
    assert world.act() is Action.WAIT
    world.clock.advance(minutes=8)
    assert world.act() is Action.UPDATE


def test_an_update_is_not_asked_for_again_where_the_old_config_is_still_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DescribeEndpoint may lag behind UpdateEndpoint."""
    world.serve(in_use=True)
    world.catalog.configs = [config("reviews", "new")]
    monkeypatch.setattr(
        world.endpoints, "update", lambda *call, **_: world.endpoints.update_calls.append(call)
    )
    assert world.act() is Action.UPDATE
    assert world.act() is Action.STAY_UP
    assert len(world.endpoints.update_calls) == 1


def test_an_update_that_fails_is_not_repeated_and_a_further_config_is_tried(world: World) -> None:
    """SageMaker goes back to the former one, and would again."""
    world.serve(in_use=True)
    world.endpoints.update_fails_with = "the new model did not answer its pings"
    world.catalog.configs = [config("reviews", "new")]
    assert world.act() is Action.UPDATE
    world.clock.advance(minutes=5)
    for _ in range(5):
        outcome = world.look()
        assert outcome.plan.action is Action.STAY_UP
        assert (
            "it runs on EndpointConfig reviews-config, and new is asked for, which has failed "
            "(the new model did not answer its pings); it is tried at"
        ) in outcome.plan.reason
    assert len(world.endpoints.update_calls) == 1
    world.endpoints.update_fails_with = None
    world.catalog.configs = [config("reviews", "newer")]
    assert world.act() is Action.UPDATE
    world.clock.advance(minutes=5)
    assert world.act() is Action.STAY_UP
    assert runs_on(world) == "newer"


def test_a_stack_that_rolls_back_takes_the_endpoint_with_it(world: World) -> None:
    """The config is the former one again."""
    world.serve(in_use=True)
    world.catalog.configs = [config("reviews", "new")]
    world.act()
    world.clock.advance(minutes=5)
    assert world.act() is Action.STAY_UP
    world.catalog.configs = [config("reviews")]
    assert world.act() is Action.UPDATE
    world.clock.advance(minutes=5)
    assert world.act() is Action.STAY_UP
    assert runs_on(world) == "reviews-config"


def test_a_stack_that_rolls_back_while_it_is_updated_waits_for_that(world: World) -> None:
    """And then goes back."""
    world.serve(in_use=True)
    world.catalog.configs = [config("reviews", "new")]
    world.act()
    world.catalog.configs = [config("reviews")]
    assert world.act() is Action.WAIT
    world.clock.advance(minutes=5)
    assert world.act() is Action.UPDATE
    assert world.endpoints.update_calls == [("reviews", "new"), ("reviews", "reviews-config")]


def test_after_a_stop_a_failed_update_is_forgotten(world: World) -> None:
    """The next wake takes the new config, and an update to it may be tried again."""
    world.serve(in_use=True)
    world.endpoints.update_fails_with = "no capacity"
    world.catalog.configs = [config("reviews", "new")]
    world.act()
    before = world.ledger
    world.clock.advance(hours=1)
    assert world.act() is Action.STOP
    assert (before.updated_to, world.ledger.updated_to) == ("new", None)
    world.clock.advance(minutes=2)
    world.ask()
    assert world.act() is Action.START
    assert world.endpoints.create_calls[-1][1] == "new"


def test_an_update_that_is_refused_is_a_problem_and_is_asked_for_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A config that is gone, say; it is written once, though its last request moves on."""
    world.serve(in_use=True)
    world.catalog.configs = [config("reviews", "new")]
    world.endpoints.refuses_update = "UpdateEndpoint refused: ValidationException: no config"
    outcome = world.look()
    assert outcome.plan.action is Action.UPDATE
    assert outcome.problem == world.endpoints.refuses_update
    assert world.ledger.updated_to is None
    written = []
    record = EndpointsTable.record_decision

    def recording(self: EndpointsTable, *args: Any) -> bool:
        written.append(args[1])
        return record(self, *args)

    monkeypatch.setattr(EndpointsTable, "record_decision", recording)
    for _ in range(3):
        outcome = world.look()
        assert outcome.plan.action is Action.STAY_UP
        assert "which has failed (UpdateEndpoint refused" in outcome.plan.reason
        world.clock.advance(seconds=20)
        world.use()
    assert len(written) == 1
    world.endpoints.refuses_update = None
    world.clock.advance(minutes=1)
    assert world.act() is Action.UPDATE


def test_what_nobody_needs_is_stopped_and_not_updated(world: World) -> None:
    """The new config waits for the next wake."""
    world.serve()
    world.catalog.configs = [config("reviews", "new")]

    assert world.act() is Action.STOP
    assert world.endpoints.update_calls == []


def test_what_is_put_to_sleep_is_stopped_and_not_updated(world: World) -> None:
    """Though it is in use."""
    world.serve(in_use=True)
    world.catalog.configs = [config("reviews", "new")]
    world.sleep()

    assert world.act() is Action.CLOSE
    assert world.endpoints.update_calls == []


def test_the_stacks_own_endpoint_follows_the_template(world: World) -> None:
    """The config that the template passes to reconcile, and no retained one."""
    world.catalog.configs = [
        config("dormouse", "dormouse-config", stack="dormouse-stack"),
        config("dormouse", "former-config", stack="dormouse-stack"),
    ]
    world.endpoints.put("dormouse", EndpointStatus.IN_SERVICE, config_name="former-config")
    assert world.act() is Action.UPDATE
    assert world.endpoints.update_calls == [("dormouse", "dormouse-config")]
