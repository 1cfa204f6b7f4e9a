"""Each file in events/ is what its name says, and the function understands it."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dormouse.domain.intent import Hold, Intent, Tick, Wake, parse_intent, parse_tick
from dormouse.function_url import Refused, read_request
from tests.template.cloudformation import REPOSITORY, properties, resolve

EVENTS = REPOSITORY / "events"
TICKS = {
    "reconcile-scheduled.json": Tick(),
    "reconcile-nudge.json": Tick("dormouse"),
    "reconcile-endpoint-state-change.json": Tick("dormouse"),
}
INTENTS: dict[str, Intent] = {
    "control-direct-wake.json": Wake("dormouse"),
    "control-scheduled-wake.json": Hold("dormouse", timedelta(hours=10)),
    "reconcile-wake.json": Wake("dormouse"),
    "reconcile-wake-for.json": Hold("dormouse", timedelta(hours=2)),
}
# Content type, target model, and whether Lambda hands the body over in base64.
INVOCATIONS = {
    "invoke-json.json": ("application/json", "sentiment-tiny.tar.gz", False),
    "invoke-jsonlines.json": ("application/jsonlines", "topic-tiny.tar.gz", True),
    "invoke-binary.json": ("application/x-npy", "embedding.tar.gz", True),
}
REFUSALS = {"invoke-unknown-path.json": 404}


def event(name: str) -> Any:
    return json.loads((EVENTS / name).read_text(encoding="utf-8"))


def test_every_event_has_its_test() -> None:
    """An example that no test reads would rot."""
    assert {path.name for path in EVENTS.iterdir()} == {*TICKS, *INTENTS, *INVOCATIONS, *REFUSALS}


@pytest.mark.parametrize("name", TICKS)
def test_what_makes_a_tick(name: str) -> None:
    """The schedule, a nudge and EventBridge."""
    assert parse_tick(event(name)) == TICKS[name]


@pytest.mark.parametrize("name", INTENTS)
def test_what_is_asked_by_direct_invocation(name: str) -> None:
    """By hand, or by a cron schedule; it is no tick."""
    assert parse_tick(event(name)) is None
    assert parse_intent(event(name)) == INTENTS[name]


def test_the_scheduled_events_are_what_the_schedules_send() -> None:
    """The template and the examples say the same."""
    tick = properties("ReconcileFunction")["Events"]["Tick"]["Properties"]
    assert json.loads(tick["Input"]) == event("reconcile-scheduled.json")
    wake = resolve(properties("WakeSchedule")["Target"]["Input"], {"WakeFor": "10h"})
    assert json.loads(wake) == event("control-scheduled-wake.json")


def test_the_state_change_matches_the_rule() -> None:
    """EventBridge would deliver it, and it is formed like one of SageMaker's."""
    change = event("reconcile-endpoint-state-change.json")
    events = properties("ReconcileFunction")["Events"]
    pattern = events["EndpointChanged"]["Properties"]["Pattern"]
    assert all(change[field] in values for field, values in pattern.items())
    detail = change["detail"]
    assert detail["EndpointArn"] == (
        f"arn:aws:sagemaker:{change['region']}:{change['account']}:endpoint/{detail['EndpointName']}"
    )
    assert detail["EndpointArn"] == detail["EndpointArn"].lower()
    assert change["resources"] == [detail["EndpointArn"]]
    assert detail["EndpointStatus"].isupper()
    assert detail["CreationTime"] < detail["LastModifiedTime"]
    modified = datetime.fromtimestamp(detail["LastModifiedTime"] / 1000, UTC)
    assert modified == datetime.fromisoformat(change["time"])


@pytest.mark.parametrize("name", [*INVOCATIONS, *REFUSALS])
def test_an_invocation_is_formed_as_a_function_url_forms_it(name: str) -> None:
    """Payload format 2.0 behind AWS_IAM; the parts that say the same thing twice agree."""
    request = event(name)
    context = request["requestContext"]
    assert request["version"] == "2.0"
    assert request["routeKey"] == context["routeKey"] == context["stage"] == "$default"
    assert request["rawPath"] == context["http"]["path"]
    assert context["http"]["sourceIp"] == request["headers"]["x-forwarded-for"]
    assert context["http"]["userAgent"] == request["headers"]["user-agent"]
    assert context["domainName"] == request["headers"]["host"]
    assert context["domainName"].split(".")[0] == context["apiId"] == context["domainPrefix"]
    assert list(request["headers"]) == sorted(name.lower() for name in request["headers"])
    caller = context["authorizer"]["iam"]
    assert caller["accountId"] == context["accountId"] == caller["userArn"].split(":")[4]
    moment = datetime.fromtimestamp(context["timeEpoch"] / 1000, UTC)
    assert datetime.strptime(context["time"], "%d/%b/%Y:%H:%M:%S %z") == moment
    assert request["headers"]["x-amz-date"] == moment.strftime("%Y%m%dT%H%M%SZ")
    body = request["body"]
    raw = base64.b64decode(body, validate=True) if request["isBase64Encoded"] else body.encode()
    assert len(raw) == int(request["headers"]["content-length"])


@pytest.mark.parametrize("name", INVOCATIONS)
def test_what_invoke_is_asked(name: str) -> None:
    """The endpoint, the model, the caller and the body, byte for byte."""
    content_type, model, encoded = INVOCATIONS[name]
    request = read_request(event(name))
    assert request.endpoint == "dormouse"
    assert request.target_model == model
    assert request.runtime_headers["content-type"] == content_type
    assert request.caller.account == "123456789012"
    assert request.caller.arn == "arn:aws:sts::123456789012:assumed-role/search-api/search-api"
    assert event(name)["isBase64Encoded"] is encoded


def test_the_bodies() -> None:
    """Text stays text, lines stay lines, and what is no text survives."""
    assert json.loads(read_request(event("invoke-json.json")).body)["inputs"].count("é") == 1
    lines = read_request(event("invoke-jsonlines.json")).body.splitlines()
    assert [list(json.loads(line)) for line in lines] == [["inputs"], ["inputs"]]
    body = read_request(event("invoke-binary.json")).body
    assert body.startswith(b"\x93NUMPY\x01\x00")
    with pytest.raises(UnicodeDecodeError):
        body.decode()


@pytest.mark.parametrize("name", REFUSALS)
def test_what_invoke_refuses(name: str) -> None:
    """The runtime protocol has one path."""
    with pytest.raises(Refused) as refused:
        read_request(event(name))
    assert refused.value.response.status == REFUSALS[name]
