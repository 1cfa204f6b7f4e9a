"""Who may invoke an endpoint, as the proxy finds out: seldom, and on evidence."""

from datetime import timedelta
from decimal import Decimal

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.capture_policy import CapturePolicy, Content
from dormouse.domain.ledger import Decision
from dormouse.domain.principals import Kind, Principal
from dormouse.domain.terms import Terms
from dormouse.errors import AwsError
from dormouse.permissions import REMEMBERED, NotKnownYet, Permitted
from tests.fakes.deployment import ACCOUNT
from tests.fakes.endpoints import STACK
from tests.fakes.front_door import FrontDoor
from tests.fakes.world import config

ROLE = f"arn:aws:iam::{ACCOUNT}:role/search-api"
OTHER = "210987654321"
OWN_ACCOUNT = Permitted((Principal(ACCOUNT, Kind.ACCOUNT, ACCOUNT),))
THE_ROLE = Permitted((Principal(ROLE, Kind.ROLE, ACCOUNT, "search-api"),))
THE_OTHER = Permitted((Principal(OTHER, Kind.ACCOUNT, OTHER),))
UP = Decision("stay up", "recent activity", "needed")
REFUSED = Decision("wait", "refused", "left as it is, since its tag is bad")


@pytest.fixture
def door(table: EndpointsTable) -> FrontDoor:
    """A fresh proxy among stand-ins."""
    return FrontDoor(table)


def decide(
    door: FrontDoor, decision: Decision, *principals: str, endpoint: str = "reviews"
) -> None:
    """Let reconcile have looked at it."""
    door.decide(decision, endpoint)
    door.state.record_terms(endpoint, Terms(principals))


def test_what_reconcile_has_kept_is_taken_without_the_tagging_api(door: FrontDoor) -> None:
    """As its owner listed it; the own account where he listed nobody."""
    decide(door, UP, ROLE)
    decide(door, UP, endpoint="open")

    assert door.permissions.of("reviews") == THE_ROLE
    assert door.permissions.of("open") == OWN_ACCOUNT
    assert door.catalog.asked == []


def test_before_the_first_tick_the_tags_are_asked(door: FrontDoor) -> None:
    """Of that endpoint alone."""
    assert door.permissions.of("reviews") == OWN_ACCOUNT
    door.catalog.configs = [config("listed", principals=ROLE)]
    assert door.permissions.of("listed") == THE_ROLE
    assert door.catalog.asked == ["reviews", "listed"]


def test_it_is_asked_once_in_the_interval(door: FrontDoor) -> None:
    """A change takes effect after that."""
    decide(door, UP, ROLE)
    assert door.permissions.of("reviews") == THE_ROLE
    decide(door, UP, OTHER)
    door.clock.advance(seconds=29)
    assert door.permissions.of("reviews") == THE_ROLE
    door.clock.advance(seconds=1)
    assert door.permissions.of("reviews") == THE_OTHER


def test_each_endpoint_is_asked_for_itself(door: FrontDoor) -> None:
    """One that is open opens no other."""
    decide(door, UP, ROLE)
    decide(door, UP, OTHER, endpoint="other")

    for _ in range(2):
        assert door.permissions.of("reviews") == THE_ROLE
        assert door.permissions.of("other") == THE_OTHER


def test_while_the_ledger_cannot_be_read_what_was_read_last_holds(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is asked for again only after the interval, since each try may take seconds."""
    decide(door, UP, ROLE)
    door.permissions.of("reviews")
    tries = []

    def refuse(_table: EndpointsTable, endpoint: str) -> None:
        tries.append(endpoint)
        raise AwsError("GetItem refused: Throttling")

    monkeypatch.setattr(EndpointsTable, "read", refuse)
    door.clock.advance(seconds=31)
    for _ in range(3):
        assert door.permissions.of("reviews") == THE_ROLE
    assert tries == ["reviews"]
    door.clock.advance(days=1)
    assert door.permissions.of("reviews") == THE_ROLE


def test_while_nothing_was_ever_read_it_is_not_known(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither everybody nor nobody; and the next request asks again."""
    decide(door, UP, ROLE)
    with monkeypatch.context() as patched:
        patched.setattr(EndpointsTable, "read", _refuse)
        assert door.permissions.of("reviews") == NotKnownYet(
            "what is known of it can't be read", "GetItem refused: Throttling"
        )
    assert door.permissions.of("reviews") == THE_ROLE


def _refuse(*_: object) -> None:
    raise AwsError("GetItem refused: Throttling")


def test_tags_that_cannot_be_read_let_nobody_in(door: FrontDoor) -> None:
    """They may list somebody else."""
    door.catalog.unreadable = "GetResources refused: Throttling"

    assert door.permissions.of("reviews") == NotKnownYet(
        "what is known of it can't be read", "GetResources refused: Throttling"
    )


def test_a_refused_endpoint_keeps_its_last_list(door: FrontDoor) -> None:
    """It goes on serving whom it served."""
    decide(door, REFUSED, ROLE)
    decide(door, REFUSED, endpoint="open")

    assert door.permissions.of("reviews") == THE_ROLE
    assert door.permissions.of("open") == OWN_ACCOUNT


def test_a_refused_endpoint_without_a_list_is_not_known(door: FrontDoor) -> None:
    """The reason is passed on; the tagging API would say nothing else."""
    door.decide(REFUSED)

    assert door.permissions.of("reviews") == NotKnownYet(
        "it is left as it is, since its tag is bad"
    )
    assert door.catalog.asked == []


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        (
            {"principals": "admin"},
            "EndpointConfig reviews-config, tag dormouse:principals: 'admin'",
        ),
        ({"stack": "other-stack"}, "the deployment other-stack manages it"),
    ],
)
def test_a_claim_that_is_refused_lets_nobody_in(
    door: FrontDoor, tags: dict[str, str], why: str
) -> None:
    """Before its first tick too."""
    door.catalog.configs = [config("reviews", **tags)]

    known = door.permissions.of("reviews")

    assert isinstance(known, NotKnownYet)
    assert known.problem is None
    assert known.why.startswith(f"it is left as it is, since {why}")


