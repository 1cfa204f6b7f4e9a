"""An operator's desk: what there is, how it stands, and what becomes of an intent."""

from datetime import timedelta

import pytest

from dormouse.domain.claims import Refusal, Why
from dormouse.domain.decision_page import Page
from dormouse.domain.endpoint import Absent, EndpointStatus, Present
from dormouse.domain.intent import Hold, Sleep, Wake
from dormouse.domain.ledger import Ledger
from dormouse.domain.named_schedules import parse_named_schedules
from dormouse.domain.parked_request import Kind, ParkedRequest, Status
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from dormouse.domain.spec import Spec
from dormouse.errors import AwsError, RefusedEndpointError, UnmanagedEndpointError
from dormouse.waiting_requests import Backlog
from tests.fakes.clock import FakeClock
from tests.fakes.deployment import ACCOUNT, World
from tests.fakes.world import config

S = EndpointStatus


def test_the_list_has_every_managed_endpoint_in_order_of_names(world: World) -> None:
    """The stack's own too, though its tags can't be seen yet; refused ones with their reason."""
    world.catalog.configs = [
        config("reviews"),
        config("zebra", idle_timeout="soon"),
        config("alpha", stack="other-stack"),
    ]
    world.endpoints.put("reviews", S.IN_SERVICE)
    world.endpoints.put("unmanaged", S.IN_SERVICE)

    standings = world.control.list_all()

    assert [standing.claim.endpoint for standing in standings] == [
        "alpha",
        "dormouse",
        "reviews",
        "zebra",
    ]
    assert [type(standing.claim) for standing in standings] == [Refusal, Refusal, Spec, Refusal]
    assert [type(standing.seen) for standing in standings] == [Absent, Absent, Present, Absent]
    assert all(standing.history is None for standing in standings)


def test_the_stacks_own_endpoint_is_listed_once(world: World) -> None:
    """As what its config claims."""
    world.catalog.configs = [config("dormouse")]

    (standing,) = world.control.list_all()

    assert standing.claim == Spec("dormouse", "dormouse-config")


def test_an_empty_deployment_lists_its_own_endpoint(world: World) -> None:
    """It says why nothing happens yet."""
    world.catalog.configs = []

    (standing,) = world.control.list_all()

    assert isinstance(standing.claim, Refusal)
    assert standing.claim.why is Why.NOT_VISIBLE_YET


def test_the_list_shows_what_is_remembered_of_each(world: World) -> None:
    """And of one that nothing is remembered of, an empty ledger."""
    world.catalog.configs.append(config("fresh"))
    world.ask()
    by_name = {s.claim.endpoint: s for s in world.control.list_all()}

    assert by_name["reviews"].ledger == world.ledger
    assert by_name["fresh"].ledger == Ledger()


def test_a_description_has_the_decisions_newest_first(world: World) -> None:
    """At most twenty."""
    for _ in range(11):
        world.endpoints.put("reviews", S.IN_SERVICE)
        world.act()
        world.endpoints.vanish("reviews")
        world.act()

    standing = world.control.describe("reviews")

    assert standing.history is not None
    assert [past.decision.action for past in standing.history] == ["stay down", "stay up"] * 10
    moments = [past.at for past in standing.history]
    assert moments == sorted(moments, reverse=True)
    assert standing.ledger == world.ledger
    assert standing.at == world.clock()
    assert (standing.account_id, standing.expected_wake) == (ACCOUNT, timedelta(minutes=8))


def test_what_is_not_managed_is_not_described(world: World) -> None:
    """Though it exists: this is no window into an account."""
    world.endpoints.put("unmanaged", S.IN_SERVICE)

    with pytest.raises(UnmanagedEndpointError, match="unmanaged"):
        world.control.describe("unmanaged")


def test_an_intent_is_recorded_nudges_and_says_how_it_stands(world: World) -> None:
    """The ledger that is shown has it already."""
    standing = world.control.carry_out(Wake("reviews"), "request-1")

    assert standing.ledger.has_unmet_demand
    assert standing.history == []
    assert world.nudge.sent == ["reviews"]


def test_what_is_refused_sends_no_nudge(world: World) -> None:
    """Nothing was recorded."""
    with pytest.raises(UnmanagedEndpointError):
        world.control.carry_out(Wake("reveiws"), "request-1")
    assert world.nudge.sent == []


