"""Writing down what was decided, and telling of it at least once: twice only after a crash."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from dormouse.announcing import Announcing
from dormouse.decisions import Decisions, Outcome
from dormouse.domain.endpoint import Absent
from dormouse.domain.ledger import Ledger, PastDecision
from dormouse.domain.notice import Notice, NoticeKind
from dormouse.domain.plan import Action, Plan
from dormouse.domain.rule import Rule
from dormouse.errors import AwsError
from tests.fakes.announcements import FakeBus, FakeTopics
from tests.fakes.clock import FakeClock
from tests.fakes.ledger import FakeLedgers

RESEND_AFTER = timedelta(minutes=1)
SLEEPS = Plan(Action.STAY_DOWN, Rule.OTHERWISE_DOWN, "nobody needs it")
WAKES = Plan(Action.START, Rule.HOLD, "it is held")
STUCK = Plan(Action.WAIT, Rule.STUCK, "it has been Creating")


class FakeHistory:
    """A History that can be out of reach."""

    def __init__(self) -> None:
        self.kept: list[PastDecision] = []
        self.refusal: str | None = None

    def append(self, endpoint: str, past: PastDecision) -> None:
        """Keep it."""
        if self.refusal is not None:
            raise AwsError(self.refusal)
        self.kept.append(past)

    def recent(
        self, endpoint: str, at_most: int, before: datetime | None = None
    ) -> Sequence[PastDecision]:
        """Give the newest."""
        return self.kept[::-1][:at_most]


class Stage:
    """What is written down, and who hears of it."""

    def __init__(self) -> None:
        self.clock, self.state, self.bus = FakeClock(), FakeLedgers(), FakeBus()
        self.history = FakeHistory()
        self.decisions = Decisions(
            state=self.state,
            history=self.history,
            announcing=Announcing(self.bus, FakeTopics(), self.clock, timedelta(hours=1)),
            clock=self.clock,
            resend_after=RESEND_AFTER,
            overdue_after=timedelta(minutes=15),
        )

    def notice(self, kind: NoticeKind) -> Notice:
        """One of now."""
        return Notice(kind, "reviews", self.clock(), "because")

    def keep(
        self, plan: Plan, *kinds: NoticeKind, seen: Ledger | None = None
    ) -> tuple[Outcome, list[Notice]]:
        """End a tick that had this plan and this news, and read the ledger when it began."""
        notices = [self.notice(kind) for kind in kinds]
        ledger = self.state.read("reviews") if seen is None else seen
        return self.decisions.keep(ledger, Absent(), Outcome("reviews", plan), notices), notices

    @property
    def told(self) -> list[str]:
        """Of which kinds what was told is."""
        return [notice.kind.value for notice in self.bus.told]

    @property
    def untold(self) -> list[str]:
        """Of which kinds what is still to be told is."""
        return [notice.kind.value for notice in self.state.read("reviews").untold]


@pytest.fixture
def stage() -> Stage:
    """Nothing was decided yet."""
    return Stage()


def test_news_are_written_down_told_and_crossed_out(stage: Stage) -> None:
    """In one write with the decision."""
    outcome, notices = stage.keep(WAKES, NoticeKind.WAKING)

    assert (outcome.is_news, outcome.problem) == (True, None)
    assert stage.bus.told == notices
    assert stage.untold == []
    assert [past.decision.action for past in stage.history.kept] == ["start"]


def test_what_could_not_be_told_is_told_by_a_later_tick(stage: Stage) -> None:
    """With the same id, though nothing is decided anew."""
    stage.bus.refusal = "PutEvents refused"
    outcome, notices = stage.keep(SLEEPS, NoticeKind.ASLEEP)
    assert outcome.problem == "PutEvents refused"
    assert stage.untold == ["asleep"]

    stage.bus.refusal = None
    stage.clock.now += RESEND_AFTER
    outcome, _ = stage.keep(SLEEPS)

    assert (outcome.is_news, outcome.problem) == (False, None)
    assert stage.bus.told == notices
    assert stage.untold == []


def test_what_somebody_may_be_telling_is_left_to_him(stage: Stage) -> None:
    """Until he can't be any more."""
    stage.state.record_untold("reviews", [stage.notice(NoticeKind.ASLEEP)])
    stage.clock.now += RESEND_AFTER - timedelta(seconds=1)

    stage.keep(SLEEPS)

    assert stage.told == []


def test_news_do_not_hide_what_a_dead_tick_has_not_told(stage: Stage) -> None:
    """It comes when its time has come."""
    stage.state.record_untold("reviews", [stage.notice(NoticeKind.ASLEEP)])
    stage.clock.now += RESEND_AFTER - timedelta(seconds=1)

    stage.keep(WAKES, NoticeKind.WAKING)
    assert (stage.told, stage.untold) == (["waking"], ["asleep"])

    stage.clock.now += timedelta(seconds=1)
    stage.keep(WAKES)
    assert (stage.told, stage.untold) == (["waking", "asleep"], [])


def test_a_tick_that_comes_late_takes_along_what_was_left(stage: Stage) -> None:
    """In the order in which it happened."""
    stage.state.record_untold("reviews", [stage.notice(NoticeKind.ASLEEP)])
    stage.clock.now += RESEND_AFTER

    stage.keep(WAKES, NoticeKind.WAKING)

    assert (stage.told, stage.untold) == (["asleep", "waking"], [])


def test_of_two_ticks_one_tells_what_both_have_seen(stage: Stage) -> None:
    """The one whose decision is kept."""
    seen = stage.state.read("reviews")
    first, _ = stage.keep(STUCK, NoticeKind.STUCK, seen=seen)
    stage.clock.advance(seconds=1)
    second, _ = stage.keep(STUCK, NoticeKind.STUCK, seen=seen)

    assert (first.is_news, second.is_news) == (True, False)
    assert (stage.told, stage.untold) == (["stuck"], [])


def test_what_one_tick_has_done_is_told_though_another_was_quicker(stage: Stage) -> None:
    """Nobody else knows that it was done."""
    seen = stage.state.read("reviews")
    stage.keep(STUCK, NoticeKind.STUCK, seen=seen)
    stage.clock.advance(seconds=1)

    outcome, _ = stage.keep(WAKES, NoticeKind.WAKING, NoticeKind.STUCK, seen=seen)

    assert not outcome.is_news
    assert (stage.told, stage.untold) == (["stuck", "waking"], [])
    decision = stage.state.read("reviews").decision
    assert decision is not None
    assert decision.rule == "stuck"


def test_a_tick_that_dies_before_it_tells_has_written_it_down(stage: Stage) -> None:
    """Here, since the history can't be reached."""
    stage.history.refusal = "PutItem refused"

    outcome, _ = stage.keep(WAKES, NoticeKind.WAKING)

    assert outcome.problem == "PutItem refused"
    assert (stage.told, stage.untold) == ([], ["waking"])


def test_what_is_given_up_is_a_problem_and_crossed_out(stage: Stage) -> None:
    """Else it would be one for ever."""
    stage.bus.refusal = "PutEvents refused"
    stage.keep(SLEEPS, NoticeKind.ASLEEP)
    stage.clock.advance(hours=1)

    outcome, _ = stage.keep(SLEEPS)

    assert outcome.problem is not None
    assert outcome.problem.startswith("nobody on the bus is told that reviews is asleep")
    assert stage.untold == []
