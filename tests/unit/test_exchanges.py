"""Each request that was let in has one exchange, when it ends; what is no end, or another's, has
none.
"""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from dormouse.domain.capture_policy import CapturePolicy
from dormouse.domain.exchange import Exchange, Way
from dormouse.domain.invocation import (
    Execution,
    Forwarded,
    InvocationResponse,
    NotServing,
    Unanswered,
)
from dormouse.domain.parked_request import Kind
from dormouse.domain.principals import Caller
from dormouse.domain.terms import Terms
from dormouse.domain.usage import Arrival
from dormouse.drain import Fate
from dormouse.errors import AwsError
from dormouse.handled import Handled
from dormouse.responses import runtime_error
from tests.fakes.draining import BROKEN, GONE, PREDICTION, REFUSED, Desk
from tests.fakes.front_door import ANSWER, NOT_FOUND, NOT_READY, FrontDoor
from tests.fakes.world import config

SECRET = "jo@example.com"
MODEL_ERROR = InvocationResponse(
    424,
    {"x-amzn-errortype": "ModelError"},
    json.dumps({"Message": SECRET, "OriginalStatusCode": 422, "OriginalMessage": SECRET}).encode(),
)


def exchange_of(handled: Handled) -> Exchange:
    """Take the exchange of a request that has one."""
    assert handled.exchange is not None
    return handled.exchange


@pytest.fixture
def door() -> FrontDoor:
    """A front door whose endpoint serves."""
    front_door = FrontDoor()
    front_door.serve()
    return front_door


@pytest.fixture
def asleep() -> FrontDoor:
    """A front door whose endpoint does not."""
    front_door = FrontDoor()
    front_door.know()
    front_door.runtime.answer = NotServing(NOT_FOUND)
    return front_door


def test_an_answered_request_has_an_exchange(door: FrontDoor) -> None:
    """With what names it, and nothing else of its headers."""
    headers = {
        "x-amzn-sagemaker-inference-id": "order-7",
        "x-amzn-sagemaker-custom-attributes": "a=b",
        "x-amzn-sagemaker-target-model": "a.tar.gz",
        "authorization": "AWS4-HMAC-SHA256 secret",
    }

    exchange = exchange_of(door.handle(headers=headers, body=b'{"a": 1}'))

    assert (exchange.way, exchange.is_cold, exchange.waited) == (Way.DIRECT, False, None)
    assert (exchange.inference_id, exchange.custom_attributes) == ("order-7", "a=b")
    assert (exchange.asked_model, exchange.target_model) == ("a.tar.gz", "a.tar.gz")
    assert (exchange.content_type, exchange.body) == ("application/json", b'{"a": 1}')
    assert (exchange.response.status, exchange.error) == (200, None)
    assert "secret" not in str(exchange)
    assert exchange_of(door.handle()).event_id != exchange.event_id


def test_the_policy_is_the_endpoint_s(door: FrontDoor) -> None:
    """As its terms have it."""
    policy = CapturePolicy(percent=Decimal(5))
    door.know(terms=Terms(capture=policy))

    assert door.handle().capture == policy


def test_what_a_model_says_is_left_to_the_body(door: FrontDoor) -> None:
    """It may quote its input, and an error goes into the log."""
    door.runtime.answer = Forwarded(MODEL_ERROR)

    exchange = exchange_of(door.handle())

    assert exchange.error == "ModelError: original status 422"
    assert SECRET.encode() in exchange.response.body


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (
            Unanswered("read timeout", may_have_run=True),
            424,
            "ModelError: SageMaker did not answer",
        ),
        (Unanswered("no route", may_have_run=False), 503, "ServiceUnavailable: SageMaker could"),
        (NOT_READY, 429, "ModelNotReadyException: wait"),
        (Forwarded(runtime_error(400, "ValidationError", "no model")), 400, "ValidationError: no"),
    ],
)
def test_failures_have_an_exchange_too(
    door: FrontDoor, answer: Forwarded | Unanswered, status: int, error: str
) -> None:
    """With what its caller is told."""
    door.runtime.answer = answer

    exchange = exchange_of(door.handle())

    assert (exchange.response.status, exchange.is_cold) == (status, False)
    assert exchange.error is not None and exchange.error.startswith(error)


def test_a_cold_refusal_has_one(asleep: FrontDoor) -> None:
    """It was asked for, and is cold."""
    exchange = exchange_of(asleep.handle())

    assert (exchange.response.status, exchange.is_cold, exchange.way) == (503, True, Way.DIRECT)
    assert exchange.waited is None


