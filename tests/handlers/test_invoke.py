"""`invoke`: a Function URL's event in, the answer and its log and counters out."""

from dataclasses import replace
from decimal import Decimal

import pytest

from dormouse.domain.capture_policy import CapturePolicy
from dormouse.domain.invocation import InvocationResponse, NotServing, Unanswered
from dormouse.domain.terms import Terms
from dormouse.errors import AwsError
from dormouse.ports import Kept
from tests.fakes.captures import UNREACHABLE
from tests.fakes.front_door import ANSWER, STAY_UP, TOPIC
from tests.fakes.world import config
from tests.handlers.conftest import Handlers, golden


@pytest.fixture
def known(handlers: Handlers) -> Handlers:
    """The handlers, after `reconcile` has looked at the endpoint."""
    handlers.door.decide(STAY_UP, "dormouse")
    return handlers


@pytest.fixture
def cold(known: Handlers) -> Handlers:
    """The same, and it does not serve."""
    known.door.runtime.answer = NotServing(InvocationResponse(400, {}, b""))
    return known


@pytest.mark.parametrize(
    "file", ["invoke-json.json", "invoke-jsonlines.json", "invoke-binary.json"]
)
def test_an_invocation_is_forwarded_and_logged(known: Handlers, file: str) -> None:
    """One line with what a person would look for, and the request's id."""
    answer = known.invoke(golden(file))

    assert (answer["statusCode"], answer["body"]) == (200, "[1]")
    (log,) = [line for line in known.printed() if line.get("message") == "forwarded"]
    assert log["endpoint"] == "dormouse"
    assert log["target_model"].endswith(".tar.gz")
    assert log["principal"] == "arn:aws:sts::123456789012:assumed-role/search-api/search-api"
    assert log["correlation_id"]


def test_a_cold_request_is_a_503_with_retry_after(cold: Handlers) -> None:
    """And counted."""
    answer = cold.invoke(golden("invoke-json.json"))

    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"] == "480"
    assert cold.world.nudge.sent == ["dormouse"]
    assert cold.counts() == {"ColdRequests": 1, "Captured": 1}


def test_a_denial_is_a_403_that_is_logged_as_a_warning(handlers: Handlers) -> None:
    """With who, which endpoint and which model, for whoever looks into it."""
    handlers.world.catalog.configs[:] = [
        config("dormouse", principals="arn:aws:iam::123456789012:role/another")
    ]

    answer = handlers.invoke(golden("invoke-json.json"))

    assert answer["statusCode"] == 403
    assert answer["headers"]["x-amzn-errortype"] == "AccessDeniedException"
    (log,) = handlers.logged("WARNING")
    assert log["message"] == "denied"
    assert log["principal"] == "arn:aws:sts::123456789012:assumed-role/search-api/search-api"
    assert (log["endpoint"], log["status"]) == ("dormouse", 403)
    assert log["target_model"] == "sentiment-tiny.tar.gz"
    assert handlers.door.runtime.requests == []
    assert handlers.counts() == {"Denied": 1}


def test_the_listed_role_is_let_in(known: Handlers) -> None:
    """Named by its own ARN, called by its session's."""
    known.world.catalog.configs[:] = [
        config("dormouse", principals="arn:aws:iam::123456789012:role/services/search-api")
    ]

    assert known.invoke(golden("invoke-json.json"))["statusCode"] == 200


def test_a_caller_who_is_not_named_is_denied(handlers: Handlers) -> None:
    """A Function URL that was opened to everybody would send such events."""
    event = golden("invoke-json.json")
    del event["requestContext"]["authorizer"]

    assert handlers.invoke(event)["statusCode"] == 403
    assert handlers.counts() == {"Denied": 1}


def test_what_cannot_be_said_yet_is_counted_as_undecided(handlers: Handlers) -> None:
    """No denial: another try may succeed."""
    handlers.world.catalog.configs.clear()

    assert handlers.invoke(golden("invoke-json.json"))["statusCode"] == 503
    assert handlers.counts() == {"Undecided": 1}


