"""`control` by HTTP: each route, each refusal, and every body held against the contract."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dormouse.domain.endpoint import EndpointStatus
from tests.fakes.shapes import check_endpoint, check_problem
from tests.fakes.world import config
from tests.handlers.conftest import Handlers, golden

SERVING = EndpointStatus.IN_SERVICE
ROUTES = (
    "GET /endpoints",
    "GET /endpoints/{name}",
    "POST /endpoints/{name}/wake",
    "POST /endpoints/{name}/hold",
    "POST /endpoints/{name}/release",
    "POST /endpoints/{name}/sleep",
)


def event(method: str, path: str, body: str | None = None, **more: Any) -> Any:
    """Send the golden request of another method, path or body, by the route that it has."""
    sent = golden("control-wake.json")
    sent |= {"routeKey": route_of(method, path), "rawPath": path, "body": body, **more}
    sent["requestContext"]["http"] |= {"method": method, "path": path}
    del sent["pathParameters"]
    return sent


def route_of(method: str, path: str) -> str:
    """The route that API Gateway chooses, in which a slash of the name's own does not count."""
    for route in ROUTES:
        if re.fullmatch(route.replace("{name}", "[^/]+"), f"{method} {path}"):
            return route
    return "$default"


def answered(answer: Any, status: int, content_type: str = "application/json") -> Any:
    """Hold an answer against its status and content type, and read its body."""
    assert answer["statusCode"] == status, answer["body"]
    headers = {**answer["headers"], **answer.get("multiValueHeaders", {})}
    assert {name.lower(): value for name, value in headers.items()} == {
        "content-type": content_type,
        "cache-control": "no-store",
        **({"allow": headers.get("allow")} if status == 405 else {}),
    }
    assert answer["isBase64Encoded"] is False
    return json.loads(answer["body"])


def accepted(handlers: Handlers, sent: Any) -> Any:
    """Send an intent that is accepted; return the Endpoint."""
    endpoint = answered(handlers.control(sent), 202)
    check_endpoint(endpoint, with_decisions=True)
    return endpoint


def refused(handlers: Handlers, sent: Any, status: int, title: str) -> str:
    """Send what is refused; return why."""
    body = answered(handlers.control(sent), status, "application/problem+json")
    return check_problem(body, status, title)


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
        "idle_timeout_seconds": 900,
        "principals": ["123456789012"],
        "hold_until": None,
        "last_request_at": None,
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


def test_the_same_intent_twice_is_no_error(handlers: Handlers) -> None:
    """Whoever has no answer asks again."""
    for name in ("wake", "wake-for", "release", "release", "sleep", "sleep"):
        accepted(handlers, golden(f"control-{name}.json"))


@pytest.mark.parametrize("verb", ["wake", "hold", "release", "sleep"])
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


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("for=2h", "the body is not JSON: Expecting value"),
        ('{"for": "2h"', "the body is not JSON"),
        ("[" * 100_000, "the body is not JSON"),
        ("null", "the body must be a JSON object, not NoneType"),
        ("[]", "the body must be a JSON object, not list"),
        ('"2h"', "the body must be a JSON object, not str"),
        ('{"for": 2}', '"for" must be a duration such as "2h", not 2'),
        ('{"for": "soon"}', "\"for\": 'soon' is not a duration"),
        ('{"for": "0s"}', "is out of range: from 1m to 168h is allowed"),
        ('{"for": "87600h"}', "is out of range: from 1m to 168h is allowed"),
        ('{"four": "2h"}', '"four" is not known here: for, until are'),
        ('{"until": "tonight"}', '"until" must be a time with its zone'),
        ('{"until": "2027-11-23T18:00:00Z"}', "must be from 1m to 168h from now"),
        ('{"for": "2h", "until": "2026-02-16T18:00:00Z"}', 'takes either "for"'),
        ('{"action": "sleep", "for": "2h"}', '"action" is not known here'),
    ],
)
def test_a_bad_body_is_a_400_that_names_the_part(handlers: Handlers, body: str, words: str) -> None:
    """And nothing is recorded."""
    sent = event("POST", "/endpoints/dormouse/hold", body)

    assert words in refused(handlers, sent, 400, "Bad Request")
    assert handlers.table.known_endpoints() == []
    assert handlers.world.nudge.sent == []


@pytest.mark.parametrize("body", ["a?b", "a", base64.b64encode(b"\xff\xfe{").decode()])
def test_bytes_that_are_no_text_are_a_400(handlers: Handlers, body: str) -> None:
    """Broken base64, and what is no UTF-8."""
    sent = event("POST", "/endpoints/dormouse/hold", body, isBase64Encoded=True)

    assert "the body is not JSON" in refused(handlers, sent, 400, "Bad Request")


@pytest.mark.parametrize("verb", ["", "/wake", "/release", "/sleep"])
def test_what_is_not_managed_is_a_404(handlers: Handlers, verb: str) -> None:
    """With the tag by which it would be."""
    sent = event("POST" if verb else "GET", f"/endpoints/reviews{verb}")

    assert refused(handlers, sent, 404, "Not Found") == (
        "no EndpointConfig is tagged dormouse:endpoint=reviews, so it is not managed here"
    )
    assert handlers.table.known_endpoints() == []


