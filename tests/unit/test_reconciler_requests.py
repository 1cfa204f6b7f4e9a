"""Accepted requests, as ticks find them: demand while they wait, released when it serves."""

from datetime import timedelta

import pytest

from dormouse.domain.ledger import Ledger
from dormouse.domain.parked_request import (
    Kind,
    ParkedRequest,
    Queue,
    Status,
    claimed,
    expired,
    published,
)
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from dormouse.domain.work import AnswerNext, Publish
from dormouse.errors import AwsError
from tests.fakes.deployment import World


def park(
    world: World,
    number: int = 1,
    *,
    model: str = "a.tar.gz",
    topic: str | None = None,
    time_to_live: timedelta = timedelta(hours=6),
) -> ParkedRequest:
    """Accept a request as the front door does."""
    now = world.clock()
    request = ParkedRequest(
        endpoint="reviews",
        id=f"reviews.{number:032x}",
        kind=Kind.RESPOND_ASYNC,
        status=Status.PARKED,
        principal="arn:aws:iam::123456789012:user/jo",
        headers={"x-amzn-sagemaker-target-model": model},
        body_key=f"requests/reviews/{number}/body",
        accepted_at=now,
        expires_at=now + time_to_live,
        fingerprint="f",
        completion_topic=topic,
    )
    assert world.records.create(request) is None
    world.state.raise_demand("reviews", now, now, has_requests=True)
    return request


def stored(world: World, request: ParkedRequest) -> ParkedRequest:
    """Read a request as it is now."""
    found = world.records.read(request.endpoint, request.id)
    assert found is not None
    return found


def tell(world: World) -> None:
    """Tell how requests have ended, as `drain` does."""
    for request in world.records.queued("reviews", Queue.PUBLISHING, 100):
        assert world.records.change(request, published(request))


@pytest.fixture
def woken(world: World) -> World:
    """A deployment that has been woken by two parked requests and serves."""
    world.act()
    park(world, 1)
    world.clock.advance(seconds=1)
    park(world, 2, model="b.tar.gz")
    assert world.act() is Action.START
    world.clock.advance(minutes=8)
    assert world.act() is Action.STAY_UP
    return world


def test_parked_requests_wake_it(world: World) -> None:
    """For as long as they live, not only for as long as a demand counts."""
    world.act()
    park(world)
    world.clock.advance(hours=3)
    outcome = world.look()
    assert (outcome.plan.action, outcome.plan.rule) == (Action.START, Rule.WAITING_WORK)
    assert "the oldest since 2026-02-16 09:00:01 UTC" in outcome.plan.reason


def test_they_are_released_in_the_first_tick_that_sees_it_serving(woken: World) -> None:
    """The oldest first; each by an order that names its model alone."""
    assert woken.work.sent == [
        AnswerNext("reviews", "a.tar.gz"),
        AnswerNext("reviews", "b.tar.gz"),
    ]
    assert woken.records.count("reviews", Queue.PARKED, 10) == 0
    assert woken.records.count("reviews", Queue.RELEASED, 10) == 2


def test_released_ones_keep_it_up(woken: World) -> None:
    """However long they take."""
    woken.clock.advance(hours=2)
    outcome = woken.look()
    assert (outcome.plan.action, outcome.plan.rule) == (Action.STAY_UP, Rule.WAITING_WORK)
    assert woken.metrics.asked == []


def test_an_order_that_was_lost_is_sent_again(woken: World) -> None:
    """After a while, and with each tick from then on."""
    woken.work.sent.clear()
    woken.act()
    assert woken.work.sent == []
    woken.clock.advance(seconds=60)
    woken.act()
    assert len(woken.work.sent) == 2


def test_one_that_is_being_answered_is_left_alone_until_its_claim_ends(woken: World) -> None:
    """Then whoever had claimed it is gone."""
    request = woken.records.queued("reviews", Queue.RELEASED, 1)[0]
    until = woken.clock() + timedelta(minutes=3)
    assert woken.records.change(request, claimed(request, "a claim", until))
    woken.work.sent.clear()
    woken.clock.advance(seconds=90)
    woken.act()
    assert len(woken.work.sent) == 1
    woken.work.sent.clear()
    woken.clock.advance(seconds=90)
    woken.act()
    assert len(woken.work.sent) == 2


def test_what_expires_is_ended_and_told(world: World) -> None:
    """It wakes nobody any more."""
    world.act()
    request = park(world, topic="arn:aws:sns:us-east-1:1:done", time_to_live=timedelta(hours=1))
    world.clock.advance(hours=1)
    assert world.act() is Action.STAY_DOWN
    assert stored(world, request).status is Status.EXPIRED
    assert world.work.sent == [Publish("reviews", request.id)]