def test_an_intent_whose_nudge_is_lost_stands(world: World) -> None:
    """The next scheduled tick finds it; the caller learns that something is wrong."""
    world.nudge.fails_with = "Invoke refused: TooManyRequestsException"

    with pytest.raises(AwsError, match="Invoke"):
        world.control.carry_out(Sleep("reviews"), "request-1")
    assert world.ledger.is_put_to_sleep


@pytest.mark.parametrize("fault", ["tags", "sagemaker"])
def test_what_cannot_be_read_is_an_error(world: World, fault: str) -> None:
    """Not an endpoint that is asleep, or that nobody manages."""
    if fault == "tags":
        world.catalog.unreadable = "throttled"
    else:
        world.endpoints.unreadable = "throttled"
    for ask in (world.control.list_all, lambda: world.control.describe("reviews")):
        with pytest.raises(AwsError, match="throttled"):
            ask()


def test_the_expected_wake_is_learned_from_the_last_ones(world: World) -> None:
    """The median of them; the setting counts only before there is one."""
    for minutes in (4, 30, 5):
        world.endpoints.create_takes = timedelta(minutes=minutes)
        world.wake()
        world.tick()
        world.clock.advance(minutes=minutes)
        world.tick()
        world.endpoints.vanish("reviews")
        world.tick()

    wakes = world.ledger.wakes
    assert len(wakes) == 3
    assert world.control.describe("reviews").expected_wake == sorted(wakes)[1]


def test_a_later_moment_is_tried_with_what_is_seen_now(world: World) -> None:
    """Nothing is written, nor is CloudWatch asked."""
    world.catalog.configs = [config("reviews", schedule="Mon-Fri 08:00-18:00 UTC")]
    before = world.ledger

    now = world.control.dry_run("reviews", {})
    assert now.at == world.clock()  # nine o'clock on a Monday
    assert (now.plan.action, now.plan.rule) == (Action.START, Rule.SCHEDULE)
    assert next(each.rule for each in now.asked if each.applies) is Rule.SCHEDULE
    tonight = world.control.dry_run("reviews", {"at": "2026-02-16T20:00:00Z"})
    assert (tonight.plan.action, tonight.plan.rule) == (Action.STAY_DOWN, Rule.OTHERWISE_DOWN)
    assert tonight.plan.next_look_at is not None
    assert len(tonight.notes) == 1
    assert world.ledger == before
    assert world.metrics.asked == []


def test_what_can_t_be_obeyed_is_left_as_it_is_at_any_time(world: World) -> None:
    """And no rule is asked."""
    world.catalog.configs = [config("reviews", idle_timeout="soon")]
    tried = world.control.dry_run("reviews", {"at": "2026-02-17T08:00:00Z"})

    assert (tried.plan.action, tried.plan.rule, tried.asked) == (Action.WAIT, Rule.REFUSED, ())
    assert "idle-timeout" in tried.plan.reason
    with pytest.raises(UnmanagedEndpointError):
        world.control.dry_run("unmanaged", {})


def test_requests_that_have_expired_by_then_do_not_wait(world: World) -> None:
    """And those that wait now still do, since nothing happens until then."""
    world.records.create(accepted(3))
    now = world.clock()
    world.state.raise_demand("reviews", now, now, has_requests=True)

    def rule(at: str) -> Rule:
        return world.control.dry_run("reviews", {"at": at}).plan.rule

    assert rule("2026-02-16T15:00:02Z") is Rule.WAITING_WORK
    assert rule("2026-02-16T15:00:03Z") is Rule.OTHERWISE_DOWN
    assert world.records.read("reviews", accepted(3).id) == accepted(3)


def test_the_decisions_come_page_by_page(world: World) -> None:
    """Each once, the newest first; nothing is left after the last."""
    for _ in range(3):
        world.endpoints.put("reviews", S.IN_SERVICE)
        world.act()
        world.endpoints.vanish("reviews")
        world.act()
    whole = world.history.recent("reviews", 100)

    pages, before = [], None
    while True:
        decided = world.control.decisions("reviews", Page(4, before))
        pages.append(decided.decisions)
        before = decided.before
        if before is None:
            break
    assert [len(page) for page in pages] == [4, len(whole) - 4]
    assert [each for page in pages for each in page] == list(whole)
    with pytest.raises(UnmanagedEndpointError):
        world.control.decisions("unmanaged", Page())


