"""Building the functions and deploying template.yaml to the local AWS, by the real sam CLI."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.settings import REPOSITORY, LocalSettings

STACK_NAME = "dormouse"
STARTED = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})
BUILD = REPOSITORY / ".build" / "sam"
# The real classifiers, for people, and the tiny ones, for tests.
MODELS = REPOSITORY / ".build" / "models" / "real"
TINY_MODELS = REPOSITORY / ".build" / "models" / "tiny"
# The local SageMaker runs the container's process, whatever image it is told; the template wants a
# URI of ECR's form.
IMAGE_URI = "000000000000.dkr.ecr.us-east-1.amazonaws.com/dormouse:local"


class DeployError(RuntimeError):
    """Building or deploying failed; the message says where to read why."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What a script needs to know of a deployed stack; written to stack.json."""

    aws_endpoint_url: str
    region: str
    name: str
    invoke_url: str
    control_url: str
    endpoint_name: str
    models: Sequence[str]
    model_bucket: str
    endpoints_table: str
    requests_table: str
    requests_bucket: str
    capture_bucket: str
    reconcile_function: str
    drain_function: str
    control_function: str


def clients(settings: LocalSettings) -> Callable[[str], Any]:
    """Return a maker of clients of the local AWS, which no setting of the user can redirect."""
    session: Any = boto3.Session("test", "test", region_name=settings.region)
    return lambda service: session.client(service, endpoint_url=settings.endpoint_url)


def build(log: Path) -> None:
    """Run `sam build` into a folder of the local AWS's own.

    Raises:
        DeployError: it failed.
    """
    _sam(["build", "--build-dir", str(BUILD)], {}, log, "sam build")


def deploy(
    settings: LocalSettings,
    parameters: Mapping[str, str],
    log: Path,
    *,
    name: str = STACK_NAME,
    template: Path = BUILD / "template.yaml",
) -> None:
    """Run `sam deploy` against the local AWS with these template parameters; a stack that exists is
    changed.

    Raises:
        DeployError: it failed, and CloudFormation has rolled back.
    """
    given = {"ContainerImageUri": IMAGE_URI, **parameters}
    arguments = ["deploy", "--no-confirm-changeset", "--stack-name", name]
    arguments += ["--config-file", str(REPOSITORY / "samconfig.toml")]
    arguments += ["--template-file", str(template), "--parameter-overrides"]
    # In quotes, or sam would end a value at its first space.
    arguments += [f"{key}={json.dumps(value)}" for key, value in given.items()]
    try:
        _sam(arguments, _environment(settings), log, "sam deploy")
    except DeployError as error:
        raise DeployError(f"{error}{_why(settings, name)}") from error


def delete(settings: LocalSettings, log: Path, *, name: str = STACK_NAME) -> None:
    """Run `sam delete` against the local AWS, and return when the stack is gone.

    Raises:
        DeployError: it failed, and the stack is still there.
    """
    arguments = ["delete", "--no-prompts", "--stack-name", name, "--region", settings.region]
    try:
        _sam(arguments, _environment(settings), log, "sam delete")
    except DeployError as error:
        raise DeployError(f"{error}{_why(settings, name)}") from error


def _why(settings: LocalSettings, name: str) -> str:
    """Say which resources failed in the last operation on a stack; sam's table breaks the words."""
    try:
        answer = clients(settings)("cloudformation").describe_stack_events(StackName=name)
    except (BotoCoreError, ClientError):
        return ""
    failed = []
    for event in answer["StackEvents"]:  # the newest first
        status, reason = event["ResourceStatus"], event.get("ResourceStatusReason", "")
        if event["LogicalResourceId"] != name and status.endswith("_FAILED"):
            failed.append(f"; {event['LogicalResourceId']}: {reason}")
        if event["LogicalResourceId"] == name and status in STARTED:
            break
    return "".join(reversed(failed))


def _environment(settings: LocalSettings) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": settings.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_REGION": settings.region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def _sam(arguments: Sequence[str], environment: Mapping[str, str], log: Path, name: str) -> None:
    sam = os.environ.get("DORMOUSE_SAM", str(REPOSITORY / ".venvs" / "sam" / "bin" / "sam"))
    uv = os.environ.get("UV", str(REPOSITORY / ".venvs" / "uv" / "bin" / "uv"))
    inherited = {
        k: v for k, v in os.environ.items() if k not in ("AWS_PROFILE", "AWS_SESSION_TOKEN")
    }
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        status = subprocess.run(
            [sam, *arguments],
            cwd=REPOSITORY,
            env=inherited | {"UV": uv, "SAM_CLI_TELEMETRY": "0", **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if status != 0:
        last = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-1:]
        raise DeployError(f"{name} failed: {''.join(last)} (its whole output: {log})")


def upload_models(
    settings: LocalSettings, archives: Sequence[Path], *, name: str = STACK_NAME
) -> None:
    """Copy archives to where the endpoint looks for TargetModel."""
    client = clients(settings)
    outputs = _outputs(client, name)
    for archive in archives:
        client("s3").upload_file(
            str(archive), outputs["ModelBucketName"], outputs["ModelPrefix"] + archive.name
        )


def describe(settings: LocalSettings, *, name: str = STACK_NAME) -> Stack:
    """Read what was deployed."""
    client = clients(settings)
    outputs = _outputs(client, name)
    listed = client("s3").list_objects_v2(
        Bucket=outputs["ModelBucketName"], Prefix=outputs["ModelPrefix"]
    )
    return Stack(
        aws_endpoint_url=settings.endpoint_url,
        region=settings.region,
        name=name,
        invoke_url=outputs["InvokeUrl"].rstrip("/"),
        control_url=outputs["ControlUrl"],
        endpoint_name=outputs["EndpointName"],
        models=[
            entry["Key"].removeprefix(outputs["ModelPrefix"])
            for entry in listed.get("Contents", [])
        ],
        model_bucket=outputs["ModelBucketName"],
        endpoints_table=outputs["EndpointsTableName"],
        requests_table=outputs["RequestsTableName"],
        requests_bucket=outputs["RequestsBucketName"],
        capture_bucket=outputs["CaptureBucketName"],
        reconcile_function=outputs["ReconcileFunctionName"],
        drain_function=outputs["DrainFunctionName"],
        control_function=outputs["ControlFunctionName"],
    )


def _outputs(client: Callable[[str], Any], name: str) -> dict[str, str]:
    (stack,) = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def stack_path(settings: LocalSettings) -> Path:
    """Where scripts find the stack that is up."""
    return settings.state_dir / "stack.json"


def write(settings: LocalSettings, stack: Stack) -> None:
    """Write stack.json, whole or not at all."""
    path = stack_path(settings)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(stack), indent=2) + "\n")
    partial.replace(path)


def read(settings: LocalSettings) -> Stack | None:
    """Read stack.json, None where there is none, or one of another version."""
    try:
        return Stack(**json.loads(stack_path(settings).read_text()))
    except (FileNotFoundError, TypeError):
        return None
