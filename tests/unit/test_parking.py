"""Accepting a request that is answered later."""

from datetime import timedelta

import pytest

from dormouse.domain.invocation import NotServing
from dormouse.domain.ledger import RecordedDemand
from dormouse.domain.parked_request import Kind, ParkedRequest, Status, released
from dormouse.domain.principals import Caller
from dormouse.domain.terms import Terms
from dormouse.domain.work import AnswerNext
from dormouse.errors import AwsError
from dormouse.handled import Fate
from tests.fakes.deployment import ACCOUNT
from tests.fakes.front_door import (
    BASE,
    CALLER,
    NOT_FOUND,
    NOT_READY,
    TOPIC,
    FrontDoor,
    members,
    message,
)
from tests.fakes.ledger import FakeLedgers
from tests.fakes.requests import Disturb, FakeRequestRecords

MODEL = {"x-amzn-sagemaker-target-model": "m"}
NAMED = {"x-amzn-sagemaker-inference-id": "mine", **MODEL}


def refuse(*_: object, **__: object) -> bool:
    """Stand for a call that AWS refuses."""
    raise AwsError("refused")


@pytest.fixture
def door() -> FrontDoor:
    """A front door before an endpoint that sleeps, where three requests may wait."""
    door = FrontDoor()
    door.know()
    door.runtime.answer = NotServing(NOT_FOUND)
    return door


def test_a_parked_request_is_durable_before_it_is_accepted(door: FrontDoor) -> None:
    """Its body, its record, and the demand for its endpoint."""
    handled = door.handle(prefer="respond-async", body=b"[7]", headers=MODEL)

    (one,) = door.parked
    assert (handled.response.status, handled.fate) == (202, Fate.PARKED)
    assert (one.status, one.kind, one.principal) == (
        Status.PARKED,
        Kind.RESPOND_ASYNC,
        CALLER.arn,
    )
    assert one.headers == {
        "content-type": "application/json",
        "x-amzn-sagemaker-target-model": "m",
    }
    assert door.payloads.stored[one.body_key] == (b"[7]", "application/json")
    assert one.body_key.startswith(f"requests/reviews/{one.id}/body-")
    ledger = door.state.read("reviews")
    assert ledger.has_requests
    assert ledger.has_unmet_demand
    assert door.nudge.sent == ["reviews"]


def test_its_caller_is_told_where_and_when_to_ask(door: FrontDoor) -> None:
    """By an absolute address at the same door."""
    handled = door.handle(prefer="respond-async", headers=MODEL)

    (one,) = door.parked
    assert one.id.startswith("reviews.")
    assert handled.response.headers["location"] == f"{BASE}/requests/{one.id}"
    assert handled.response.headers["preference-applied"] == "respond-async"
    assert handled.response.headers["retry-after"] == "480"
    assert members(handled) == {
        "id": one.id,
        "status": "parked",
        "position": 1,
        "accepted_at": "2026-02-16T09:00:00.000Z",
        "expires_at": "2026-02-16T15:00:00.000Z",
        "expected_at": "2026-02-16T09:08:00.000Z",
        "inference_id": None,
        "target_model": "m",
        "reason": None,
    }


def test_each_comes_after_those_before(door: FrontDoor) -> None:
    """And none is nudged for twice."""
    positions = [members(door.handle(prefer="respond-async"))["position"] for _ in range(3)]

    assert positions == [1, 2, 3]
    assert door.nudge.sent == ["reviews"]


def test_beyond_the_limit_none_is_kept(door: FrontDoor) -> None:
    """429, with the reason; those of other endpoints don't count."""
    for _ in range(3):
        door.handle(prefer="respond-async")
    stored = dict(door.payloads.stored)

    handled = door.handle(prefer="respond-async")

    assert (handled.response.status, handled.fate) == (429, Fate.TURNED_AWAY)
    assert handled.response.headers["x-amzn-errortype"] == "ThrottlingException"
    assert "3 requests wait for the endpoint reviews already" in message(handled)
    assert (len(door.parked), door.payloads.stored) == (3, stored)


