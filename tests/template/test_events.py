"""Each file in events/ is what its name says, and the function understands it."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from dormouse.domain.alias import check_alias, read_target
from dormouse.domain.async_invocation import read_async_invocation
from dormouse.domain.call import Ask, Cancel, Invoke, InvokeAsync, completion_topic_of
from dormouse.domain.decision_page import Page, read_page
from dormouse.domain.dry_run import read_at
from dormouse.domain.ground_truth import read_ground_truth
from dormouse.domain.intent import (
    Hold,
    Intent,
    Release,
    Resume,
    Sleep,
    Suspend,
    Tick,
    Wake,
    parse_intent,
    parse_tick,
    read_asker,
    read_intent,
)
from dormouse.domain.invocation import InvocationRequest
from dormouse.domain.model_listing import View, read_view
from dormouse.domain.prefer import Preferences
from dormouse.domain.work import AnswerNext, LoadModel, Publish, Work, read_work
from dormouse.function_url import read_call
from dormouse.handlers.cleanup import PHYSICAL_ID
from dormouse.responses import Refused
from dormouse.waiting_requests import read_replay
from tests.template.cloudformation import ACCOUNT, REGION, properties, resolve
from tests.template.events import EVENTS, assert_well_formed, body_of, event

TICKS = {
    "reconcile-scheduled.json": Tick(),
    "reconcile-nudge.json": Tick("dormouse"),
    "reconcile-endpoint-state-change.json": Tick("dormouse"),
}
INTENTS: dict[str, Intent] = {
    "control-direct-wake.json": Wake("dormouse"),
    "control-direct-suspend.json": Suspend("dormouse"),
    "control-scheduled-wake.json": Hold("dormouse", timedelta(hours=10)),
    "reconcile-wake.json": Wake("dormouse"),
    "reconcile-wake-for.json": Hold("dormouse", timedelta(hours=2)),
}
# Content type, target model, and whether Lambda hands the body over in base64.
INVOCATIONS = {
    "invoke-json.json": ("application/json", "sentiment-tiny.tar.gz", False),
    "invoke-jsonlines.json": ("application/jsonlines", "topic-tiny.tar.gz", True),
    "invoke-binary.json": ("application/x-npy", "embedding.tar.gz", True),
    "invoke-alias.json": ("application/json", "sentiment@live", False),
}
# What is preferred where it is asleep, of RFC 7240's two.
PREFERENCES = {
    "invoke-json.json": Preferences(),
    "invoke-wait.json": Preferences(wait=timedelta(seconds=30)),
    "invoke-respond-async.json": Preferences(respond_async=True),
}
REQUEST_ID = "dormouse.5b0f6d2c9e7a41388f2b1c0d4e6a7b93"
LATER = {"invoke-ask.json": Ask, "invoke-cancel.json": Cancel}
ASYNC_INVOCATIONS = {"invoke-async-invocation.json"}
REFUSALS = {"invoke-unknown-path.json": 404}
# The route of the HTTP API, and what control is asked by it; None: to tell how things stand.
REQUESTS: dict[str, tuple[str, Intent | None]] = {
    "control-list.json": ("GET /endpoints", None),
    "control-describe.json": ("GET /endpoints/{name}", None),
    "control-wake.json": ("POST /endpoints/{name}/wake", Wake("dormouse")),
    "control-wake-for.json": (
        "POST /endpoints/{name}/wake",
        Hold("dormouse", timedelta(hours=2)),
    ),
    "control-hold.json": (
        "POST /endpoints/{name}/hold",
        Hold("dormouse", datetime(2026, 11, 23, 18, tzinfo=UTC)),
    ),
    "control-release.json": ("POST /endpoints/{name}/release", Release("dormouse")),
    "control-sleep.json": ("POST /endpoints/{name}/sleep", Sleep("dormouse")),
    "control-suspend.json": ("POST /endpoints/{name}/suspend", Suspend("dormouse")),
    "control-resume.json": ("POST /endpoints/{name}/resume", Resume("dormouse")),
    "control-plan.json": ("GET /endpoints/{name}/plan", None),
    "control-decisions.json": ("GET /endpoints/{name}/decisions", None),
    "control-requests.json": ("GET /endpoints/{name}/requests", None),
    "control-models.json": ("GET /endpoints/{name}/models", None),
    "control-upload-model.json": ("PUT /endpoints/{name}/models/{model+}", None),
    "control-retire-model.json": ("DELETE /endpoints/{name}/models/{model+}", None),
    "control-aliases.json": ("GET /endpoints/{name}/aliases", None),
    "control-remove-alias.json": ("DELETE /endpoints/{name}/aliases/{alias}", None),
}
# The same of a replay, and which requests are meant; None: all that have failed.
REPLAYS = {
    "control-replay.json": ("POST /endpoints/{name}/replay", None),
    "control-replay-one.json": ("POST /endpoints/{name}/replay", frozenset({REQUEST_ID})),
}
# What is told to control in a body, beside intents and replays.
TOLD = {
    "control-set-alias.json": "PUT /endpoints/{name}/aliases/{alias}",
    "control-ground-truth.json": "PUT /endpoints/{name}/ground-truth",
}
FRONT_DOOR = sorted({*INVOCATIONS, *PREFERENCES, *LATER, *ASYNC_INVOCATIONS, *REFUSALS})
ROUTES = {name: route for name, (route, _) in [*REQUESTS.items(), *REPLAYS.items()]} | TOLD
# What drain is told by its queue.
WORK: dict[str, type[Work]] = {
    "drain-answer-next.json": AnswerNext,
    "drain-load.json": LoadModel,
    "drain-publish.json": Publish,
}
# What CloudFormation asks of the custom resource.
CLEANUPS = {
    "cleanup-create.json": "Create",
    "cleanup-update.json": "Update",
    "cleanup-delete.json": "Delete",
}


def test_every_event_has_its_test() -> None:
    """An example that no test reads would rot."""
    tested = {*TICKS, *INTENTS, *FRONT_DOOR, *ROUTES, *WORK, *CLEANUPS}
    assert {path.name for path in EVENTS.iterdir()} == tested


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


@pytest.mark.parametrize("name", FRONT_DOOR)
def test_a_call_is_formed_as_a_function_url_forms_it(name: str) -> None:
    """Which has one route."""
    request = event(name)
    assert_well_formed(request)
    assert request["routeKey"] == "$default"
    assert ".lambda-url." in request["requestContext"]["domainName"]


def invocation(name: str) -> InvocationRequest:
    """The invocation that the front door is asked for."""
    call = read_call(event(name))
    assert isinstance(call, Invoke | InvokeAsync)
    assert call.base_url == f"https://{event(name)['requestContext']['domainName']}"
    return call.invocation


@pytest.mark.parametrize("name", INVOCATIONS)
def test_what_invoke_is_asked(name: str) -> None:
    """The endpoint, the model, the caller and the body, byte for byte."""
    content_type, model, encoded = INVOCATIONS[name]
    request = invocation(name)
    assert request.endpoint == "dormouse"
    assert request.target_model == model
    assert request.runtime_headers["content-type"] == content_type
    assert request.caller.account == "123456789012"
    assert request.caller.arn == "arn:aws:sts::123456789012:assumed-role/search-api/search-api"
    assert event(name)["isBase64Encoded"] is encoded


def test_the_bodies() -> None:
    """Text stays text, lines stay lines, and what is no text survives."""
    assert json.loads(invocation("invoke-json.json").body)["inputs"].count("é") == 1
    lines = invocation("invoke-jsonlines.json").body.splitlines()
    assert [list(json.loads(line)) for line in lines] == [["inputs"], ["inputs"]]
    body = invocation("invoke-binary.json").body
    assert body.startswith(b"\x93NUMPY\x01\x00")
    with pytest.raises(UnicodeDecodeError):
        body.decode()


@pytest.mark.parametrize("name", PREFERENCES)
def test_what_is_preferred_where_it_is_asleep(name: str) -> None:
    """To be held, to be answered later, or nothing."""
    call = read_call(event(name))
    assert isinstance(call, Invoke)
    assert call.preferences == PREFERENCES[name]
    topic = completion_topic_of(call.invocation.headers)
    assert (topic is not None) == call.preferences.respond_async


@pytest.mark.parametrize("name", LATER)
def test_what_is_asked_of_an_accepted_request(name: str) -> None:
    """How it stands, or that it be cancelled; by whoever sent it."""
    call = read_call(event(name))
    assert isinstance(call, Ask | Cancel)
    assert type(call) is LATER[name]
    assert call.request_id == REQUEST_ID
    assert call.caller.account == "123456789012"


@pytest.mark.parametrize("name", ASYNC_INVOCATIONS)
def test_what_an_asynchronous_invocation_asks(name: str) -> None:
    """The model in CustomAttributes, since boto3 has no other place for it; the input in S3."""
    request = invocation(name)
    asked = read_async_invocation(request.headers, has_body=bool(request.body))
    assert asked.headers["x-amzn-sagemaker-target-model"] == "sentiment-tiny.tar.gz"
    assert asked.input_location == "s3://inputs/reviews/1841.json"
    assert asked.inference_id == "review-1841"
    assert asked.time_to_live == timedelta(hours=1)


@pytest.mark.parametrize("name", REFUSALS)
def test_what_invoke_refuses(name: str) -> None:
    """The runtime protocol has one path."""
    with pytest.raises(Refused) as refused:
        read_call(event(name))
    assert refused.value.response.status == REFUSALS[name]


@pytest.mark.parametrize("name", ROUTES)
def test_a_request_is_formed_as_the_http_api_forms_it(name: str) -> None:
    """The template has the route, and the path is one of its paths."""
    request = event(name)
    route = ROUTES[name]
    assert_well_formed(request)
    assert request["routeKey"] == route
    method, path = route.split()
    assert (request["requestContext"]["http"]["method"], request["rawPath"]) == (
        method,
        # A name with a plus takes the rest of the path.
        path.replace("+}", "}").format(**request.get("pathParameters", {})),
    )
    routes = {
        f"{known.get('Method')} {known.get('Path')}"
        for known in (
            source["Properties"] for source in properties("ControlFunction")["Events"].values()
        )
    }
    assert route in routes
    assert f"/{REGION}/execute-api/aws4_request" in request["headers"]["authorization"]


@pytest.mark.parametrize("name", REQUESTS)
def test_what_control_is_asked_over_http(name: str) -> None:
    """By the verb at the end of the path, and by the body."""
    request = event(name)
    _, intent = REQUESTS[name]
    if intent is None:
        assert "body" not in request
        return
    verb = request["rawPath"].rpartition("/")[2]
    members = json.loads(body_of(request) or b"{}")
    assert read_intent(verb, request["pathParameters"]["name"], members) == intent


@pytest.mark.parametrize("name", REPLAYS)
def test_which_requests_are_replayed(name: str) -> None:
    """Those that the body names, or all."""
    _, ids = REPLAYS[name]
    assert read_replay(json.loads(body_of(event(name)) or b"{}")) == ids


def test_which_model_an_alias_is_to_stand_for() -> None:
    """The alias in the path, the model in the body; and whoever calls it names it as a model."""
    asked = event("control-set-alias.json")
    alias = asked["pathParameters"]["alias"]
    assert check_alias(alias) == invocation("invoke-alias.json").target_model == "sentiment@live"
    uploaded = event("control-upload-model.json")["pathParameters"]["model"]
    assert read_target(json.loads(body_of(asked))) == uploaded == "team/sentiment-2.tar.gz"


def test_what_is_wanted_of_a_listing() -> None:
    """The query says for how long back, and which models."""
    asked = event("control-models.json")
    query = dict(parse_qsl(asked["rawQueryString"]))
    assert query == asked["queryStringParameters"]
    assert read_view(query) == View(hours=168, unused_days=30)


def test_for_when_a_dry_run_is_asked() -> None:
    """The query says it."""
    asked = event("control-plan.json")
    query = dict(parse_qsl(asked["rawQueryString"]))
    assert query == asked["queryStringParameters"]
    at = datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert read_at(query, at - timedelta(hours=9)) == at


def test_which_page_of_decisions_is_wanted() -> None:
    """The query says how many, and before when."""
    asked = event("control-decisions.json")
    query = dict(parse_qsl(asked["rawQueryString"]))
    assert query == asked["queryStringParameters"]
    assert read_page(query) == Page(50, datetime(2026, 11, 22, 16, 25, 49, 120_000, UTC))


def test_who_asks_by_a_direct_invocation() -> None:
    """Whoever says so; a cron schedule does."""
    assert read_asker(event("control-direct-suspend.json")) == "on-call"
    assert read_asker(event("control-scheduled-wake.json")) == "schedule"


def test_what_was_right_is_told_by_either_id() -> None:
    """The caller's own, and the event's."""
    truths = read_ground_truth(json.loads(body_of(event("control-ground-truth.json"))))
    ids = [(truth.event_id, truth.is_inference_id) for truth in truths]
    sent = invocation("invoke-json.json").headers["x-amzn-sagemaker-inference-id"]
    assert ids == [(sent, True), ("5b0f6d2c-9e7a-4138-8f2b-1c0d4e6a7b93", False)]
    assert [truth.encoding for truth in truths] == ["CSV", "JSON"]


@pytest.mark.parametrize("name", WORK)
def test_what_drain_is_asked(name: str) -> None:
    """One message for each invocation, as Lambda takes it from the queue of the template."""
    [record] = event(name)["Records"]
    asked = read_work(json.loads(record["body"]))
    assert type(asked) is WORK[name]
    assert asked.endpoint == "dormouse"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(f":{ACCOUNT}:dormouse-WorkQueue")
    assert record["md5OfBody"] == hashlib.md5(record["body"].encode()).hexdigest()
    assert properties("DrainFunction")["Events"]["Work"]["Properties"]["BatchSize"] == 1


@pytest.mark.parametrize("name", CLEANUPS)
def test_a_cleanup_is_what_cloudformation_asks(name: str) -> None:
    """For the resource of the template, with its properties as text."""
    asked = event(name)
    assert asked["RequestType"] == CLEANUPS[name]
    assert asked["LogicalResourceId"] == "Cleanup"
    assert asked["ResourceType"] == "Custom::Cleanup"
    assert asked["StackId"].startswith(f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/dormouse/")
    assert asked["ServiceToken"] == asked["ResourceProperties"]["ServiceToken"]
    written = {**asked["ResourceProperties"], "ServiceToken": properties("Cleanup")["ServiceToken"]}
    assert written == properties("Cleanup")
    # A resource that does not exist yet has no id, and only an update has former properties.
    assert asked.get("PhysicalResourceId") == (
        None if name == "cleanup-create.json" else PHYSICAL_ID
    )
    assert ("OldResourceProperties" in asked) == (name == "cleanup-update.json")
