"""Bad tags: one clear sentence in the log and for the operator, and never a wrong teardown."""

import pytest

from dormouse.domain.claims import TaggedConfig
from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from dormouse.errors import RefusedEndpointError
from dormouse.standing import write_standing
from tests.fakes.deployment import World
from tests.fakes.world import config

NAMED = "EndpointConfig reviews-config"
BAD: dict[str, tuple[list[TaggedConfig], str]] = {
    "an idle timeout of 0": (
        [config("reviews", idle_timeout="0s")],
        f"{NAMED}, tag dormouse:idle-timeout: '0s' is out of range: from 1m to 168h is allowed, "
        "as in 168h",
    ),
    "an idle timeout of 'soon'": (
        [config("reviews", idle_timeout="soon")],
        f"{NAMED}, tag dormouse:idle-timeout: 'soon' is not a duration: write an integer and s, m "
        "or h, as in 15m",
    ),
    "an idle timeout of ten years": (
        [config("reviews", idle_timeout="87600h")],
        f"{NAMED}, tag dormouse:idle-timeout: '87600h' is out of range: from 1m to 168h is "
        "allowed, as in 168h",
    ),
    "an unknown tag": (
        [config("reviews", idle_timeoot="5m")],
        f"{NAMED} has the tag 'dormouse:idle-timeoot', which Dormouse does not know: write "
        "one that it does, as in dormouse:idle-timeout",
    ),
    "two configs": (
        [config("reviews", "c1"), config("reviews", "c2")],
        "several EndpointConfigs claim it by dormouse:endpoint with the same dormouse:priority 1: "
        "c1 and c2; give those to fall back on 2 or more",
    ),
    "a principal that is no ARN": (
        [config("reviews", principals="search-api")],
        f"{NAMED}, tag dormouse:principals: 'search-api' is not the ARN of an IAM role or user, "
        "nor an account's id of 12 digits, as in arn:aws:iam::123456789012:role/my-role",
    ),
    "two deployments": (
        [config("reviews", "c1", stack="other"), config("reviews", "c2")],
        "the deployment other claims it too, by EndpointConfig c1 (delete that config if the "
        "deployment is gone)",
    ),
}


@pytest.fixture(params=BAD)
def case(request: pytest.FixtureRequest) -> tuple[list[TaggedConfig], str]:
    """Each way to write it wrong."""
    return BAD[request.param]


def test_nothing_is_changed(world: World, case: tuple[list[TaggedConfig], str]) -> None:
    """In no status, not even for an endpoint that has been idle for days, or was put to sleep."""
    world.act()
    world.sleep()
    world.catalog.configs, sentence = case
    for status in EndpointStatus:
        world.endpoints.put("reviews", status)
        world.clock.advance(hours=48)
        outcome = world.look()
        assert (outcome.plan.action, outcome.plan.rule) == (Action.WAIT, Rule.REFUSED)
        assert outcome.plan.reason == f"left as it is, since {sentence}"
        assert outcome.problem == sentence
    assert world.endpoints.deleted == []
    assert world.endpoints.update_calls == []


def test_nothing_is_created(world: World, case: tuple[list[TaggedConfig], str]) -> None:
    """However many wait."""
    world.catalog.configs, _ = case
    world.ask()

    assert world.look().plan.rule is Rule.REFUSED
    assert world.endpoints.create_calls == []


def test_the_operator_reads_the_same_sentence(
    world: World, case: tuple[list[TaggedConfig], str]
) -> None:
    """At once by the tags, and in the decision once reconcile has looked."""
    world.catalog.configs, sentence = case

    written = write_standing(world.control.describe("reviews"))
    assert written["problem"] == sentence
    assert written["endpoint_config"] is written["idle_timeout_seconds"] is None
    world.look()
    written = write_standing(world.control.describe("reviews"))
    assert written["decision"]["reason"] == f"left as it is, since {sentence}"
    assert written["next"] == "nothing, for as long as that is so; it is looked at each minute"


def test_no_intent_is_taken(world: World, case: tuple[list[TaggedConfig], str]) -> None:
    """Nothing could come of it, and nothing is recorded."""
    world.catalog.configs, sentence = case
    for intent in (world.wake, world.sleep, world.release, lambda: world.hold(hours=2)):
        with pytest.raises(RefusedEndpointError) as refusal:
            intent()
        assert str(refusal.value) == f"reviews is left as it is, since {sentence}"
    assert world.ledger.demand_version == 0
    assert world.ledger.slept_version is None


def test_who_mends_it_goes_on_where_it_was(
    world: World, case: tuple[list[TaggedConfig], str]
) -> None:
    """Demand of meanwhile is not lost."""
    world.catalog.configs, _ = case
    world.ask()
    world.look()
    world.catalog.configs = [config("reviews")]

    assert world.act() is Action.START
