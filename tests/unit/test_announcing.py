"""Telling notices: who is told, in which order, and what becomes of what can't be told."""

from datetime import timedelta

import pytest

from dormouse.announcing import Announcing
from dormouse.domain.notice import Notice, NoticeKind
from dormouse.errors import AwsError
from tests.fakes.announcements import FakeBus, FakeTopics
from tests.fakes.clock import FakeClock

TOPIC = "arn:aws:sns:eu-central-1:123456789012:reviews"
PATIENCE = timedelta(hours=1)


class Stage:
    """What tells, and who hears it."""

    def __init__(self) -> None:
        self.bus, self.topics, self.clock = FakeBus(), FakeTopics(), FakeClock()
        self.announcing = Announcing(self.bus, self.topics, self.clock, PATIENCE)

    def notice(self, kind: NoticeKind, topic: str | None = TOPIC) -> Notice:
        """One of now."""
        return Notice(kind, "reviews", self.clock(), "because", topic=topic)


@pytest.fixture
def stage() -> Stage:
    """Nothing is told yet."""
    return Stage()


def test_the_bus_hears_everything_and_a_topic_what_names_it(stage: Stage) -> None:
    """Each once."""
    quiet, loud = stage.notice(NoticeKind.WAKING, None), stage.notice(NoticeKind.SERVING)

    assert stage.announcing.tell([quiet, loud]) == ()

    assert stage.bus.told == [quiet, loud]
    assert stage.topics.told == [(TOPIC, loud)]


def test_nothing_is_not_told(stage: Stage) -> None:
    """EventBridge would refuse a call without events."""
    stage.bus.refusal = "PutEvents refused"

    assert stage.announcing.tell([]) == ()


def test_while_the_bus_takes_nothing_no_mail_is_sent(stage: Stage) -> None:
    """Else each try would send it again."""
    stage.bus.refusal = "PutEvents refused"

    with pytest.raises(AwsError, match="PutEvents refused"):
        stage.announcing.tell([stage.notice(NoticeKind.WAKING)])

    assert stage.topics.told == []


def test_what_a_topic_does_not_take_now_is_to_be_told_again(stage: Stage) -> None:
    """All of it: the same notice has the same id."""
    notice = stage.notice(NoticeKind.WAKING)
    stage.topics.refusal = "Publish refused"
    with pytest.raises(AwsError, match="Publish refused"):
        stage.announcing.tell([notice])

    stage.topics.refusal = None
    assert stage.announcing.tell([notice]) == ()

    assert stage.bus.told == [notice, notice]
    assert stage.topics.told == [(TOPIC, notice)]


def test_a_topic_that_never_takes_it_is_a_problem_and_keeps_nothing_else_back(
    stage: Stage,
) -> None:
    """It is not listed, or gone: trying again would only repeat the event on the bus."""
    other = f"{TOPIC}-2"
    stage.topics.closed[TOPIC] = "it is not a topic of this deployment"
    first, second = stage.notice(NoticeKind.WAKING), stage.notice(NoticeKind.FALLEN_BACK, other)

    assert stage.announcing.tell([first, second]) == (
        "nobody at its topic is told that reviews is waking: it is not a topic of this deployment",
    )
    assert stage.bus.told == [first, second]
    assert stage.topics.told == [(other, second)]


def test_what_cannot_be_told_for_long_is_left_out(stage: Stage) -> None:
    """The topic hears it, though the bus is gone; then neither."""
    notices = [stage.notice(NoticeKind.BUDGET_SPENT), stage.notice(NoticeKind.ASLEEP)]
    stage.bus.refusal = "PutEvents refused"
    stage.clock.now += PATIENCE

    assert stage.announcing.tell(notices) == (
        "nobody on the bus is told that reviews is budget spent and asleep: PutEvents refused",
    )
    assert [notice for _, notice in stage.topics.told] == notices

    stage.topics.refusal = "Publish refused"
    assert stage.announcing.tell(notices)[1:] == (
        "nobody at its topic is told that reviews is budget spent: Publish refused",
        "nobody at its topic is told that reviews is asleep: Publish refused",
    )


def test_one_that_is_new_is_not_left_out_with_one_that_is_old(stage: Stage) -> None:
    """All are told again."""
    old = stage.notice(NoticeKind.WAKING)
    stage.clock.now += PATIENCE
    stage.bus.refusal = "PutEvents refused"

    with pytest.raises(AwsError, match="PutEvents refused"):
        stage.announcing.tell([old, stage.notice(NoticeKind.SERVING)])
