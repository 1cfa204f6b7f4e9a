"""A stack of the run's own, on a local AWS of its own, asked and changed as its operators would."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from rich.console import Console

from benchmarks.environments import ROOT, clean, container_python
from local import running
from local.deployment import bring_up
from local.settings import LocalSettings
from local.stack import Stack, clients
from local.terminal import Terminal

# The functions that send requests to SageMaker's runtime.
SENDERS = ("InvokeFunction", "DrainFunction")
# On a busy machine; nothing is measured by it.
_PATIENCE_SECONDS = 300.0


class FailedError(Exception):
    """The run can't go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Its body, parsed."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Deployed:
    """A stack that is deployed."""

    settings: LocalSettings
    stack: Stack

    @cached_property
    def client(self) -> Callable[[str], Any]:
        """Make a client of the local AWS, or return the one there is."""
        return cache(clients(self.settings))

    @cached_property
    def _session(self) -> URLLib3Session:
        return URLLib3Session(timeout=900, max_pool_connections=200)

    @property
    def endpoint(self) -> str:
        """The name of its endpoint."""
        return self.stack.endpoint_name

    @cached_property
    def resources(self) -> Mapping[str, str]:
        """Its resources' names, by their names in the template."""
        return resources(self.client("cloudformation"), self.stack.name)

    # What its operators do

    def set_environment(self, functions: Sequence[str], **variables: str) -> None:
        """Give functions, by their names in the template, further variables."""
        for name in functions:
            set_environment(self.client("lambda"), self.resources[name], variables)

    def intend(self, verb: str) -> None:
        """POST an intent for the endpoint.

        Raises:
            FailedError: it was not accepted.
        """
        url = f"{self.stack.control_url}/endpoints/{self.endpoint}/{verb}"
        answer = self._send("execute-api", "POST", url, b"", {})
        if answer.status != 202:
            raise FailedError(f"{verb} was answered {answer.status}: {answer.body!r}")

    def tick(self) -> None:
        """Have a tick begin now; how it ends, nobody hears."""
        self.client("lambda").invoke(
            FunctionName=self.stack.reconcile_function,
            InvocationType="Event",
            Payload=b'{"action": "reconcile"}',
        )

    def described(self) -> dict[str, Any] | None:
        """What DescribeEndpoint says; None where there is no endpoint."""
        try:
            described: dict[str, Any] = self.client("sagemaker").describe_endpoint(
                EndpointName=self.endpoint
            )
        except ClientError as error:
            if "Could not find endpoint" in str(error):
                return None
            raise
        return described

    def is_closing(self) -> bool:
        """Whether its teardown is claimed."""
        answer = self.client("dynamodb").get_item(
            TableName=self.stack.endpoints_table,
            Key={"endpoint": {"S": self.endpoint}},
            ConsistentRead=True,
        )
        return "closing" in answer.get("Item", {})

    # What its callers do

    def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a signed request to the front door: to a path, or to an absolute Location.

        Raises:
            HTTPClientError: there was no answer.
        """
        url = target if target.startswith("http") else f"{self.stack.invoke_url}{target}"
        return self._send("lambda", method, url, body, headers or {})

    def runtime(self, **config: Any) -> Any:
        """Make boto3's client of the front door, with this configuration."""
        client: Any = boto3.Session("test", "test", region_name=self.stack.region).client(
            "sagemaker-runtime", endpoint_url=self.stack.invoke_url, config=Config(**config)
        )
        client.meta.events.register(
            "before-sign.sagemaker-runtime",
            lambda request, **_: request.context.setdefault("signing", {}).update(
                signing_name="lambda"
            ),
        )
        return client

    def _send(
        self, service: str, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        request = AWSRequest(method, url, headers=dict(headers), data=body)
        return send_signed(self._session, request, service, self.stack.region)


def send_signed(
    session: URLLib3Session,
    request: AWSRequest,
    service: str,
    region: str,
    credentials: Credentials | None = None,
) -> Answer:
    """Send a request once, signed for a service.

    Raises:
        HTTPClientError: there was no answer.
    """
    SigV4Auth(credentials or Credentials("test", "test"), service, region).add_auth(request)
    answer = session.send(request.prepare())
    named = {name.lower(): value for name, value in answer.headers.items()}
    return Answer(answer.status_code, named, answer.content)


def resources(cloudformation: Any, stack_name: str) -> dict[str, str]:
    """The names of a stack's resources, by their names in the template."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
    return {
        entry["LogicalResourceId"]: entry["PhysicalResourceId"]
        for page in pages
        for entry in page["StackResourceSummaries"]
    }


def set_environment(functions: Any, name: str, variables: Mapping[str, str]) -> None:
    """Give a function further variables; those that it has stay."""
    had = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**had, **variables}}
    )


def lease_of(seconds: int) -> dict[str, str]:
    """The parameters by which what is sent to SageMaker's runtime has so long and no longer.

    A lease lasts two seconds more, and so a sleep that is asked for waits no longer than that.
    """
    return {
        "RuntimeReadTimeoutSeconds": str(seconds),
        "LedgerIntervalSeconds": "1",
        "LeaseMarginSeconds": "1",
    }


@contextmanager
def deployed(
    parameters: Mapping[str, str], archives: Sequence[Path], create_seconds: float
) -> Iterator[Deployed]:
    """Bring up a local AWS with the stack, and end it with all its processes.

    Raises:
        NotStartedError, DeployError: it did not work; nothing of it is left running.
    """
    # Not under the repository: a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="dormouse-", ignore_cleanup_errors=True) as folder:
        settings = LocalSettings(
            port=running.free_port(),
            state_dir=Path(folder),
            create_seconds=create_seconds,
            delete_seconds=0.5,
        )
        terminal = Terminal(Console(stderr=True, highlight=False, soft_wrap=True))
        server, stack = bring_up(terminal, settings, parameters, archives, detached=False)
        try:
            yield Deployed(settings, stack)
        finally:
            running.end(server)


def affine_models(directory: Path, number: int) -> list[Path]:
    """Make models of which each answers x with 3x and its number more.

    Raises:
        MissingEnvironmentError, FailedError: they can't be made.
    """
    directory.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        [container_python(), ROOT / "benchmarks" / "affine_models.py", directory, str(number)],
        env={**clean(os.environ), "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE_SECONDS,
    )
    if made.returncode != 0:
        raise FailedError(f"The models could not be made: {made.stderr[-500:]}")
    return sorted(directory.glob("affine-*.tar.gz"))
