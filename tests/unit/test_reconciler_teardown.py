"""The two claims of a teardown, as ticks take them, lose them and drive them on."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from dormouse.errors import AwsError
from tests.fakes.deployment import World

S = EndpointStatus


@pytest.fixture
def closing(world: World) -> World:
    """A deployment whose endpoint was idle and is closing, with a lease of 100 s left.

    A warm-up's lease is no request, so it prevents no stop, but the deletion waits for it.
    """
    world.serve()
    world.state.take_lease(
        "reviews", world.clock(), world.clock() + timedelta(seconds=100), is_request=False
    )
    assert world.act() is Action.CLOSE
    return world


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, method: str, do: Callable[[], object], *, after: bool = False
) -> None:
    """Let something happen just before, or just after, a write of the ledger, once."""
    write = getattr(EndpointsTable, method)

    def interrupted(self: EndpointsTable, *args: object, **kwargs: object) -> object:
        monkeypatch.setattr(EndpointsTable, method, write)
        if not after:
            do()
        written = write(self, *args, **kwargs)
        if after:
            do()
        return written

    monkeypatch.setattr(EndpointsTable, method, interrupted)


def test_it_is_deleted_when_the_last_lease_has_passed(closing: World) -> None:
    """Not a second before."""
    closing.clock.advance(seconds=98)
    assert closing.act() is Action.CLOSE
    assert closing.endpoints.deleted == []
    closing.clock.advance(seconds=1)
    outcome = closing.look()
    assert (outcome.plan.action, outcome.plan.rule) == (Action.STOP, Rule.TEARDOWN)
    assert closing.endpoints.deleted == ["reviews"]


def test_no_lease_is_given_while_it_is_closing(closing: World) -> None:
    """Nor is the refused request noted."""
    before = closing.ledger

    assert closing.use().until is None
    assert closing.ledger == before


def test_demand_reopens_it(closing: World) -> None:
    """It still serves: nothing has to be started."""
    closing.ask()
    outcome = closing.look()
    assert outcome.plan.action is Action.REOPEN
    assert "wanted again" in outcome.plan.reason
    assert closing.use().until is not None
    assert closing.act() is Action.STAY_UP
    assert closing.endpoints.deleted == []


def test_a_hold_reopens_it(closing: World) -> None:
    """As any demand."""
    closing.hold(hours=1)
    assert closing.act() is Action.REOPEN
    assert closing.act() is Action.STAY_UP


def test_demand_between_the_look_and_the_deletion_prevents_it(
    closing: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim to delete stands on the demand that was known when it closed."""
    closing.clock.advance(seconds=100)
    meanwhile(monkeypatch, "begin_deleting", closing.ask)
    outcome = closing.look()
    assert outcome.plan.action is Action.WAIT
    assert "judged anew" in outcome.plan.reason
    assert closing.endpoints.deleted == []
    assert closing.ledger.closing is None
    assert closing.act() is Action.STAY_UP


def test_demand_that_no_tick_has_seen_in_time_does_not_keep_it_closed(closing: World) -> None:
    """It prevents the deletion, though it is too old to count as one by now."""
    closing.ask()
    closing.clock.advance(hours=2)
    assert closing.act() is Action.WAIT
    assert closing.ledger.closing is None
    assert closing.act() in (Action.STOP, Action.CLOSE)