def test_tags_that_cannot_be_read_are_a_problem_too(handlers: Handlers) -> None:
    """Logged as an error."""
    handlers.world.catalog.unreadable = "GetResources refused: Throttling"

    assert handlers.invoke(golden("invoke-json.json"))["statusCode"] == 503
    (log,) = handlers.logged("ERROR")
    assert log["message"] == "GetResources refused: Throttling"
    assert handlers.counts() == {"Undecided": 1, "Problems": 1}


def test_no_answer_is_counted_and_told(known: Handlers) -> None:
    """424, which boto3 does not repeat."""
    known.door.runtime.answer = Unanswered("read timeout", may_have_run=True)

    assert known.invoke(golden("invoke-json.json"))["statusCode"] == 424
    assert known.counts() == {"Unanswered": 1, "Problems": 1, "Captured": 1}


def test_another_path_is_a_404_before_anything_else(handlers: Handlers) -> None:
    """Nothing is forwarded, and nobody's permission asked for."""
    answer = handlers.invoke(golden("invoke-unknown-path.json"))

    assert answer["statusCode"] == 404
    assert handlers.door.runtime.requests == []
    assert handlers.world.catalog.asked == []
    assert handlers.counts() == {"Refused": 1}


def test_a_held_request_is_counted_with_how_long(cold: Handlers) -> None:
    """Its log says so too."""

    def wake(so_many: int) -> None:
        if so_many == 2:
            cold.door.runtime.answer = ANSWER
            state, now = cold.door.state, cold.clock()
            state.record_serving("dormouse", state.read("dormouse"), now, None, None)

    cold.door.on_pause = wake
    answer = cold.invoke(golden("invoke-wait.json"))

    assert (answer["statusCode"], answer["headers"]["preference-applied"]) == (200, "wait=30")
    (log,) = [line for line in cold.printed() if line.get("message") == "held and forwarded"]
    assert log["held_seconds"] == 2.5
    assert log["endpoint"] == "dormouse"


def test_waiting_in_vain_is_counted(cold: Handlers) -> None:
    """503, after all."""
    assert cold.invoke(golden("invoke-wait.json"))["statusCode"] == 503
    assert cold.counts() == {"WaitedInVain": 1, "Captured": 1}


def test_a_parked_request_can_be_asked_for_and_cancelled(cold: Handlers) -> None:
    """Under the address that it was given."""
    event = golden("invoke-respond-async.json")
    event["headers"]["dormouse-completion-topic"] = TOPIC

    answer = cold.invoke(event)

    assert answer["statusCode"] == 202
    (one,) = cold.door.parked
    base = event["requestContext"]["domainName"]
    assert answer["headers"]["location"] == f"https://{base}/requests/{one.id}"
    (log,) = [line for line in cold.printed() if line.get("message") == "parked"]
    assert log["request_id"] == one.id
    for file, status in (("invoke-ask.json", 202), ("invoke-cancel.json", 200)):
        assert cold.invoke({**golden(file), "rawPath": f"/requests/{one.id}"})["statusCode"] == (
            status
        )
    assert cold.counts() == {"Told": 1, "Cancelled": 1}


@pytest.mark.parametrize(
    ("file", "status"),
    [
        ("invoke-respond-async.json", 202),
        ("invoke-async-invocation.json", 202),
        ("invoke-wait.json", 503),
    ],
)
def test_a_request_that_finds_it_cold_is_demand_once(
    cold: Handlers, file: str, status: int
) -> None:
    """Whether it is kept, or held and refused; that it can't be noted is logged, and no more."""
    event = golden(file)
    event["headers"] |= {"dormouse-completion-topic": TOPIC}
    location = event["headers"].get("x-amzn-sagemaker-inputlocation", "s3://bucket/none")
    cold.door.locations.buckets = (location.removeprefix("s3://").partition("/")[0],)
    cold.door.locations.objects[location] = (b"{}", "application/json")

    assert cold.invoke(event)["statusCode"] == status

    assert sum(part.demand for part in cold.usage.parts.values()) == 1