@pytest.mark.parametrize(
    "name",
    ["a_b", "-a", "x" * 64, "dor%6Douse", "a b", "dormouse%2Fwake", "naïve", "dormouse:removal"],
)
@pytest.mark.parametrize("verb", ["", "/wake"])
def test_what_is_no_name_is_a_404(handlers: Handlers, name: str, verb: str) -> None:
    """API Gateway has decoded the path: what is still encoded was encoded twice."""
    sent = event("POST" if verb else "GET", f"/endpoints/{name}{verb}")

    assert repr(name) in refused(handlers, sent, 404, "Not Found")
    assert handlers.world.catalog.asked == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/endpoints/"),
        ("GET", "/endpoint"),
        ("POST", "/endpoints/dormouse/dance"),
        ("POST", "/endpoints/dormouse/Wake"),
        ("POST", "/endpoints/dormouse/wake/now"),
        ("POST", "/endpoints//wake"),
        ("GET", "/endpoints/\U0001f987"),
        ("GET", '/endpoints/"x"'),
        ("POST", "/endpoints/dormouse/invocations"),
    ],
)
def test_an_unknown_path_is_a_404(handlers: Handlers, method: str, path: str) -> None:
    """As a problem, like everything else."""
    detail = refused(handlers, event(method, path), 404, "Not Found")

    assert detail == f"there is no {method} {path}"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/endpoints", "GET"),
        ("DELETE", "/endpoints/dormouse", "GET"),
        ("PUT", "/endpoints/dormouse", "GET"),
        ("GET", "/endpoints/dormouse/wake", "POST"),
        ("DELETE", "/endpoints/dormouse/hold", "POST"),
        ("PATCH", "/endpoints/dormouse/sleep", "POST"),
    ],
)
def test_a_wrong_method_is_a_405_that_names_the_right_one(
    handlers: Handlers, method: str, path: str, allowed: str
) -> None:
    """In the header that HTTP has for it, too."""
    sent = event(method, path)

    detail = refused(handlers, sent, 405, "Method Not Allowed")

    assert detail == f"{path} takes {allowed}, not {method}"
    assert handlers.control(sent)["headers"]["allow"] == allowed


@pytest.mark.parametrize("verb", ["wake", "release", "sleep"])
def test_what_is_refused_is_a_409_with_the_reason(handlers: Handlers, verb: str) -> None:
    """Somebody has to mend the tags, or ask the other deployment."""
    handlers.world.catalog.configs[:] = [
        config("reviews", principals="admin"),
        config("theirs", stack="other-stack"),
    ]
    for name, words in (("reviews", "'admin' is not the ARN"), ("theirs", "other-stack manages")):
        sent = event("POST", f"/endpoints/{name}/{verb}")
        assert words in refused(handlers, sent, 409, "Conflict")
        sent = event("GET", f"/endpoints/{name}")
        endpoint = answered(handlers.control(sent), 200)
        check_endpoint(endpoint, with_decisions=True)
        assert words in endpoint["problem"]


@pytest.mark.parametrize(
    ("fault", "sent", "recorded"),
    [
        ("tags", "control-list.json", False),
        ("tags", "control-describe.json", False),
        ("tags", "control-wake.json", False),
        ("sagemaker", "control-list.json", False),
        ("sagemaker", "control-describe.json", False),
        ("sagemaker", "control-wake.json", True),
        ("nudge", "control-wake.json", True),
    ],
)
def test_what_cannot_be_reached_is_a_503_with_the_call(
    handlers: Handlers, fault: str, sent: str, recorded: bool
) -> None:
    """Logged as an error; an intent that was recorded before stands."""
    why = "Call refused: ThrottlingException: Rate exceeded"
    if fault == "tags":
        handlers.world.catalog.unreadable = why
    elif fault == "sagemaker":
        handlers.world.endpoints.unreadable = why
    else:
        handlers.world.nudge.fails_with = why

    assert refused(handlers, golden(sent), 503, "Service Unavailable") == why
    (line,) = handlers.logged("ERROR")
    assert line["message"] == why
    assert handlers.table.read("dormouse").has_unmet_demand is recorded


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


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/endpoints/dormouse/sleep"),
        ("GET", "/endpoints/dormouse"),
        ("GET", "/endpoints"),
    ],
)
def test_a_path_counts_by_its_own_route_only(handlers: Handlers, method: str, path: str) -> None:
    """IAM let it in by the catch-all, or as a wake: an encoded slash did not count then."""
    for route in ("$default", "POST /endpoints/{name}/wake"):
        refused(handlers, event(method, path, routeKey=route), 404, "Not Found")
    assert handlers.world.state.read("dormouse").slept_at is None


def test_the_log_says_who_asked(handlers: Handlers, caplog: pytest.LogCaptureFixture) -> None:
    """By the ARN that API Gateway has verified."""
    accepted(handlers, golden("control-sleep.json"))

    (record,) = [record for record in caplog.records if record.message == "intent"]
    assert record.__dict__["principal"] == "arn:aws:iam::123456789012:user/jo"
