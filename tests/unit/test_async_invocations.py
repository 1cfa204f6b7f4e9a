"""InvokeEndpointAsync before multi-model endpoints."""

from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from dormouse.domain.invocation import BODY_LIMIT_BYTES, InvocationResponse
from dormouse.domain.ledger import Decision
from dormouse.domain.parked_request import Kind, Status
from dormouse.domain.principals import Caller
from dormouse.domain.work import AnswerNext
from dormouse.errors import AwsError
from dormouse.handled import Fate
from tests.fakes.front_door import BASE, FrontDoor, members, message

MODEL = {"custom-attributes": "TargetModel=m"}
LOCATION = "s3://bucket/in/a.json"


@pytest.fixture
def door() -> FrontDoor:
    """A front door before an endpoint that sleeps, with an input in S3."""
    door = FrontDoor()
    door.know()
    door.locations.objects[LOCATION] = (b"[7]", "application/json")
    return door


def test_the_input_is_read_before_it_is_accepted(door: FrontDoor) -> None:
    """Whatever becomes of the object afterwards."""
    handled = door.invoke_async(
        {**MODEL, "inputlocation": LOCATION, "content-type": "application/json"}
    )

    (one,) = door.parked
    token = one.id.partition(".")[2]
    assert (handled.response.status, handled.fate) == (202, Fate.PARKED)
    assert members(handled) == {"InferenceId": token}
    assert handled.response.headers["x-amzn-sagemaker-outputlocation"] == (
        f"s3://requests/output/reviews/{token}.out"
    )
    assert handled.response.headers["x-amzn-sagemaker-failurelocation"] == (
        f"s3://requests/output/reviews/{token}.failure"
    )
    assert handled.response.headers["location"] == f"{BASE}/requests/{one.id}"
    assert (one.kind, one.status, one.inference_id, one.input_location) == (
        Kind.ASYNC_INVOCATION,
        Status.PARKED,
        token,
        LOCATION,
    )
    assert one.target_model == "m"
    assert door.payloads.stored[one.body_key] == (b"[7]", "application/json")
    assert door.nudge.sent == ["reviews"]


def test_a_body_works_as_well(door: FrontDoor) -> None:
    """And where the result goes can be chosen."""
    handled = door.invoke_async(
        {
            **MODEL,
            "s3outputpathextension": "daily/1",
            "filename": "a.json",
            "requestttlseconds": "90",
            "inference-id": "mine",
        },
        body=b"[8]",
    )

    (one,) = door.parked
    assert members(handled) == {"InferenceId": "mine"}
    assert one.output_location == "s3://requests/output/reviews/daily/1/a.json"
    assert one.failure_location == "s3://requests/output/reviews/daily/1/a.json.failure"
    assert one.expires_at == door.clock() + timedelta(seconds=90)
    assert door.payloads.stored[one.body_key][0] == b"[8]"


def test_a_serving_endpoint_answers_at_once(door: FrontDoor) -> None:
    """By `drain`, without a nudge."""
    door.serve()

    door.invoke_async(MODEL, body=b"[8]")

    assert [one.status for one in door.parked] == [Status.RELEASED]
    assert door.work.sent == [AnswerNext("reviews", "m")]
    assert (door.nudge.sent, door.runtime.requests) == ([], [])


def test_the_same_inference_id_is_the_same_request(door: FrontDoor) -> None:
    """Though its input is gone by now; another one under it is a conflict."""
    named = {**MODEL, "inputlocation": LOCATION, "inference-id": "mine"}
    first = door.invoke_async(named)
    door.locations.objects.clear()

    again = door.invoke_async(named)
    other = door.invoke_async({**named, "inputlocation": "s3://bucket/b"})

    assert again.response == first.response
    assert other.response.status == 409
    assert len(door.parked) == 1


def test_a_repetition_by_the_sdk_is_the_same_request(door: FrontDoor) -> None:
    """boto3 sends again what it had no answer to in time, under the same name of its own."""
    first = door.invoke_async(MODEL, body=b"[8]", sdk_name="0b3f")

    again = door.invoke_async(MODEL, body=b"[8]", sdk_name="0b3f")
    other = door.invoke_async(MODEL, body=b"[8]", sdk_name="77aa")

    assert again.response == first.response
    assert other.response != first.response
    assert len(door.parked) == 2


def test_its_result_can_be_asked_for_as_well(door: FrontDoor) -> None:
    """By the id in the answer's Location."""
    door.invoke_async(MODEL, body=b"[8]")
    (one,) = door.parked
    door.answer(one)

    assert door.ask(one.id).response.body == b"[1]"