def test_the_same_name_twice_is_one_request(door: FrontDoor) -> None:
    """Also beyond the limit, and whether or not the endpoint serves by then."""
    first = door.handle(prefer="respond-async", headers=NAMED)
    for _ in range(2):
        door.handle(prefer="respond-async")
    again = door.handle(prefer="respond-async", headers=NAMED)
    door.serve()

    for handled in (again, door.handle(prefer="respond-async", headers=NAMED)):
        assert handled.response.status == 202
        assert handled.response.headers["location"] == first.response.headers["location"]
    assert len(door.parked) == 3
    assert members(first)["inference_id"] == "mine"


def test_the_same_name_of_somebody_else_is_another_request(door: FrontDoor) -> None:
    """A role's sessions are one principal."""
    role = f"arn:aws:sts::{ACCOUNT}:assumed-role/search"
    ids = {
        members(door.handle(Caller(arn, ACCOUNT), prefer="respond-async", headers=NAMED))["id"]
        for arn in (CALLER.arn, f"{role}/a", f"{role}/b")
    }

    assert len(ids) == 2


def test_another_request_under_the_same_name_is_a_conflict(door: FrontDoor) -> None:
    """And leaves the first as it was, its body too."""
    door.handle(prefer="respond-async", body=b"[1]", headers=NAMED)

    handled = door.handle(prefer="respond-async", body=b"[2]", headers=NAMED)

    assert (handled.response.status, handled.fate) == (409, Fate.REFUSED)
    assert "InferenceId" in message(handled)
    assert [body for body, _ in door.payloads.stored.values()] == [b"[1]"]


@pytest.mark.parametrize("body", [b"[1]", b"[2]"])
def test_two_at_once_under_one_name_never_mix_their_bodies(door: FrontDoor, body: bytes) -> None:
    """The second has looked before the first was there."""
    other = FrontDoor(door.state, door.clock, records=door.records, payloads=door.payloads)
    other.runtime.answer = NotServing(NOT_FOUND)
    said = []

    def come_between(operation: str, is_done: bool) -> None:
        if (operation, is_done) == ("records.create", False):
            door.records.disturb = lambda *_: None
            said.append(other.handle(prefer="respond-async", body=b"[1]", headers=NAMED))

    door.records.disturb = come_between
    handled = door.handle(prefer="respond-async", body=body, headers=NAMED)

    assert said[0].response.status == 202
    assert handled.response.status == (202 if body == b"[1]" else 409)
    (one,) = door.parked
    assert door.payloads.stored == {one.body_key: (b"[1]", "application/json")}


def test_what_only_the_sdk_names_is_one_request_too(door: FrontDoor) -> None:
    """A 202 may get lost on its way."""
    first = {"amz-sdk-invocation-id": "sdk-1", "amz-sdk-request": "attempt=1"}
    door.handle(prefer="respond-async", headers=first)
    door.handle(prefer="respond-async", headers={**first, "amz-sdk-request": "attempt=2; max=3"})

    assert len(door.parked) == 1


@pytest.mark.parametrize("terms", [None, Terms(completion_topic=TOPIC)])
def test_a_topic_is_named_by_a_header_or_a_tag(door: FrontDoor, terms: Terms | None) -> None:
    """Among those that the deployment lists."""
    door.know(terms=terms)
    headers = {} if terms else {"dormouse-completion-topic": TOPIC}

    door.handle(prefer="respond-async", headers=headers)

    assert [one.completion_topic for one in door.parked] == [TOPIC]


def test_a_topic_that_is_not_listed_is_refused(door: FrontDoor) -> None:
    """And nothing is kept."""
    door.know(terms=Terms(completion_topic=f"{TOPIC}-2"))
    by_tag = door.handle(prefer="respond-async")
    by_header = door.handle(prefer="respond-async", headers={"dormouse-completion-topic": "mine"})

    for handled, says in ((by_tag, "the tag dormouse:completion-topic"), (by_header, "'mine'")):
        assert (handled.response.status, handled.fate) == (400, Fate.REFUSED)
        assert says in message(handled)
    assert door.is_untouched()


