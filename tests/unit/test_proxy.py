"""What becomes of a request that says nothing of waiting: forwarded, cold, unknown, unanswered."""

from datetime import timedelta

import pytest

from dormouse.domain.invocation import Forwarded, InvocationResponse, NotServing, Unanswered
from dormouse.domain.ledger import Decision
from dormouse.errors import AwsError
from dormouse.handled import Fate, Handled
from tests.fakes.front_door import (
    ANSWER,
    NOT_FOUND,
    NOT_READY,
    REQUEST,
    FrontDoor,
    executed,
    message,
)
from tests.fakes.ledger import FakeLedgers


@pytest.fixture
def door() -> FrontDoor:
    """A front door before an endpoint that sleeps, as far as the ledger knows."""
    door = FrontDoor()
    door.know()
    return door


def refuse(*_: object, **__: object) -> bool:
    """Stand for a call that AWS refuses."""
    raise AwsError("UpdateItem refused")


def test_a_serving_endpoint_answers_as_it_is(door: FrontDoor) -> None:
    """Nothing is changed on the way, and nobody is nudged."""
    assert door.handle() == Handled(executed(ANSWER.response), Fate.FORWARDED)
    assert door.runtime.requests == [REQUEST]
    assert door.is_untouched()


def test_a_request_goes_under_a_lease_that_also_says_that_it_came(door: FrontDoor) -> None:
    """Written at most once in an interval."""
    began = door.clock()
    for _ in range(3):
        door.handle()
        door.clock.advance(seconds=10)
    ledger = door.state.read("reviews")
    assert ledger.last_request_at == began
    assert ledger.lease_until == began + timedelta(seconds=30 + 70 + 10)
    door.clock.advance(seconds=1)
    door.handle()
    assert door.state.read("reviews").last_request_at == began + timedelta(seconds=31)


def test_a_cold_request_is_recorded_nudges_and_says_when_to_come_again(door: FrontDoor) -> None:
    """As boto3 raises ServiceUnavailable."""
    door.runtime.answer = NotServing(NOT_FOUND)

    handled = door.handle()

    assert handled.fate is Fate.COLD
    assert handled.response.status == 503
    assert handled.response.headers["x-amzn-errortype"] == "ServiceUnavailable"
    assert handled.response.headers["retry-after"] == "480"
    assert "reviews is asleep" in message(handled)
    assert door.state.read("reviews").has_unmet_demand
    assert door.nudge.sent == ["reviews"]


def test_when_to_come_again_is_learned_from_its_own_wakes(door: FrontDoor) -> None:
    """Less what has passed of this one."""
    door.state.record_start("reviews", door.clock(), None)
    door.state.record_serving(
        "reviews", door.state.read("reviews"), door.clock(), timedelta(minutes=5), None
    )
    door.close()
    door.delete()
    door.state.record_gone("reviews", door.state.read("reviews"))
    door.state.record_start("reviews", door.clock(), None)
    door.clock.advance(minutes=2)
    door.runtime.answer = NotServing(NOT_FOUND)

    handled = door.handle()

    assert handled.response.headers["retry-after"] == "180"
    assert "is being started, since 2026-02-16 09:00:00 UTC" in message(handled)


def test_what_is_being_torn_down_is_not_asked(door: FrontDoor) -> None:
    """And says why."""
    door.serve()
    door.close(is_forced=True)

    handled = door.handle()

    assert handled.fate is Fate.COLD
    assert "is being torn down (idle)" in message(handled)
    assert door.runtime.requests == []
    assert door.nudge.sent == ["reviews"]


def test_a_teardown_that_can_be_undone_is(door: FrontDoor) -> None:
    """It still serves, and somebody needs it."""
    door.serve()
    door.close()

    assert door.handle().fate is Fate.FORWARDED
    assert door.state.read("reviews").closing is None


def test_a_crowd_of_cold_requests_sends_one_nudge_each_fifteen_seconds(door: FrontDoor) -> None:
    """Sent again, as one may be lost."""
    door.runtime.answer = NotServing(NOT_FOUND)
    for _ in range(100):
        door.handle()
    assert door.nudge.sent == ["reviews"]
    door.clock.advance(seconds=16)
    door.handle()
    assert door.nudge.sent == ["reviews", "reviews"]


def test_an_endpoint_that_nobody_manages_is_what_sagemaker_says() -> None:
    """It is passed through without a lease, and nothing is written."""
    door = FrontDoor()
    door.catalog.configs = []

    assert door.handle(prefer="respond-async") == Handled(ANSWER.response, Fate.FORWARDED)
    door.runtime.answer = NotServing(NOT_FOUND)
    assert door.handle(prefer="wait=9") == Handled(NOT_FOUND, Fate.UNKNOWN_ENDPOINT)
    door.runtime.answer = Unanswered("reset", may_have_run=True)
    assert door.handle().fate is Fate.UNANSWERED
    assert door.is_untouched()
    assert sorted(door.state.read_all()) == []


def test_unknown_is_said_on_evidence_only() -> None:
    """Tags that can't be read are none: the caller is to come again, and is promised nothing."""
    door = FrontDoor()
    door.catalog.unreadable = "GetResources refused: Throttling"

    handled = door.handle()

    assert handled.fate is Fate.UNDECIDED
    assert handled.response.status == 503
    assert "can't say yet who may invoke the endpoint reviews" in message(handled)
    assert handled.problems == ("GetResources refused: Throttling",)
    assert door.state.read("reviews").demand_version == 0