def test_a_held_one_says_how_long_it_has_waited(asleep: FrontDoor) -> None:
    """SageMaker's own time is not counted as waiting."""

    def wake(so_many: int) -> None:
        if so_many == 2:
            asleep.runtime.answer = ANSWER
            asleep.serve()

    asleep.on_pause = wake
    exchange = exchange_of(asleep.handle(prefer="wait=30"))

    assert (exchange.way, exchange.is_cold, exchange.error) == (Way.HELD, True, None)
    assert exchange.waited == timedelta(seconds=2.5)
    assert exchange.ended_at - exchange.arrived_at == timedelta(seconds=2.5)


def test_one_too_many_has_one(asleep: FrontDoor) -> None:
    """It was let in, and is refused: 429, cold."""
    for _ in range(asleep.backlog_limit):
        assert asleep.handle(prefer="respond-async").exchange is None

    exchange = exchange_of(asleep.handle(prefer="respond-async"))

    assert (exchange.response.status, exchange.is_cold) == (429, True)


def test_whether_it_was_cold_is_kept_with_a_parked_one(asleep: FrontDoor) -> None:
    """An asynchronous one is kept though its endpoint serves."""
    asleep.handle(prefer="respond-async")
    asleep.serve()
    asleep.invoke_async({"target-model": "m"}, body=b"[8]")

    assert {one.kind: one.is_cold for one in asleep.parked} == {
        Kind.RESPOND_ASYNC: True,
        Kind.ASYNC_INVOCATION: False,
    }


def test_what_is_not_let_in_or_not_managed_has_none(door: FrontDoor) -> None:
    """Nor what can't be obeyed, or is accepted and not answered yet."""
    door.catalog.configs[:] = [config("reviews")]
    for answer in (ANSWER, NotServing(NOT_FOUND), Unanswered("timeout", may_have_run=True)):
        door.runtime.answer = answer
        assert door.handle(endpoint="unmanaged").exchange is None
    topic = {"dormouse-completion-topic": "arn:aws:sns:us-east-1:1:unlisted"}
    door.close(is_forced=True)
    refused = door.handle(prefer="respond-async", headers=topic)
    assert (refused.response.status, refused.exchange) == (400, None)
    assert door.handle(prefer="respond-async").exchange is None


def test_a_repetition_that_joins_has_none(asleep: FrontDoor) -> None:
    """The first has it."""
    headers = {"amz-sdk-invocation-id": "1", "amz-sdk-request": "attempt=2"}

    def wake(_: int) -> None:
        asleep.runtime.answer = ANSWER
        asleep.serve()

    asleep.on_pause = wake
    first = asleep.handle(prefer="wait=30", headers=headers)
    second = asleep.handle(prefer="wait=30", headers=headers)

    assert exchange_of(first).is_cold
    assert second.response.body == first.response.body
    assert second.exchange is None


def test_what_is_kept_has_arrived_though_it_has_not_ended(asleep: FrontDoor) -> None:
    """Once: whoever says it again has asked for nothing more."""
    now = asleep.clock()
    named = {"x-amzn-sagemaker-inference-id": "order-7"}

    parked = [asleep.handle(prefer="respond-async", headers=named) for _ in range(2)]
    model = {"target-model": "m"}
    kept = [asleep.invoke_async(model, body=b"[8]", sdk_name="1") for _ in range(2)]

    for first, again in (parked, kept):
        assert first.arrival == Arrival("reviews", now)
        assert (first.exchange, again.arrival) == (None, None)
    assert len(asleep.parked) == 2


def test_an_asynchronous_one_that_is_told_to_come_again_has_arrived(asleep: FrontDoor) -> None:
    """It has no exchange, and its caller needs the endpoint all the same."""
    for _ in range(asleep.backlog_limit):
        asleep.invoke_async({"target-model": "m"}, body=b"[8]")

    refused = asleep.invoke_async({"target-model": "m"}, body=b"[8]")

    assert (refused.response.status, refused.exchange) == (429, None)
    assert refused.arrival == Arrival("reviews", asleep.clock())


def test_what_has_an_exchange_or_is_no_demand_has_no_arrival(door: FrontDoor) -> None:
    """Nothing is counted twice, nor what was not let in or can't be obeyed."""
    stranger = Caller("arn:aws:iam::999999999999:user/eve", "999999999999")
    denied = door.invoke_async({"target-model": "m"}, stranger)
    bad = door.invoke_async({"target-model": "m", "requestttlseconds": "soon"}, body=b"[8]")

    assert [denied.response.status, bad.response.status] == [403, 400]
    for handled in (door.handle(), door.handle(endpoint="unmanaged"), denied, bad):
        assert handled.arrival is None


# ---------------------------------------------------------------------------------- what has waited


