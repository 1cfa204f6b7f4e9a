"""Deleting EndpointConfigs that were replaced: never one that somebody's endpoint runs on."""

from datetime import timedelta

import pytest

from dormouse.domain.claims import Deployment, TaggedConfig
from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.ledger import Ledger
from dormouse.domain.spec import Spec
from dormouse.errors import AwsError
from dormouse.superseding import Superseding
from tests.fakes.clock import FakeClock
from tests.fakes.endpoints import FakeEndpoints
from tests.fakes.ledger import FakeLedgers
from tests.fakes.surroundings import FakeConfigs
from tests.fakes.world import config

STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/dormouse/1"
GRACE = timedelta(days=1)


class Stage:
    """A deployment that has replaced configs, and the endpoints of an account."""

    def __init__(self, looks: int = 50) -> None:
        self.clock = FakeClock()
        self.endpoints = FakeEndpoints(self.clock)
        self.configs = FakeConfigs()
        self.state = FakeLedgers()
        self.tagged = [self.made("config-3")]
        self.superseding = Superseding(
            endpoints=self.endpoints,
            configs=self.configs,
            state=self.state,
            clock=self.clock,
            deployment=Deployment("dormouse", "own", "config-3"),
            stack_id=STACK_ID,
            grace=GRACE,
            looks=looks,
        )

    def made(self, name: str) -> TaggedConfig:
        """One of the template's."""
        return config("own", name, template=STACK_ID)

    def supersede(self, *names: str) -> None:
        """Let these be superseded for long enough."""
        self.tagged += [self.made(name) for name in names]
        long_ago = self.clock() - GRACE
        self.state.ledgers["own"] = Ledger(superseded=dict.fromkeys(names, long_ago))

    def carry_out(self) -> str | None:
        """Do it in one tick."""
        return self.superseding.carry_out(
            self.tagged,
            [Spec("own", "config-3")],
            self.state.read("own"),
            self.endpoints.observe_all(),
        )


@pytest.fixture
def stage() -> Stage:
    """Nothing is superseded yet."""
    return Stage()


def test_what_is_superseded_is_noted_and_goes_later(stage: Stage) -> None:
    """When the grace has passed, by however many ticks."""
    stage.tagged.append(stage.made("config-2"))
    assert stage.carry_out() is None
    assert stage.state.read("own").superseded == {"config-2": stage.clock()}

    stage.clock.now += GRACE - timedelta(seconds=1)
    stage.carry_out()
    assert stage.configs.deleted == []

    stage.clock.advance(seconds=1)
    stage.carry_out()
    assert stage.configs.deleted == ["config-2"]


def test_one_goes_in_a_tick(stage: Stage) -> None:
    """A mistake would not be made with all of them at once."""
    stage.supersede("config-1", "config-2")

    stage.carry_out()

    assert stage.configs.deleted == ["config-1"]


@pytest.mark.parametrize("status", list(EndpointStatus))
def test_one_that_an_endpoint_runs_on_stays(stage: Stage, status: EndpointStatus) -> None:
    """Whoever has made that endpoint, and however it stands."""
    stage.supersede("config-1")
    stage.endpoints.put("Theirs", status, config_name="Config-1", tags={})

    stage.carry_out()

    assert stage.configs.deleted == []


def test_the_next_one_goes_where_the_first_is_needed(stage: Stage) -> None:
    """Else one endpoint would keep all that was ever replaced."""
    stage.supersede("config-1", "config-2")
    stage.endpoints.put("theirs", EndpointStatus.IN_SERVICE, config_name="config-1")

    stage.carry_out()

    assert stage.configs.deleted == ["config-2"]


@pytest.mark.parametrize(
    "status",
    [
        EndpointStatus.UPDATING,
        EndpointStatus.ROLLING_BACK,
        EndpointStatus.UPDATE_ROLLBACK_FAILED,
    ],
)
def test_nothing_goes_while_an_endpoint_runs_on_two(stage: Stage, status: EndpointStatus) -> None:
    """Of which one is named."""
    stage.supersede("config-1")
    stage.endpoints.put("theirs", status, config_name="config-0")

    stage.carry_out()

    assert stage.configs.deleted == []


