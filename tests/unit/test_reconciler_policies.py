"""Ticks over time under each idle policy: what is started and stopped, and how little written."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.decisions import is_news
from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.idle_policy import minute_of
from dormouse.domain.intent import Suspend
from dormouse.domain.ledger import Decision
from dormouse.domain.notice import NoticeKind
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from tests.fakes.deployment import World
from tests.fakes.forecast import ScriptedState
from tests.fakes.world import config
from tests.unit.planning import NOW, script

Written = list[tuple[str, str]]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    """The decisions that are written, each as its action and rule."""
    decisions: Written = []
    record = EndpointsTable.record_decision

    def recording(self: EndpointsTable, endpoint: str, decision: Decision, *args: Any) -> bool:
        decisions.append((decision.action, decision.rule))
        return record(self, endpoint, decision, *args)

    monkeypatch.setattr(EndpointsTable, "record_decision", recording)
    return decisions


def test_break_even_is_what_is_done_where_nothing_is_said(world: World) -> None:
    """Its wake is learned, which takes as long as SageMaker does; a delayed minute is worth 15."""
    world.catalog.configs = [config("reviews")]
    world.endpoints.create_takes = timedelta(minutes=7)
    world.act()
    world.ask()
    assert world.act() is Action.START
    world.clock.advance(minutes=8)
    assert world.act() is Action.STAY_UP
    world.use()
    used_at = world.clock()

    world.clock.now = used_at + timedelta(minutes=7 + 15, seconds=30, milliseconds=-1)
    outcome = world.look()
    assert outcome.plan.action is Action.STAY_UP
    assert "break-even timeout 22m (a wake of 7m and a delay cost of 15m)" in outcome.plan.reason

    # In service for the lag longer, as ever.
    world.clock.now = used_at + timedelta(minutes=30)
    outcome = world.look()
    assert outcome.plan.action is Action.STOP
    assert "no request for 22m (a wake of 7m and a delay cost of 15m)" in outcome.plan.reason


class Foreseen:
    """An endpoint whose forecast says what it is told to."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.catalog.configs = [config("reviews", policy="forecast")]

    def says(
        self,
        *,
        stop: timedelta | None = None,
        start: timedelta | None = None,
        review: timedelta | None = None,
    ) -> None:
        """Say when to stop what is up, and to start what is down, from now on."""
        now = self.world.clock()

        def minute(after: timedelta | None) -> int | None:
            return None if after is None else minute_of(now + after)

        state = ScriptedState(minute(stop), minute(start), minute(review))
        history = DemandHistory(now, state.write())
        assert self.world.state.record_demand_history("reviews", self.world.ledger, history)

    def ticks(self, minutes: int) -> set[str]:
        """Tick for so many minutes; say what was done."""
        done = set()
        for _ in range(minutes):
            done.add(self.world.act().value)
            self.world.clock.advance(seconds=59)
        return done


@pytest.fixture
def foreseen(world: World, monkeypatch: pytest.MonkeyPatch) -> Foreseen:
    """Let the forecast of the only endpoint be scripted."""
    script(monkeypatch)
    return Foreseen(world)


def test_a_pre_warm_that_is_used(world: World, foreseen: Foreseen, written: Written) -> None:
    """It is started before anybody asks, and used when somebody does."""
    foreseen.says(start=timedelta(minutes=30), stop=timedelta(minutes=90))
    assert foreseen.ticks(30) == {Action.STAY_DOWN}
    assert world.act() is Action.START
    assert world.endpoints.create_calls
    before = world.ledger
    # No demand: nobody waits for it, and no sleep is ended by it.
    assert (before.demand_version, before.has_unmet_demand) == (0, False)
    told = [(each.kind, each.by, each.reason) for each in world.bus.told]
    assert [kind for kind, *_ in told] == [NoticeKind.WAKING]
    assert told[0][1] is None
    assert told[0][2].startswith("started before it is asked for, by its forecast: P(request")
    world.clock.advance(minutes=8)
    assert foreseen.ticks(10) == {Action.STAY_UP}
    world.use()
    assert foreseen.ticks(10) == {Action.STAY_UP}

    assert written == [
        (Action.STAY_DOWN, Rule.OTHERWISE_DOWN),
        (Action.START, Rule.FORECAST),
        (Action.STAY_UP, Rule.FORECAST),
        (Action.STAY_UP, Rule.RECENT_ACTIVITY),
    ]
    assert world.bus.told[-1].kind is NoticeKind.SERVING


