"""The calls of the proxy's benchmark, in a process that has what Lambda has: an artefact, boto3 and
the settings of one function. Started by `benchmarks.proxy`, which says by its environment where the
stand-ins are.

`python -m benchmarks.proxy_calls PERCENT CALLS WARM_UP OUT`: each call is made once through the
handler and once directly by boto3, in turn, and the other one begins each time. The seconds of each
go to the file OUT; standard output is the function's log.
"""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from dormouse.adapters.history import write_decision
from dormouse.adapters.ledger_item import terms_value
from dormouse.bootstrap.invoke import prepare
from dormouse.domain.capture_policy import CapturePolicy
from dormouse.domain.ledger import Decision
from dormouse.domain.terms import Terms
from dormouse.handlers.invoke import handler

_EVENT = Path(__file__).resolve().parents[1] / "events" / "invoke-json.json"


@dataclass(frozen=True, slots=True)
class _Context:
    """Lambda's context, as far as the handler and Powertools read it."""

    function_name: str = "invoke"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:invoke"
    aws_request_id: str = "0c7a1f52-3f7b-4d0c-8d5e-9a1b6f2e4c10"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def main(arguments: Sequence[str]) -> int:
    """Make the calls and write what they took; the exit status."""
    percent, calls, warm_up = (int(text) for text in arguments[:3])
    event = json.loads(_EVENT.read_text())
    _ask("POST", "/item", json.dumps(_item(percent)).encode())
    prepare()
    through_handler, directly = _through_handler(event), _directly(event)
    for _ in range(warm_up):
        through_handler()
        directly()
    _ask("GET", "/counts")
    handler_seconds, direct_seconds = [], []
    for number in range(calls):
        if number % 2:
            handler_seconds.append(_timed(through_handler))
            direct_seconds.append(_timed(directly))
        else:
            direct_seconds.append(_timed(directly))
            handler_seconds.append(_timed(through_handler))
    result = {
        "handler": handler_seconds,
        "direct": direct_seconds,
        "counts": json.loads(_ask("GET", "/counts")),
    }
    Path(arguments[3]).write_text(json.dumps(result))
    return 0


def _item(percent: int) -> dict[str, Any]:
    """The endpoint as `reconcile` keeps it, with nothing in its tags but a share of captures."""
    decision = Decision(action="none", reason="It is in use.", rule="recent activity")
    terms = Terms(capture=CapturePolicy(percent=Decimal(percent)))
    return {
        "endpoint": {"S": "dormouse"},
        "decision": {"M": write_decision(decision)},
        "terms": terms_value(terms),
    }


def _through_handler(event: Any) -> Callable[[], None]:
    context: LambdaContext = _Context()  # type: ignore[assignment]  # it has what is read of one

    def call() -> None:
        answer = handler(event, context)
        if answer["statusCode"] != 200:
            raise RuntimeError(f"the handler answered {answer}")

    return call


def _directly(event: Any) -> Callable[[], None]:
    """The same request by boto3, set up as the README says."""
    runtime = boto3.client(
        "sagemaker-runtime", config=Config(read_timeout=70, retries={"total_max_attempts": 1})
    )
    headers, body = event["headers"], event["body"].encode()

    def call() -> None:
        answer = runtime.invoke_endpoint(
            EndpointName="dormouse",
            TargetModel=headers["x-amzn-sagemaker-target-model"],
            InferenceId=headers["x-amzn-sagemaker-inference-id"],
            ContentType=headers["content-type"],
            Accept=headers["accept"],
            Body=body,
        )
        answer["Body"].read()

    return call


def _timed(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _ask(method: str, path: str, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(
        os.environ["AWS_ENDPOINT_URL"] + path, method=method, data=body
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        content: bytes = answer.read()
    return content


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
