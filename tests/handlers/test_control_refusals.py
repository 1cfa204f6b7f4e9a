"""`control` by HTTP: what it refuses, each as a problem that says why."""

import base64

import pytest

from tests.fakes.shapes import check_endpoint
from tests.fakes.world import config
from tests.handlers.conftest import Handlers, golden
from tests.handlers.control_api import answered, event, refused


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
    assert handlers.table.read_all() == {}
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
    assert handlers.table.read_all() == {}


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
    ("method", "path"),
    [
        ("POST", "/endpoints/dormouse/sleep"),
        ("GET", "/endpoints/dormouse"),
        ("GET", "/endpoints"),
        ("GET", "/endpoints/dormouse/requests"),
        ("POST", "/endpoints/dormouse/replay"),
        ("POST", "/endpoints/dormouse/suspend"),
        ("GET", "/endpoints/dormouse/plan"),
        ("GET", "/endpoints/dormouse/decisions"),
    ],
)
def test_a_path_counts_by_its_own_route_only(handlers: Handlers, method: str, path: str) -> None:
    """IAM let it in by the catch-all, or as a wake: an encoded slash did not count then."""
    for route in ("$default", "POST /endpoints/{name}/wake"):
        refused(handlers, event(method, path, routeKey=route), 404, "Not Found")
    ledger = handlers.world.state.read("dormouse")
    assert ledger.slept_at is ledger.suspended_at is None


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/endpoints", "GET"),
        ("DELETE", "/endpoints/dormouse", "GET"),
        ("PUT", "/endpoints/dormouse", "GET"),
        ("GET", "/endpoints/dormouse/wake", "POST"),
        ("DELETE", "/endpoints/dormouse/hold", "POST"),
        ("PATCH", "/endpoints/dormouse/sleep", "POST"),
        ("GET", "/endpoints/dormouse/replay", "POST"),
        ("POST", "/endpoints/dormouse/requests", "GET"),
        ("GET", "/endpoints/dormouse/suspend", "POST"),
        ("PUT", "/endpoints/dormouse/resume", "POST"),
        ("POST", "/endpoints/dormouse/plan", "GET"),
        ("DELETE", "/endpoints/dormouse/decisions", "GET"),
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


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("plan", {"at": "tomorrow"}, "at must be a time with its zone"),
        ("plan", {"at": "2026-02-16T08:00:00Z"}, "must not have passed"),
        ("plan", {"in": "2h"}, "'in' is not known here: at is"),
        ("decisions", {"limit": "101"}, "limit must be a whole number from 1 to 100, not '101'"),
        ("decisions", {"before": "now"}, "before must be a time with its zone"),
        ("decisions", {"after": "x"}, "'after' is not known here: before and limit are"),
    ],
)
def test_a_bad_query_is_a_400(
    handlers: Handlers, path: str, query: dict[str, str], words: str
) -> None:
    """It names the member."""
    sent = event("GET", f"/endpoints/dormouse/{path}", queryStringParameters=query)
    assert words in refused(handlers, sent, 400, "Bad Request")


@pytest.mark.parametrize("verb", ["wake", "release", "sleep", "suspend", "resume"])
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
