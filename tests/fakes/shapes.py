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
    "fall_backs",
    "running_config",
    "is_fallen_back",
    "failures",
    "idle_timeout_seconds",
    "delay_cost_seconds",
    "min_up_seconds",
    "max_up_seconds",
    "schedule",
    "blackout",
    "policy",
    "owner",
    "spent",
    "principals",
    "hold_until",
    "suspended_at",
    "suspended_by",
    "kept_down",
    "last_request_at",
    "demand_by",
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
    for field in (
        "failure_reason",
        "endpoint_config",
        "running_config",
        "problem",
        "policy",
        "owner",
        "suspended_by",
        "demand_by",
    ):
        if endpoint[field] is not None:
            _check_text(endpoint[field])
    for field in ("status_since", "hold_until", "suspended_at", "last_request_at", "next_at"):
        _check_moment(endpoint[field])
    for field in (
        "idle_timeout_seconds",
        "delay_cost_seconds",
        "min_up_seconds",
        "max_up_seconds",
        "expected_wake_seconds",
    ):
        assert endpoint[field] is None or type(endpoint[field]) is int
    assert endpoint["expected_wake_seconds"] is not None
    assert isinstance(endpoint["principals"], list)
    for principal in endpoint["principals"]:
        _check_text(principal)
    _check_life(endpoint)
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


def _check_life(endpoint: Any) -> None:
    """Hold what the rules of its life say against the contract."""
    for field in ("schedule", "blackout"):
        if (schedule := endpoint[field]) is not None:
            assert set(schedule) == {"text", "window", "next"}
            _check_text(schedule["text"])
            for window in (schedule["window"], schedule["next"]):
                if window is not None:
                    assert set(window) == {"begins_at", "ends_at"}
                    assert window["begins_at"] < window["ends_at"]
                    _check_moment(window["begins_at"])
                    _check_moment(window["ends_at"])
    spent = endpoint["spent"]
    assert set(spent) == {"month", "hours", "budget", "share", "estimate"}
    assert spent["hours"] >= 0
    assert (spent["budget"] is None) is (spent["estimate"] is None)
    if (kept_down := endpoint["kept_down"]) is not None:
        assert set(kept_down) == {"reason", "until"}
        _check_text(kept_down["reason"])
        _check_moment(kept_down["until"])
    assert isinstance(endpoint["fall_backs"], list)
    assert isinstance(endpoint["is_fallen_back"], bool)
    for failure in endpoint["failures"]:
        assert set(failure) == {"endpoint_config", "count", "kind", "reason", "at", "retry_at"}
        assert failure["count"] > 0
        _check_text(failure["reason"])
        _check_moment(failure["at"])
        _check_moment(failure["retry_at"])


def check_dry_run(tried: Any) -> None:
    """Hold the answer to a dry-run against the contract."""
    assert set(tried) == {
        "endpoint",
        "at",
        "action",
        "rule",
        "reason",
        "endpoint_config",
        "next_look_at",
        "rules",
        "notes",
    }
    assert tried["action"] in set(Action)
    assert tried["rule"] in set(Rule)
    _check_text(tried["reason"])
    for field in ("at", "next_look_at"):
        _check_moment(tried[field])
    for note in tried["notes"]:
        _check_text(note)
    for rule in tried["rules"]:
        assert set(rule) == {"rule", "applies", "reason", "changes_at"}
        assert rule["rule"] in set(Rule)
        assert not rule["applies"] or rule["reason"]
        _check_moment(rule["changes_at"])


def check_decisions(page: Any) -> None:
    """Hold a page of decisions against the contract."""
    assert set(page) == {"endpoint", "decisions", "before"}
    assert len(page["decisions"]) <= 100
    for decision in page["decisions"]:
        _check_decision(decision)
    _check_moment(page["before"])


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
