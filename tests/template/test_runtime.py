"""The built functions under Lambda's own runtime client and emulator, without AWS and Docker.

The artefact is imported, the handler is found, and an answer comes back as AWS would return it.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from benchmarks.emulator import emulator, start
from tests.template.cloudformation import REGION, environment, properties
from tests.template.events import event

Invoke = Callable[[Any], Any]


@pytest.fixture(scope="module")
def lambda_function(
    artefacts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Invoke]]:
    """Gives what invokes a function, by its logical id, one event at a time. It is started once and
    lives on, as a Lambda container does.
    """
    functions = []

    @cache
    def started(function: str) -> Invoke:
        log = tmp_path_factory.mktemp(function) / "log"
        handler, artefact = properties(function)["Handler"], artefacts / function
        environment_of = lambda_environment(function, artefact)
        running = start(emulator(), sys.executable, handler, environment_of, log)
        functions.append(running)

        def invoke(asked: Any) -> Any:
            try:
                return running.invoke(asked)
            except OSError as error:
                error.add_note(log.read_text(encoding="utf-8", errors="replace"))
                raise

        return invoke

    yield started
    for running in functions:
        running.end()


def lambda_environment(function: str, artefact: Path) -> dict[str, str]:
    """What Lambda would set, the template's variables, and an AWS that nobody answers for."""
    return environment(function) | {
        "PATH": os.environ["PATH"],
        # First: what is tested is the artefact, not what the environment of the tests holds.
        "PYTHONPATH": str(artefact),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(artefact),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(properties(function)["Timeout"]),
    }


def test_invoke_answers_a_path_that_it_does_not_know(
    lambda_function: Callable[[str], Invoke],
) -> None:
    """An HTTP answer in the runtime's form, so that boto3 can raise an exception of that name."""
    invoke = lambda_function("InvokeFunction")
    asked = event("invoke-unknown-path.json")
    for answer in [invoke(asked) for _ in range(2)]:
        assert answer["statusCode"] == 404
        assert answer["headers"]["x-amzn-errortype"] == "UnknownOperationException"
        assert asked["rawPath"] in json.loads(answer["body"])["Message"]


def test_invoke_answers_though_aws_cannot_be_reached(
    lambda_function: Callable[[str], Invoke],
) -> None:
    """The object graph is built from the template's settings; who may call can't be read here."""
    answer = lambda_function("InvokeFunction")(event("invoke-json.json"))
    assert answer["statusCode"] == 503
    assert answer["headers"]["x-amzn-errortype"] == "ServiceUnavailable"
    assert "can't say yet who may invoke" in json.loads(answer["body"])["Message"]


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({}, 503, "GetResources failed"),
        ({"routeKey": "$default", "rawPath": "/models"}, 404, "GET /models"),
    ],
)
def test_control_answers_with_a_problem_document(
    lambda_function: Callable[[str], Invoke], changes: dict[str, str], status: int, detail: str
) -> None:
    """Where AWS can't be reached, and where there is nothing; in the form that the API takes."""
    answer = lambda_function("ControlFunction")({**event("control-list.json"), **changes})
    assert answer["statusCode"] == status
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    problem = json.loads(answer["body"])
    assert problem.keys() == {"type", "title", "status", "detail"}
    assert problem["status"] == status
    assert detail in problem["detail"]


def test_control_tells_a_schedule_that_it_failed(
    lambda_function: Callable[[str], Invoke],
) -> None:
    """By an error, so that Lambda tries again and the alarm hears of it."""
    answer = lambda_function("ControlFunction")(event("control-scheduled-wake.json"))
    assert answer["errorType"] == "AwsUnansweredError"


@pytest.mark.parametrize("name", ["answer-next", "load", "publish"])
def test_drain_gives_back_what_it_could_not_do(
    lambda_function: Callable[[str], Invoke], name: str
) -> None:
    """DynamoDB can't be reached here: the message comes again, and in the end is put aside."""
    asked = event(f"drain-{name}.json")
    failed = [{"itemIdentifier": record["messageId"]} for record in asked["Records"]]
    assert lambda_function("DrainFunction")(asked) == {"batchItemFailures": failed}


class Answers(ThreadingHTTPServer):
    """CloudFormation's place for the answer of a custom resource."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Put)
        self.received: list[tuple[str, str | None, dict[str, Any]]] = []

    @property
    def url(self) -> str:
        """Where to put it, with a signature."""
        return f"http://127.0.0.1:{self.server_port}/answer?Signature=a%2Bb%3D"


class _Put(BaseHTTPRequestHandler):
    server: Answers

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append((self.path, self.headers["content-type"], json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def answers() -> Iterator[Answers]:
    with Answers() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("name", ["create", "update", "delete"])
def test_cleanup_tells_cloudformation_that_it_failed(
    lambda_function: Callable[[str], Invoke], answers: Answers, name: str
) -> None:
    """DynamoDB can't be reached here. Without an answer CloudFormation would wait for an hour."""
    asked = {**event(f"cleanup-{name}.json"), "ResponseURL": answers.url}
    assert lambda_function("CleanupFunction")(asked) is None
    ((path, content_type, answer),) = answers.received
    assert answers.url.endswith(path)
    # The URL is signed for an empty one.
    assert content_type == ""
    assert answer.pop("Reason").startswith("AwsUnansweredError: UpdateItem failed")
    assert answer == {
        "Status": "FAILED",
        "PhysicalResourceId": "dormouse-cleanup",
        **{key: asked[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }


def test_reconcile_refuses_what_it_does_not_know(
    lambda_function: Callable[[str], Invoke],
) -> None:
    """The error names the bad part, and the function lives on to refuse the next one."""
    invoke = lambda_function("ReconcileFunction")
    refused = invoke({"action": "nonsense"})
    assert refused["errorType"] == "IntentError"
    assert "'nonsense'" in refused["errorMessage"]
    misspelt = invoke({"action": "wake", "endpoint": "dormouse", "fro": "2h"})
    assert misspelt["errorType"] == "IntentError"
    assert '"fro"' in misspelt["errorMessage"]


def test_the_settings_of_the_template_are_enough_to_start_work(
    lambda_function: Callable[[str], Invoke],
) -> None:
    """The object graph is built from them; the first call to AWS is where it ends here."""
    answer = lambda_function("ReconcileFunction")({"action": "reconcile"})
    assert answer["errorType"] == "AwsUnansweredError"
