"""`control` by HTTP: the requests that wait for an endpoint, and replaying those that failed."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dormouse.domain.parked_request import Kind, ParkedRequest, Status
from tests.fakes.clock import FakeClock
from tests.fakes.shapes import check_endpoint, check_request
from tests.handlers.conftest import Handlers, golden
from tests.handlers.control_api import answered, event, refused

REQUEST = ParkedRequest(
    endpoint="dormouse",
    id=f"dormouse.{1:032x}",
    kind=Kind.RESPOND_ASYNC,
    status=Status.PARKED,
    principal="arn:aws:iam::123456789012:user/jo",
    headers={"x-amzn-sagemaker-target-model": "sentiment.tar.gz"},
    body_key="body",
    accepted_at=FakeClock().now,
    expires_at=FakeClock().now + timedelta(hours=6),
    fingerprint="f",
)
FAILED = replace(REQUEST, status=Status.FAILED, tries=3, reason="the model failed")


def asked(handlers: Handlers, body: str | None = None) -> Any:
    """Replay, and read what became of it."""
    sent = event("POST", "/endpoints/dormouse/replay", body)
    return answered(handlers.control(sent), 202)


def test_the_requests_that_wait(handlers: Handlers) -> None:
    """Each as the contract has it; and the endpoint says how many there are."""
    handlers.world.records.create(REQUEST)
    now = handlers.clock()
    handlers.table.raise_demand("dormouse", now, now, has_requests=True)

    listed = answered(handlers.control(event("GET", "/endpoints/dormouse/requests")), 200)
    endpoint = answered(handlers.control(golden("control-describe.json")), 200)

    (request,) = listed["requests"]
    check_request(request)
    assert (request["id"], request["model"]) == (REQUEST.id, "sentiment.tar.gz")
    check_endpoint(endpoint, with_decisions=True)
    assert endpoint["waiting"] == {
        "parked": 1,
        "released": 0,
        "oldest_at": "2026-02-16T09:00:00.000Z",
    }


def test_nothing_waits(handlers: Handlers) -> None:
    """An empty list is one."""
    listed = answered(handlers.control(event("GET", "/endpoints/dormouse/requests")), 200)

    assert listed == {"requests": []}


def test_a_replay_of_all(handlers: Handlers, caplog: pytest.LogCaptureFixture) -> None:
    """They wait once more when it answers; the log says who asked for it."""
    handlers.world.records.create(FAILED)
    handlers.world.letters.send(FAILED)

    assert asked(handlers) == {"replayed": 1, "left": 0, "skipped": [], "complete": True}

    assert handlers.table.read("dormouse").has_unmet_demand
    assert handlers.world.nudge.sent == ["dormouse"]
    (record,) = [record for record in caplog.records if record.message == "replay"]
    assert record.__dict__["principal"] == "arn:aws:iam::123456789012:user/jo"
    assert record.__dict__["replayed"] == (FAILED.id,)


def test_a_replay_of_some(handlers: Handlers) -> None:
    """By their ids; of those that can't be, it says why."""
    handlers.world.records.create(FAILED)
    nobody = f"dormouse.{2:032x}"

    assert asked(handlers, json.dumps({"requests": [FAILED.id, nobody]})) == {
        "replayed": 1,
        "left": 0,
        "skipped": [{"id": nobody, "reason": "there is no such request of dormouse"}],
        "complete": True,
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("all", "the body is not JSON"),
        ("[]", "the body must be a JSON object, not list"),
        ('{"requests": "all"}', '"requests" must be a list of 1 to 100 ids'),
        ('{"requests": ["1"]}', "and '1' is none"),
        ('{"ids": []}', "'ids' is not known here: requests is"),
    ],
)
def test_a_bad_body_is_a_400_that_names_the_part(handlers: Handlers, body: str, words: str) -> None:
    """And nothing is replayed."""
    handlers.world.records.create(FAILED)
    handlers.world.letters.send(FAILED)

    sent = event("POST", "/endpoints/dormouse/replay", body)
    assert words in refused(handlers, sent, 400, "Bad Request")
    assert len(handlers.world.letters.receive()) == 1


@pytest.mark.parametrize(("method", "what"), [("GET", "requests"), ("POST", "replay")])
def test_what_is_not_managed_is_a_404(handlers: Handlers, method: str, what: str) -> None:
    """As everywhere."""
    sent = event(method, f"/endpoints/reviews/{what}")

    assert "dormouse:endpoint=reviews" in refused(handlers, sent, 404, "Not Found")


@pytest.mark.parametrize(("method", "what"), [("GET", "requests"), ("POST", "replay")])
def test_what_can_t_be_read_is_a_503(handlers: Handlers, method: str, what: str) -> None:
    """With the call."""
    handlers.world.catalog.unreadable = "GetResources refused: throttled"
    sent = event(method, f"/endpoints/dormouse/{what}")

    assert refused(handlers, sent, 503, "Service Unavailable") == "GetResources refused: throttled"
