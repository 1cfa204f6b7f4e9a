"""Invoking our own functions: the nudge, an event that is sent on, and a tick with its outcome."""

import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from dormouse.adapters.invocations import AsynchronousInvocation, ReconcileNudge, ReconcileTick
from dormouse.domain.intent import Tick, parse_tick
from dormouse.domain.removal import TickReport
from dormouse.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


@pytest.fixture
def client() -> "LambdaClient":
    """A real client, which is kept from the network."""
    return boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture
def stub(client: "LambdaClient") -> Iterator[Stubber]:
    """Every call of the client is expected."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answer(payload: bytes, **more: Any) -> dict[str, Any]:
    """Build Lambda's answer."""
    return {"Payload": StreamingBody(io.BytesIO(payload), len(payload)), **more}


def test_a_nudge_is_an_event_that_reconcile_understands(
    stub: Stubber, client: "LambdaClient"
) -> None:
    """Asynchronous, for one endpoint."""
    payload = b'{"action": "reconcile", "endpoint": "reviews", "id": "request-1"}'
    stub.add_response(
        "invoke",
        answer(b"", StatusCode=202),
        {"FunctionName": "reconcile", "InvocationType": "Event", "Payload": payload},
    )

    ReconcileNudge(client, "reconcile")("reviews", "request-1")

    assert parse_tick(json.loads(payload)) == Tick("reviews")


def test_an_event_is_sent_on_as_it_is(stub: Stubber, client: "LambdaClient") -> None:
    """To any function, without waiting."""
    event = {"RequestType": "Delete", "ResourceProperties": {"é": [1, None]}}
    stub.add_response(
        "invoke",
        answer(b"", StatusCode=202),
        {
            "FunctionName": "cleanup",
            "InvocationType": "Event",
            "Payload": json.dumps(event).encode(),
        },
    )

    AsynchronousInvocation(client)("cleanup", event)


def test_what_is_not_accepted_is_an_error(stub: Stubber, client: "LambdaClient") -> None:
    """Of our own."""
    for send in (
        lambda: ReconcileNudge(client, "reconcile")("reviews", "request-1"),
        lambda: AsynchronousInvocation(client)("cleanup", {}),
        ReconcileTick(client, "reconcile"),
    ):
        stub.add_client_error("invoke", "TooManyRequestsException", "Rate exceeded")
        with pytest.raises(AwsError, match="Invoke refused: TooManyRequestsException"):
            send()


def report(*entries: dict[str, Any], complete: bool = True) -> bytes:
    """Write what reconcile's handler returns."""
    return json.dumps({"complete": complete, "endpoints": entries}).encode()


def entry(endpoint: str, action: str, problem: str | None = None) -> dict[str, Any]:
    """Write one of its entries."""
    return {
        "endpoint": endpoint,
        "action": action,
        "rule": "removal",
        "reason": f"the reason of {endpoint}",
        "next_look_at": None,
        "problem": problem,
    }


@pytest.mark.parametrize("complete", [True, False])
def test_a_whole_tick_is_waited_for_and_read(
    stub: Stubber, client: "LambdaClient", complete: bool
) -> None:
    """For every endpoint; a problem counts for more than the reason."""
    payload = report(
        entry("a", "stop"), entry("b", "wait", "DescribeEndpoint failed"), complete=complete
    )
    stub.add_response(
        "invoke",
        answer(payload, StatusCode=200),
        {
            "FunctionName": "reconcile",
            "InvocationType": "RequestResponse",
            "Payload": b'{"action": "reconcile"}',
        },
    )

    assert ReconcileTick(client, "reconcile")() == TickReport(
        is_complete=complete,
        actions={"a": "stop", "b": "wait"},
        reasons={"a": "the reason of a", "b": "DescribeEndpoint failed"},
    )


def test_a_tick_that_fails_is_an_error_that_quotes_it(
    stub: Stubber, client: "LambdaClient"
) -> None:
    """Lambda answers 200, with the exception as the payload."""
    payload = b'{"errorMessage": "the environment variable X is not set"}'
    stub.add_response("invoke", answer(payload, StatusCode=200, FunctionError="Unhandled"))

    with pytest.raises(AwsError, match=r"reconcile failed: .*variable X is not set"):
        ReconcileTick(client, "reconcile")()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"done"',
        b"not json",
        b'{"complete": true}',
        b'{"complete": true, "endpoints": null}',
        b'{"complete": true, "endpoints": [{}]}',
        b'{"complete": true, "endpoints": ["reviews"]}',
        b'{"complete": true, "endpoints": [{"endpoint": "a", "action": "stop"}]}',
        b'{"endpoints": []}',
    ],
)
def test_an_answer_of_another_form_is_an_error(
    stub: Stubber, client: "LambdaClient", payload: bytes
) -> None:
    """That of another version, say: it must not read as if nothing were left."""
    stub.add_response("invoke", answer(payload, StatusCode=200))

    with pytest.raises(AwsError, match="reconcile answered "):
        ReconcileTick(client, "reconcile")()


def test_a_tick_that_is_not_answered_is_an_error(
    client: "LambdaClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    """What became of it is not known."""

    def invoke(**_: object) -> None:
        raise ConnectTimeoutError(endpoint_url="https://lambda")

    monkeypatch.setattr(client, "invoke", invoke)
    with pytest.raises(AwsError, match="Invoke failed: Connect timeout"):
        ReconcileTick(client, "reconcile")()