def test_a_known_endpoint_is_woken_without_the_tagging_api(door: FrontDoor) -> None:
    """A crowd would have it throttle the ticks that are to start the endpoint."""
    door.runtime.answer = NotServing(NOT_FOUND)
    door.catalog.unreadable = "GetResources refused: Throttling"

    assert door.handle().problems == ()
    assert door.nudge.sent == ["reviews"]


def test_an_endpoint_before_its_first_tick_is_cold() -> None:
    """It may serve, but nobody may send without a lease; the nudge brings the tick."""
    door = FrontDoor()

    assert door.handle().fate is Fate.COLD
    assert door.runtime.requests == []
    assert door.nudge.sent == ["reviews"]


def test_the_stacks_own_endpoint_is_never_unknown() -> None:
    """The first request may come before its first tick, and the tags may vanish for a moment."""
    door = FrontDoor()
    door.know()
    door.catalog.configs = []
    door.state.record_terms("dormouse", door.state.read("reviews").terms)

    assert door.handle(endpoint="dormouse").fate is Fate.COLD
    assert door.nudge.sent == ["dormouse"]


def test_what_was_managed_until_now_is_unknown(door: FrontDoor) -> None:
    """The lease still stood; `reconcile` has forgotten it meanwhile."""
    door.handle()
    door.state.forget_decision("reviews")
    door.catalog.configs = []
    door.runtime.answer = NotServing(NOT_FOUND)

    assert door.handle() == Handled(executed(NOT_FOUND), Fate.UNKNOWN_ENDPOINT)


def test_what_is_refused_is_not_promised(door: FrontDoor) -> None:
    """With a bad tag nothing starts, however often one asks."""
    door.runtime.answer = NotServing(NOT_FOUND)
    door.know(Decision("wait", "refused", "left as it is, since its tag is bad"))

    for prefer in ("", "wait=9", "respond-async", "respond-async, wait=9"):
        handled = door.handle(prefer=prefer)
        assert handled.response.status == 503
        assert "can't be started: it is left as it is, since its tag is bad" in message(handled)
    assert door.records.stored == {}
    assert door.pauses == []


def test_a_denial_is_told_as_a_problem(door: FrontDoor) -> None:
    """It may hide an endpoint that serves, which no waiting would mend."""
    denial = "InvokeEndpoint refused: AccessDeniedException: no"
    door.runtime.answer = NotServing(NOT_FOUND, denial)

    assert door.handle().problems == (denial,)


def test_a_lost_nudge_costs_no_request(door: FrontDoor) -> None:
    """The demand stands; the scheduled tick finds it."""
    door.runtime.answer = NotServing(NOT_FOUND)
    door.nudge.fails_with = "Invoke refused: TooManyRequestsException"

    handled = door.handle()

    assert handled.response.status == 503
    assert handled.problems == ("Invoke refused: TooManyRequestsException",)
    assert door.state.read("reviews").has_unmet_demand


def test_a_demand_that_cannot_be_recorded_is_not_claimed_to_be(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer must not promise what nobody knows of."""
    door.runtime.answer = NotServing(NOT_FOUND)
    monkeypatch.setattr(FakeLedgers, "record_demand", refuse)

    handled = door.handle()

    assert handled.response.status == 503
    assert "could not record" in message(handled)
    assert handled.problems == ("UpdateItem refused",)
    assert door.nudge.sent == []


def test_without_a_ledger_nothing_is_sent(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """No lease can be had: a request under way might be cut off."""
    monkeypatch.setattr(FakeLedgers, "take_lease", refuse)

    handled = door.handle()

    assert (handled.response.status, handled.problems) == (503, ("UpdateItem refused",))
    assert handled.response.headers["retry-after"] == "5"
    assert door.runtime.requests == []


@pytest.mark.parametrize(
    ("may_have_run", "status", "error_type"),
    [(True, 424, "ModelError"), (False, 503, "ServiceUnavailable")],
)
def test_no_answer_is_safe_to_repeat_only_if_nothing_ran(
    door: FrontDoor, may_have_run: bool, status: int, error_type: str
) -> None:
    """boto3 repeats a 503 by itself and never a 424."""
    door.runtime.answer = Unanswered("read timeout", may_have_run)

    handled = door.handle()

    assert handled.response.status == status
    assert handled.response.headers["x-amzn-errortype"] == error_type
    assert "read timeout" in message(handled)


@pytest.mark.parametrize("status", [200, 400, 424, 500])
def test_what_the_model_answers_passes(door: FrontDoor, status: int) -> None:
    """Also to who would wait: it was executed."""
    door.runtime.answer = Forwarded(InvocationResponse(status, {}, b"x"))

    handled = door.handle(prefer="respond-async, wait=9")

    assert handled == Handled(executed(InvocationResponse(status, {}, b"x")), Fate.FORWARDED)


def test_a_model_that_is_not_ready_is_passed_on_to_who_does_not_wait(door: FrontDoor) -> None:
    """429 is SageMaker's own answer."""
    door.runtime.answer = NOT_READY

    assert door.handle() == Handled(executed(NOT_READY.response), Fate.FORWARDED)
