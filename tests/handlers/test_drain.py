"""`drain`: messages in, work done, its log and counters."""

import io
import json
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dormouse.capture_terms import CaptureTerms
from dormouse.domain.parked_request import ParkedRequest, Status
from dormouse.domain.terms import Terms
from dormouse.domain.work import AnswerNext, LoadModel, Publish, Work, write_work
from dormouse.errors import AwsError
from dormouse.recording import Recording
from dormouse.tallying import Tallying
from tests.fakes.captures import UNREACHABLE, FakeCaptures
from tests.fakes.draining import BROKEN, GONE, OUTPUT, REFUSED, TOPIC, Answer, Desk
from tests.fakes.requests import FakeUsageLedger
from tests.handlers.conftest import Context, golden

MODEL = "sentiment.tar.gz"
DONE: dict[str, Any] = {"batchItemFailures": []}


class DrainFunction:
    """The handler over stand-ins, whose endpoint is `dormouse`, and what it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        from dormouse.handlers import drain
        from dormouse.observability import logger

        # The logger took standard output when it was imported, before pytest replaced it.
        self.log = io.StringIO()
        monkeypatch.setattr(logger.registered_handler, "stream", self.log)
        self.capsys = capsys
        self.desk = Desk(endpoint="dormouse")
        warm_up = self.desk.ledger.warm_up
        assert warm_up is not None
        self.desk.change_ledger(warm_up=replace(warm_up, models=(MODEL,)))
        self.captures, self.usage = FakeCaptures(), FakeUsageLedger()
        self.desk.change_ledger(terms=Terms())
        tallying = Tallying(self.usage, self.desk.clock, "a container")
        for name, part in (
            ("drain", self.desk.drain),
            ("publishing", self.desk.publishing),
            ("warming", self.desk.warming),
            (
                "recording",
                Recording(self.captures, tallying.note, tallying.note_arrival, by_model=False),
            ),
            (
                "capture_terms",
                CaptureTerms(self.desk.state, self.desk.clock, timedelta(seconds=30)),
            ),
        ):
            monkeypatch.setattr(drain, name, lambda part=part: part)
        self.handler: Any = drain.handler
        self.lives_for = timedelta(seconds=150)

    def __call__(self, event: Any) -> Any:
        """Invoke it."""
        return self.handler(event, Context(self.desk.clock, self.desk.clock() + self.lives_for))

    def logged(self) -> list[dict[str, Any]]:
        """Read what was logged, except what every line has."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def counts(self) -> dict[str, float]:
        """Read the metrics that were printed since the last call, except what all have."""
        values: dict[str, float] = {}
        for line in map(json.loads, self.capsys.readouterr().out.splitlines()):
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
                # Neither endpoint nor model: each would cost.
                assert directive["Dimensions"] == [["service"]]
                for metric in directive["Metrics"]:
                    values[metric["Name"]] = sum(line[metric["Name"]])
        assert values.pop("Messages") >= 1
        return values