def test_that_an_arrival_can_t_be_noted_is_logged_and_changes_no_answer(cold: Handlers) -> None:
    """Its caller has what he was promised."""

    def refuse(operation: str, is_done: bool) -> None:
        raise AwsError("BatchWriteItem was throttled")

    cold.usage.disturb = refuse
    event = golden("invoke-respond-async.json")
    event["headers"] |= {"dormouse-completion-topic": TOPIC}

    assert cold.invoke(event)["statusCode"] == 202

    (line,) = cold.logged("ERROR")
    assert line["message"] == "BatchWriteItem was throttled"
    assert cold.counts()["Problems"] == 1


def test_an_asynchronous_invocation_is_counted_as_parked(cold: Handlers) -> None:
    """Whether or not the endpoint serves."""
    event = golden("invoke-async-invocation.json")
    location = event["headers"].get("x-amzn-sagemaker-inputlocation", "s3://bucket/none")
    cold.door.locations.buckets = (location.removeprefix("s3://").partition("/")[0],)
    cold.door.locations.objects[location] = (b"{}", "application/json")

    assert cold.invoke(event)["statusCode"] == 202
    assert cold.counts() == {"Parked": 1}


def test_an_unknown_request_is_refused(handlers: Handlers) -> None:
    """404, and its caller is named in the log."""
    assert handlers.invoke(golden("invoke-ask.json"))["statusCode"] == 404
    (log,) = [line for line in handlers.printed() if line.get("message") == "refused"]
    assert log["principal"] == "arn:aws:sts::123456789012:assumed-role/search-api/search-api"


def test_a_malformed_prefer_is_refused_before_anything_else(handlers: Handlers) -> None:
    """400, and nobody's permission is asked for."""
    event = golden("invoke-wait.json")
    event["headers"]["prefer"] = "wait=soon"

    assert handlers.invoke(event)["statusCode"] == 400
    assert handlers.world.catalog.asked == []
    assert handlers.counts() == {"Refused": 1}


def test_the_log_says_what_the_capture_says(known: Handlers) -> None:
    """`dormouse logs` reads these fields, and finds the capture by the event's id."""
    event = golden("invoke-json.json")
    event["headers"]["x-amzn-sagemaker-inference-id"] = "order-7"

    known.invoke(event)

    (log,) = [line for line in known.printed() if line.get("message") == "forwarded"]
    (captured,) = known.captures.metadata
    assert log["event_id"] == captured["eventId"]
    assert log["inference_id"] == captured["inferenceId"] == "order-7"
    assert (log["way"], log["cold"], log["status"]) == ("direct", False, 200)
    assert log["latency_ms"] == captured["latencyMs"] == 0
    assert "error" not in log
    assert len(known.usage.parts) == 1


def test_a_capture_that_is_lost_is_counted_and_named_and_changes_no_answer(known: Handlers) -> None:
    """Whatever the fault is."""
    usual = known.invoke(golden("invoke-json.json"))
    known.counts()
    for fault in (UNREACHABLE, KeyError("a fault of our own")):
        known.captures.fault = fault

        assert known.invoke(golden("invoke-json.json")) == usual

        log = known.logged("ERROR")[-1]
        assert log["message"] == f"the capture of {log['event_id']} is lost: {fault}"
        assert known.counts() == {"Forwarded": 1, "CapturesLost": 1, "Problems": 1}


def test_a_capture_that_is_spilled_is_counted_apart(known: Handlers) -> None:
    """With why."""
    known.captures.kept = Kept(is_spilled=True, problems=("PutRecord failed: timeout",))

    known.invoke(golden("invoke-json.json"))

    (log,) = known.logged("ERROR")
    assert log["message"] == "PutRecord failed: timeout"
    assert known.counts() == {"Forwarded": 1, "CapturesSpilled": 1, "Problems": 1}


def test_what_is_not_sampled_is_counted_by_the_ledger_alone(known: Handlers) -> None:
    """Capture is the owner's to turn off; what models are used is known all the same."""
    off = Terms(capture=replace(CapturePolicy(), percent=Decimal(0)))
    known.door.state.record_terms("dormouse", off)

    known.invoke(golden("invoke-json.json"))

    assert known.captures.records == []
    assert len(known.usage.parts) == 1
    assert known.counts() == {"Forwarded": 1}