@pytest.mark.parametrize(
    ("kind", "way"), [(Kind.RESPOND_ASYNC, Way.PARKED), (Kind.ASYNC_INVOCATION, Way.ASYNC)]
)
def test_a_parked_one_has_its_exchange_when_it_is_answered(kind: Kind, way: Way) -> None:
    """Under its own id, so that whoever counts it twice can tell."""
    desk = Desk()
    request = desk.release(kind=kind, is_cold=True, inference_id="order-7")
    desk.clock.now = request.accepted_at + timedelta(minutes=8)

    exchange = desk.answer().exchange

    assert exchange is not None
    assert (exchange.event_id, exchange.way, exchange.is_cold) == (request.id, way, True)
    assert (exchange.inference_id, exchange.principal) == ("order-7", request.principal)
    assert (exchange.arrived_at, exchange.waited) == (request.accepted_at, timedelta(minutes=8))
    assert (exchange.body, exchange.response.body, exchange.error) == (b"body 1", b"[1]", None)
    assert exchange.target_model == "a"


def test_what_has_not_ended_has_none() -> None:
    """Tried, given back or parked again: its end is to come, and it has one then."""
    desk = Desk()
    desk.release()
    for answer in (BROKEN, Unanswered("no route", may_have_run=False), GONE):
        desk.runtime.answers = [answer]
        desk.clock.now += timedelta(minutes=1)
        assert desk.answer(drain=desk.new_drain()).exchange is None


def test_a_refused_one_has_sagemaker_s_answer() -> None:
    """Which its caller gets, too."""
    desk = Desk()
    desk.release()
    desk.runtime.answers = [REFUSED]

    exchange = desk.answer().exchange

    assert exchange is not None
    assert exchange.response.status == 400
    assert exchange.error == "ValidationError: Failed to download model data"


def test_one_that_was_never_answered_says_so() -> None:
    """With the call that brought nothing, so that it is counted for its model."""
    desk = Desk()
    desk.release(tries=2)
    desk.clock.now += timedelta(minutes=5)
    desk.runtime.answers = [
        Unanswered("timeout", may_have_run=True, execution=Execution("a", None, timedelta(70)))
    ]

    exchange = desk.answer().exchange

    assert exchange is not None
    assert exchange.response.status == 424
    assert exchange.error is not None and "SageMaker did not answer: timeout" in exchange.error
    assert exchange.response.execution is not None


def test_an_answer_that_could_not_be_kept_is_no_answer() -> None:
    """Its caller never gets it."""
    desk = Desk()
    desk.release(tries=2)
    desk.clock.now += timedelta(minutes=5)
    desk.runtime.answers = [PREDICTION]

    def refuse(operation: str, is_done: bool) -> None:
        if operation == "payloads.put":
            raise AwsError("PutObject refused")

    desk.disturb = refuse
    exchange = desk.answer().exchange

    assert exchange is not None
    assert exchange.response.status == 424
    assert exchange.error is not None and "could not be kept" in exchange.error
    assert exchange.target_model == "a"


def test_a_lost_body_is_told() -> None:
    """It is empty, which it was not."""
    desk = Desk()
    request = desk.release()
    desk.payloads.stored.clear()

    exchange = desk.answer().exchange

    assert exchange is not None
    assert exchange.body == b""
    assert exchange.body_missing is not None and request.body_key in exchange.body_missing


def test_one_that_kills_whoever_answers_it_has_one_at_last() -> None:
    """Its error does not quote what the model has said before."""
    desk = Desk()
    desk.release(tries=3, reason=f"the model answered 500: {SECRET}")
    desk.clock.now += timedelta(minutes=5)

    outcome = desk.answer()

    assert outcome.fate is Fate.FAILED and outcome.exchange is not None
    assert outcome.exchange.error == "it was begun 3 times, and the last never ended"
    assert outcome.exchange.body == b"body 1"


def test_an_expired_one_has_one() -> None:
    """410, as its caller reads it."""
    desk = Desk()
    request = desk.release()
    desk.clock.now = request.expires_at

    outcome = desk.answer()

    assert outcome.fate is Fate.EXPIRED and outcome.exchange is not None
    assert (outcome.exchange.event_id, outcome.exchange.response.status) == (request.id, 410)


def test_an_end_that_somebody_else_has_written_is_not_ours() -> None:
    """Two who answer the same request make one exchange."""
    desk = Desk()
    request = desk.release()

    def take_over() -> None:
        there = desk.now(request)
        desk.records.stored["reviews", request.id] = replace(there, revision=there.revision + 1)

    desk.runtime.meanwhile = take_over
    outcome = desk.answer()

    assert (outcome.fate, outcome.exchange) == (Fate.LOST, None)
