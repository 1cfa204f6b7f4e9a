"""`control` by direct or scheduled invocation: the same intents, the same answer, or an error."""

import json
from typing import Any

import pytest

from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.intent import IntentError
from dormouse.errors import AwsError, RefusedEndpointError, UnmanagedEndpointError
from tests.fakes.shapes import check_endpoint
from tests.fakes.world import config
from tests.handlers.conftest import Handlers, golden


def carried_out(handlers: Handlers, event: Any) -> Any:
    """Invoke it; hold the answer, which is the Endpoint itself, against the contract."""
    endpoint = json.loads(json.dumps(handlers.control(event)))
    check_endpoint(endpoint, with_decisions=True)
    return endpoint


def test_the_wake_of_an_operator(handlers: Handlers) -> None:
    """Without a duration: as one request."""
    endpoint = carried_out(handlers, golden("control-direct-wake.json"))

    assert endpoint["last_request_at"] == "2026-02-16T09:00:00.000Z"
    assert endpoint["hold_until"] is None
    assert handlers.world.nudge.sent == ["dormouse"]


def test_the_wake_of_a_schedule(handlers: Handlers) -> None:
    """For the day's work; the same event is understood by reconcile."""
    endpoint = carried_out(handlers, golden("control-scheduled-wake.json"))

    assert endpoint["hold_until"] == "2026-02-16T19:00:00.000Z"
    assert endpoint["demand_by"] == "schedule"
    report = handlers.reconcile(golden("control-scheduled-wake.json"))
    assert report["endpoints"][0]["action"] == "start"


def test_every_intent(handlers: Handlers) -> None:
    """As by HTTP."""
    handlers.world.endpoints.put("dormouse", EndpointStatus.IN_SERVICE)
    held = "2026-02-16T11:00:00.000Z"
    for event, hold_until in (
        ({"action": "hold", "for": "2h"}, held),
        ({"action": "hold", "until": held}, held),
        ({"action": "release"}, None),
        ({"action": "wake", "for": "2h"}, held),
        ({"action": "sleep"}, None),
        ({"action": "suspend"}, None),
        ({"action": "resume"}, None),
    ):
        endpoint = carried_out(handlers, {**event, "endpoint": "dormouse"})
        assert endpoint["hold_until"] == hold_until
    assert handlers.table.read("dormouse").is_put_to_sleep
    assert handlers.world.nudge.sent == ["dormouse"] * 7


@pytest.mark.parametrize(
    ("event", "error", "words"),
    [
        (None, IntentError, "NoneType"),
        ([], IntentError, "list"),
        ("wake", IntentError, "str"),
        (
            {},
            IntentError,
            '"action" must be one of wake, hold, release, sleep, suspend, resume, not None',
        ),
        ({"action": "dance", "endpoint": "dormouse"}, IntentError, "'dance'"),
        ({"action": "reconcile"}, IntentError, "'reconcile'"),
        ({"action": "wake"}, IntentError, '"endpoint"'),
        ({"action": "wake", "endpoint": "dormouse", "for": "2d"}, IntentError, "'2d'"),
        ({"action": "wake", "endpoint": "dormouse", "by": ""}, IntentError, '"by"'),
        ({"action": "wake", "endpoint": "nobody"}, UnmanagedEndpointError, "nobody"),
        ({"action": "wake", "endpoint": "theirs"}, RefusedEndpointError, "other-stack"),
    ],
)
def test_what_cannot_be_done_fails_the_invocation(
    handlers: Handlers, event: object, error: type[Exception], words: str
) -> None:
    """Whoever invoked it sees why, and Lambda counts it; nothing is recorded."""
    handlers.world.catalog.configs.append(config("theirs", stack="other-stack"))
    with pytest.raises(error) as raised:
        handlers.control(event)
    assert words in str(raised.value)
    assert handlers.table.read_all() == {}
    assert handlers.world.nudge.sent == []


@pytest.mark.parametrize("fault", ["tags", "nudge"])
def test_what_cannot_be_reached_fails_the_invocation(handlers: Handlers, fault: str) -> None:
    """A schedule tries again."""
    if fault == "tags":
        handlers.world.catalog.unreadable = "throttled"
    else:
        handlers.world.nudge.fails_with = "throttled"
    with pytest.raises(AwsError, match="throttled"):
        handlers.control(golden("control-scheduled-wake.json"))
