"""Whose an endpoint is: what the reconciler changes, and whom it lets the proxy let in."""

from datetime import timedelta

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from dormouse.domain.terms import Terms
from tests.fakes.deployment import World
from tests.fakes.endpoints import STACK
from tests.fakes.world import config

OURS = [
    {"dormouse:stack": STACK},
    {"dormouse:adopted-by": STACK},
    {"dormouse:stack": "other-stack", "dormouse:adopted-by": STACK},
]
NOT_OURS = {
    "no deployment has created it": {},
    "the deployment other-stack has created it": {"dormouse:stack": "other-stack"},
    "it was handed over to the deployment other-stack": {"dormouse:adopted-by": "other-stack"},
}
# What would change it: it is idle; it has failed; it serves on another config; it is put to sleep.
CHANGES = ("stop", "clear", "update", "sleep")


def wish(world: World, change: str, tags: dict[str, str]) -> None:
    """Let there be an endpoint with these tags of its own, and every reason to change it."""
    status = EndpointStatus.FAILED if change == "clear" else EndpointStatus.IN_SERVICE
    world.endpoints.put("reviews", status, tags=tags)
    world.tick()
    if change == "clear":
        world.endpoints.deleted.clear()
        world.endpoints.put("reviews", status, tags=tags)
    world.clock.advance(hours=1)
    if change == "update":
        world.use()
        world.catalog.configs = [config("reviews", "new")]
    if change == "sleep":
        world.use()
        # What may be under way is waited for.
        world.clock.advance(seconds=111)
        world.sleep()


@pytest.mark.parametrize("tags", OURS)
@pytest.mark.parametrize("change", CHANGES)
def test_what_was_created_here_or_handed_over_is_changed(
    world: World, change: str, tags: dict[str, str]
) -> None:
    """The tags of the endpoint itself decide, as they do for IAM."""
    wish(world, change, tags)

    assert world.act().value == ("stop" if change == "sleep" else change)
    assert world.endpoints.deleted == ([] if change == "update" else ["reviews"])
    assert len(world.endpoints.update_calls) == (1 if change == "update" else 0)


@pytest.mark.parametrize("whose", NOT_OURS)
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_ours_is_left_as_it_is_and_says_why(
    world: World, change: str, whose: str
) -> None:
    """Two deployments in one region refuse each other's endpoints."""
    wish(world, change, NOT_OURS[whose])

    for _ in range(3):
        outcome = world.look()
        assert (outcome.plan.action, outcome.plan.rule) == (Action.WAIT, Rule.REFUSED)
        assert outcome.plan.reason.startswith(f"left as it is, since {whose}")
        assert outcome.problem is None
        world.clock.advance(minutes=1)
        if change == "update":
            world.use()
    assert world.endpoints.deleted == []
    assert world.endpoints.update_calls == []
    decisions = [past.decision.rule for past in world.history.recent("reviews", 20)]
    assert decisions.count(Rule.REFUSED) == 1  # on change only, though it is in use


def test_an_owner_who_hands_it_over_is_obeyed_at_the_next_tick(world: World) -> None:
    """By a tag of the endpoint."""
    wish(world, "stop", {})
    assert world.act() is Action.WAIT
    world.endpoints.put("reviews", EndpointStatus.IN_SERVICE, tags=OURS[1])
    world.clock.advance(hours=1)
    assert world.act() is Action.STOP


def test_tags_that_cannot_be_read_change_nothing(world: World) -> None:
    """It can't be said whose it is."""
    world.serve()
    world.endpoints.tags_unreadable = "ListTags refused: ThrottlingException"

    outcome = world.look()

    assert (outcome.plan.action, outcome.plan.rule) == (Action.WAIT, Rule.FAIL_SAFE)
    assert outcome.problem == "ListTags refused: ThrottlingException"
    assert world.endpoints.deleted == []


def test_what_changes_nothing_asks_for_no_tags(world: World) -> None:
    """A call for each endpoint and minute would be wasted."""
    world.endpoints.tags_unreadable = "ListTags refused: ThrottlingException"
    world.serve(in_use=True)
    assert world.act() is Action.STAY_UP
    world.endpoints.vanish("reviews")
    world.ask()
    assert world.act() is Action.START


def test_the_endpoint_of_another_deployment_is_not_even_looked_at(world: World) -> None:
    """It is no fault either, so no alarm."""
    world.catalog.configs = [config("reviews", stack="other-stack")]
    world.endpoints.unreadable = "DescribeEndpoint refused: AccessDenied"
    world.ask()

    (outcome,) = world.tick("reviews")

    assert (outcome.plan.action, outcome.plan.rule) == (Action.WAIT, Rule.REFUSED)
    assert outcome.plan.reason == "left as it is, since the deployment other-stack manages it"
    assert outcome.problem is None
    assert world.endpoints.create_calls == []


def test_the_stacks_own_endpoint_waits_for_its_tags_without_a_fault(world: World) -> None:
    """The tagging API shows them a while after the deployment."""
    world.catalog.configs = [config("dormouse", "former-config", stack=STACK)]

    outcome = world.look()

    assert (outcome.plan.action, outcome.plan.rule) == (Action.WAIT, Rule.FAIL_SAFE)
    assert outcome.problem is None
    assert "dormouse-config are not visible yet" in outcome.plan.reason


def test_the_terms_are_kept_for_the_proxy(world: World) -> None:
    """Principals as their owner wrote them, and none where he wrote none."""
    world.act()
    assert world.ledger.terms == Terms()
    listed = "arn:aws:iam::123456789012:role/search-api 210987654321"
    world.catalog.configs = [config("reviews", principals=listed)]
    world.act()
    assert world.ledger.terms == Terms(principals=tuple(listed.split()))
    world.catalog.configs = [config("reviews", cold_default="wait=30")]
    world.act()
    assert world.ledger.terms == Terms(cold_wait=timedelta(seconds=30))


def test_a_list_that_cannot_be_obeyed_leaves_the_last_one(world: World) -> None:
    """A misspelt name must neither shut the callers out nor let everybody in."""
    world.catalog.configs = [config("reviews", principals="210987654321")]
    world.act()
    world.catalog.configs = [config("reviews", principals="210987654321 admin")]
    assert world.look().plan.rule is Rule.REFUSED
    assert world.ledger.terms == Terms(principals=("210987654321",))


def test_what_another_deployment_manages_has_no_terms_here(world: World) -> None:
    """Its own front door says who may."""
    world.catalog.configs = [config("reviews", principals="210987654321")]
    world.act()
    world.catalog.configs = [config("reviews", stack="other-stack")]
    world.look()
    assert world.ledger.terms is None


def test_terms_are_written_on_change_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tick would cost a write."""
    written: list[object] = []
    monkeypatch.setattr(EndpointsTable, "record_terms", lambda *a: written.append(a[2]))
    world.act()
    assert written == [Terms()]
    monkeypatch.undo()
    world.act()
    monkeypatch.setattr(EndpointsTable, "record_terms", lambda *a: written.append(a[2]))
    world.act()
    assert written == [Terms()]


def test_the_terms_are_kept_though_sagemaker_cannot_be_asked(world: World) -> None:
    """Who may call does not wait for that."""
    world.endpoints.unreadable = "DescribeEndpoint failed"
    world.look()
    assert world.ledger.terms == Terms()