def test_a_pre_warm_that_nobody_uses(world: World, foreseen: Foreseen, written: Written) -> None:
    """It is stopped when the forecast says so, and CloudWatch has been asked; once."""
    foreseen.says(start=timedelta(0), stop=timedelta(minutes=40))
    assert world.act() is Action.START
    began_at = world.clock()
    world.clock.advance(minutes=8)
    assert world.act() is Action.STAY_UP
    served_at = world.ledger.serving_since
    while world.act() is Action.STAY_UP:
        world.clock.advance(seconds=59)

    assert world.endpoints.deleted == ["reviews"]
    assert timedelta(minutes=40) <= world.clock() - began_at <= timedelta(minutes=42)
    ((*asked_of, since, _),) = world.metrics.asked
    # Since it serves: before that there was nothing to ask.
    assert asked_of == ["reviews", ("AllTraffic",)]
    assert since == served_at
    assert [action for action, _ in written] == [Action.START, Action.STAY_UP, Action.STOP]
    assert world.history.recent("reviews", 1)[0].decision.reason.startswith("no request since ")


def test_no_quiet_tick_writes(world: World, foreseen: Foreseen, written: Written) -> None:
    """The figures of a forecast are others each minute; what was decided stands all the same."""
    foreseen.says(start=timedelta(hours=5))
    foreseen.ticks(240)
    assert written == [(Action.STAY_DOWN, Rule.OTHERWISE_DOWN)]
    written.clear()

    foreseen.says(stop=timedelta(hours=6))
    world.serve()
    foreseen.ticks(240)
    assert written[-1] == (Action.STAY_UP, Rule.FORECAST)
    assert len(written) == 1


def test_what_is_asked_again_is_written_again(
    world: World, foreseen: Foreseen, written: Written
) -> None:
    """At the moment that the forecast has named, not sooner and not each minute."""
    world.serve()
    written.clear()
    foreseen.says(stop=timedelta(hours=5), review=timedelta(minutes=60))
    foreseen.ticks(59)

    assert len(written) == 1
    foreseen.ticks(5)
    assert len(written) > 1


@pytest.mark.parametrize("forbids", ["sleep", "suspend", "blackout", "budget"])
def test_no_forecast_starts_what_must_be_down(
    world: World, foreseen: Foreseen, forbids: str
) -> None:
    """It is no demand."""
    tags = {"blackout": "daily 00:00-24:00", "budget": "0.01h"}
    if forbids in tags:
        world.catalog.configs = [config("reviews", policy="forecast", **{forbids: tags[forbids]})]
    if forbids == "budget":
        world.serve()
        foreseen.ticks(3)
    if forbids == "sleep":
        world.sleep()
    if forbids == "suspend":
        world.intents.record(Suspend("reviews"))
    foreseen.says(start=timedelta(0), stop=timedelta(hours=5))
    world.endpoints.create_calls.clear()

    foreseen.ticks(10)

    assert not world.endpoints.create_calls


def stay_down(until: datetime | None) -> Decision:
    """It is down until then."""
    return Decision(Action.STAY_DOWN, Rule.OTHERWISE_DOWN, "nobody needs it", until)


@pytest.mark.parametrize(
    ("recorded", "now_said", "news"),
    [
        (None, None, False),
        (None, timedelta(hours=1), True),
        (timedelta(hours=1), None, True),
        (timedelta(hours=1), timedelta(hours=2), False),
        (timedelta(hours=1), timedelta(hours=1), False),
        (timedelta(0), timedelta(hours=2), True),
    ],
)
def test_when_it_will_start_by_itself_is_told_while_it_is_true(
    recorded: timedelta | None, now_said: timedelta | None, news: bool
) -> None:
    """What `status` shows: not each minute by which a forecast moves it, but once it has passed."""

    def down(after: timedelta | None) -> Decision:
        return stay_down(None if after is None else NOW + after)

    assert is_news(down(now_said), down(recorded), NOW) is news