def test_windows_of_named_schedules_are_shown(world: World) -> None:
    """Also in the answer to an intent, which needs none of them."""
    world.catalog.configs = [config("reviews", schedule="@office")]
    text = '{"schedules": {"office": "Mon-Fri 08:00-18:00 UTC"}}'
    world.schedules.named = parse_named_schedules(text)

    for standing in (
        *world.control.list_all(),
        world.control.describe("reviews"),
        world.control.carry_out(Sleep("reviews"), "request-1"),
    ):
        if isinstance(standing.claim, Spec):
            assert standing.claim.schedule is not None
            assert standing.claim.schedule.window_at(world.clock()) is not None


def test_who_asks_is_written_down(world: World) -> None:
    """Of an intent, and of a replay."""
    world.control.carry_out(Wake("reviews"), "request-1", "jo")
    assert world.ledger.demand_by == "jo"
    world.records.create(accepted(1, Status.FAILED))
    world.control.replay("reviews", [accepted(1).id], "request-2", "kim")
    assert world.ledger.demand_by == "kim"


def accepted(number: int, status: Status = Status.PARKED) -> ParkedRequest:
    """Make a request that was accepted so many seconds after nine."""
    at = FakeClock().now + timedelta(seconds=number)
    return ParkedRequest(
        endpoint="reviews",
        id=f"reviews.{number:032x}",
        kind=Kind.RESPOND_ASYNC,
        status=status,
        principal="arn:aws:iam::123456789012:user/jo",
        headers={},
        body_key="body",
        accepted_at=at,
        expires_at=at + timedelta(hours=6),
        fingerprint="f",
    )


def test_requests_that_wait_are_counted_where_there_may_be_some(world: World) -> None:
    """The ledger says so; for all others the records are not even asked."""
    world.records.create(accepted(3))
    assert world.control.describe("reviews").backlog is None

    now = world.clock()
    world.state.raise_demand("reviews", now, now, has_requests=True)
    backlog = Backlog(1, 0, now + timedelta(seconds=3))
    assert world.control.describe("reviews").backlog == backlog
    assert world.control.list_all()[-1].backlog == backlog


def test_requests_that_wait_are_listed(world: World) -> None:
    """Of what is managed, and of that alone."""
    world.records.create(accepted(3))

    assert world.control.waiting_requests("reviews") == [accepted(3)]
    with pytest.raises(UnmanagedEndpointError, match="unmanaged"):
        world.control.waiting_requests("unmanaged")


def test_a_replay_nudges(world: World) -> None:
    """Where something waits once more, and only there."""
    world.letters.send(accepted(1, Status.FAILED))
    world.control.replay("reviews", None, "request-1")
    assert world.nudge.sent == []

    world.records.create(accepted(2, Status.FAILED))
    world.letters.send(accepted(2, Status.FAILED))
    replay = world.control.replay("reviews", None, "request-2")
    assert replay.replayed == (accepted(2).id,)
    assert world.nudge.sent == ["reviews"]
    assert world.ledger.has_unmet_demand


def test_nothing_is_replayed_for_what_can_t_be_started(world: World) -> None:
    """Its owner has to mend the tags first; the dead letters stay."""
    world.catalog.configs = [config("reviews", idle_timeout="soon")]
    world.records.create(accepted(1, Status.FAILED))
    world.letters.send(accepted(1, Status.FAILED))

    with pytest.raises(RefusedEndpointError, match="idle-timeout"):
        world.control.replay("reviews", None, "request-1")
    with pytest.raises(UnmanagedEndpointError):
        world.control.replay("unmanaged", None, "request-1")
    assert len(world.letters.receive()) == 1
    assert not world.ledger.has_unmet_demand


def test_it_only_looks(world: World) -> None:
    """One writer of endpoints: whatever is asked here, nothing happens before the next tick."""
    world.endpoints.put("reviews", S.IN_SERVICE)
    for intent in (Wake("reviews"), Hold("reviews", timedelta(hours=1)), Sleep("reviews")):
        world.control.carry_out(intent, "request-1")
    world.control.list_all()

    assert not world.endpoints.create_calls
    assert not world.endpoints.update_calls
    assert not world.endpoints.deleted
