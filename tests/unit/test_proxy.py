"""What becomes of a request: forwarded, cold, unknown or unanswered."""

from datetime import timedelta

import pytest

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.invocation import NotServing, Unanswered
from dormouse.domain.ledger import Decision
from dormouse.errors import AwsError
from dormouse.proxy import Fate, Handled
from tests.fakes.front_door import ANSWER, NOT_FOUND, REQUEST, FrontDoor, message


@pytest.fixture
def world(table: EndpointsTable) -> FrontDoor:
    """A fresh proxy among stand-ins."""
    return FrontDoor(table)


def test_a_serving_endpoint_answers_as_it_is(world: FrontDoor) -> None:
    """Nothing is changed on the way, and nobody is nudged."""
    assert world.handle() == Handled(ANSWER.response, Fate.FORWARDED)
    assert world.runtime.requests == [REQUEST]
    assert world.nudge.sent == []


def test_the_ledger_is_written_before_sending_and_at_most_once_in_the_interval(
    world: FrontDoor,
) -> None:
    """A long request counts from its start."""
    world.state.record_decision("reviews", Decision("stay up", "", ""), world.clock())
    began = world.clock()
    for _ in range(3):
        world.handle()
        world.clock.advance(seconds=10)
    assert world.state.read("reviews").last_request_at == began
    world.handle()
    assert world.state.read("reviews").last_request_at == began + timedelta(seconds=30)


def test_a_cold_request_is_recorded_nudges_and_says_when_to_come_again(world: FrontDoor) -> None:
    """As boto3 raises ServiceUnavailable."""
    world.runtime.answer = NotServing(NOT_FOUND)

    handled = world.handle()

    assert handled.fate is Fate.COLD
    assert handled.response.status == 503
    assert handled.response.headers["x-amzn-errortype"] == "ServiceUnavailable"
    assert handled.response.headers["retry-after"] == "480"
    assert "reviews is asleep" in message(handled)
    assert world.state.read("reviews").has_unmet_demand
    assert world.nudge.sent == ["reviews"]


def test_a_crowd_of_cold_requests_sends_one_nudge_each_fifteen_seconds(world: FrontDoor) -> None:
    """Sent again, as one may be lost."""
    world.runtime.answer = NotServing(NOT_FOUND)
    for _ in range(100):
        world.handle()
    assert world.nudge.sent == ["reviews"]
    world.clock.advance(seconds=16)
    world.handle()
    assert world.nudge.sent == ["reviews", "reviews"]


def test_an_endpoint_that_nobody_manages_is_unknown(world: FrontDoor) -> None:
    """SageMaker's own error passes, and nothing is written."""
    world.runtime.answer = NotServing(NOT_FOUND)
    world.catalog.configs = []

    assert world.handle() == Handled(NOT_FOUND, Fate.UNKNOWN_ENDPOINT)
    assert world.nudge.sent == []
    assert world.state.read("reviews").demand_version == 0


def test_unknown_is_said_on_evidence_only(world: FrontDoor) -> None:
    """Tags that can't be read are none: the caller is to come again, and is promised nothing."""
    world.runtime.answer = NotServing(NOT_FOUND)
    world.catalog.unreadable = "GetResources refused: Throttling"

    handled = world.handle()

    assert handled.fate is Fate.UNDECIDED
    assert handled.response.status == 503
    assert "can't say yet who may invoke the endpoint reviews" in message(handled)
    assert handled.problems == ("GetResources refused: Throttling",)
    assert world.state.read("reviews").demand_version == 0


def test_a_known_endpoint_is_woken_without_the_tagging_api(world: FrontDoor) -> None:
    """A crowd would have it throttle the ticks that are to start the endpoint."""
    world.runtime.answer = NotServing(NOT_FOUND)
    world.state.record_decision("reviews", Decision("stay down", "r", "w"), world.clock())
    world.state.record_principals("reviews", ())
    world.catalog.unreadable = "GetResources refused: Throttling"

    assert world.handle().problems == ()
    assert world.nudge.sent == ["reviews"]


def test_the_stacks_own_endpoint_is_never_unknown(world: FrontDoor) -> None:
    """The first request may come before its first tick, and the tags may vanish for a moment."""
    world.runtime.answer = NotServing(NOT_FOUND)
    world.catalog.configs = []
    world.state.record_principals("dormouse", ())

    handled = world.handle(endpoint="dormouse")

    assert handled.fate is Fate.COLD
    assert world.nudge.sent == ["dormouse"]


def test_what_is_refused_is_not_promised(world: FrontDoor) -> None:
    """With a bad tag nothing starts, however often one asks."""
    world.runtime.answer = NotServing(NOT_FOUND)
    decision = Decision("wait", "refused", "left as it is, since its tag is bad")
    world.state.record_decision("reviews", decision, world.clock())
    world.state.record_principals("reviews", ())

    handled = world.handle()

    assert handled.response.status == 503
    assert "can't be started: it is left as it is, since its tag is bad" in message(handled)


def test_a_denial_is_told_as_a_problem(world: FrontDoor) -> None:
    """It may hide an endpoint that serves, which no waiting would mend."""
    world.runtime.answer = NotServing(
        NOT_FOUND, "InvokeEndpoint refused: AccessDeniedException: no"
    )

    assert world.handle().problems == ("InvokeEndpoint refused: AccessDeniedException: no",)


def test_a_lost_nudge_costs_no_request(world: FrontDoor) -> None:
    """The demand stands; the scheduled tick finds it."""
    world.runtime.answer = NotServing(NOT_FOUND)
    world.nudge.fails_with = "Invoke refused: TooManyRequestsException"

    handled = world.handle()

    assert handled.response.status == 503
    assert handled.problems == ("Invoke refused: TooManyRequestsException",)
    assert world.state.read("reviews").has_unmet_demand


def test_a_demand_that_cannot_be_recorded_is_not_claimed_to_be(
    world: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer must not promise what nobody knows of."""
    world.runtime.answer = NotServing(NOT_FOUND)
    monkeypatch.setattr(EndpointsTable, "record_demand", _refuse)

    handled = world.handle()

    assert handled.response.status == 503
    assert "could not record" in message(handled)
    assert handled.problems == ("UpdateItem refused",)
    assert world.nudge.sent == []


def test_a_ledger_that_cannot_be_written_costs_no_request(
    world: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CloudWatch still sees it; the fault is reported."""
    monkeypatch.setattr(EndpointsTable, "record_request", _refuse)

    assert world.handle() == Handled(ANSWER.response, Fate.FORWARDED, ("UpdateItem refused",))
    assert world.handle().problems == ()  # and is left alone for the interval


def _refuse(*_: object, **__: object) -> bool:
    raise AwsError("UpdateItem refused")


@pytest.mark.parametrize(
    ("may_have_run", "status", "error_type"),
    [(True, 424, "ModelError"), (False, 503, "ServiceUnavailable")],
)
def test_no_answer_is_safe_to_repeat_only_if_nothing_ran(
    world: FrontDoor, may_have_run: bool, status: int, error_type: str
) -> None:
    """boto3 repeats a 503 by itself and never a 424."""
    world.runtime.answer = Unanswered("read timeout", may_have_run)

    handled = world.handle()

    assert handled.response.status == status
    assert handled.response.headers["x-amzn-errortype"] == error_type
    assert "read timeout" in message(handled)
