"""Actors that a test moves on step by step: the virtual time, and what happens between two steps.

Each actor runs in a greenlet. Every call that it makes of the world stops before its effect and
after it; there the stage decides who goes on, lets time pass, lets the call fail, or lets the actor
die. An actor that dies is not unwound, since `finally` does not run in a Lambda that is killed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar, cast

from greenlet import (  # type: ignore[import-untyped]  # greenlet ships no types
    GreenletExit,
    getcurrent,
    greenlet,
)

from dormouse.errors import AwsError

START = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)  # a Monday

# The SDK's connect and read timeouts, twice (bootstrap): a call that was begun takes effect within
# so long or never.
CALL_TAKES_AT_MOST = timedelta(seconds=10)

# The calls that decide something; between a look and one of them others may act.
WRITES = (
    "records.change",
    "records.create",
    "records.delete",
    "runtime.forward",
    "sagemaker.create",
    "sagemaker.delete",
    "slots.take",
    "state.begin_closing",
    "state.begin_deleting",
    "state.clear_requests",
    "state.mark_met",
    "state.raise_demand",
    "state.record_demand",
    "state.record_gone",
    "state.record_serving",
    "state.record_start",
    "state.reopen",
    "state.take_lease",
)

Target = TypeVar("Target")


class Directive(Enum):
    """What becomes of an actor at the point where it stopped."""

    GO_ON = "go on"
    FAIL = "fail"
    """Before its effect a call is refused; after it the answer is lost."""


class Phase(Enum):
    """Where an actor has stopped."""

    BEFORE = "before"
    AFTER = "after"
    UNDER_WAY = "under way"
    """A request is at the model."""
    ASLEEP = "asleep"


@dataclass(frozen=True, slots=True)
class Point:
    """Where an actor has stopped, and when it goes on at the latest.

    `effect` is what a call that is under way would still do, were its caller to die now.
    """

    what: str
    phase: Phase
    due_at: datetime
    effect: Callable[[], object] | None = None

    @property
    def is_call(self) -> bool:
        """Whether it is at the border of a call."""
        return self.phase in (Phase.BEFORE, Phase.AFTER)

    @property
    def is_write(self) -> bool:
        """Whether something is about to be changed."""
        return self.phase is Phase.BEFORE and self.what.endswith(WRITES)

    def __str__(self) -> str:
        return f"{self.phase.value} {self.what}"


@dataclass(slots=True, eq=False)
class Process:
    """One Lambda container: it serves one invocation at a time and keeps what it remembers."""

    name: str
    stage: "Stage"
    skew: timedelta
    is_busy: bool = False
    is_dead: bool = False
    app: Any = None

    def clock(self) -> datetime:
        """Tell the time by its own clock."""
        return self.stage.now + self.skew


@dataclass(slots=True, eq=False)
class Actor:
    """One invocation of a function.

    `was_hurt` is whether anything was done to it (a call that failed, a death), so that what it
    leaves undone, or does twice, is excused.
    """

    name: str
    kind: str
    process: Process
    began_at: datetime
    killed_at: datetime
    point: Point | None = None
    result: Any = None
    is_done: bool = False
    is_dead: bool = False
    was_hurt: bool = False
    has_slept: bool = False
    error: BaseException | None = None
    body: Any = None
    at_end: Callable[["Actor"], None] | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it has something to do still."""
        return not self.is_done and not self.is_dead

    @property
    def is_ready(self) -> bool:
        """Whether it can go on without time passing."""
        return self.is_alive and (self.point is None or self.point.phase is not Phase.ASLEEP)

    @property
    def is_at_call(self) -> bool:
        """Whether it stands at the border of a call."""
        return self.is_alive and self.point is not None and self.point.is_call

    def __str__(self) -> str:
        where = "ended" if self.is_done else "dead" if self.is_dead else str(self.point)
        return f"{self.name} ({where})"


