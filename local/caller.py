"""Callers of a deployed stack: of the front door, by an unmodified boto3 client and one line more;
of the control API, by a signed request.
"""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from local.stack import Stack

# SageMaker answers within 60 s. What is worth a second try, the caller decides.
CONFIG = Config(read_timeout=70, retries={"total_max_attempts": 1})

TO_TRY = """\
import boto3
from botocore.config import Config

runtime = boto3.client(
    "sagemaker-runtime",
    endpoint_url="{invoke_url}",
    region_name="{region}",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=Config(read_timeout=190, retries={{"total_max_attempts": 1}}),
)
# The one line: a Function URL wants the signature of Lambda.
runtime.meta.events.register("before-sign.sagemaker-runtime", lambda request, **_:
    request.context.setdefault("signing", {{}}).update(signing_name="lambda"))

# One more, to be held while the endpoint wakes, for two minutes at the most.
runtime.meta.events.register("before-call.sagemaker-runtime.InvokeEndpoint", lambda params, **_:
    params["headers"].update(Prefer="wait=120"))

answer = runtime.invoke_endpoint(
    EndpointName="{endpoint_name}",
    TargetModel="{model}",
    ContentType="application/json",
    Body=b'{{"inputs": ["I loved it", "a dull and boring film"]}}',
)
print(answer["Body"].read().decode())"""


def runtime_client(stack: Stack) -> Any:
    """Make a client of the front door."""
    client = boto3.Session("test", "test", region_name=stack.region).client(
        "sagemaker-runtime", endpoint_url=stack.invoke_url, config=CONFIG
    )
    client.meta.events.register(
        "before-sign.sagemaker-runtime",
        lambda request, **_: request.context.setdefault("signing", {}).update(
            signing_name="lambda"
        ),
    )
    return client


def prefer(client: Any, preference: str) -> None:
    """Let a client's invocations say how they would meet an endpoint that is asleep (RFC 7240)."""
    client.meta.events.register(
        "before-call.sagemaker-runtime.InvokeEndpoint",
        lambda params, **_: params["headers"].update(Prefer=preference),
    )


def result(stack: Stack, location: str) -> tuple[int, Any]:
    """Ask for the result of a request that was kept: its status and its body, parsed."""
    request = AWSRequest("GET", location)
    SigV4Auth(Credentials("test", "test"), "lambda", stack.region).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    return answer.status_code, json.loads(answer.content)


def standing(stack: Stack) -> dict[str, Any]:
    """Ask the control API how the stack's endpoint stands: GET /endpoints/{name}."""
    return _control(stack, f"/endpoints/{stack.endpoint_name}")


def models(stack: Stack) -> dict[str, Any]:
    """Ask it what each model was asked in the last day: GET /endpoints/{name}/models."""
    return _control(stack, f"/endpoints/{stack.endpoint_name}/models")


def _control(stack: Stack, path: str) -> dict[str, Any]:
    request = AWSRequest("GET", stack.control_url + path)
    SigV4Auth(Credentials("test", "test"), "execute-api", stack.region).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    told: dict[str, Any] = json.loads(answer.content) if answer.status_code == 200 else {}
    return told


def lines_to_try(stack: Stack) -> str:
    """Write a whole program that calls this stack."""
    return TO_TRY.format(
        invoke_url=stack.invoke_url,
        region=stack.region,
        endpoint_name=stack.endpoint_name,
        model=stack.models[0],
    )
