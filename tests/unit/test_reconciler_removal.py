"""Ticks while the deployment goes: what it has created is deleted, and nothing else is touched."""

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from dormouse.errors import AwsError
from tests.fakes.deployment import World
from tests.fakes.endpoints import STACK
from tests.fakes.world import config

S = EndpointStatus


@pytest.fixture
def going(world: World) -> World:
    """A deployment that has looked at `reviews` once, and is being deleted."""
    world.act()
    world.state.begin_removal(world.clock())
    return world


def actions(world: World) -> dict[str, str]:
    """Tick, and say what was planned for each endpoint, without a problem."""
    outcomes = world.tick()
    assert [outcome.problem for outcome in outcomes] == [None] * len(outcomes)
    return {outcome.endpoint: outcome.plan.action.value for outcome in outcomes}


def test_what_sleeps_stays_asleep(going: World) -> None:
    """However many wait, or held it."""
    going.ask()
    going.hold(hours=2)

    assert actions(going) == {"dormouse": "stay down", "reviews": "stay down"}
    assert going.endpoints.create_calls == []


def test_what_serves_is_deleted_though_it_is_held_and_in_use(going: World) -> None:
    """Nobody would stop it afterwards."""
    going.endpoints.put("reviews", S.IN_SERVICE)
    going.hold(hours=2)
    going.use()

    assert actions(going)["reviews"] == "close"
    going.clock.advance(seconds=110)
    assert actions(going)["reviews"] == "stop"
    assert actions(going)["reviews"] == "wait"
    going.clock.advance(minutes=1)
    assert actions(going)["reviews"] == "stay down"
    assert going.endpoints.deleted == ["reviews"]
    assert going.metrics.asked == []


def test_what_is_created_is_deleted_when_that_ends(going: World) -> None:
    """SageMaker deletes nothing that is Creating."""
    going.endpoints.put("reviews", S.CREATING)
    assert actions(going)["reviews"] == "wait"
    going.clock.advance(minutes=8)
    assert actions(going)["reviews"] == "stop"
    going.clock.advance(minutes=1)
    assert actions(going)["reviews"] == "stay down"


@pytest.mark.parametrize("status", [S.FAILED, S.OUT_OF_SERVICE])
def test_what_has_failed_is_cleared(going: World, status: EndpointStatus) -> None:
    """It may cost money, and nobody else would delete it."""
    going.endpoints.put("reviews", status)

    assert actions(going)["reviews"] == "clear"
    going.clock.advance(minutes=1)
    assert actions(going)["reviews"] == "stay down"


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"dormouse:stack": "other-stack"},
        {"dormouse:adopted-by": STACK},
        {"dormouse:stack": "other-stack", "dormouse:adopted-by": STACK},
    ],
)
@pytest.mark.parametrize("status", [S.IN_SERVICE, S.CREATING, S.FAILED])
def test_what_it_has_not_created_is_released_as_it_is(
    going: World, status: EndpointStatus, tags: dict[str, str]
) -> None:
    """Adopted, foreign or nobody's: it goes on running."""
    going.endpoints.put("reviews", status, tags=tags)

    assert actions(going)["reviews"] == "release"
    assert going.endpoints.deleted == []
    decision = going.ledger.decision
    assert decision is not None
    assert decision.reason == f"the stack {STACK} is being deleted, and has not created it"


def test_every_endpoint_that_it_may_have_created_is_looked_at(going: World) -> None:
    """By the ledger, by its tags, and its own: whether a config claims it now or not."""
    going.catalog.configs = []
    going.catalog.unreadable = "GetResources refused: Throttling"
    for name in ("Tagged-Only", "reviews", "dormouse"):
        going.endpoints.put(name, S.IN_SERVICE)
    going.endpoints.hidden_from_tags = {"reviews", "dormouse"}
    going.endpoints.put("foreign", S.IN_SERVICE, tags={"dormouse:stack": "other-stack"})

    planned = actions(going)

    assert planned.keys() == {"dormouse", "reviews", "tagged-only"}
    assert planned["dormouse"] == planned["reviews"] == "stop"


