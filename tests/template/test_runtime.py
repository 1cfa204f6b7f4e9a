"""The built functions under Lambda's own runtime client and emulator, without AWS and Docker.

The artefact is imported, the handler is found, and an answer comes back as AWS would return it.
"""

import json
import os
import platform
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.template.cloudformation import REGION, REPOSITORY, environment, resources

START_SECONDS = 30

Invoke = Callable[[Any], Any]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, each another one."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


def emulator(sam: Path) -> Path:
    """The emulator that the sam CLI ships for its containers; it is a plain program."""
    machine = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
    (found,) = sam.parents[1].glob(
        f"lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}"
    )
    return found


@pytest.fixture(scope="module")
def lambda_function(
    sam: Path, artefacts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Invoke]]:
    """Starts a function by its logical id, and gives what invokes it, one event at a time."""
    processes = []

    def start(function: str) -> Invoke:
        front, runtime_api = free_ports(2)
        log = tmp_path_factory.mktemp(function) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    emulator(sam),
                    "--runtime-interface-emulator-address",
                    f"127.0.0.1:{front}",
                    "--runtime-api-address",
                    f"127.0.0.1:{runtime_api}",
                    sys.executable,
                    "-m",
                    "awslambdaric",
                    resources("AWS::Serverless::Function")[function]["Properties"]["Handler"],
                ],
                cwd=artefacts / function,
                env=lambda_environment(function, artefacts / function),
                stdout=output,
                stderr=subprocess.STDOUT,
                # The emulator starts the runtime client, and both have to end.
                start_new_session=True,
            )
        processes.append(process)

        def invoke(event: Any) -> Any:
            try:
                return post(front, event, process)
            except (OSError, AssertionError) as error:
                error.add_note(log.read_text(encoding="utf-8", errors="replace"))
                raise

        return invoke

    yield start
    for process in processes:
        os.killpg(process.pid, 9)
        process.wait(timeout=10)


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
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "30",
    }


def post(port: int, event: Any, process: subprocess.Popen[bytes]) -> Any:
    """Invoke, once the emulator listens."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations",
        data=json.dumps(event).encode(),
    )
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.URLError as error:
            refused = isinstance(error.reason, ConnectionRefusedError)
            assert process.poll() is None, "the emulator has ended"
            if not refused or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def test_invoke_answers_a_path_that_it_does_not_know(
    lambda_function: Callable[[str], Invoke],
) -> None:
    """An HTTP answer in the runtime's form, so that boto3 can raise an exception of that name."""
    invoke = lambda_function("InvokeFunction")
    event = json.loads((REPOSITORY / "events/invoke-unknown-path.json").read_bytes())
    answers = [invoke(event) for _ in range(2)]
    for answer in answers:
        assert answer["statusCode"] == 404
        assert answer["headers"]["x-amzn-errortype"] == "UnknownOperationException"
        assert event["rawPath"] in json.loads(answer["body"])["Message"]


def test_invoke_answers_though_aws_cannot_be_reached(
    lambda_function: Callable[[str], Invoke],
) -> None:
    """The object graph is built from the template's settings; what never ran may be tried again."""
    event = json.loads((REPOSITORY / "events/invoke-json.json").read_bytes())
    answer = lambda_function("InvokeFunction")(event)
    assert answer["statusCode"] == 503
    assert answer["headers"]["x-amzn-errortype"] == "ServiceUnavailable"
    assert "SageMaker could not be reached" in json.loads(answer["body"])["Message"]


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
    assert answer["errorType"] == "AwsError"
