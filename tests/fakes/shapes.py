"""The shapes of what the control API answers, held against every answer of the tests."""

import re
from typing import Any

from dormouse.domain.endpoint import EndpointStatus
from dormouse.domain.parked_request import Status
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule

# UTC, to the millisecond.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_STATES = {
    None: "asleep",
    "Creating": "waking",
    "InService": "serving",
    "Updating": "serving",
    "SystemUpdating": "serving",
    "RollingBack": "serving",
    "UpdateRollbackFailed": "serving",
    "Deleting": "stopping",
    "Failed": "failed",
    "OutOfService": "failed",
}
_FIELDS = {
    "name",
    "state",
    "status",
    "status_since",
    "failure_reason",
    "endpoint_config",
    "idle_timeout_seconds",
    "principals",
    "hold_until",
    "last_request_at",
    "warm_up",
    "waiting",
    "problem",
    "decision",
    "next",
    "next_at",
    "expected_wake_seconds",
}


def check_endpoint(endpoint: Any, *, with_decisions: bool) -> None:
    """Hold one Endpoint against the contract: no field more or less, each of its type."""
    assert set(endpoint) == _FIELDS | ({"decisions"} if with_decisions else set())
    # While it is closing it still serves, as SageMaker sees it.
    expected = _STATES[endpoint["status"]]
    assert endpoint["state"] in ({expected, "stopping"} if expected == "serving" else {expected})
    assert set(_STATES) == {None, *EndpointStatus}
    _check_text(endpoint["name"])
    for field in ("failure_reason", "endpoint_config", "problem"):
        if endpoint[field] is not None:
            _check_text(endpoint[field])
    for field in ("status_since", "hold_until", "last_request_at", "next_at"):
        _check_moment(endpoint[field])
    for field in ("idle_timeout_seconds", "expected_wake_seconds"):
        assert endpoint[field] is None or type(endpoint[field]) is int
    assert endpoint["expected_wake_seconds"] is not None
    assert isinstance(endpoint["principals"], list)
    for principal in endpoint["principals"]:
        _check_text(principal)
    # A clause, which a sentence is made of.
    _check_text(endpoint["next"])
    assert not endpoint["next"].endswith(".")
    if (warm_up := endpoint["warm_up"]) is not None:
        assert set(warm_up) == {"models", "invoked", "ended_at"}
        assert 0 <= warm_up["invoked"] <= warm_up["models"]
        _check_moment(warm_up["ended_at"])
    if (waiting := endpoint["waiting"]) is not None:
        assert set(waiting) == {"parked", "released", "oldest_at"}
        assert waiting["parked"] + waiting["released"] > 0
        assert waiting["oldest_at"] is not None
        _check_moment(waiting["oldest_at"])
    if endpoint["decision"] is not None:
        _check_decision(endpoint["decision"])
    if with_decisions:
        assert len(endpoint["decisions"]) <= 20
        for decision in endpoint["decisions"]:
            _check_decision(decision)
        moments = [decision["at"] for decision in endpoint["decisions"]]
        assert moments == sorted(moments, reverse=True)


def check_request(request: Any) -> None:
    """Hold one accepted request against the contract."""
    assert set(request) == {
        "id",
        "status",
        "model",
        "accepted_at",
        "expires_at",
        "tries",
        "reason",
        "principal",
    }
    assert request["status"] in set(Status)
    assert type(request["tries"]) is int
    for field in ("id", "principal"):
        _check_text(request[field])
    for field in ("model", "reason"):
        if request[field] is not None:
            _check_text(request[field])
    for field in ("accepted_at", "expires_at"):
        assert request[field] is not None
        _check_moment(request[field])


def check_problem(problem: Any, status: int, title: str) -> str:
    """Hold a problem against RFC 9457 and the contract; return its detail."""
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["type"] == "about:blank"
    assert (problem["status"], problem["title"]) == (status, title)
    _check_text(problem["detail"])
    detail: str = problem["detail"]
    return detail


def _check_decision(decision: Any) -> None:
    assert set(decision) == {"at", "action", "rule", "reason", "until"}
    assert decision["at"] is not None
    _check_moment(decision["at"])
    _check_moment(decision["until"])
    assert decision["action"] in set(Action)
    assert decision["rule"] in set(Rule)
    _check_text(decision["reason"])


def _check_moment(moment: Any) -> None:
    assert moment is None or _MOMENT.fullmatch(moment)


def _check_text(text: Any) -> None:
    assert isinstance(text, str)
    assert text.strip() == text != ""
    assert "\n" not in text
