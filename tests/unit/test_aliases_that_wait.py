"""Requests that have waited go to what their alias stands for when they are sent, not before."""

import pytest

from dormouse.domain.invocation import NotServing
from dormouse.drain import Fate as Drained
from dormouse.errors import AwsError
from dormouse.handled import Fate
from tests.fakes.draining import REFUSED, Desk
from tests.fakes.front_door import ANSWER, NOT_FOUND, FrontDoor, message
from tests.fakes.ledger import FakeLedgers

LIVE, ONE, TWO = "sentiment@live", "sentiment-1.tar.gz", "sentiment-2.tar.gz"
MODEL = {"x-amzn-sagemaker-target-model": LIVE}
UNSURE = f"{LIVE} may stand for another model by now: GetItem was throttled"
REPEATED = {**MODEL, "amz-sdk-invocation-id": "sdk-1", "amz-sdk-request": "attempt=2; max=3"}


def point(door: FrontDoor | Desk, model: str) -> None:
    """Let the alias stand for a model."""
    assert isinstance(door.state, FakeLedgers)
    door.state.set_alias("reviews", LIVE, model, door.clock(), 9)


@pytest.fixture
def door() -> FrontDoor:
    """A front door before an endpoint that sleeps; it has an alias."""
    door = FrontDoor()
    door.know()
    door.runtime.answer = NotServing(NOT_FOUND)
    point(door, ONE)
    return door


@pytest.mark.parametrize("headers", [MODEL, REPEATED])
def test_a_held_request_follows_a_switch(door: FrontDoor, headers: dict[str, str]) -> None:
    """Also one that may join another, by the alias's name."""

    def switch_and_wake(pause: int) -> None:
        if pause == 4:
            point(door, TWO)
            door.clock.advance(seconds=5)
            door.runtime.answer = ANSWER
            door.serve()

    door.on_pause = switch_and_wake
    assert door.handle(prefer="wait=60", headers=headers).fate is Fate.HELD
    assert door.runtime.requests[-1].target_model == TWO


def test_a_repetition_has_the_answer_of_the_first_whatever_was_switched(door: FrontDoor) -> None:
    """It is the same request, since it names the same alias."""
    door.runtime.answer = ANSWER
    door.serve()
    first = door.handle(prefer="wait=60", headers=REPEATED)
    point(door, TWO)
    door.clock.advance(seconds=5)
    again = door.handle(prefer="wait=60", headers=REPEATED)
    assert (first.fate, again.fate) == (Fate.FORWARDED, Fate.JOINED)
    assert [request.target_model for request in door.runtime.requests] == [ONE]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_parked_request_is_recorded_by_the_alias(door: FrontDoor, is_async: bool) -> None:
    """So `drain` resolves it when it has its turn."""
    if is_async:
        handled = door.invoke_async({"custom-attributes": f"TargetModel={LIVE}"}, body=b"[8]")
    else:
        handled = door.handle(prefer="respond-async", headers=MODEL)
    assert handled.fate is Fate.PARKED
    (parked,) = door.parked
    assert parked.target_model == LIVE


def test_a_refusal_at_the_door_names_the_alias(door: FrontDoor) -> None:
    """Also to who would wait: waiting does not bring the model back."""
    door.runtime.answer = REFUSED
    door.serve()
    handled = door.handle(prefer="respond-async, wait=9", headers=MODEL)
    assert handled.fate is Fate.FORWARDED
    assert handled.response.status == 400
    assert message(handled).startswith(
        f"The alias {LIVE} of the endpoint reviews stands for the model {ONE}, which"
    )


def test_faults_on_the_way_are_told_once(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """That an alias may have been switched costs no request."""
    door.runtime.answer = ANSWER
    door.serve()
    door.handle(headers=MODEL)
    door.clock.advance(seconds=5)

    def throttled(_self: FakeLedgers, _endpoint: str) -> None:
        raise AwsError("GetItem was throttled")

    monkeypatch.setattr(FakeLedgers, "read", throttled)
    handled = door.handle(headers=MODEL)
    assert handled.fate is Fate.FORWARDED
    assert handled.problems == (
        f"{LIVE} may stand for another model by now: GetItem was throttled",
    )
    assert door.proxy.sender.problems == []


# ------------------------------------------------------------------------------------------- drain


@pytest.fixture
def desk() -> Desk:
    """A drain before an endpoint that serves, and has an alias."""
    desk = Desk()
    point(desk, ONE)
    return desk


def test_drain_sends_to_what_the_alias_stands_for_by_then(desk: Desk) -> None:
    """The order, and the record, name the alias."""
    first, second = desk.release(1, model=LIVE), desk.release(2, model=LIVE)
    assert desk.answer(LIVE).fate is Drained.ANSWERED
    point(desk, TWO)
    desk.clock.advance(seconds=5)
    assert desk.answer(LIVE).fate is Drained.ANSWERED
    assert [request.target_model for request in desk.runtime.requests] == [ONE, TWO]
    assert desk.now(first).target_model == desk.now(second).target_model == LIVE


def test_what_waits_for_a_model_that_is_gone_fails_by_the_aliases_name(desk: Desk) -> None:
    """At once: it would be refused again."""
    request = desk.release(model=LIVE)
    desk.runtime.answers = [REFUSED]

    outcome = desk.answer(LIVE)

    after = desk.now(request)
    assert (outcome.fate, after.tries) == (Drained.FAILED, 1)
    assert after.reason == (
        f"SageMaker answered 400 ValidationError: The alias {LIVE} of the endpoint reviews stands "
        f"for the model {ONE}, which SageMaker can't find. SageMaker answered 400 ValidationError: "
        "Failed to download model data"
    )
    assert after.result is not None
    assert LIVE.encode() in desk.payloads.get(after.result.body_key)


def test_faults_of_drains_sender_are_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """They decide nothing."""
    desk.release(1, model=LIVE)
    desk.release(2, model=LIVE)
    desk.answer(LIVE)
    desk.clock.advance(seconds=5)

    def throttled(_endpoint: str) -> None:
        raise AwsError("GetItem was throttled")

    monkeypatch.setattr(desk.state, "read", throttled)
    outcome = desk.answer(LIVE)
    assert outcome.fate is Drained.ANSWERED
    assert outcome.problems == (
        f"{LIVE} may stand for another model by now: GetItem was throttled",
    )
    assert desk.drain.sender.problems == []
