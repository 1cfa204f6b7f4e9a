"""How the end of a request is told."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from dormouse.domain.parked_request import Kind, ParkedRequest, Result, Status
from dormouse.domain.work import Publish
from dormouse.errors import AwsError
from dormouse.publishing import Told
from tests.fakes.draining import FAILURE, OUTPUT, TOPIC, Desk

DONE = Told(is_published=True)
NOBODY = {"output_location": None, "failure_location": None, "completion_topic": None}


@pytest.fixture
def desk() -> Desk:
    """Fresh stand-ins."""
    return Desk()


def ended(desk: Desk, status: Status, **fields: object) -> ParkedRequest:
    """Let a request have ended five seconds after it was accepted."""
    request = desk.release()
    fields = {
        "status": status,
        "finished_at": request.accepted_at + timedelta(seconds=5),
        "output_location": OUTPUT,
        "failure_location": FAILURE,
        "completion_topic": TOPIC,
        **fields,
    }
    return desk.release(**fields)  # type: ignore[arg-type]  # the fields of a request


def answered(desk: Desk, **fields: object) -> ParkedRequest:
    """Let a request have been answered."""
    result = Result(200, {"content-type": "text/csv"}, "result")
    desk.payloads.stored["result"] = (b"1,2", "text/csv")
    return ended(desk, Status.ANSWERED, result=result, **fields)


def publish(desk: Desk, request: ParkedRequest) -> Told:
    """Carry out an order to tell how a request has ended."""
    return desk.publishing.publish(Publish(request.endpoint, request.id))


def refuse(desk: Desk, operation: str) -> None:
    """Let AWS refuse an operation from now on."""

    def disturb(happening: str, is_done: bool) -> None:
        if happening == operation and not is_done:
            raise AwsError(f"{operation} refused")

    desk.disturb = disturb


def test_an_output_is_where_it_was_announced(desk: Desk) -> None:
    """The model's own bytes, then the message, in SageMaker's own format."""
    request = answered(
        desk,
        inference_id="inference-1",
        input_location="s3://bucket/1.csv",
        headers={
            "accept": "text/csv",
            "content-type": "text/plain",
            "x-amzn-sagemaker-custom-attributes": "trace=1",
            "x-amzn-sagemaker-target-model": "a",
        },
    )

    assert publish(desk, request) == DONE

    assert desk.locations.objects == {OUTPUT: (b"1,2", "text/csv")}
    ((topic, message),) = desk.notifications.published
    assert topic == TOPIC
    assert json.loads(message) == {
        "awsRegion": "us-east-1",
        "eventTime": "2026-02-16T09:00:06.000Z",
        "receivedTime": "2026-02-16T09:00:01.000Z",
        "invocationStatus": "Completed",
        "requestParameters": {
            "accept": "text/csv",
            "contentType": "text/plain",
            "customAttributes": "trace=1",
            "endpointName": "reviews",
            "inputLocation": "s3://bucket/1.csv",
        },
        "responseParameters": {"contentType": "text/csv", "outputLocation": OUTPUT},
        "inferenceId": "inference-1",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
        "dormouse": {"requestId": request.id, "status": "answered", "targetModel": "a"},
    }
    assert desk.dead_letters.letters == []
    assert desk.now(request).is_published


def test_a_failure_is_told_everywhere(desk: Desk) -> None:
    """In the place of the output, to the topic, and as a dead letter."""
    desk.payloads.stored["result"] = (b'{"Message": "no"}', "application/json")
    request = ended(
        desk,
        Status.FAILED,
        reason="SageMaker answered 400 ValidationError: no",
        result=Result(400, {"content-type": "application/json"}, "result"),
    )

    assert publish(desk, request) == DONE

    body, content_type = desk.locations.objects[FAILURE]
    assert content_type == "application/json"
    assert json.loads(body) == {
        "endpointName": "reviews",
        "targetModel": "a",
        "inferenceId": request.id,
        "status": "failed",
        "failureReason": "SageMaker answered 400 ValidationError: no",
        "failureTime": "2026-02-16T09:00:06.000Z",
        "response": {
            "statusCode": 400,
            "contentType": "application/json",
            "body": '{"Message": "no"}',
        },
    }
    message = json.loads(desk.notifications.published[0][1])
    assert message["invocationStatus"] == "Failed"
    assert message["failureReason"] == "SageMaker answered 400 ValidationError: no"
    assert message["responseParameters"] == {"failureLocation": FAILURE}
    assert message["inferenceId"] == request.id
    assert OUTPUT not in desk.locations.objects
    assert desk.dead_letters.reasons == ["SageMaker answered 400 ValidationError: no"]
    assert desk.now(request).is_published


def test_what_has_expired_is_told_as_a_failure_without_a_dead_letter(desk: Desk) -> None:
    """Nothing is wrong with it."""
    request = ended(desk, Status.EXPIRED, reason="it was not answered in time")

    told = publish(desk, request)

    assert replace(told, exchange=None) == DONE
    document = json.loads(desk.locations.objects[FAILURE][0])
    assert (document["status"], document["failureReason"]) == (
        "expired",
        "it was not answered in time",
    )
    assert "response" not in document
    assert json.loads(desk.notifications.published[0][1])["invocationStatus"] == "Failed"
    assert desk.dead_letters.letters == []


@pytest.mark.parametrize("way", [{}, NOBODY])
def test_what_has_expired_is_told_to_the_capture_once(desk: Desk, way: dict[str, None]) -> None:
    """Also where nobody else is to know: whoever has ended it may be `reconcile`, or its caller."""
    request = ended(desk, Status.EXPIRED, reason="it was not answered in time", **way)

    exchange = publish(desk, request).exchange

    assert exchange is not None
    assert (exchange.event_id, exchange.body) == (request.id, b"body 1")
    assert (exchange.response.status, exchange.error) == (410, "it was not answered in time")
    assert exchange.waited == timedelta(seconds=5)
    assert publish(desk, request) == DONE


def test_what_has_expired_and_cannot_be_told_yet_is_captured_when_it_is(desk: Desk) -> None:
    """Else each try would be an exchange."""
    request = ended(desk, Status.EXPIRED, reason="it was not answered in time")
    refuse(desk, "notifications.publish")
    assert publish(desk, request).exchange is None

    desk.disturb = lambda operation, is_done: None
    assert publish(desk, request).exchange is not None


def test_a_failure_that_nobody_asked_about_is_a_dead_letter_all_the_same(desk: Desk) -> None:
    """So that an operator finds it."""
    request = ended(desk, Status.FAILED, reason="no", **NOBODY)

    assert publish(desk, request) == DONE

    assert (desk.locations.objects, desk.notifications.published) == ({}, [])
    assert [letter.request_id for letter in desk.dead_letters.letters] == [request.id]


def test_a_topic_alone_is_told(desk: Desk) -> None:
    """Its request has no place in S3: the result is asked for at the door, by the id."""
    request = answered(desk, output_location=None, failure_location=None)

    assert publish(desk, request) == DONE

    assert desk.locations.objects == {}
    message = json.loads(desk.notifications.published[0][1])
    assert message["responseParameters"] == {"contentType": "text/csv"}
    assert message["dormouse"]["requestId"] == request.id


def test_what_is_told_again_is_the_same(desk: Desk) -> None:
    """Whoever was cut off before he noted it has told it."""
    request = answered(desk)
    publish(desk, request)
    desk.clock.advance(minutes=5)
    desk.records.stored["reviews", request.id] = request

    assert publish(desk, request) == DONE

    first, second = desk.notifications.published
    assert first == second


@pytest.mark.parametrize(
    "request_fields",
    [
        {"status": Status.RELEASED},
        {"status": Status.CANCELLED},
        {"status": Status.ANSWERED, "is_published": True},
        {"status": Status.ANSWERED, "output_location": None, "completion_topic": None},
        {**NOBODY, "status": Status.FAILED, "kind": Kind.HELD},
    ],
)
def test_nothing_is_told_that_nobody_wants_to_know(
    desk: Desk, request_fields: dict[str, object]
) -> None:
    """Or not any more, or not yet: orders may come late, and twice. Who was held knows already."""
    request = replace(answered(desk), **request_fields)  # type: ignore[arg-type]  # its fields
    desk.records.stored["reviews", request.id] = request

    assert publish(desk, request) == DONE

    assert (desk.locations.objects, desk.notifications.published) == ({}, [])
    assert desk.now(request) == request


def test_one_that_is_gone_is_told_no_more(desk: Desk) -> None:
    """It was purged."""
    assert desk.publishing.publish(Publish("reviews", "reviews.0")) == DONE


@pytest.mark.parametrize("operation", ["locations.write", "notifications.publish"])
def test_what_cannot_be_told_is_left_for_later(desk: Desk, operation: str) -> None:
    """And what comes after it too, so that it is not told again each time."""
    request = ended(desk, Status.FAILED, reason="no")
    refuse(desk, operation)

    told = publish(desk, request)

    assert not told.is_published
    assert told.problems == (f"it can't be told how {request.id} has ended: {operation} refused",)
    assert desk.dead_letters.letters == []
    assert not desk.now(request).is_published


def test_what_cannot_be_told_for_long_is_left_out(desk: Desk) -> None:
    """The dead letter comes, though the topic is gone."""
    request = ended(desk, Status.FAILED, reason="no")
    refuse(desk, "notifications.publish")
    desk.clock.advance(hours=2)

    told = publish(desk, request)

    assert told.is_published
    assert len(told.problems) == 1
    assert [letter.request_id for letter in desk.dead_letters.letters] == [request.id]
    assert desk.now(request).is_published


def test_no_topic_hears_of_an_output_that_is_not_there(desk: Desk) -> None:
    """Even when no more is tried."""
    request = answered(desk)
    del desk.payloads.stored["result"]

    assert not publish(desk, request).is_published
    desk.clock.advance(hours=2)
    told = publish(desk, request)

    assert told.is_published
    assert told.problems == (
        f"it can't be told how {request.id} has ended: there is no object result",
    )
    assert desk.notifications.published == []


def test_who_replays_it_meanwhile_wins(desk: Desk) -> None:
    """It will end anew, and that is told then."""
    request = ended(desk, Status.FAILED, reason="no")

    def replay(operation: str, is_done: bool) -> None:
        if operation == "dead letters.send" and is_done:
            again = replace(request, status=Status.PARKED, revision=request.revision + 1)
            desk.records.stored["reviews", request.id] = again

    desk.disturb = replay

    assert publish(desk, request) == DONE
    assert desk.now(request).status is Status.PARKED
    assert not desk.now(request).is_published
