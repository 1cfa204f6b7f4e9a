"""The state machine: hypothesis chooses who acts, who goes on, what fails, who dies, and the time.

At the end everything is left in peace until nothing changes any more; then every request that was
accepted has to have come to its end, and the endpoint to be gone.
"""

from collections.abc import Callable
from datetime import timedelta
from enum import Enum

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from dormouse.domain.intent import Hold, Release, Sleep, Wake
from tests.state_machine.callers import TOPIC, Manner, Request, ask, cancel
from tests.state_machine.cloud import ALIAS, ENDPOINT, SHORTEST_WAKE
from tests.state_machine.interleaving import Actor, Directive
from tests.state_machine.world import World

# An index into whatever there is: which of the actors, messages or requests.
which = st.integers(0, 7)
# How far an actor goes at once: mostly to its end, sometimes only a few steps.
some_steps = st.sampled_from([10_000, 10_000, 10_000, 0, 1, 2, 3, 5, 8, 12, 16, 20])
wakes = st.sampled_from([SHORTEST_WAKE, timedelta(seconds=75), timedelta(seconds=240)])
goings = st.sampled_from([timedelta(seconds=2), timedelta(seconds=20), timedelta(seconds=90)])
manners = st.sampled_from(
    [
        Manner.PLAIN,
        Manner.WAIT,
        Manner.RESPOND_ASYNC,
        Manner.RESPOND_ASYNC,
        Manner.WAIT_THEN_RESPOND_ASYNC,
        Manner.ASYNC_INVOCATION,
    ]
)

ROUNDS_OF_PEACE = 40


class Begins(Enum):
    """In which situation a run begins."""

    NEW = "never looked at"
    ASLEEP = "asleep"
    SERVING = "serving"


class Role(Enum):
    """Who comes on stage with another."""

    TICK = "tick"
    MESSAGE = "message"
    REQUEST = "request"
    ASYNC_INVOCATION = "async-invocation"
    HELD_REQUEST = "held request"
    REPETITION = "repetition"
    CANCEL = "cancel"
    SLEEP = "sleep"
    WAKE = "wake"


class Blow(Enum):
    """What befalls an actor."""

    REFUSAL = "refusal"
    LOST_ANSWER = "lost answer"
    DEATH = "death"
    DEATH_WITH_A_LATE_CALL = "death with a late call"


class Circumstance(Enum):
    """What happens all around."""

    NO_CAPACITY = "the next creations fail"
    MODEL_NOT_READY = "the model is being loaded"
    SAGEMAKER_UPDATES_IT = "SageMaker patches the endpoint, which serves and can't be deleted"
    SOMEBODY_DELETES_IT = "somebody deletes the endpoint in the console"
    CLOUDWATCH = "CloudWatch can't be read, or can again"
    MESSAGES_ARE_LOST = "what waits in the work queue is gone"


