"""`control` by HTTP: each route, and every body held against the contract."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dormouse.domain.endpoint import EndpointStatus
from tests.fakes.shapes import check_decisions, check_dry_run, check_endpoint
from tests.fakes.world import config
from tests.handlers.conftest import Handlers, golden
from tests.handlers.control_api import accepted, answered, event, refused

SERVING = EndpointStatus.IN_SERVICE


def test_the_list(handlers: Handlers) -> None:
    """Sorted by name, without decisions."""
    handlers.world.catalog.configs.append(config("reviews", idle_timeout="soon"))
    handlers.world.endpoints.put("dormouse", SERVING)

    body = answered(handlers.control(golden("control-list.json")), 200)

    assert set(body) == {"endpoints"}
    for endpoint in body["endpoints"]:
        check_endpoint(endpoint, with_decisions=False)
    assert [(e["name"], e["state"]) for e in body["endpoints"]] == [
        ("dormouse", "serving"),
        ("reviews", "asleep"),
    ]


def test_a_description(handlers: Handlers) -> None:
    """State, reason in words, what next, and the recent decisions."""
    handlers.reconcile(golden("reconcile-scheduled.json"))

    endpoint = answered(handlers.control(golden("control-describe.json")), 200)

    check_endpoint(endpoint, with_decisions=True)
    decision = {
        "at": "2026-02-16T09:00:00.000Z",
        "action": "stay down",
        "rule": "otherwise down",
        "reason": "it does not exist and nobody needs it",
        "until": None,
    }
    assert endpoint == {
        "name": "dormouse",
        "state": "asleep",
        "status": None,
        "status_since": None,
        "failure_reason": None,
        "endpoint_config": "dormouse-config",
        "fall_backs": [],
        "running_config": None,
        "is_fallen_back": False,
        "failures": [],
        "idle_timeout_seconds": 1380,
        "delay_cost_seconds": 900,
        "min_up_seconds": 0,
        "max_up_seconds": None,
        "schedule": None,
        "blackout": None,
        "policy": "break-even",
        "owner": None,
        "spent": {
            "month": "2026-02",
            "hours": 0.0,
            "budget": None,
            "share": None,
            "estimate": None,
        },
        "principals": ["123456789012"],
        "hold_until": None,
        "suspended_at": None,
        "suspended_by": None,
        "kept_down": None,
        "last_request_at": None,
        "demand_by": None,
        "warm_up": None,
        "waiting": None,
        "problem": None,
        "decision": decision,
        "next": "the next request, wake or hold starts it",
        "next_at": None,
        "expected_wake_seconds": 480,
        "decisions": [decision],
    }


def test_a_wake(handlers: Handlers) -> None:
    """Recorded when it answers; reconcile is nudged, and starts it."""
    endpoint = accepted(handlers, golden("control-wake.json"))

    assert endpoint["last_request_at"] == "2026-02-16T09:00:00.000Z"
    assert handlers.world.nudge.sent == ["dormouse"]
    assert handlers.table.read("dormouse").has_unmet_demand
    handlers.reconcile(golden("reconcile-nudge.json"))
    assert len(handlers.world.endpoints.create_calls) == 1


def test_a_wake_for_a_time(handlers: Handlers) -> None:
    """Held so long."""
    endpoint = accepted(handlers, golden("control-wake-for.json"))

    assert endpoint["hold_until"] == "2026-02-16T11:00:00.000Z"


def test_a_hold_until_a_moment(handlers: Handlers) -> None:
    """As the golden event says it, a day before."""
    handlers.clock.now = datetime(2026, 11, 22, 16, 25, 49, tzinfo=UTC)
    endpoint = accepted(handlers, golden("control-hold.json"))

    assert endpoint["hold_until"] == "2026-11-23T18:00:00.000Z"


def test_a_release(handlers: Handlers) -> None:
    """The hold is gone."""
    accepted(handlers, golden("control-wake-for.json"))
    endpoint = accepted(handlers, golden("control-release.json"))

    assert endpoint["hold_until"] is None


def test_a_sleep(handlers: Handlers) -> None:
    """The hold is gone, and the next tick stops it."""
    handlers.world.endpoints.put("dormouse", SERVING)
    accepted(handlers, golden("control-wake-for.json"))
    endpoint = accepted(handlers, golden("control-sleep.json"))

    assert endpoint["hold_until"] is None
    handlers.reconcile(golden("reconcile-nudge.json"))
    assert handlers.world.endpoints.deleted == ["dormouse"]


def test_a_suspension_and_its_end(handlers: Handlers) -> None:
    """It beats a hold, which counts again after that."""
    handlers.world.endpoints.put("dormouse", SERVING)
    accepted(handlers, golden("control-wake-for.json"))
    endpoint = accepted(handlers, golden("control-suspend.json"))

    assert endpoint["suspended_at"] == "2026-02-16T09:00:00.000Z"
    assert endpoint["suspended_by"] == "arn:aws:iam::123456789012:user/jo"
    assert endpoint["kept_down"]["until"] is None
    assert endpoint["hold_until"] == "2026-02-16T11:00:00.000Z"
    handlers.reconcile(golden("reconcile-nudge.json"))
    assert handlers.world.endpoints.deleted == ["dormouse"]

    handlers.world.endpoints.vanish("dormouse")
    endpoint = accepted(handlers, golden("control-resume.json"))
    assert endpoint["suspended_at"] is endpoint["kept_down"] is None
    handlers.reconcile(golden("reconcile-nudge.json"))
    assert len(handlers.world.endpoints.create_calls) == 1


def test_a_dry_run(handlers: Handlers) -> None:
    """Now, and at a moment to come; it writes and starts nothing."""
    handlers.clock.now = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
    schedule = "Mon-Fri 08:00-18:00 Europe/Berlin"
    handlers.world.catalog.configs[:] = [config("dormouse", schedule=schedule)]

    then = answered(handlers.control(golden("control-plan.json")), 200)
    check_dry_run(then)
    assert then["at"] == "2026-11-24T08:00:00.000Z"
    assert (then["action"], then["rule"]) == ("start", "keep-up window")
    assert then["endpoint_config"] == "dormouse-config"
    now = answered(handlers.control(event("GET", "/endpoints/dormouse/plan")), 200)
    check_dry_run(now)
    assert (now["at"], now["action"]) == ("2026-11-24T06:00:00.000Z", "stay down")
    assert now["notes"] == []
    assert handlers.table.read_all() == {}
    assert not handlers.world.endpoints.create_calls


def test_the_decisions(handlers: Handlers) -> None:
    """Page by page, by the moment that the page before has named."""
    for _ in range(2):
        handlers.world.endpoints.put("dormouse", SERVING)
        handlers.reconcile(golden("reconcile-scheduled.json"))
        handlers.clock.advance(minutes=1)
        handlers.world.endpoints.vanish("dormouse")
        handlers.reconcile(golden("reconcile-scheduled.json"))
        handlers.clock.advance(minutes=1)

    def page(query: dict[str, str]) -> Any:
        sent = event("GET", "/endpoints/dormouse/decisions", queryStringParameters=query)
        found = answered(handlers.control(sent), 200)
        check_decisions(found)
        return found

    whole = page({})
    assert [each["action"] for each in whole["decisions"]] == ["stay down", "stay up"] * 2
    assert whole["before"] is None
    first = page({"limit": "3"})
    assert first["decisions"] == whole["decisions"][:3]
    rest = page({"limit": "3", "before": first["before"]})
    assert rest["decisions"] == whole["decisions"][3:]
    golden_page = answered(handlers.control(golden("control-decisions.json")), 200)
    assert golden_page["decisions"] == whole["decisions"]


def test_the_same_intent_twice_is_no_error(handlers: Handlers) -> None:
    """Whoever has no answer asks again."""
    twice = ("suspend", "suspend", "resume", "resume")
    for name in ("wake", "wake-for", "release", "release", "sleep", "sleep", *twice):
        accepted(handlers, golden(f"control-{name}.json"))


@pytest.mark.parametrize("verb", ["wake", "hold", "release", "sleep", "suspend", "resume"])
@pytest.mark.parametrize("body", [None, "", "{}"])
def test_an_empty_body(handlers: Handlers, verb: str, body: str | None) -> None:
    """Is none; only a hold needs one."""
    sent = event("POST", f"/endpoints/dormouse/{verb}", body)
    if verb == "hold":
        detail = refused(handlers, sent, 400, "Bad Request")
        assert detail == 'a hold takes either "for", such as "2h", or "until"'
    else:
        accepted(handlers, sent)


def test_a_body_in_base64(handlers: Handlers) -> None:
    """API Gateway sends one so whose content type is not JSON's: curl's own, say."""
    body = base64.b64encode(b'{"for": "2h"}').decode()
    sent = event("POST", "/endpoints/dormouse/wake", body, isBase64Encoded=True)

    assert accepted(handlers, sent)["hold_until"] == "2026-02-16T11:00:00.000Z"


def test_an_intent_is_logged_with_the_requests_id(handlers: Handlers) -> None:
    """And with the endpoint; the nudge carries the id into the log of the tick."""
    accepted(handlers, golden("control-wake-for.json"))

    (line,) = [line for line in handlers.logged("INFO") if line["message"] == "intent"]
    assert line["endpoint"] == "dormouse"
    assert "Hold" in line["intent"]
    assert line["correlation_id"] == "Xr4qLgYhliAEPaA="


def test_each_state_by_http(handlers: Handlers) -> None:
    """From asleep to asleep, each answer of the contract's shape."""
    handlers.world.endpoints.create_takes = timedelta(minutes=8)
    states = []

    def describe() -> None:
        endpoint = answered(handlers.control(golden("control-describe.json")), 200)
        check_endpoint(endpoint, with_decisions=True)
        states.append((endpoint["state"], endpoint["next"]))

    describe()
    accepted(handlers, golden("control-wake.json"))
    for minutes in (0, 0.5, 8, 0.5, 30, 0.5, 1):
        handlers.clock.advance(minutes=minutes)
        handlers.reconcile(golden("reconcile-scheduled.json"))
        describe()

    judged = "it may stop then, unless it is used before"
    ticks = "it is looked at again with each tick"
    starts = "the next request, wake or hold starts it"
    assert states == [
        ("asleep", "it is looked at with the next tick, within a minute"),
        ("waking", "SageMaker creates it"),
        ("waking", ticks),
        ("serving", judged),
        ("serving", judged),
        ("stopping", f"SageMaker deletes it; {starts} again"),
        ("stopping", ticks),
        ("asleep", starts),
    ]


def test_the_log_says_who_asked(handlers: Handlers, caplog: pytest.LogCaptureFixture) -> None:
    """By the ARN that API Gateway has verified."""
    accepted(handlers, golden("control-sleep.json"))

    (record,) = [record for record in caplog.records if record.message == "intent"]
    assert record.__dict__["principal"] == "arn:aws:iam::123456789012:user/jo"
