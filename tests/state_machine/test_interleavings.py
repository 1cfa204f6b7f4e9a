"""The interleavings that a careful reader would try, each step by step."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dormouse.domain.intent import Hold, Sleep, Wake
from dormouse.domain.parked_request import Status
from dormouse.domain.work import AnswerNext
from tests.state_machine.callers import Manner, Request
from tests.state_machine.cloud import ENDPOINT, answer_to
from tests.state_machine.interleaving import Actor, Directive, Phase, Stage
from tests.state_machine.world import World


class Story(World):
    """A world that a test leads."""

    def new(self, manner: Manner, *, wait: int = 0, name: str | None = None) -> Request:
        """Write a request that the SDK has named."""
        number = len(self.requests) + 1
        request = Request(
            number=number,
            manner=manner,
            model="a",
            is_bad=False,
            wait=timedelta(seconds=wait),
            name=name,
            sdk_name=f"invocation-{number}",
            topic=None,
        )
        self.requests.append(request)
        return request

    def serve(self) -> None:
        """Wake it, and let it be known to serve."""
        self.stage.run(self.operator(Wake(ENDPOINT)))
        self.minutes(3)
        assert self.ledgers.read(ENDPOINT).serving_since is not None

    def minutes(self, count: int) -> None:
        """Let minutes pass, each of which ends with a tick."""
        for _ in range(count):
            self.stage.advance(60)
            self.stage.run(self.tick())
            self.check()

    def in_lockstep(self, one: Actor, other: Actor) -> None:
        """Let two go on, each a step at a time."""
        while one.is_ready or other.is_ready:
            self.stage.step(one)
            self.stage.step(other)
            self.check()

    def sleeps(self) -> None:
        """Put it to sleep."""
        self.stage.run(self.operator(Sleep(ENDPOINT)))

    def executions(self, request: Request) -> int:
        """Count how often the model has executed a request."""
        return sum(run.body == request.body for run in self.cloud.runs)

    def statuses(self, request: Request) -> list[int]:
        """List what its caller was answered."""
        return [response.status for _, response in request.answers]

    def status_of_promise(self) -> Status:
        """Read how the only request stands that was promised."""
        (promise,) = self.promises.values()
        record = self.record_of(promise)
        assert record is not None
        return record.status


@pytest.fixture
def world() -> Iterator[Story]:
    """A deployment to which nothing has happened yet; at last it is left in peace."""
    story = Story()
    yield story
    try:
        story.rest_in_peace(40)
    finally:
        story.stage.end()


@pytest.fixture
def stage(world: Story) -> Stage:
    """Its stage."""
    return world.stage


def test_a_lease_that_ends_mid_call_is_waited_for(world: Story, stage: Stage) -> None:
    """The second call goes under the first one's lease, and takes as long as any may."""
    world.serve()
    stage.run(world.send(world.new(Manner.PLAIN)))
    stage.advance(29)
    late = world.new(Manner.PLAIN)
    call = stage.run_to(world.send(late), "the model", Phase.UNDER_WAY)
    world.sleeps()
    stage.run(world.tick())
    assert world.ledgers.read(ENDPOINT).closing is not None
    stage.advance(69)
    stage.run(world.tick())
    assert world.cloud.is_serving
    stage.run(call)
    assert world.statuses(late) == [200]
    stage.advance(20)
    stage.run(world.tick())
    assert not world.cloud.is_serving


def test_a_hold_acknowledged_between_observation_and_claim_keeps_it_up(
    world: Story, stage: Stage
) -> None:
    """The claim of the teardown stands on the demand that was seen."""
    world.serve()
    stage.advance(180)
    tick = stage.run_to(world.tick(), "state.begin_closing")
    stage.run(world.operator(Hold(ENDPOINT, timedelta(minutes=5))))
    stage.run(tick)
    assert world.ledgers.read(ENDPOINT).closing is None
    world.minutes(4)
    assert world.cloud.is_serving


def test_a_deletion_whose_answer_was_lost_is_driven_on(world: Story, stage: Stage) -> None:
    """And whoever came meanwhile is answered by the next endpoint."""
    world.serve()
    stage.advance(180)
    tick = stage.run_to(world.tick(), "sagemaker.delete", Phase.AFTER)
    stage.step(tick, Directive.FAIL)
    stage.run(tick)
    meanwhile = world.new(Manner.RESPOND_ASYNC)
    stage.run(world.send(meanwhile))
    assert world.statuses(meanwhile) == [202]
    world.minutes(4)
    world.work_off()
    assert world.status_of_promise() is Status.ANSWERED
    assert len(world.cloud.creations) == 2