def test_a_lease_between_the_look_and_the_closing_prevents_that(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the request was noted."""
    world.serve()
    meanwhile(monkeypatch, "begin_closing", world.use)
    outcome = world.look()
    assert outcome.plan.action is Action.WAIT
    assert world.ledger.closing is None


def test_nothing_undoes_a_deletion_that_was_claimed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Demand that comes after it starts the endpoint anew, once it is gone."""
    world.serve()
    meanwhile(monkeypatch, "begin_deleting", world.ask, after=True)
    assert world.act() is Action.STOP
    assert world.ledger.is_deleting
    assert world.act() is Action.WAIT
    world.clock.advance(minutes=1)
    assert world.act() is Action.START
    assert len(world.endpoints.create_calls) == 1


def test_a_deletion_whose_answer_was_lost_is_driven_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DeleteEndpoint is called again, though somebody asks for the endpoint by then."""
    world.serve()
    delete = world.endpoints.delete

    def lost(endpoint: str) -> None:
        raise AwsError(f"DeleteEndpoint did not answer for {endpoint}")

    monkeypatch.setattr(world.endpoints, "delete", lost)
    outcome = world.look()
    assert outcome.problem is not None
    assert world.ledger.is_deleting
    world.ask()
    monkeypatch.setattr(world.endpoints, "delete", delete)
    assert world.act() is Action.STOP
    assert world.endpoints.deleted == ["reviews"]


def test_it_is_not_created_before_it_is_seen_gone(world: World) -> None:
    """And then in the same tick."""
    world.serve()
    assert world.act() is Action.STOP
    world.ask()
    for _ in range(3):
        assert world.act() is Action.WAIT
    world.clock.advance(minutes=1)
    assert world.act() is Action.START
    assert world.ledger.closing is None


def test_of_two_ticks_that_see_it_gone_one_notes_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one changes nothing: what it has seen may be over."""
    world.serve()
    assert world.act() is Action.STOP
    world.ask()
    world.clock.advance(minutes=1)
    meanwhile(monkeypatch, "record_gone", lambda: list(world.reconciler.tick()))
    outcome = world.look()
    assert (outcome.plan.action, outcome.problem) == (Action.WAIT, None)
    assert len(world.endpoints.create_calls) == 1


def test_demand_while_a_forced_stop_is_closing_is_not_taken_for_met(world: World) -> None:
    """It is seen serving, but lets nobody through."""
    world.serve()
    world.use()
    world.sleep()
    assert world.act() is Action.CLOSE
    world.ask()
    assert world.act() is Action.CLOSE
    assert world.ledger.has_unmet_demand
    world.clock.advance(seconds=110)
    assert world.act() is Action.STOP
    world.clock.advance(minutes=1)
    assert world.act() is Action.START


def test_a_sleep_overrules_a_closing_that_demand_could_undo(closing: World) -> None:
    """From then on it is forced."""
    closing.sleep()
    assert closing.act() is Action.CLOSE
    closing.ask()
    assert closing.act() is Action.CLOSE
    closing.clock.advance(seconds=100)
    assert closing.act() is Action.STOP


def test_one_that_somebody_else_deletes_while_it_closes_may_be_created_again(
    closing: World,
) -> None:
    """Gone is gone."""
    closing.endpoints.vanish("reviews")
    assert closing.act() is Action.STAY_DOWN
    assert closing.ledger.closing is None
    closing.ask()
    assert closing.act() is Action.START


def test_one_that_is_not_ours_any_more_is_opened_again(closing: World) -> None:
    """Somebody has made another of the same name since: that one is not torn down."""
    closing.endpoints.put("reviews", S.IN_SERVICE, tags={})
    closing.clock.advance(hours=1)
    outcome = closing.look()
    assert outcome.plan.rule is Rule.REFUSED
    assert closing.ledger.closing is None
    assert closing.endpoints.deleted == []


def test_a_failed_one_is_claimed_like_any_other(world: World) -> None:
    """So that nothing is created before it is gone."""
    world.endpoints.fails_with = "InsufficientInstanceCapacity"
    world.ask()
    world.act()
    world.clock.advance(minutes=8)
    assert world.act() is Action.CLEAR
    assert world.ledger.is_deleting
    assert world.act() is Action.WAIT
    world.clock.advance(minutes=2)
    assert world.act() is Action.START


def test_the_hot_models_are_remembered(world: World) -> None:
    """Those of the last day, the most used first; as many as the spec asks for."""
    world.serve()
    world.usage.use("reviews", {"a.tar.gz": 1, "b.tar.gz": 5}, world.clock())
    assert world.act() is Action.STOP
    assert world.ledger.warm_set == ("b.tar.gz", "a.tar.gz")


def test_models_that_cant_be_read_prevent_no_stop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the last time stay."""

    def refused(*_args: object) -> None:
        raise AwsError("Query was throttled")

    world.serve()
    world.usage.use("reviews", {"a.tar.gz": 1}, world.clock())
    assert world.act() is Action.STOP
    world.clock.advance(minutes=1)
    assert world.act() is Action.STAY_DOWN
    world.serve()
    monkeypatch.setattr(world.usage, "hot_models", refused)
    assert world.act() is Action.STOP
    assert world.ledger.warm_set == ("a.tar.gz",)