def test_what_was_not_told_is_told_again(world: World) -> None:
    """The order to tell may be lost like any other."""
    world.act()
    request = park(world, topic="arn:aws:sns:us-east-1:1:done", time_to_live=timedelta(hours=1))
    world.clock.advance(hours=1)
    world.act()
    world.work.sent.clear()
    world.clock.advance(minutes=2)
    world.act()
    assert world.work.sent == [Publish("reviews", request.id)]


def test_nobody_is_looked_for_once_nothing_waits(world: World) -> None:
    """The ledger says so, until somebody else is accepted."""
    world.act()
    park(world, time_to_live=timedelta(hours=1))
    world.clock.advance(hours=1)
    world.act()
    tell(world)
    world.act()
    assert not world.ledger.has_requests
    park(world, 2)
    assert world.ledger.has_requests


def test_one_that_is_accepted_during_the_look_is_not_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That nothing waits is written on the condition that nobody has come since."""
    world.act()
    park(world, time_to_live=timedelta(hours=1))
    world.clock.advance(hours=1)
    world.act()
    tell(world)
    clear_requests = type(world.state).clear_requests

    def late(state: object, endpoint: str, demand_version: int) -> None:
        park(world, 2)
        clear_requests(world.state, endpoint, demand_version)

    with monkeypatch.context() as patch:
        patch.setattr(type(world.state), "clear_requests", late)
        world.act()
    assert world.ledger.has_requests
    assert world.act() is Action.START


def test_a_sleep_leaves_them_parked_until_somebody_asks(world: World) -> None:
    """By the rule of precedence: a sleep stands above waiting work."""
    world.act()
    request = park(world)
    world.sleep()
    outcome = world.look()
    assert (outcome.plan.action, outcome.plan.rule) == (Action.STAY_DOWN, Rule.SLEEP)
    assert stored(world, request).status is Status.PARKED
    world.wake()
    assert world.act() is Action.START


def test_nothing_is_released_to_an_endpoint_that_is_closing(world: World) -> None:
    """It would come back."""
    world.serve()
    world.use()
    world.sleep()
    assert world.act() is Action.CLOSE
    request = park(world)
    assert world.act() is Action.CLOSE
    assert stored(world, request).status is Status.PARKED


def test_a_closing_that_is_not_forced_is_undone_for_them(world: World) -> None:
    """And they are released in the same tick."""
    world.serve()
    world.state.take_lease(
        "reviews", world.clock(), world.clock() + timedelta(seconds=60), is_request=False
    )
    assert world.act() is Action.CLOSE
    request = park(world)
    assert world.act() is Action.REOPEN
    assert stored(world, request).status is Status.RELEASED


def test_a_queue_that_does_not_answer_costs_a_tick_and_nothing_else(woken: World) -> None:
    """What was marked as released is ordered again."""
    park(woken, 3)

    def refuse(operation: str, is_done: bool) -> None:
        if operation == "work.send" and not is_done:
            raise AwsError("SendMessageBatch was throttled")

    woken.work.sent.clear()
    woken.work.disturb = refuse
    assert woken.look().problem == "SendMessageBatch was throttled"
    woken.work.disturb = lambda _operation, _is_done: None
    woken.clock.advance(seconds=60)
    woken.act()
    assert len(woken.work.sent) == 3


def test_a_queue_that_does_not_answer_keeps_nothing_asleep(world: World) -> None:
    """What is to be told of one request has nothing to do with another's wake."""
    world.act()
    first = park(world, 1, topic="arn:aws:sns:us-east-1:123456789012:done")
    assert world.records.change(first, expired(first, world.clock()))
    world.clock.advance(minutes=5)
    late = park(world, 2, topic=first.completion_topic, time_to_live=timedelta(0))
    park(world, 3)

    def refuse(operation: str, is_done: bool) -> None:
        if operation == "work.send" and not is_done:
            raise AwsError("SendMessageBatch was throttled")

    world.work.disturb = refuse
    outcome = world.look()
    world.work.disturb = lambda _operation, _is_done: None
    world.clock.advance(minutes=2)
    world.tick()

    assert outcome.plan.action is Action.START
    assert outcome.problem == "SendMessageBatch was throttled"
    assert world.work.sent == [Publish("reviews", first.id), Publish("reviews", late.id)]


def test_who_is_held_need_not_wait_for_those_that_are_parked(world: World) -> None:
    """That it serves is noted though these can't be released."""
    world.act()
    park(world)
    assert world.act() is Action.START
    world.clock.advance(minutes=8)

    def refuse(operation: str, is_done: bool) -> None:
        if operation == "records.change" and not is_done:
            raise AwsError("PutItem was throttled")

    world.records.disturb = refuse

    assert world.look().problem == "PutItem was throttled"
    assert world.ledger.serving_since is not None


def test_an_endpoint_without_requests_is_not_asked_for_any(world: World) -> None:
    """Looking costs money each minute."""
    asked: list[str] = []
    world.records.disturb = lambda operation, _is_done: asked.append(operation)
    world.serve()
    world.act()
    assert world.ledger != Ledger()
    assert asked == []