def test_a_deletion_that_arrives_after_its_tick_has_died_hits_nothing_else(
    world: Story, stage: Stage
) -> None:
    """It takes effect within the call's own timeouts: the next endpoint is not there by then."""
    world.serve()
    stage.advance(180)
    tick = stage.run_to(world.tick(), "sagemaker.delete")
    stage.kill(tick, late=timedelta(seconds=8))
    stage.run(world.tick())
    stage.run(world.send(world.new(Manner.RESPOND_ASYNC)))
    world.minutes(4)
    assert len(world.cloud.creations) == 2
    assert world.cloud.is_serving


def test_two_reconcilers_in_each_others_steps_wake_it_once(world: Story, stage: Stage) -> None:
    """And tear it down once."""
    stage.run(world.tick())
    stage.run(world.send(world.new(Manner.RESPOND_ASYNC)))
    world.in_lockstep(world.tick(), world.tick(ENDPOINT))
    assert len(world.cloud.creations) == 1
    stage.advance(100)
    world.in_lockstep(world.tick(), world.tick(ENDPOINT))
    world.work_off()
    assert world.status_of_promise() is Status.ANSWERED
    for _ in range(12):
        stage.advance(60)
        world.in_lockstep(world.tick(), world.tick(ENDPOINT))
    assert world.cloud.status is None
    assert len(world.cloud.creations) == 1
    assert world.ledgers.read(ENDPOINT).closing is None


def test_a_forced_stop_under_steady_traffic_cuts_nobody_off(world: Story, stage: Stage) -> None:
    """Requests come every second, and each takes five; those that come later wake it again."""
    world.serve()
    world.sleeps()
    under_way: list[Actor] = []
    for second in range(150):
        if second % 60 == 0:
            stage.run(world.tick())
        call = world.send(world.new(Manner.PLAIN))
        while call.is_ready and (call.point is None or call.point.phase is not Phase.UNDER_WAY):
            stage.step(call)
        under_way.append(call)
        if len(under_way) > 5:
            stage.run(under_way.pop(0))
        stage.advance(1)
        world.check()
    for call in under_way:
        stage.run(call)
    told = {status for request in world.requests for status in world.statuses(request)}
    assert told == {503}
    world.minutes(6)
    assert len(world.cloud.creations) == 2


def test_a_forced_stop_lets_those_end_who_are_under_way(world: Story, stage: Stage) -> None:
    """It is claimed in the midst of the traffic, and each that was sent is answered."""
    world.serve()
    for second in range(120):
        if second == 30:
            world.sleeps()
        if second % 20 == 0:
            stage.run(world.tick())
        stage.run(world.send(world.new(Manner.PLAIN)))
        stage.advance(1)
        world.check()
    told = [world.statuses(request)[0] for request in world.requests]
    assert set(told) == {200, 503}
    assert told == sorted(told)


def test_a_park_between_the_look_and_its_claim_is_seen(world: Story, stage: Stage) -> None:
    """The teardown is not claimed over it."""
    world.serve()
    stage.advance(180)
    tick = stage.run_to(world.tick(), "state.begin_closing")
    stage.run(world.send(world.new(Manner.ASYNC_INVOCATION)))
    stage.run(tick)
    assert world.ledgers.read(ENDPOINT).closing is None
    world.work_off()
    assert world.status_of_promise() is Status.ANSWERED


def test_a_park_while_a_tick_finds_that_nobody_waits_is_not_forgotten(
    world: Story, stage: Stage
) -> None:
    """The note that requests wait is removed only if no demand has come since the look began."""
    stage.run(world.tick())
    stage.run(world.send(world.new(Manner.RESPOND_ASYNC)))
    world.minutes(3)
    world.work_off()
    tick = stage.run_to(world.tick(), "state.clear_requests")
    stage.run(world.send(world.new(Manner.ASYNC_INVOCATION)))
    stage.run(tick)
    assert world.ledgers.read(ENDPOINT).has_requests


def test_a_request_that_is_parked_again_while_a_tick_looks_for_it_is_not_forgotten(
    world: Story, stage: Stage
) -> None:
    """It goes from one queue to the other between two looks."""
    world.serve()
    stage.run(world.send(world.new(Manner.ASYNC_INVOCATION)))
    drain = stage.run_to(world.drain(world.work.sent.pop()), "runtime.forward")
    world.cloud.delete_by_hand()
    stage.advance(6)
    stage.run_to(drain, "records.change")
    tick = stage.run_to(world.tick(), "records.queued", Phase.AFTER)
    stage.run(drain)
    assert world.status_of_promise() is Status.PARKED
    stage.run(tick)
    assert world.ledgers.read(ENDPOINT).has_requests


