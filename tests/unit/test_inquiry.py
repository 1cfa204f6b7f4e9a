"""How an accepted request stands, its result, and its end."""

from datetime import timedelta

import pytest

from dormouse.domain.invocation import NotServing
from dormouse.domain.parked_request import (
    ParkedRequest,
    Result,
    Status,
    claimed,
    failed,
    released,
)
from dormouse.domain.principals import Caller
from dormouse.errors import AwsError
from dormouse.handled import Fate
from tests.fakes.deployment import ACCOUNT
from tests.fakes.front_door import (
    ANSWER,
    BASE,
    CALLER,
    NOT_FOUND,
    FrontDoor,
    members,
    message,
)

OTHER = Caller(f"arn:aws:iam::{ACCOUNT}:user/al", ACCOUNT)


@pytest.fixture
def door() -> FrontDoor:
    """A front door before an endpoint that sleeps."""
    door = FrontDoor()
    door.know()
    door.runtime.answer = NotServing(NOT_FOUND)
    return door


@pytest.fixture
def parked(door: FrontDoor) -> ParkedRequest:
    """A request that waits there."""
    door.handle(prefer="respond-async", headers={"x-amzn-sagemaker-target-model": "m"})
    (one,) = door.parked
    return one


def change(door: FrontDoor, before: ParkedRequest, after: ParkedRequest) -> ParkedRequest:
    """Let somebody take a step with it."""
    assert door.records.change(before, after)
    return after


def test_one_that_waits_is_told_so(door: FrontDoor, parked: ParkedRequest) -> None:
    """With its position, and when an answer is expected."""
    door.handle(prefer="respond-async")
    door.state.record_start("reviews", door.clock(), None)
    door.clock.advance(minutes=3)

    handled = door.ask(parked.id)

    assert (handled.response.status, handled.fate) == (202, Fate.TOLD)
    assert handled.response.headers["retry-after"] == "300"
    assert handled.response.headers["location"] == f"{BASE}/requests/{parked.id}"
    told = members(handled)
    assert (told["status"], told["position"]) == ("parked", 1)
    assert told["expected_at"] == "2026-02-16T09:08:00.000Z"


def test_one_in_turn_or_being_answered_is_asked_for_soon(
    door: FrontDoor, parked: ParkedRequest
) -> None:
    """A position it has only while it waits."""
    in_turn = change(door, parked, released(parked, door.clock()))
    first = door.ask(parked.id)
    change(door, in_turn, claimed(in_turn, "c", door.clock() + timedelta(minutes=2)))
    second = door.ask(parked.id)

    assert (members(first)["status"], members(first)["position"]) == ("released", 1)
    assert (members(second)["status"], members(second)["position"]) == ("answering", None)
    assert {h.response.headers["retry-after"] for h in (first, second)} == {"5"}


def test_a_result_is_the_models_own_as_often_as_it_is_asked_for(
    door: FrontDoor, parked: ParkedRequest
) -> None:
    """Status, headers and body."""
    door.answer(parked)

    assert {door.ask(parked.id).response.body for _ in range(3)} == {ANSWER.response.body}
    assert door.ask(parked.id).response == ANSWER.response


def test_a_failure_says_why(door: FrontDoor, parked: ParkedRequest) -> None:
    """By the response that there was, or by the reason."""
    in_turn = change(door, parked, released(parked, door.clock()))
    mine = change(door, in_turn, claimed(in_turn, "c", door.clock()))
    change(door, mine, failed(mine, "the model answered 500: out of tea", door.clock()))

    handled = door.ask(parked.id)

    assert handled.response.status == 424
    assert handled.response.headers["x-amzn-errortype"] == "ModelError"
    assert "out of tea" in message(handled)


def test_a_recorded_failure_is_not_taken_for_one_of_the_door(
    door: FrontDoor, parked: ParkedRequest
) -> None:
    """A 503 of SageMaker that was final says so, since others mean: come again."""
    in_turn = change(door, parked, released(parked, door.clock()))
    mine = change(door, in_turn, claimed(in_turn, "c", door.clock()))
    door.payloads.put("result", b"{}", "application/json")
    result = Result(503, {"x-amzn-errortype": "ServiceUnavailable"}, "result")
    change(door, mine, failed(mine, "it was tried 3 times", door.clock(), result))

    response = door.ask(parked.id).response

    assert response.status == 503
    assert response.headers["dormouse-request-status"] == "failed"


def test_a_result_that_is_kept_no_longer_is_gone(door: FrontDoor, parked: ParkedRequest) -> None:
    """410, not an error of ours."""
    door.answer(parked)
    door.payloads.stored.clear()

    handled = door.ask(parked.id)

    assert (handled.response.status, handled.problems) == (410, ())
    assert "no longer kept" in message(handled)


def test_one_that_has_expired_is_ended_before_that_is_said(
    door: FrontDoor, parked: ParkedRequest
) -> None:
    """So nobody answers it afterwards."""
    door.clock.advance(hours=6)

    handled = door.ask(parked.id)

    assert handled.response.status == 410
    assert "expired: it was not answered within its time to live" in message(handled)
    assert [one.status for one in door.parked] == [Status.EXPIRED]