@pytest.fixture
def function(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> DrainFunction:
    """A fresh container."""
    return DrainFunction(capsys, monkeypatch)


def batch(*bodies: str | Work) -> dict[str, Any]:
    """Write an event with these messages, whose ids are 0, 1 and so on."""
    record = golden("drain-answer-next.json")["Records"][0]
    records = []
    for number, body in enumerate(bodies):
        text = body if isinstance(body, str) else json.dumps(write_work(body))
        records.append({**deepcopy(record), "messageId": str(number), "body": text})
    return {"Records": records}


def failed_messages(answer: Any) -> list[str]:
    """Read which messages are to come again."""
    assert set(answer) == {"batchItemFailures"}
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def test_an_order_to_answer_is_carried_out(function: DrainFunction) -> None:
    """The log says which request it was and how long it has waited."""
    request = function.desk.release(1, MODEL)
    function.desk.clock.now = request.accepted_at + timedelta(minutes=8)

    assert function(golden("drain-answer-next.json")) == DONE

    assert function.desk.now(request).status is Status.ANSWERED
    assert function.counts() == {"Answered": 1, "Captured": 1}
    (line,) = function.logged()
    assert line["message"] == "answered"
    assert {name: line[name] for name in ("endpoint", "target_model", "request", "tries")} == {
        "endpoint": "dormouse",
        "target_model": MODEL,
        "request": request.id,
        "tries": 1,
    }
    assert (line["status"], line["waited_seconds"]) == (200, 480)


def test_an_order_to_publish_is_carried_out(function: DrainFunction) -> None:
    """The topic hears of it."""
    request = function.desk.release(1, MODEL)
    end = replace(
        request,
        status=Status.EXPIRED,
        finished_at=function.desk.clock(),
        completion_topic=TOPIC,
    )
    function.desk.records.stored["dormouse", request.id] = end

    assert function(golden("drain-publish.json")) == DONE

    assert function.desk.now(request).is_published
    assert [line["message"] for line in function.logged()] == ["published"]
    assert function.counts() == {"Captured": 1}


def test_an_order_to_load_is_carried_out(function: DrainFunction) -> None:
    """The model is asked once."""
    assert function(golden("drain-load.json")) == DONE
    assert function(golden("drain-load.json")) == DONE

    assert [request.target_model for request in function.desk.runtime.requests] == [MODEL]
    assert [line["message"] for line in function.logged()] == ["warmed", "not needed"]
    assert function.counts() == {"Warmed": 1}


@pytest.mark.parametrize(
    ("answer", "message", "counted"),
    [
        (GONE, "parked again", {"ParkedAgain": 1}),
        (BROKEN, "tried", {}),
        (REFUSED, "failed", {"Failed": 1, "Captured": 1}),
    ],
)
def test_what_becomes_of_a_request_is_counted(
    function: DrainFunction, answer: Answer, message: str, counted: dict[str, float]
) -> None:
    """What only goes on is logged alone."""
    function.desk.release(1, MODEL)
    function.desk.runtime.answers = [answer]

    assert function(golden("drain-answer-next.json")) == DONE

    assert [line["message"] for line in function.logged()] == [message]
    assert function.counts() == counted


def test_an_expired_one_is_counted(function: DrainFunction) -> None:
    """It waited in vain."""
    request = function.desk.release(1, MODEL)
    function.desk.clock.now = request.expires_at
    function(golden("drain-answer-next.json"))
    assert function.counts() == {"Expired": 1, "Captured": 1}


def test_an_order_for_nothing_is_done(function: DrainFunction) -> None:
    """It came twice."""
    assert function(golden("drain-answer-next.json")) == DONE
    assert [line["message"] for line in function.logged()] == ["nothing due"]
    assert function.counts() == {}


@pytest.mark.parametrize(
    "body",
    ["", "no JSON", "[" * 100_000, "null", "[]", "{}", '{"answer_next_of": 1, "endpoint": "d"}'],
)
def test_a_message_that_cannot_be_read_hurts_no_other(function: DrainFunction, body: str) -> None:
    """It comes again until it goes to the dead-letter queue, where somebody may read it."""
    request = function.desk.release(1, MODEL)

    answer = function(batch(body, AnswerNext("dormouse", MODEL)))

    assert failed_messages(answer) == ["0"]
    assert function.desk.now(request).status is Status.ANSWERED
    assert function.counts() == {"Problems": 1, "Answered": 1, "Captured": 1}
    line = function.logged()[0]
    assert (line["level"], line["message_id"]) == ("ERROR", "0")
    assert line["message"].startswith("a message that can't be read")


@pytest.mark.parametrize("error", [AwsError("Query refused"), KeyError("a fault of our own")])
def test_work_that_fails_hurts_no_other(function: DrainFunction, error: Exception) -> None:
    """It comes again."""
    request = function.desk.release(1, MODEL)
    left = [1]

    def refuse(operation: str, is_done: bool) -> None:
        if operation == "records.queued" and left[0]:
            left[0] -= 1
            raise error

    function.desk.disturb = refuse

    order = AnswerNext("dormouse", MODEL)
    assert failed_messages(function(batch(order, order))) == ["0"]

    assert function.desk.now(request).status is Status.ANSWERED
    assert function.counts() == {"Problems": 1, "Answered": 1, "Captured": 1}
    line = function.logged()[0]
    assert (line["level"], line["message"], line["endpoint"]) == ("ERROR", str(error), "dormouse")
    assert "exception" in line


def test_what_decided_nothing_is_told_as_a_problem(function: DrainFunction) -> None:
    """The answer stands, and the message is done."""
    request = function.desk.release(1, MODEL, output_location=OUTPUT)

    def refuse(operation: str, is_done: bool) -> None:
        if operation == "locations.write":
            raise AwsError("PutObject refused")

    function.desk.disturb = refuse

    assert function(golden("drain-answer-next.json")) == DONE

    assert function.counts() == {"Answered": 1, "Problems": 1, "Captured": 1}
    assert [line["message"] for line in function.logged()] == [
        "answered",
        f"it can't be told how {request.id} has ended: PutObject refused",
    ]
    assert _publish(function, request) == "not published yet"


def _publish(function: DrainFunction, request: ParkedRequest) -> str:
    assert function(batch(Publish("dormouse", request.id))) == DONE
    lines = [line["message"] for line in function.logged() if line["level"] == "INFO"]
    return str(lines[-1])


@pytest.mark.parametrize("work", [AnswerNext("dormouse", MODEL), LoadModel("dormouse", MODEL)])
def test_what_has_no_time_left_is_left_to_the_next_order(
    function: DrainFunction, work: Work
) -> None:
    """A message that came again would wait for longer."""
    request = function.desk.release(1, MODEL)
    function.lives_for = timedelta(seconds=60)

    assert function(batch(work)) == DONE

    assert function.desk.now(request) == request
    assert [line["message"] for line in function.logged()] == ["left"]


def test_an_answered_one_is_captured_under_its_own_id(function: DrainFunction) -> None:
    """And logged with what `dormouse logs` reads."""
    request = function.desk.release(1, MODEL)

    assert function(golden("drain-answer-next.json")) == DONE

    (captured,) = function.captures.metadata
    (line,) = function.logged()
    assert captured["eventId"] == line["event_id"] == request.id
    assert (line["way"], line["status"], line["cold"]) == ("parked", 200, False)
    assert line["principal"] == request.principal
    assert len(function.usage.parts) == 1


def test_an_expired_one_that_nobody_asked_about_is_captured_too(function: DrainFunction) -> None:
    """When it comes to be told of; once."""
    request = function.desk.release(1, MODEL)
    end = replace(request, status=Status.EXPIRED, finished_at=function.desk.clock(), reason="late")
    function.desk.records.stored["dormouse", request.id] = end

    assert function(golden("drain-publish.json")) == DONE
    assert function(golden("drain-publish.json")) == DONE

    (captured,) = function.captures.metadata
    assert (captured["eventId"], captured["status"], captured["error"]) == (request.id, 410, "late")


def test_what_can_be_captured_nowhere_is_answered_all_the_same(function: DrainFunction) -> None:
    """And counted as lost."""
    request = function.desk.release(1, MODEL)
    function.captures.fault = UNREACHABLE

    assert function(golden("drain-answer-next.json")) == DONE

    assert function.desk.now(request).status is Status.ANSWERED
    assert function.counts() == {"Answered": 1, "CapturesLost": 1, "Problems": 1}


def test_nothing_is_captured_of_an_endpoint_whose_policy_is_not_known(
    function: DrainFunction,
) -> None:
    """Its owner may have turned it off. What is not captured for that is counted as lost."""
    function.desk.release(1, MODEL)
    function.desk.change_ledger(terms=None)

    assert function(golden("drain-answer-next.json")) == DONE

    assert function.captures.records == []
    assert function.counts() == {"Answered": 1, "CapturesLost": 1, "Problems": 1}