def test_a_foreign_endpoint_is_asked_about_once_in_the_interval(door: FrontDoor) -> None:
    """A crowd would have the tagging API throttle the ticks."""
    door.catalog.configs = [config("reviews", stack="other-stack")]
    for _ in range(10):
        assert isinstance(door.permissions.of("reviews"), NotKnownYet)
    assert door.catalog.asked == ["reviews"]
    door.clock.advance(seconds=30)
    door.catalog.configs = [config("reviews")]
    assert door.permissions.of("reviews") == OWN_ACCOUNT


@pytest.mark.parametrize("configs", [[], [config("dormouse", "former-config", stack=STACK)]])
def test_the_stacks_own_endpoint_waits_for_its_tags(door: FrontDoor, configs: list[object]) -> None:
    """They may list somebody: until they can be seen nobody is let in."""
    door.catalog.configs[:] = configs  # type: ignore[assignment] # a list of TaggedConfig
    known = door.permissions.of("dormouse")

    assert isinstance(known, NotKnownYet)
    assert known.why.endswith("not visible yet")
    assert known.problem is None


def test_of_what_nobody_manages_the_own_account_may_learn_that(door: FrontDoor) -> None:
    """SageMaker says what it says of any name."""
    assert door.permissions.of("unmanaged") == OWN_ACCOUNT


@pytest.mark.parametrize("endpoint", ["reviews", "dormouse"])
def test_a_config_that_cannot_be_seen_for_a_moment_opens_and_closes_nothing(
    door: FrontDoor, endpoint: str
) -> None:
    """The tagging API is eventually consistent, and a nudged tick forgets what it does not see;
    the endpoint may serve all the while.
    """
    decide(door, UP, ROLE, endpoint=endpoint)
    door.state.forget_decision(endpoint)
    door.catalog.configs = []

    assert door.permissions.of(endpoint) == THE_ROLE


def test_a_list_of_now_is_better_than_the_last_one(door: FrontDoor) -> None:
    """Of an endpoint that was given up and tagged again."""
    decide(door, UP, ROLE)
    door.state.forget_decision("reviews")
    door.catalog.configs = [config("reviews", principals=OTHER)]

    assert door.permissions.of("reviews") == THE_OTHER


@pytest.mark.parametrize(
    ("tags", "known"),
    [({"principals": "admin"}, True), ({"stack": "other-stack"}, False)],
)
def test_the_last_list_of_what_was_given_up_and_tagged_badly(
    door: FrontDoor, tags: dict[str, str], known: bool
) -> None:
    """A fault leaves it; another deployment's claim does not."""
    decide(door, UP, ROLE)
    door.state.forget_decision("reviews")
    door.catalog.configs = [config("reviews", **tags)]

    assert (door.permissions.of("reviews") == THE_ROLE) is known


def test_names_that_callers_make_up_do_not_fill_the_memory(door: FrontDoor) -> None:
    """What is known of the others is asked for again."""
    for number in range(REMEMBERED + 10):
        door.permissions._known[f"made-up-{number}"] = (door.clock(), OWN_ACCOUNT)
    door.permissions.of("reviews")

    assert len(door.permissions._known) == 1


def test_what_becomes_of_a_cold_request_is_known_with_it(door: FrontDoor) -> None:
    """So that it costs no reading of its own."""
    terms = Terms((OTHER,), timedelta(seconds=9), "arn:aws:sns:us-east-1:123456789012:answers")
    door.decide(UP)
    door.state.record_terms("reviews", terms)
    door.catalog.configs = [config("tagged", cold_default="wait=7")]

    known, asked = door.permissions.of("reviews"), door.permissions.of("tagged")

    assert isinstance(known, Permitted)
    assert (known.cold_wait, known.completion_topic) == (terms.cold_wait, terms.completion_topic)
    assert isinstance(asked, Permitted)
    assert asked.cold_wait == timedelta(seconds=7)


def test_what_is_captured_is_known_with_it(door: FrontDoor) -> None:
    """From the ledger, and before the first tick from the tags."""
    policy = CapturePolicy(percent=Decimal("12.5"), content=Content.INPUT)
    door.decide(UP)
    door.state.record_terms("reviews", Terms((OTHER,), capture=policy))
    door.catalog.configs = [config("tagged", capture_percent="12.5", capture_content="input")]

    for endpoint in ("reviews", "tagged"):
        known = door.permissions.of(endpoint)
        assert isinstance(known, Permitted)
        assert known.capture == policy