def test_one_that_was_claimed_at_the_last_moment_is_not_expired(
    door: FrontDoor, parked: ParkedRequest
) -> None:
    """Whoever answers it was first."""
    in_turn = change(door, parked, released(parked, door.clock()))
    door.clock.advance(hours=6)

    def claim(operation: str, is_done: bool) -> None:
        if (operation, is_done) == ("records.change", False):
            door.records.disturb = lambda *_: None
            change(door, in_turn, claimed(in_turn, "c", door.clock() + timedelta(minutes=2)))

    door.records.disturb = claim
    assert members(door.ask(parked.id))["status"] == "answering"


@pytest.mark.parametrize("caller", [OTHER, Caller("", ""), Caller("", ACCOUNT)])
def test_somebody_elses_is_forbidden(
    door: FrontDoor, parked: ParkedRequest, caller: Caller
) -> None:
    """To ask for and to cancel."""
    for handled in (door.ask(parked.id, caller), door.cancel(parked.id, caller)):
        assert (handled.response.status, handled.fate) == (403, Fate.DENIED)
    assert [one.status for one in door.parked] == [Status.PARKED]


def test_another_session_of_the_same_role_may_ask(door: FrontDoor) -> None:
    """Sessions come and go."""
    role = f"arn:aws:sts::{ACCOUNT}:assumed-role/search"
    door.handle(Caller(f"{role}/one", ACCOUNT), prefer="respond-async")
    (one,) = door.parked

    assert door.ask(one.id, Caller(f"{role}/two", ACCOUNT)).response.status == 202
    assert door.ask(one.id, Caller(f"{role}2/two", ACCOUNT)).response.status == 403


def test_a_caller_without_an_arn_is_his_account(door: FrontDoor) -> None:
    """And never nobody."""
    door.handle(Caller("", ACCOUNT), prefer="respond-async")
    (one,) = door.parked

    assert door.ask(one.id, Caller("", ACCOUNT)).response.status == 202
    assert door.ask(one.id, Caller("", "")).response.status == 403


@pytest.mark.parametrize("request_id", ["x", "reviews." + "0" * 32, "../etc/passwd", "", "a.b"])
def test_an_unknown_id_is_not_found(door: FrontDoor, request_id: str) -> None:
    """To ask for and to cancel."""
    for handled in (door.ask(request_id), door.cancel(request_id)):
        assert handled.response.status == 404
        assert handled.response.headers["x-amzn-errortype"] == "ResourceNotFoundException"


def test_what_is_held_is_nothing_to_ask_for(door: FrontDoor) -> None:
    """Its name was told to nobody."""
    asked = []
    door.on_pause = lambda _: asked.append(door.ask(door.held[0].id).response.status)

    door.handle(
        prefer="wait=2", headers={"amz-sdk-invocation-id": "sdk-1", "amz-sdk-request": "attempt=1"}
    )

    assert set(asked) == {404}


def test_a_request_that_waits_can_be_cancelled(door: FrontDoor, parked: ParkedRequest) -> None:
    """And once more, which changes nothing."""
    handled = door.cancel(parked.id)

    assert (handled.response.status, handled.fate) == (200, Fate.CANCELLED)
    assert members(handled)["status"] == "cancelled"
    assert door.payloads.stored == {}
    assert door.cancel(parked.id).response.status == 200
    gone = door.ask(parked.id)
    assert gone.response.status == 410
    assert "cancelled by its caller" in message(gone)


def test_what_is_being_answered_can_not_be_cancelled(
    door: FrontDoor, parked: ParkedRequest
) -> None:
    """Nor what has ended."""
    in_turn = change(door, parked, released(parked, door.clock()))
    mine = change(door, in_turn, claimed(in_turn, "c", door.clock()))
    assert door.cancel(parked.id).response.status == 409
    change(door, mine, failed(mine, "r", door.clock()))
    handled = door.cancel(parked.id)

    assert (handled.response.status, handled.fate) == (409, Fate.REFUSED)
    assert "can't be cancelled: it is failed" in message(handled)


def test_who_loses_against_a_release_cancels_all_the_same(
    door: FrontDoor, parked: ParkedRequest
) -> None:
    """It is not being answered yet."""

    def release(operation: str, is_done: bool) -> None:
        if (operation, is_done) == ("records.change", False):
            door.records.disturb = lambda *_: None
            change(door, parked, released(parked, door.clock()))

    door.records.disturb = release
    assert door.cancel(parked.id).response.status == 200


def test_records_that_cannot_be_read_are_no_answer(door: FrontDoor, parked: ParkedRequest) -> None:
    """503: come again."""

    def fail(operation: str, is_done: bool) -> None:
        raise AwsError("GetItem refused: Throttling")

    door.records.disturb = fail
    for handled in (door.ask(parked.id), door.cancel(parked.id)):
        assert (handled.response.status, handled.fate) == (503, Fate.UNDECIDED)
        assert handled.problems == ("GetItem refused: Throttling",)
        assert handled.response.headers["retry-after"] == "5"


def test_whoever_asks_for_a_caller_is_not_asked_for_the_list(
    door: FrontDoor, parked: ParkedRequest
) -> None:
    """His own request is his, though he may send no more."""
    door.catalog.configs = []
    assert door.ask(parked.id, CALLER).response.status == 202
