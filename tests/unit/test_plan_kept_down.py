"""What wants an endpoint down whoever uses it is told with every plan, until when, too."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dormouse.decisions import decision_of, is_news
from dormouse.domain.coldness import forced_down
from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.failures import Failure, FailureKind
from dormouse.domain.ledger import Closing, Decision, KeptDown, Ledger
from dormouse.domain.named_schedules import parse_schedule
from dormouse.domain.plan import Action, close
from dormouse.domain.rule import Rule
from tests.fakes.deployment import World
from tests.fakes.world import config
from tests.unit.planning import ABSENT, DEMAND, NOW, SLEEPING, SPEC, STATUSES, observed, plan

S = EndpointStatus
# Until two hours after NOW, a Monday.
WINDOW = "Mon 11:00-14:00 UTC"
BLACKED_OUT = replace(SPEC, blackout=parse_schedule(WINDOW))
ENDS_AT = NOW + timedelta(hours=2)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("closing", [None, False, True])
def test_it_is_told_whatever_can_be_done_now(
    status: EndpointStatus | None, closing: bool | None
) -> None:
    """While SageMaker is busy with it, and while it is torn down, for that or another reason."""
    ledger = DEMAND
    if closing is not None and status is not ABSENT:
        ledger = replace(ledger, closing=Closing(NOW, 4, is_forced=closing, reason="it goes"))
    planned = plan(ledger, observed(status), spec=BLACKED_OUT)

    assert planned.kept_down is not None
    assert (planned.kept_down.rule, planned.kept_down.until) == (Rule.BLACKOUT, ENDS_AT)
    assert planned.kept_down.words.startswith(f"a blackout window ({WINDOW}), until 2026-02-16")


def test_a_suspension_and_a_sleep_have_no_end() -> None:
    """By the clock."""
    suspended = plan(Ledger(suspended_at=NOW), observed(ABSENT))
    assert suspended.kept_down is not None
    assert (suspended.kept_down.rule, suspended.kept_down.until) == (Rule.SUSPENDED, None)
    asleep = plan(SLEEPING, observed(S.IN_SERVICE))
    assert asleep.kept_down is not None
    assert (asleep.kept_down.rule, asleep.kept_down.until) == (Rule.SLEEP, None)


@pytest.mark.parametrize(("count", "given_up"), [(1, False), (10, True)])
def test_an_open_circuit_keeps_it_down_until_it_is_tried_again(count: int, given_up: bool) -> None:
    """Or for good."""
    failure = Failure(count, NOW, FailureKind.OTHER, "no image")
    planned = plan(replace(DEMAND, failures={"reviews-config": failure}), observed(ABSENT))

    assert (planned.action, planned.rule) == (Action.STAY_DOWN, Rule.CIRCUIT)
    until = None if given_up else NOW + timedelta(minutes=2)
    assert planned.kept_down == KeptDown(Rule.CIRCUIT, planned.reason, until)


@pytest.mark.parametrize("status", STATUSES)
def test_nothing_keeps_down_what_is_wanted_or_not_needed(status: EndpointStatus | None) -> None:
    """The next request starts it."""
    for ledger in (DEMAND, Ledger()):
        assert plan(ledger, observed(status)).kept_down is None


def test_a_stop_that_has_to_wait_keeps_it() -> None:
    """Its own time is the lease's."""
    stop = plan(DEMAND, observed(S.IN_SERVICE), spec=BLACKED_OUT)
    closed = close(stop, NOW + timedelta(seconds=100))

    assert (closed.action, closed.next_look_at) == (Action.CLOSE, NOW + timedelta(seconds=100))
    assert closed.kept_down == stop.kept_down is not None


def test_it_is_news() -> None:
    """Requests are told by the decision that is kept."""
    stop = plan(DEMAND, observed(S.DELETING), spec=BLACKED_OUT)
    decided = decision_of(stop, None)

    assert decided.kept_down == stop.kept_down
    assert not is_news(decided, decided, NOW)
    assert is_news(decided, replace(decided, kept_down=None), NOW)
    longer = KeptDown("blackout window", "why", ENDS_AT)
    assert is_news(Decision("wait", "teardown", "it goes", None, longer), decided, NOW)


def test_a_blackout_window_is_told_from_its_first_tick_to_its_end(world: World) -> None:
    """In each step of the teardown, with the window's own end, not the lease's."""
    world.endpoints.delete_takes = timedelta(minutes=2)
    world.serve(in_use=True)
    world.catalog.configs = [config("reviews", blackout="Mon 10:00-11:00 UTC")]
    ends_at = world.clock.now.replace(hour=11, minute=0, second=0, microsecond=0)
    actions = []
    while world.clock() < ends_at:
        actions.append(world.act())
        forced = forced_down(world.ledger, world.clock())
        assert forced is not None and forced.until == ends_at, actions
        world.clock.advance(minutes=1)
    assert list(dict.fromkeys(actions)) == [
        Action.CLOSE,
        Action.STOP,
        Action.WAIT,
        Action.STAY_DOWN,
    ]
    assert forced_down(world.ledger, world.clock()) is None