def test_a_name_of_the_ledger_is_looked_at_once(going: World) -> None:
    """The tagging API writes it in lower case."""
    going.state.record_sleep("Ranking", going.clock())
    going.endpoints.put("Ranking", S.IN_SERVICE)

    assert actions(going) == {"Ranking": "stop", "dormouse": "stay down", "reviews": "stay down"}


def test_it_is_no_matter_who_claims_what(going: World) -> None:
    """A bad tag, or a foreign claim, does not keep alive what this deployment has created."""
    going.catalog.configs = [config("reviews", idle_timeout="soon")]
    going.endpoints.put("reviews", S.IN_SERVICE)

    assert actions(going)["reviews"] == "stop"


def test_an_endpoint_that_iam_hides_is_its_owners(going: World) -> None:
    """It lacks our tags, and so was not created here: one that was never handed over, say. The
    stack must not hang on it.
    """
    going.endpoints.put("reviews", S.IN_SERVICE, tags={})
    going.endpoints.denied = {"reviews"}

    assert actions(going)["reviews"] == "release"


@pytest.mark.parametrize("name", ["reviews", "dormouse"])
def test_what_it_has_created_is_not_released_because_iam_hides_it(going: World, name: str) -> None:
    """By the tagging API, or by its name; and it stays unsettled."""
    going.endpoints.put(name, S.IN_SERVICE)
    if name == "dormouse":
        going.endpoints.hidden_from_tags = {name}
    going.endpoints.denied = {name}

    (outcome,) = [outcome for outcome in going.tick() if outcome.endpoint == name]

    assert (outcome.plan.action, outcome.plan.rule) == (Action.WAIT, Rule.FAIL_SAFE)
    assert outcome.problem == "DescribeEndpoint refused: AccessDeniedException"


def test_one_fault_stops_no_other_endpoint(going: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags of one that can't be read, say; a refused deletion is told with what was planned."""
    for name in ("dormouse", "reviews"):
        going.endpoints.put(name, S.IN_SERVICE)
    ownership = going.endpoints.ownership
    monkeypatch.setattr(
        going.endpoints,
        "ownership",
        lambda arn: ownership(arn) if arn.endswith("reviews") else _raise("ListTags failed"),
    )
    going.endpoints.refuses_deletion = "DeleteEndpoint refused: ThrottlingException"

    own, reviews = going.tick()

    assert (own.plan.action, own.problem) == (Action.WAIT, "ListTags failed")
    assert (reviews.plan.action, reviews.problem) == (
        Action.STOP,
        "DeleteEndpoint refused: ThrottlingException",
    )
    assert going.ledger.decision is not None
    assert "ThrottlingException" in going.ledger.decision.reason


def _raise(message: str) -> None:
    raise AwsError(message)


def test_tags_that_cannot_be_read_end_the_tick(going: World) -> None:
    """It is not known what may be left."""
    going.endpoints.tags_unreadable = "GetResources refused: Throttling"

    with pytest.raises(AwsError, match="GetResources"):
        going.tick()


def test_an_event_about_one_endpoint_removes_that_one(going: World) -> None:
    """By a nudge, or SageMaker's own event."""
    for name in ("dormouse", "reviews"):
        going.endpoints.put(name, S.IN_SERVICE)

    assert [outcome.endpoint for outcome in going.tick("reviews")] == ["reviews"]
    assert going.endpoints.deleted == ["reviews"]


def test_an_event_about_anybodys_endpoint_is_nothing_to_it(going: World) -> None:
    """The rule matches every endpoint of the region; none of them gets into the ledger."""
    going.endpoints.put("foreign", S.IN_SERVICE, tags={})

    assert going.tick("foreign") == []
    assert "foreign" not in going.state.read_all()


def test_a_removal_that_is_cancelled_leaves_everything_as_it_was(going: World) -> None:
    """Demand of meanwhile is found."""
    going.ask()
    going.tick()
    going.state.cancel_removal()

    assert going.act() is Action.START


def test_what_is_done_is_recorded_and_kept(going: World, table: EndpointsTable) -> None:
    """The table outlives the stack."""
    going.endpoints.put("reviews", S.IN_SERVICE)
    going.tick()

    recorded = [past.decision for past in going.history.recent("reviews", 1)]
    assert [(d.action, d.rule) for d in recorded] == [("stop", "removal")]
    assert recorded[0] == table.read("reviews").decision