def test_a_model_that_is_not_ready_has_its_requests_parked(door: FrontDoor) -> None:
    """And released at once, for the endpoint serves; nobody has to be nudged."""
    door.serve()
    door.runtime.answer = NOT_READY

    handled = door.handle(prefer="respond-async", headers=MODEL)

    assert members(handled)["status"] == "released"
    assert handled.response.headers["retry-after"] == "5"
    assert [one.status for one in door.parked] == [Status.RELEASED]
    assert door.work.sent == [AnswerNext("reviews", "m")]
    assert door.nudge.sent == []


@pytest.mark.parametrize("fails", ["records.change", "work.send"])
def test_a_release_that_fails_is_left_to_the_next_tick(door: FrontDoor, fails: str) -> None:
    """It is promised, and demand is recorded."""
    door.serve()
    door.runtime.answer = NOT_READY
    door.records.disturb = door.work.disturb = failing(fails)

    handled = door.handle(prefer="respond-async")

    assert (handled.response.status, handled.problems) == (202, ("refused",))
    assert door.state.read("reviews").has_requests
    assert door.nudge.sent == ["reviews"]


def failing(name: str, *, is_done: bool = False) -> Disturb:
    """Refuse an operation, before or after it is done."""

    def disturb(operation: str, done: bool) -> None:
        if (operation, done) == (name, is_done):
            raise AwsError("refused")

    return disturb


@pytest.mark.parametrize("name", ["records.count", "payloads.put", "records.create"])
def test_what_cannot_be_kept_is_not_accepted(door: FrontDoor, name: str) -> None:
    """503, and nothing of it stays."""
    door.records.disturb = door.payloads.disturb = failing(name)

    handled = door.handle(prefer="respond-async")

    assert (handled.response.status, handled.fate) == (503, Fate.UNDECIDED)
    assert handled.problems == ("refused",)
    assert (door.records.stored, door.payloads.stored) == ({}, {})


@pytest.mark.parametrize("name", ["payloads.put", "records.create"])
def test_what_may_have_been_kept_is_removed(door: FrontDoor, name: str) -> None:
    """The answer to a write got lost."""
    door.records.disturb = door.payloads.disturb = failing(name, is_done=True)

    assert door.handle(prefer="respond-async").response.status == 503
    assert (door.records.stored, door.payloads.stored) == ({}, {})