@dataclass(slots=True)
class Stage:
    """The time, the actors and their turns.

    While it `is_quiet`, calls are done at once and never fail.
    """

    now: datetime = START
    is_quiet: bool = False
    is_prompt: bool = True
    """Whether whoever wakes up while time passes goes on until he waits again, and does not stop at
    each of his calls."""
    actors: list[Actor] = field(default_factory=list)
    late_calls: list[tuple[datetime, Callable[[], object]]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    ticking: Callable[[], None] | None = None
    """Done whenever the time has moved on."""
    alarms: Callable[[], datetime | None] | None = None
    """Says when something happens next of itself, that time must not skip."""
    _running: Actor | None = None
    _dead: list[Any] = field(default_factory=list)
    _is_over: bool = False
    _counts: dict[str, int] = field(default_factory=dict)

    # --------------------------------------------------------------------- what the test does to it

    def begin(
        self,
        kind: str,
        process: Process,
        body: Callable[[], object],
        lives: timedelta,
        at_end: Callable[[Actor], None] | None = None,
    ) -> Actor:
        """Let an actor come on; it has not done anything yet."""
        number = self._counts[kind] = self._counts.get(kind, 0) + 1
        actor = Actor(f"{kind}-{number}", kind, process, self.now, self.now + lives)
        actor.at_end = at_end
        process.is_busy = True

        def run(_first: object) -> None:
            try:
                actor.result = body()
            except Exception as error:  # noqa: BLE001 - whatever ends it is looked at by the test
                actor.error = error

        actor.body = greenlet(run)
        self.actors.append(actor)
        self.note(f"{actor.name} begins")
        return actor

    def step(self, actor: Actor, directive: Directive = Directive.GO_ON) -> None:
        """Let an actor go on to where it stops next."""
        if not actor.is_alive:
            return
        if directive is Directive.FAIL and actor.point is not None:
            actor.was_hurt = True
            self.note(f"{actor.name}: {actor.point} fails")
        actor.point = None
        self._running = actor
        try:
            actor.body.switch(directive)
        finally:
            self._running = None
        if actor.body.dead:
            self._end(actor)
        else:
            self.note(f"{actor.name}: {actor.point}")

    def run(self, actor: Actor, steps: int = 10_000) -> Actor:
        """Let an actor go on by so many steps, or until it waits for time to pass."""
        while steps > 0 and actor.is_ready:
            self.step(actor)
            steps -= 1
        return actor

    def run_to_model(self, actor: Actor) -> Actor:
        """Let an actor go on until a request is at the model, or as far as he can."""
        while actor.is_ready and (actor.point is None or actor.point.phase is not Phase.UNDER_WAY):
            self.step(actor)
        return actor

    def run_to(self, actor: Actor, what: str, phase: Phase = Phase.BEFORE) -> Actor:
        """Let an actor go on until it stands before (or after) a call whose name ends so."""
        for _ in range(10_000):
            point = actor.point
            if point is not None and point.phase is phase and point.what.endswith(what):
                return actor
            assert actor.is_ready, f"{actor} does not come to {phase.value} {what}"
            self.step(actor)
        raise AssertionError(f"{actor} goes on for ever")

    def kill(self, actor: Actor, *, late: timedelta | None = None) -> None:
        """Let an actor die where it stands, without being unwound. With `late`, the call that it
        had begun takes effect after that time, if the call's own timeouts allow that.
        """
        if not actor.is_alive:
            return
        point = actor.point
        if late is not None and point is not None and point.effect is not None:
            self.late_calls.append((min(self.now + late, point.due_at), point.effect))
        self.note(f"{actor.name} dies {point}" + ("" if late is None else ", its call goes on"))
        actor.is_dead = actor.was_hurt = True
        actor.process.is_dead = True
        actor.process.is_busy = False
        # Kept until the end: a greenlet that is collected is unwound.
        self._dead.append(actor.body)

    def advance(self, seconds: float) -> None:
        """Let time pass. What is due on the way happens on the way."""
        until = self.now + timedelta(seconds=seconds)
        for _ in range(100_000):
            due_at = self._next_due()
            if due_at is None or due_at > until:
                self.now = until
                self._tick()
                return
            self.now = max(self.now, due_at)
            self._tick()
            self._do_what_is_due()
        raise AssertionError("time does not go on")

    def end(self) -> None:
        """Clear the stage: whoever is left is unwound, and can't do anything more."""
        self._is_over = True
        for body in [*self._dead, *(actor.body for actor in self.actors if actor.is_alive)]:
            if body and not body.dead:
                body.throw(GreenletExit)

    def note(self, what: str) -> None:
        """Write down what happens, for whoever reads a failure."""
        self.log.append(f"{(self.now - START).total_seconds():8.1f} {what}")

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Let calls be done at once, and never fail."""
        before, self.is_quiet = self.is_quiet, True
        try:
            yield
        finally:
            self.is_quiet = before

    # ------------------------------------------------------------------------- what the actors call

    @property
    def running(self) -> Actor | None:
        """Who is on."""
        return self._running

    def call(self, what: str, effect: Callable[[], Any]) -> Any:
        """Do something to the world on behalf of whoever is on."""
        if self._is_over:
            raise GreenletExit
        if self.is_quiet or self._running is None:
            return effect()
        due_at = self.now + CALL_TAKES_AT_MOST
        if self.stop(Point(what, Phase.BEFORE, due_at, effect)) is Directive.FAIL:
            raise AwsError(f"{what} refused: ThrottlingException: slow down")
        answer = effect()
        if self.stop(Point(what, Phase.AFTER, due_at)) is Directive.FAIL:
            raise AwsError(f"{what} failed: the connection was closed before an answer came")
        return answer

    def sleep(self, seconds: float) -> None:
        """Let time pass for whoever is on."""
        if self._running is not None:
            self._running.has_slept = True
        self.stop(Point("sleep", Phase.ASLEEP, self.now + timedelta(seconds=seconds)))

    def stop(self, point: Point) -> Directive:
        """Stop whoever is on, until his next turn."""
        if self._is_over:
            raise GreenletExit
        actor = self._running
        assert actor is not None, "nobody is on the stage"
        assert getcurrent() is actor.body
        actor.point = point
        return cast(Directive, actor.body.parent.switch())

    # ---------------------------------------------------------------------------------- what is due

    def _end(self, actor: Actor) -> None:
        actor.is_done = True
        actor.process.is_busy = False
        self.note(f"{actor.name} ends" + (f" by {actor.error!r}" if actor.error else ""))
        if actor.at_end is not None:
            actor.at_end(actor)

    def _tick(self) -> None:
        if self.ticking is not None:
            self.ticking()

    def _next_due(self) -> datetime | None:
        dues = [due_at for due_at, _ in self.late_calls]
        for actor in self.actors:
            if actor.is_alive:
                dues.append(actor.killed_at)
                dues.append(self.now if actor.point is None else actor.point.due_at)
        alarm = None if self.alarms is None else self.alarms()
        if alarm is not None:
            dues.append(alarm)
        return min(dues, default=None)

    def _do_what_is_due(self) -> None:
        for late in [late for late in self.late_calls if late[0] <= self.now]:
            self.late_calls.remove(late)
            self.note("a late call arrives")
            try:
                late[1]()
            except AwsError as error:
                self.note(f"and is refused: {error}")
        for actor in [actor for actor in self.actors if actor.is_alive]:
            if actor.killed_at <= self.now:
                self.kill(actor)
            elif actor.point is None or actor.point.due_at <= self.now:
                # A call that takes all the time that it may is as good as one that fails.
                is_slow = actor.point is not None and actor.point.is_call
                actor.was_hurt = actor.was_hurt or is_slow
                self.step(actor)
                while self.is_prompt and not is_slow and actor.is_at_call:
                    self.step(actor)


class _Stepped:
    """Stands before a stand-in, and lets each of its calls be a step of an actor."""

    def __init__(self, stage: Stage, target: object, name: str) -> None:
        self._stage = stage
        self._target = target
        self._name = name

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, name)
        if not callable(attribute):
            return attribute
        return lambda *args, **kwargs: self._stage.call(
            f"{self._name}.{name}", lambda: attribute(*args, **kwargs)
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        target = cast(Callable[..., Any], self._target)
        return self._stage.call(self._name, lambda: target(*args, **kwargs))


def stepped(stage: Stage, target: Target, name: str) -> Target:
    """Let every call of a stand-in be a step of whoever makes it."""
    return cast(Target, _Stepped(stage, target, name))