@pytest.mark.parametrize("status", [EndpointStatus.CREATING, EndpointStatus.SYSTEM_UPDATING])
def test_what_comes_up_on_another_config_keeps_nothing_back(
    stage: Stage, status: EndpointStatus
) -> None:
    """In a fleet some endpoint always does."""
    stage.supersede("config-1")
    stage.endpoints.put("theirs", status, config_name="config-0")

    stage.carry_out()

    assert stage.configs.deleted == ["config-1"]


def test_an_endpoint_that_cannot_be_described_keeps_everything(stage: Stage) -> None:
    """It could run on any."""
    stage.supersede("config-1")
    stage.endpoints.put("theirs", EndpointStatus.IN_SERVICE, config_name="config-0")
    stage.endpoints.denied.add("theirs")

    problem = stage.superseding.carry_out(
        stage.tagged,
        [Spec("own", "config-3")],
        stage.state.read("own"),
        {"theirs": stage.endpoints._present["theirs"]},
    )

    assert problem is not None
    assert problem.startswith("superseded EndpointConfigs stay for now: DescribeEndpoint refused")
    assert stage.configs.deleted == []


def test_one_that_has_gone_since_the_list_was_read_keeps_nothing_back(stage: Stage) -> None:
    """It runs on nothing."""
    stage.supersede("config-1")
    stage.endpoints.put("theirs", EndpointStatus.IN_SERVICE, config_name="config-1")
    listed = stage.endpoints.observe_all()
    stage.endpoints.vanish("theirs")

    stage.superseding.carry_out(
        stage.tagged, [Spec("own", "config-3")], stage.state.read("own"), listed
    )

    assert stage.configs.deleted == ["config-1"]


def test_a_refused_deletion_is_a_problem_and_no_more(stage: Stage) -> None:
    """It is tried again with the next tick."""
    stage.supersede("config-1")

    def refuse(config_name: str) -> None:
        raise AwsError(f"DeleteEndpointConfig refused: {config_name}")

    stage.configs.delete = refuse  # type: ignore[method-assign]  # a fault of this test's own

    assert stage.carry_out() == (
        "superseded EndpointConfigs stay for now: DeleteEndpointConfig refused: config-1"
    )


def described(stage: Stage) -> list[str]:
    """Carry it out, and say which endpoints were asked for that."""
    asked: list[str] = []
    observe = stage.endpoints.observe
    listed = stage.endpoints.observe_all()

    def count(endpoint: str) -> object:
        asked.append(endpoint)
        return observe(endpoint)

    stage.endpoints.observe = count  # type: ignore[assignment,method-assign]  # counts calls
    stage.superseding.carry_out(
        stage.tagged, [Spec("own", "config-3")], stage.state.read("own"), listed
    )
    stage.endpoints.observe = observe  # type: ignore[method-assign]  # as it was
    return asked


def test_a_fleet_is_asked_a_few_at_a_time() -> None:
    """Nothing goes before all are known; nobody is asked twice who has not changed."""
    stage = Stage(looks=2)
    stage.supersede("config-1")
    for name in "abcde":
        stage.endpoints.put(name, EndpointStatus.IN_SERVICE, config_name="config-0")

    asked = []
    while not stage.configs.deleted:
        asked.append(described(stage))

    assert asked == [["a", "b"], ["c", "d"], ["e"]]


def test_one_that_has_changed_is_asked_again() -> None:
    """It may run on another by now."""
    stage = Stage()
    stage.supersede("config-1", "config-2")
    stage.endpoints.put("a", EndpointStatus.IN_SERVICE, config_name="config-0")
    stage.endpoints.put("b", EndpointStatus.IN_SERVICE, config_name="config-0")
    assert described(stage) == ["a", "b"]
    assert stage.configs.deleted == ["config-1"]

    stage.clock.advance(minutes=1)
    stage.endpoints.put("b", EndpointStatus.IN_SERVICE, config_name="config-2")
    stage.supersede("config-2")

    assert described(stage) == ["b"]
    assert stage.configs.deleted == ["config-1"]


def test_nobody_is_asked_while_nothing_is_due(stage: Stage) -> None:
    """That is nearly always."""
    stage.tagged.append(stage.made("config-2"))
    stage.endpoints.put("theirs", EndpointStatus.IN_SERVICE)

    assert described(stage) == []