def test_a_demand_that_cannot_be_raised_takes_all_back(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would look for the request."""
    monkeypatch.setattr(FakeLedgers, "raise_demand", refuse)

    handled = door.handle(prefer="respond-async")

    assert handled.response.status == 503
    assert "neither executed nor kept" in message(handled)
    assert (door.records.stored, door.payloads.stored) == ({}, {})


def test_what_fails_never_takes_back_what_was_accepted_before(door: FrontDoor) -> None:
    """The same name, two at once, and the second can't tell that it was the second."""
    other = FrontDoor(door.state, door.clock, records=door.records, payloads=door.payloads)
    other.runtime.answer = NotServing(NOT_FOUND)

    def come_between(operation: str, is_done: bool) -> None:
        if (operation, is_done) == ("records.create", False):
            door.records.disturb = lambda *_: None
            assert other.handle(prefer="respond-async", headers=NAMED).response.status == 202
            raise AwsError("refused")

    door.records.disturb = come_between

    assert door.handle(prefer="respond-async", headers=NAMED).response.status == 503
    (one,) = door.parked
    assert list(door.payloads.stored) == [one.body_key]


def test_what_was_accepted_meanwhile_is_not_taken_back(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first can't raise the demand, and the second, under the same name, could."""
    other = FrontDoor(door.state, door.clock, records=door.records, payloads=door.payloads)
    other.runtime.answer = NotServing(NOT_FOUND)
    raise_demand = FakeLedgers.raise_demand

    def fail(*_: object, **__: object) -> RecordedDemand:
        monkeypatch.setattr(FakeLedgers, "raise_demand", raise_demand)

        def come_between(operation: str, is_done: bool) -> None:
            if (operation, is_done) == ("records.delete", False):
                door.records.disturb = lambda *_: None
                assert other.handle(prefer="respond-async", headers=NAMED).response.status == 202

        door.records.disturb = come_between
        raise AwsError("refused")

    monkeypatch.setattr(FakeLedgers, "raise_demand", fail)

    assert door.handle(prefer="respond-async", headers=NAMED).response.status == 503
    (one,) = door.parked
    assert list(door.payloads.stored) == [one.body_key]


def test_what_is_taken_back_meanwhile_is_not_accepted(door: FrontDoor) -> None:
    """The other way round: it comes again as its record goes."""
    door.handle(prefer="respond-async", headers=NAMED)

    def come_between(operation: str, is_done: bool) -> None:
        if (operation, is_done) == ("records.change", False):
            door.records.disturb = lambda *_: None
            door.records.stored.clear()

    door.records.disturb = come_between
    handled = door.handle(prefer="respond-async", headers=NAMED)

    assert (handled.response.status, handled.fate) == (503, Fate.UNDECIDED)
    assert door.handle(prefer="respond-async", headers=NAMED).response.status == 202


def test_what_is_released_as_it_comes_again_is_accepted(door: FrontDoor) -> None:
    """It goes on by itself."""
    door.handle(prefer="respond-async", headers=NAMED)

    def come_between(operation: str, is_done: bool) -> None:
        if (operation, is_done) == ("records.change", False):
            door.records.disturb = lambda *_: None
            (one,) = door.parked
            assert door.records.change(one, released(one, door.clock()))

    door.records.disturb = come_between
    handled = door.handle(prefer="respond-async", headers=NAMED)

    assert members(handled)["status"] == "released"


def test_what_was_written_though_it_was_said_to_be_there_is_its_own(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK has repeated a write whose answer was lost."""
    create = type(door.records).create

    def twice(records: FakeRequestRecords, request: ParkedRequest) -> ParkedRequest | None:
        create(records, request)
        return create(records, request)

    monkeypatch.setattr(type(door.records), "create", twice)

    assert door.handle(prefer="respond-async").response.status == 202
    (one,) = door.parked
    assert list(door.payloads.stored) == [one.body_key]
    assert door.state.read("reviews").has_requests


def test_after_a_crash_before_the_demand_a_repetition_raises_it(door: FrontDoor) -> None:
    """The record alone is found by nobody."""

    class Crash(BaseException):
        """The container dies."""

    def die(operation: str, is_done: bool) -> None:
        if (operation, is_done) == ("records.create", True):
            raise Crash

    door.records.disturb = die
    with pytest.raises(Crash):
        door.handle(prefer="respond-async", headers=NAMED)
    assert not door.state.read("reviews").has_requests
    door.restart()

    assert door.handle(prefer="respond-async", headers=NAMED).response.status == 202
    assert door.state.read("reviews").has_requests
    assert door.nudge.sent == ["reviews"]


def test_a_position_that_cannot_be_told_costs_nothing(door: FrontDoor) -> None:
    """It is kept all the same."""
    door.handle(prefer="respond-async", headers=NAMED)
    door.records.disturb = failing("records.position")

    handled = door.handle(prefer="respond-async", headers=NAMED)

    assert (handled.response.status, handled.problems) == (202, ("refused",))
    assert members(handled)["position"] is None


def test_a_parked_request_lives_for_a_while(door: FrontDoor) -> None:
    """As the deployment's setting says."""
    door.handle(prefer="respond-async")

    assert [one.expires_at for one in door.parked] == [door.clock() + timedelta(hours=6)]