class Deployment(RuleBasedStateMachine):
    """One deployment, one endpoint, two models, and whoever wants something of them."""

    new_world: Callable[[], World] = World

    @initialize(
        creating=st.lists(wakes, max_size=3),
        deleting=st.lists(goings, max_size=3),
        skews=st.permutations([0, 2, -2, 1, -1]),
        begins=st.sampled_from([Begins.NEW, Begins.ASLEEP, *[Begins.SERVING] * 3]),
    )
    def begin(
        self,
        creating: list[timedelta],
        deleting: list[timedelta],
        skews: list[int],
        begins: Begins,
    ) -> None:
        """Deploy it."""
        self.world = type(self).new_world()
        self.world.point("a")
        self.stage = self.world.stage
        self.world.skews = [timedelta(seconds=skew) for skew in skews]
        self.world.cloud.creating = list(creating)
        self.world.cloud.deleting = list(deleting)
        if begins is not Begins.NEW:
            self.stage.run(self.world.tick())
        if begins is Begins.SERVING:
            self.stage.run(self.world.operator(Wake(ENDPOINT)))
            self.stage.run(self.world.tick())
            self.stage.advance(300)
            self.stage.run(self.world.tick())

    # ----------------------------------------------------------------------------- what comes along

    @rule(steps=some_steps)
    def scheduled_tick(self, steps: int) -> None:
        """The minute is full."""
        self.stage.run(self.world.tick(), steps)

    @precondition(lambda self: self.world.orders_for_ticks)
    @rule(index=which, steps=some_steps, keep=st.booleans())
    def ordered_tick(self, index: int, steps: int, keep: bool) -> None:
        """An event or a nudge arrives, perhaps not for the last time."""
        orders = self.world.orders_for_ticks
        order = orders[index % len(orders)]
        if not keep:
            orders.remove(order)
        self.stage.run(self.world.tick(order), steps)

    @precondition(lambda self: self.world.work.sent)
    @rule(
        index=which,
        steps=some_steps,
        keep=st.sampled_from([False, False, False, True]),
        goes_to_model=st.booleans(),
    )
    def message(self, index: int, steps: int, keep: bool, goes_to_model: bool) -> None:
        """A message of the work queue is taken, perhaps not for the last time."""
        sent = self.world.work.sent
        work = sent[index % len(sent)]
        if not keep:
            sent.remove(work)
        actor = self.world.drain(work)
        if goes_to_model:
            self.stage.run_to_model(actor)
        else:
            self.stage.run(actor, steps)

    @rule(
        intent=st.sampled_from(
            [
                Wake(ENDPOINT),
                Sleep(ENDPOINT),
                Hold(ENDPOINT, timedelta(minutes=2)),
                Release(ENDPOINT),
                Sleep(ENDPOINT),
            ]
        ),
        steps=some_steps,
    )
    def operator(self, intent: Wake | Sleep | Hold | Release, steps: int) -> None:
        """An operator wants something."""
        self.stage.run(self.world.operator(intent), steps)

    @rule(
        manner=manners,
        model=st.sampled_from(["a", "b", ALIAS]),
        is_bad=st.sampled_from([False, False, False, True]),
        wait=st.sampled_from([5, 50, 120, 400]),
        is_named=st.booleans(),
        topic=st.sampled_from([None, None, TOPIC]),
        steps=some_steps,
        goes_to_model=st.booleans(),
    )
    def request(
        self,
        *,
        manner: Manner,
        model: str,
        is_bad: bool,
        wait: int,
        is_named: bool,
        topic: str | None,
        steps: int,
        goes_to_model: bool,
    ) -> None:
        """A request arrives, and perhaps gets as far as the model."""
        request = self._new(
            manner, wait=wait, is_named=is_named, model=model, is_bad=is_bad, topic=topic
        )
        actor = self.world.send(request)
        if goes_to_model:
            self.stage.run_to_model(actor)
        else:
            self.stage.run(actor, steps)

    @precondition(lambda self: self.world.requests)
    @rule(index=which, steps=some_steps)
    def request_again(self, index: int, steps: int) -> None:
        """The SDK, or its caller, sends a request once more."""
        requests = self.world.requests
        self.stage.run(self.world.send(requests[-1 - index % len(requests)]), steps)

    @precondition(lambda self: self.world.promises)
    @rule(index=which, steps=some_steps, cancels=st.sampled_from([False, False, True]))
    def inquiry(self, index: int, steps: int, cancels: bool) -> None:
        """Somebody asks for his answer, or wants none any more."""
        ids = sorted(self.world.promises)
        name = ids[index % len(ids)]
        call = cancel(name) if cancels else ask(name)
        self.stage.run(self.world.inquire(call), steps)

    # -------------------------------------------------------------------------- whoever is on stage

    @precondition(lambda self: self.world.ready)
    @rule(index=which, steps=some_steps)
    def go_on(self, index: int, steps: int) -> None:
        """One goes on."""
        self.stage.run(self._one(index), steps)

    @precondition(lambda self: len(self.world.ready) > 1)
    @rule(turns=st.lists(which, min_size=2, max_size=24))
    def in_each_others_steps(self, turns: list[int]) -> None:
        """Several go on, a step at a time."""
        for index in turns:
            if self.world.ready:
                self.stage.step(self._one(index))

    @precondition(lambda self: self.world.ready)
    @rule(index=which, steps=st.integers(0, 6))
    def call_fails(self, index: int, steps: int) -> None:
        """A call is refused, or its answer is lost."""
        actor = self.stage.run(self._one(index), steps)
        if actor.is_ready:
            self.stage.step(actor, Directive.FAIL)

    @precondition(lambda self: self.world.alive)
    @rule(index=which, steps=st.integers(0, 6), late=st.sampled_from([None, None, 1, 8]))
    def death(self, index: int, steps: int, late: int | None) -> None:
        """A container dies, perhaps with a call on its way."""
        alive = self.world.alive
        actor = self.stage.run(alive[index % len(alive)], steps)
        self.stage.kill(actor, late=None if late is None else timedelta(seconds=late))

    @rule(
        first=st.sampled_from([*[Role.TICK] * 3, *[Role.MESSAGE] * 3, *Role]),
        second=st.sampled_from([Role.TICK, Role.MESSAGE, Role.MESSAGE, *Role]),
        index=which,
        first_goes=st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5]),
        second_goes=st.sampled_from([0, 1, 2, 3, 99, 99, 99]),
        blow=st.sampled_from([None, None, None, *Blow]),
    )
    def two_at_once(
        self,
        *,
        first: Role,
        second: Role,
        index: int,
        first_goes: int,
        second_goes: int,
        blow: Blow | None,
    ) -> None:
        """Two begin in the same moment. One goes on until he is about to write for so many times,
        then the other, then the one perhaps has bad luck, and both go on as far as they can.
        """
        one, other = self._play(first, index), self._play(second, index)
        self._to_write(one, first_goes)
        self._to_write(other, second_goes)
        match blow:
            case Blow.DEATH:
                self.stage.kill(one)
            case Blow.DEATH_WITH_A_LATE_CALL:
                self.stage.kill(one, late=timedelta(seconds=8))
            case Blow.REFUSAL if one.is_ready:
                self.stage.step(one, Directive.FAIL)
            case Blow.LOST_ANSWER if one.is_ready:
                self.stage.step(one)
                if one.is_ready:
                    self.stage.step(one, Directive.FAIL)
            case _:
                pass
        self.stage.run(one)
        self.stage.run(other)

    @rule(
        somebody=st.sampled_from(
            [
                *[Role.ASYNC_INVOCATION] * 4,
                Role.REQUEST,
                Role.HELD_REQUEST,
                Role.REPETITION,
                Role.WAKE,
            ]
        ),
        goes=st.sampled_from([0, 0, 0, 1, 2]),
        is_all_done=st.booleans(),
    )
    def between_look_and_claim(self, somebody: Role, goes: int, is_all_done: bool) -> None:
        """A tick has looked, perhaps where the last request has just been answered, and is about
        to write what follows, when somebody comes.
        """
        if is_all_done:
            last = self.world.send(self._new(Manner.ASYNC_INVOCATION))
            self.stage.run(last)
            self.world.work_off()
        tick = self.world.tick()
        self._to_write(tick, goes)
        self.stage.run_to_model(self._play(somebody, 0))
        self.stage.run(tick)

    @rule(is_new=st.booleans(), index=which, goes=st.integers(0, 4), dies=st.booleans())
    def message_comes_twice(self, is_new: bool, index: int, goes: int, dies: bool) -> None:
        """Two take the same order; one is held up before he writes, or does not live to do it."""
        if is_new:
            self.stage.run(self.world.send(self._new(Manner.ASYNC_INVOCATION)))
        sent = self.world.work.sent
        if not sent:
            return
        work = sent.pop(-1 if is_new else index % len(sent))
        one, other = self.world.drain(work), self.world.drain(work)
        self._to_write(one, goes)
        if dies:
            self.stage.kill(one)
        self.stage.run(other)
        self.stage.run(one)

    @rule(
        calls=st.integers(0, 3),
        sleeps=st.booleans(),
        pauses=st.lists(st.sampled_from([0, 5, 30, 65]), min_size=1, max_size=4),
    )
    def teardown_under_traffic(self, calls: int, sleeps: bool, pauses: list[int]) -> None:
        """Requests are at the model while it is put to sleep, or else gets no more of them."""
        for _ in range(calls):
            self.stage.run_to_model(self.world.send(self._new(Manner.PLAIN)))
        if sleeps:
            self.stage.run(self.world.operator(Sleep(ENDPOINT)))
        for pause in pauses:
            self.stage.run(self.world.tick())
            self.stage.advance(pause)

    # ----------------------------------------------------------------------------- the world around

    @rule(
        seconds=st.sampled_from([1, 5, 20, 40, 65, 100]),
        is_prompt=st.sampled_from([True, True, False]),
    )
    def time_passes(self, seconds: int, is_prompt: bool) -> None:
        """Nobody ticks meanwhile."""
        self.stage.is_prompt = is_prompt
        self.stage.advance(seconds)
        self.stage.is_prompt = True

    @rule(minutes=st.integers(1, 5), drains=st.sampled_from([False, False, True]))
    def minutes_pass(self, minutes: int, drains: bool) -> None:
        """And the schedule ticks, and perhaps messages are worked off."""
        for _ in range(minutes):
            self.stage.advance(60)
            self.stage.run(self.world.tick())
            if drains:
                self.world.work_off()

    @rule(model=st.sampled_from(["a", "b"]))
    def switch(self, model: str) -> None:
        """An operator lets the alias stand for the other model, or for the same."""
        self.world.point(model)

    @rule(what=st.sampled_from(Circumstance), count=st.integers(1, 3))
    def circumstances(self, what: Circumstance, count: int) -> None:
        """Something changes that nobody here has any say in."""
        cloud = self.world.cloud
        match what:
            case Circumstance.NO_CAPACITY:
                cloud.failures = count
            case Circumstance.MODEL_NOT_READY:
                cloud.not_ready = count
            case Circumstance.SAGEMAKER_UPDATES_IT:
                cloud.update_by_itself(timedelta(seconds=30 * count))
            case Circumstance.SOMEBODY_DELETES_IT:
                cloud.delete_by_hand()
            case Circumstance.CLOUDWATCH:
                cloud.metrics_fail = not cloud.metrics_fail
            case Circumstance.MESSAGES_ARE_LOST:
                self.world.work.sent.clear()
        self.stage.note(f"{what.value}")

    # ------------------------------------------------------------------------------- what must hold

    @invariant()
    def nothing_is_wrong(self) -> None:
        """Whatever has happened so far."""
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        """Leave everything in peace, and look at what has become of it."""
        if not hasattr(self, "world"):
            return
        try:
            # After a failure there is nothing more to be learned.
            if not self.world.cloud.violations:
                self.world.rest_in_peace(ROUNDS_OF_PEACE)
        finally:
            self.stage.end()

    def _play(self, role: Role, index: int) -> Actor:
        """Let somebody begin; where there is nothing for him to do, a tick."""
        world = self.world
        named = sorted(world.promises)
        match role:
            case Role.REQUEST:
                return world.send(self._new(Manner.RESPOND_ASYNC, wait=120, is_named=True))
            case Role.ASYNC_INVOCATION:
                return world.send(self._new(Manner.ASYNC_INVOCATION, wait=0, is_named=True))
            case Role.HELD_REQUEST:
                return world.send(self._new(Manner.WAIT, wait=120, is_named=True))
            case Role.REPETITION if world.requests:
                return world.send(world.requests[-1])
            case Role.CANCEL if named:
                return world.inquire(cancel(named[index % len(named)]))
            case Role.MESSAGE if world.work.sent:
                return world.drain(world.work.sent[index % len(world.work.sent)])
            case Role.SLEEP:
                return world.operator(Sleep(ENDPOINT))
            case Role.WAKE:
                return world.operator(Wake(ENDPOINT))
            case _:
                return world.tick()

    def _to_write(self, actor: Actor, times: int) -> None:
        """Let an actor go on until he is about to write for so many times."""
        for number in range(times + 1):
            if number and actor.is_ready:
                self.stage.step(actor)
            while actor.is_ready and not (actor.point is not None and actor.point.is_write):
                self.stage.step(actor)

    def _new(
        self,
        manner: Manner,
        *,
        wait: int = 0,
        is_named: bool = False,
        model: str = "a",
        is_bad: bool = False,
        topic: str | None = None,
    ) -> Request:
        number = len(self.world.requests) + 1
        return Request(
            number=number,
            manner=manner,
            model=model,
            is_bad=is_bad,
            wait=timedelta(seconds=wait),
            name=f"inference-{number}" if is_named else None,
            sdk_name=f"invocation-{number}" if number % 3 else None,
            topic=topic,
        )

    def _one(self, index: int) -> Actor:
        ready = self.world.ready
        return ready[index % len(ready)]
