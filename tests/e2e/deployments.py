"""Deployments on a local AWS of the tests' own: made, changed and deleted by the real sam CLI, and
asked as their callers ask them."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from benchmarks.deployed import Answer as DoorAnswer
from benchmarks.deployed import resources, send_signed
from local import running, stack
from local.caller import runtime_client
from local.settings import LocalSettings
from tests.local.stacks import Answer, call

MODEL = "sentiment-tiny.tar.gz"
QUESTION = b'{"inputs": "a wonderful film and a great story"}'
# Where a teardown follows a request within seconds: it waits for as long as one may take.
SHORT_LEASE = {
    "RuntimeReadTimeoutSeconds": "8",
    "LedgerIntervalSeconds": "1",
    "LeaseMarginSeconds": "1",
}
# What a busy machine may take for anything that is waited for here; no test is judged by it.
PATIENCE_SECONDS = 240.0
POLL_SECONDS = 0.5

Json = dict[str, Any]


def as_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Write tags as the API takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@dataclass(frozen=True)
class LocalAws:
    """A local AWS that runs."""

    settings: LocalSettings

    @cached_property
    def client(self) -> Callable[[str], Any]:
        """Make a client, or return the one there is."""
        return cache(stack.clients(self.settings))

    def deploy(self, name: str, **parameters: str) -> Deployment:
        """Create a stack by `sam deploy`, without models."""
        short = {"MetricLagSeconds": "5", "ExpectedWakeSeconds": "7", **SHORT_LEASE}
        stack.deploy(self.settings, short | parameters, self.log_of(name), name=name)
        return Deployment(self, stack.describe(self.settings, name=name))

    def log_of(self, name: str) -> Path:
        """Where the sam CLI's output for a stack goes."""
        return self.settings.state_dir / f"sam-{name}.log"

    def stack_status(self, name_or_id: str) -> str:
        """Ask CloudFormation; a stack that is gone answers to its id alone."""
        (described,) = self.client("cloudformation").describe_stacks(StackName=name_or_id)["Stacks"]
        return str(described["StackStatus"])

    def endpoint(self, name: str) -> Json | None:
        """Ask SageMaker; None where there is no endpoint."""
        try:
            described: Json = self.client("sagemaker").describe_endpoint(EndpointName=name)
        except ClientError as error:
            assert "Could not find endpoint" in str(error), error
            return None
        return described

    def status(self, name: str) -> str | None:
        """Ask SageMaker; None where there is no endpoint."""
        described = self.endpoint(name)
        return None if described is None else str(described["EndpointStatus"])

    def endpoints(self) -> list[str]:
        """List what SageMaker hosts."""
        listed = self.client("sagemaker").list_endpoints()["Endpoints"]
        return sorted(str(entry["EndpointName"]) for entry in listed)

    def instance_type(self, config_name: str) -> str:
        """Say what an EndpointConfig asks for."""
        described = self.client("sagemaker").describe_endpoint_config(
            EndpointConfigName=config_name
        )
        return str(described["ProductionVariants"][0]["InstanceType"])

    def containers(self, endpoint: str) -> list[int]:
        """Find every process of an endpoint's containers, by the directory that it was given."""
        return _processes(f"{self.settings.run_dir / 'containers' / endpoint}-")

    def functions(self, stack_name: str) -> list[int]:
        """Find every process of a stack's functions."""
        return _processes(str(self.settings.run_dir), f"AWS_LAMBDA_FUNCTION_NAME={stack_name}-")

    def credentials(self, role_arn: str) -> Credentials:
        """Assume a role, which may be of another account."""
        assumed = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="e2e")
        given = assumed["Credentials"]
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def _processes(*marks: str) -> list[int]:
    """Find the processes with all of this in their environment."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            environment = process.name.isdigit() and (process / "environ").read_bytes()
            if environment and all(mark.encode() in environment for mark in marks):
                found.append(int(process.name))
    return found


@dataclass(frozen=True)
class Deployment:
    """A deployed stack, and ways to ask it and about it."""

    aws: LocalAws
    stack: stack.Stack

    @property
    def name(self) -> str:
        """The endpoint that its template declares."""
        return self.stack.endpoint_name

    @property
    def client(self) -> Callable[[str], Any]:
        """Clients of the AWS that it is deployed to."""
        return self.aws.client

    def described(self) -> Json:
        """What CloudFormation says of the stack."""
        name = self.stack.name
        (described,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        return dict(described)

    @cached_property
    def resources(self) -> dict[str, str]:
        """The names of its resources, by their names in the template."""
        return resources(self.client("cloudformation"), self.stack.name)

    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return {row["OutputKey"]: row["OutputValue"] for row in self.described()["Outputs"]}

    @cached_property
    def runtime(self) -> Any:
        """A client of the Function URL."""
        return runtime_client(self.stack)

    def runtime_of(self, credentials: Credentials) -> Any:
        """A client of the Function URL that signs with these credentials."""
        session = boto3.Session(
            credentials.access_key,
            credentials.secret_key,
            credentials.token,
            region_name=self.stack.region,
        )
        client: Any = session.client(
            "sagemaker-runtime",
            endpoint_url=self.stack.invoke_url,
            # Longer than anybody is held here, and what is worth a second try, the caller decides.
            config=Config(read_timeout=PATIENCE_SECONDS, retries={"total_max_attempts": 1}),
        )
        client.meta.events.register(
            "before-sign.sagemaker-runtime",
            lambda request, **_: request.context.setdefault("signing", {}).update(
                signing_name="lambda"
            ),
        )
        return client

    # What its operators do

    def change(self, **parameters: str) -> None:
        """Change the stack by `sam deploy`; every other parameter stays.

        Raises:
            DeployError: it was refused, or rolled back.
        """
        aws = self.aws
        stack.deploy(aws.settings, parameters, aws.log_of(self.stack.name), name=self.stack.name)

    def delete(self) -> None:
        """Delete the stack by `sam delete`.

        Raises:
            DeployError: it is still there.
        """
        aws = self.aws
        stack.delete(aws.settings, aws.log_of(self.stack.name), name=self.stack.name)

    def tag_a_config(self, config_name: str, tags: Mapping[str, str]) -> None:
        """Make an EndpointConfig by hand, with these tags, that serves the stack's models."""
        outputs, sagemaker = self.outputs(), self.client("sagemaker")
        sagemaker.create_model(
            ModelName=config_name,
            ExecutionRoleArn="arn:aws:iam::000000000000:role/models",
            PrimaryContainer={
                "Image": stack.IMAGE_URI,
                "Mode": "MultiModel",
                "ModelDataUrl": f"s3://{outputs['ModelBucketName']}/{outputs['ModelPrefix']}",
            },
        )
        sagemaker.create_endpoint_config(
            EndpointConfigName=config_name,
            ProductionVariants=[
                {
                    "VariantName": "AllTraffic",
                    "ModelName": config_name,
                    "InstanceType": "ml.m5.xlarge",
                    "InitialInstanceCount": 1,
                }
            ],
            Tags=as_tags(tags),
        )

    def hand_over(self, endpoint: str, config_name: str) -> None:
        """Create an endpoint by hand, and tag it for this deployment to adopt."""
        self.client("sagemaker").create_endpoint(
            EndpointName=endpoint,
            EndpointConfigName=config_name,
            Tags=as_tags({"dormouse:endpoint": endpoint, "dormouse:adopted-by": self.stack.name}),
        )

    def upload_models(self) -> None:
        """Give it the tiny models."""
        archives = sorted(stack.TINY_MODELS.glob("*.tar.gz"))
        stack.upload_models(self.aws.settings, archives, name=self.stack.name)

    def ask(self, method: str, path: str, body: Json | None = None) -> Answer:
        """Send a signed request to the HTTP API."""
        content = None if body is None else json.dumps(body).encode()
        return call(self.stack.control_url + path, method, content)

    def standing(self, endpoint: str | None = None) -> Json:
        """GET /endpoints/{name}, which must succeed."""
        answer = self.ask("GET", f"/endpoints/{endpoint or self.name}")
        assert answer.status == 200, answer
        standing: Json = answer.json()
        return standing

    def front(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        credentials: Credentials | None = None,
    ) -> DoorAnswer:
        """Send a signed request to the Function URL: to a path, or to an absolute Location."""
        url = target if target.startswith("http") else self.stack.invoke_url + target
        request = AWSRequest(method, url, headers=dict(headers or {}), data=body)
        # Longer than anybody is held here.
        session = URLLib3Session(timeout=int(PATIENCE_SECONDS))
        try:
            return send_signed(session, request, "lambda", self.stack.region, credentials)
        finally:
            session.close()

    def post(self, verb: str, body: Json | None = None) -> Json:
        """POST an intent for its endpoint, which must be accepted."""
        answer = self.ask("POST", f"/endpoints/{self.name}/{verb}", body)
        assert answer.status == 202, answer
        standing: Json = answer.json()
        return standing

    def tick(self) -> dict[str, Json]:
        """Have a whole tick now; returns what was decided for each endpoint."""
        answer = self.client("lambda").invoke(
            FunctionName=self.stack.reconcile_function, Payload=b'{"action": "reconcile"}'
        )
        report = json.loads(answer["Payload"].read())
        assert "errorMessage" not in report, report
        assert report["complete"], report
        return {entry["endpoint"]: entry for entry in report["endpoints"]}

    def reconcile_log(self) -> list[Json]:
        """Read what the function reconcile has logged, line by line."""
        configuration = self.client("lambda").get_function_configuration(
            FunctionName=self.stack.reconcile_function
        )
        pages = (
            self.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=configuration["LoggingConfig"]["LogGroup"])
        )
        messages = [event["message"] for page in pages for event in page["events"]]
        return [json.loads(message) for message in messages if message.startswith("{")]

    # What is waited for

    def wait(
        self, what: str, seen: Callable[[Json], object], *, endpoint: str | None = None
    ) -> Json:
        """Ask how an endpoint stands until that is so; a failure shows the last decisions."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not seen(standing := self.standing(endpoint)):
            if time.monotonic() > deadline:
                pytest.fail(f"not {what} within {PATIENCE_SECONDS:.0f} s: {standing}")
            time.sleep(POLL_SECONDS)
        return standing

    def wait_for_status(self, status: str | None, endpoint: str | None = None) -> Json:
        """Wait for an EndpointStatus, None for no endpoint, by asking SageMaker."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (seen := self.aws.status(endpoint or self.name)) != status:
            if time.monotonic() > deadline:
                pytest.fail(f"{seen}, not {status or 'gone'}: {self.standing(endpoint)}")
            time.sleep(POLL_SECONDS)
        return self.standing(endpoint)

    def wake(self) -> Json:
        """Wake its endpoint and return how it stands in service."""
        self.post("wake")
        return self.wait_for_status("InService")

    def sleep(self) -> None:
        """Put its endpoint to sleep, and return when it is gone and that is noted.

        Ticks come faster than each minute, since a teardown waits for the lease to end.
        """
        # Also where there is none yet: a demand may have been recorded, and nothing be done so far.
        self.post("sleep")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.status() is not None:
            if time.monotonic() > deadline:
                pytest.fail(f"not gone within {PATIENCE_SECONDS:.0f} s: {self.standing()}")
            self.tick()
            time.sleep(POLL_SECONDS)
        self.tick()

    # What its callers do

    def invoke(self, endpoint: str | None = None, runtime: Any = None) -> Json:
        """Send one request to the Function URL and return the parsed answer."""
        answer = (runtime or self.runtime).invoke_endpoint(
            EndpointName=endpoint or self.name,
            TargetModel=MODEL,
            ContentType="application/json",
            Body=QUESTION,
        )
        parsed: Json = json.loads(answer["Body"].read())
        return parsed

    def refusal(self, endpoint: str | None = None, runtime: Any = None) -> Json:
        """Send one request that must be refused, and return the error's response."""
        with pytest.raises(ClientError) as error:
            self.invoke(endpoint, runtime)
        return dict(error.value.response)

    def check_that_it_lets_in(self) -> None:
        """A request gets past the front door, and SageMaker says of its model what only an endpoint
        that serves can say; nothing is loaded for it.
        """
        with pytest.raises(ClientError, match="Failed to download model data"):
            self.runtime.invoke_endpoint(
                EndpointName=self.name,
                TargetModel="nobody.tar.gz",
                ContentType="application/json",
                Body=QUESTION,
            )

    # What is remembered

    def item(self, endpoint: str | None = None) -> Json:
        """Read what is remembered of an endpoint."""
        answer = self.client("dynamodb").get_item(
            TableName=self.stack.endpoints_table,
            Key={"endpoint": {"S": endpoint or self.name}},
            ConsistentRead=True,
        )
        item: Json = answer.get("Item", {})
        return item

    def status(self) -> str | None:
        """Ask SageMaker for that of its endpoint; None where there is none."""
        return self.aws.status(self.name)