@pytest.mark.parametrize(
    ("own", "status", "says"),
    [
        ({"inputlocation": "s3://bucket/none"}, 400, "there is no object"),
        ({"inputlocation": "s3://another/a"}, 403, "may not be read"),
        ({"inputlocation": "s3://bucket/large"}, 413, "more than"),
        ({"inputlocation": "https://bucket/a"}, 400, "X-Amzn-SageMaker-InputLocation"),
        ({}, 400, "neither is there"),
        ({"inputlocation": LOCATION, "custom-attributes": "x"}, 400, "which model is meant"),
        ({"inputlocation": LOCATION, "requestttlseconds": "1"}, 400, "RequestTTLSeconds"),
    ],
)
def test_what_can_not_be_obeyed_is_not_kept(
    door: FrontDoor, own: dict[str, str], status: int, says: str
) -> None:
    """An error of HTTP's own kind, and nothing stored."""
    door.locations.objects["s3://bucket/large"] = (b"x" * (BODY_LIMIT_BYTES + 1), "")

    handled = door.invoke_async({**MODEL, **own})

    assert handled.response.status == status
    assert handled.fate in (Fate.REFUSED, Fate.DENIED)
    assert says in message(handled)
    assert door.is_untouched()


def test_an_unknown_endpoint_is_what_sagemaker_says() -> None:
    """ValidationError, and nothing is fetched or stored."""
    door = FrontDoor()
    door.catalog.configs = []

    handled = door.invoke_async({**MODEL, "inputlocation": "s3://another/a"})

    assert (handled.response.status, handled.fate) == (400, Fate.UNKNOWN_ENDPOINT)
    assert message(handled) == "Endpoint reviews of account 123456789012 not found."
    assert door.is_untouched()


def test_an_endpoint_before_its_first_tick_takes_requests() -> None:
    """Its tags say that it is managed."""
    door = FrontDoor()

    assert door.invoke_async(MODEL, body=b"[1]").fate is Fate.PARKED


def test_a_refused_endpoint_takes_none(door: FrontDoor) -> None:
    """Nobody would start it."""
    door.know(Decision("wait", "refused", "left as it is, since its tag is bad"))

    handled = door.invoke_async(MODEL, body=b"[1]")

    assert (handled.response.status, handled.fate) == (503, Fate.UNDECIDED)
    assert "can't be started: it is left as it is" in message(handled)
    assert door.is_untouched()


def test_who_is_not_listed_is_denied(door: FrontDoor) -> None:
    """As before every path."""
    stranger = Caller("arn:aws:iam::210987654321:user/jo", "210987654321")

    assert door.invoke_async(MODEL, stranger, body=b"[1]").fate is Fate.DENIED
    assert door.is_untouched()


def test_an_input_that_can_not_be_read_now_is_worth_another_try(door: FrontDoor) -> None:
    """503."""

    def fail(operation: str, is_done: bool) -> None:
        raise AwsError("GetObject failed: timeout")

    door.locations.disturb = fail
    handled = door.invoke_async({**MODEL, "inputlocation": LOCATION})

    assert (handled.response.status, handled.problems) == (503, ("GetObject failed: timeout",))
    assert door.is_untouched()


def _text(value: Any) -> str:
    """Read a header as botocore has it, which its stubs don't say."""
    return value.decode() if isinstance(value, bytes) else str(value)


class Response(AWSResponse):
    """An answer that was read already."""

    def __init__(self, url: str, response: InvocationResponse) -> None:
        super().__init__(url, response.status, HTTPHeaders.from_dict(dict(response.headers)), None)
        self._content = response.body


def test_boto3_reads_the_answer(door: FrontDoor) -> None:
    """As that of SageMaker, from its own request."""
    client = boto3.client("sagemaker-runtime")

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        prefix = "x-amzn-sagemaker-"
        own = {
            name.lower().removeprefix(prefix): _text(value)
            for name, value in request.headers.items()
            if name.lower().startswith(prefix)
        }
        return Response(request.url, door.invoke_async(own).response)

    # Its stubs know no handler that answers.
    hook: Any = answer
    client.meta.events.register("before-send.sagemaker-runtime.InvokeEndpointAsync", hook)
    told = client.invoke_endpoint_async(
        EndpointName="reviews",
        InputLocation=LOCATION,
        CustomAttributes="TargetModel=m",
        InferenceId="mine",
        ContentType="application/json",
        RequestTTLSeconds=600,
    )

    (one,) = door.parked
    assert told["InferenceId"] == "mine"
    assert told["OutputLocation"] == one.output_location
    assert told["FailureLocation"] == one.failure_location
    assert one.headers["content-type"] == "application/json"
    assert one.expires_at == door.clock() + timedelta(minutes=10)


def test_the_records_headers_are_those_of_the_invocation(door: FrontDoor) -> None:
    """Which is what `drain` sends."""
    door.invoke_async({**MODEL, "accept": "text/csv", "session-id": "s"}, body=b"[8]")
    (one,) = door.parked

    assert one.headers == {
        "accept": "text/csv",
        "x-amzn-sagemaker-custom-attributes": "TargetModel=m",
        "x-amzn-sagemaker-session-id": "s",
        "x-amzn-sagemaker-target-model": "m",
    }