def test_a_drain_that_dies_after_the_model_has_run_costs_a_second_run(
    world: Story, stage: Stage
) -> None:
    """And its caller sees one answer."""
    world.serve()
    stage.run(world.operator(Hold(ENDPOINT, timedelta(minutes=15))))
    request = world.new(Manner.ASYNC_INVOCATION)
    stage.run(world.send(request))
    drain = stage.run_to(world.drain(world.work.sent.pop()), "payloads.put")
    stage.kill(drain)
    world.minutes(1)
    world.work_off()
    assert world.status_of_promise() is Status.ANSWERING
    world.minutes(3)
    world.work_off()
    assert world.status_of_promise() is Status.ANSWERED
    assert world.executions(request) == 2


def test_a_doubled_release_is_executed_once(world: Story, stage: Stage) -> None:
    """Two ticks release the same request, and their messages come twice each."""
    stage.run(world.tick())
    request = world.new(Manner.RESPOND_ASYNC)
    stage.run(world.send(request))
    stage.run(world.tick())
    stage.advance(100)
    world.in_lockstep(world.tick(), world.tick(ENDPOINT))
    drains = [world.drain(AnswerNext(ENDPOINT, "a")) for _ in range(4)]
    while any(drain.is_ready for drain in drains):
        for drain in drains:
            stage.step(drain)
        world.check()
    assert world.executions(request) == 1
    assert world.status_of_promise() is Status.ANSWERED


@pytest.mark.parametrize("is_deleting_first", [True, False])
def test_reopening_races_the_claim_to_delete(
    world: Story, stage: Stage, is_deleting_first: bool
) -> None:
    """One of the two wins, and the request is answered by this endpoint or by the next."""
    world.serve()
    stage.run(world.send(world.new(Manner.PLAIN)))
    stage.advance(90)
    stage.run(world.tick())
    stage.advance(75)
    tick = stage.run_to(world.tick(), "state.begin_deleting")
    request = world.new(Manner.WAIT, wait=400)
    call = stage.run_to(world.send(request), "state.reopen")
    first, second = (tick, call) if is_deleting_first else (call, tick)
    stage.run(first)
    stage.run(second)
    if is_deleting_first:
        world.minutes(5)
    stage.run(call)
    assert world.statuses(request) == [200]
    assert len(world.cloud.creations) == (2 if is_deleting_first else 1)


def test_a_repeated_post_joins_the_first(world: Story, stage: Stage) -> None:
    """Both are answered, and the model runs once."""
    stage.run(world.tick())
    request = world.new(Manner.WAIT, wait=400)
    stage.run(world.send(request))
    stage.advance(60)
    stage.run(world.send(request))
    world.minutes(4)
    # The model takes its time.
    stage.advance(80)
    assert world.statuses(request) == [200, 200]
    assert {response.body for _, response in request.answers} == {answer_to(request.body)}
    assert world.executions(request) == 1


def test_a_repetition_takes_over_from_whoever_has_died(world: Story, stage: Stage) -> None:
    """When the claim of the dead has run out."""
    stage.run(world.tick())
    request = world.new(Manner.WAIT, wait=50)
    first = stage.run(world.send(request))
    stage.kill(first)
    stage.advance(60)
    request.wait = timedelta(seconds=400)
    stage.run(world.send(request))
    world.minutes(5)
    assert world.statuses(request) == [200]
    assert world.executions(request) == 1


def test_a_promise_outlives_the_failure_of_the_first_who_sent_it(
    world: Story, stage: Stage
) -> None:
    """The same request is sent twice; the second was told that it is kept."""
    stage.run(world.tick())
    request = world.new(Manner.RESPOND_ASYNC, name="one")
    first = stage.run_to(world.send(request), "state.raise_demand")
    stage.run(world.send(request))
    assert world.statuses(request) == [202]
    stage.step(first, Directive.FAIL)
    stage.run(first)
    world.check()


def test_what_was_claimed_by_the_dead_expires_though_nothing_serves(
    world: Story, stage: Stage
) -> None:
    """Nobody comes to take it over while the endpoint sleeps."""
    world.serve()
    stage.run(world.send(world.new(Manner.ASYNC_INVOCATION)))
    drain = stage.run_to(world.drain(world.work.sent.pop()), "payloads.get")
    stage.kill(drain)
    world.sleeps()
    world.minutes(14)
    assert world.status_of_promise() is Status.EXPIRED


def test_a_repetition_that_finds_no_place_does_not_park_what_its_first_holds(
    world: Story, stage: Stage
) -> None:
    """Both would be executed."""
    stage.run(world.tick())
    request = world.new(Manner.WAIT_THEN_RESPOND_ASYNC, wait=400)
    for held in (request, world.new(Manner.WAIT, wait=400), world.new(Manner.WAIT, wait=400)):
        stage.run(world.send(held))
    stage.run(world.send(request))
    world.minutes(5)
    world.work_off()
    assert world.executions(request) == 1