def wait_until(seen: Callable[[], object], what: str) -> None:
    """Poll until it is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not seen():
        assert time.monotonic() < deadline, f"not {what} within {PATIENCE_SECONDS:.0f} s"
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def at_once() -> Iterator[Executor]:
    """Do several things at once. Whatever goes wrong is said at once, too: nobody waits for the
    rest, which ends with the local AWS.
    """
    pool = ThreadPoolExecutor()
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass
class Traffic:
    """Requests one after the other: in which EndpointStatus each was answered, and what failed."""

    answered_in: list[str | None] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@contextlib.contextmanager
def traffic(deployment: Deployment) -> Iterator[Traffic]:
    """Send requests to the Function URL for as long as the block takes."""
    sent, over = Traffic(), threading.Event()

    def send() -> None:
        while not over.wait(0.3):
            before = deployment.status()
            try:
                deployment.invoke()
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs in the message
                sent.failures.append(f"{before}: {error!r}")
                continue
            # Of a request that began in one status and ended in another, neither is known.
            if deployment.status() == before:
                sent.answered_in.append(before)

    # Clients are made one at a time; afterwards threads may share them.
    deployment.runtime.meta, deployment.status()
    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield sent
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def local_aws(state_dir: Path, **settings: Any) -> Iterator[LocalAws]:
    """Run a local AWS, and end it with all its processes."""
    given: Mapping[str, Any] = {"create_seconds": 3.0, "delete_seconds": 1.0, "instance_limit": 20}
    chosen = LocalSettings(port=running.free_port(), state_dir=state_dir, **{**given, **settings})
    server = running.start(chosen, detached=False)
    try:
        yield LocalAws(chosen)
    finally:
        running.end(server)
