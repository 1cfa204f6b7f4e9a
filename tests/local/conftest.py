"""The local AWS as a process of its own, in the environment that has ministack, and ways to ask it.

DORMOUSE_LOCAL_PYTHON names that environment's interpreter; without it .venvs/local is used, and
where there is none, the tests that need the server are skipped.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.tether import PR_SET_PDEATHSIG, prctl

REPOSITORY = Path(__file__).resolve().parents[2]
FAKE_CONTAINER = Path(__file__).with_name("fake_container.py")
ACCOUNT = "000000000000"
BUCKET = "models-of-the-tests"


def wait_until(seen: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Ask until the answer is true; the test fails when it has not been by then."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := seen():
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {seen.__qualname__}")
        time.sleep(0.05)


@pytest.fixture(scope="session")
def local_python() -> Path:
    """The interpreter that has ministack."""
    named = os.environ.get("DORMOUSE_LOCAL_PYTHON")
    python = Path(named) if named else REPOSITORY / ".venvs" / "local" / "bin" / "python"
    if not python.exists():
        if named:
            pytest.fail(f"DORMOUSE_LOCAL_PYTHON names {python}, which is not there")
        pytest.skip("no environment with ministack: see local/requirements.txt")
    return python


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class LocalAws:
    """A running local AWS."""

    process: subprocess.Popen[bytes]
    port: int
    state_dir: Path
    log: Path
    clients: dict[Any, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str, path: str = "", **config: Any) -> Any:
        """A boto3 client of the local AWS that never retries, made once: making one is slow."""
        key = (service, path, *sorted(config.items()))
        if key not in self.clients:
            settings = {"retries": {"total_max_attempts": 1}, **config}
            self.clients[key] = boto3.client(  # type: ignore[call-overload]  # service is a variable
                service,
                endpoint_url=self.url + path,
                region_name="us-east-1",
                config=Config(**settings),
            )
        return self.clients[key]

    def put_model(self, name: str, **behaviour: Any) -> str:
        """Upload a model for the fake container; returns its TargetModel."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            content = json.dumps(behaviour).encode()
            member = tarfile.TarInfo("behaviour.json")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        target = f"{name}.tar.gz"
        self.client("s3").put_object(Bucket=BUCKET, Key=f"models/{target}", Body=archive.getvalue())
        return target

    def put_config(
        self,
        name: str,
        environment: dict[str, str] | None = None,
        *,
        image_tag: str = "1",
        instance_type: str = "ml.m5.xlarge",
        **more: Any,
    ) -> str:
        """Create a model and an endpoint configuration of one name."""
        sagemaker = self.client("sagemaker")
        sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/model",
            PrimaryContainer={
                "Image": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/container:{image_tag}",
                "Mode": "MultiModel",
                "ModelDataUrl": f"s3://{BUCKET}/models/",
                "Environment": environment or {},
            },
        )
        sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": "AllTraffic",
                    "ModelName": name,
                    "InstanceType": instance_type,
                    "InitialInstanceCount": 1,
                    "InitialVariantWeight": 1.0,
                }
            ],
            **more,
        )
        return name

    def status(self, endpoint: str) -> str | None:
        """EndpointStatus, or None if there is no such endpoint."""
        sagemaker = self.client("sagemaker")
        try:
            return str(sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"])
        except sagemaker.exceptions.ClientError as error:
            assert "Could not find endpoint" in str(error)
            return None

    def serve(self, name: str, environment: dict[str, str] | None = None) -> str:
        """Create an endpoint and wait until it serves."""
        self.put_config(name, environment)
        self.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
        wait_until(lambda: self.status(name) == "InService")
        return name

    def processes(self) -> list[int]:
        """Every process of this server, by what its command line or environment says."""
        marks = (str(self.state_dir).encode(), f"GATEWAY_PORT={self.port}\0".encode())
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and int(entry.name) != os.getpid():
                    seen = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                    if any(mark in seen for mark in marks):
                        found.append(int(entry.name))
        return found

    def stop(self) -> int:
        """End it in order; returns its exit status."""
        for client in self.clients.values():
            client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


@pytest.fixture(scope="session")
def start_local_aws(local_python: Path) -> Callable[..., LocalAws]:
    """Start a local AWS whose containers are fakes and whose times are short."""

    def start(state_dir: Path, port: int | None = None, **settings: Any) -> LocalAws:
        port = port or free_port()
        given = {
            "create_seconds": 0.3,
            "delete_seconds": 0.3,
            "ping_timeout_seconds": 8,
            "container_stop_seconds": 1,
            "instance_limit": 100,
            "model_wait_seconds": 1.5,
            "invoke_seconds": 2,
            "container_python": sys.executable,
            "container_entrypoint": FAKE_CONTAINER,
            **settings,
        }
        log = state_dir / "server.log"
        state_dir.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [
                    *(local_python, "-m", "local.server"),
                    *("--port", str(port), "--state-dir", state_dir),
                    *(f"--{name.replace('_', '-')}={value}" for name, value in given.items()),
                ],
                cwd=REPOSITORY,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                # A test run that is ended from outside takes its servers along.
                preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM),  # noqa: PLW1509
            )
        running = LocalAws(process, port, state_dir, log)

        def ready() -> bool:
            if process.poll() is not None:
                pytest.fail(f"the local AWS ended: {log.read_text()[-2000:]}")
            return "local AWS ready" in log.read_text()

        wait_until(ready, 40)
        return running

    return start


@pytest.fixture(scope="session")
def aws(
    start_local_aws: Callable[..., LocalAws], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalAws]:
    """One local AWS for all tests that do not stop it; each uses names of its own."""
    with _serving(start_local_aws(tmp_path_factory.mktemp("aws"))) as running:
        yield running


@pytest.fixture(scope="session")
def unhurried_aws(
    start_local_aws: Callable[..., LocalAws], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalAws]:
    """One whose endpoints take seconds to change, so that on a busy machine too there is time to
    ask several things meanwhile.
    """
    state_dir = tmp_path_factory.mktemp("unhurried")
    with _serving(start_local_aws(state_dir, create_seconds=3, delete_seconds=3)) as running:
        yield running


@contextlib.contextmanager
def _serving(running: LocalAws) -> Iterator[LocalAws]:
    """With a bucket for models; afterwards it ends in order and leaves no process."""
    running.client("s3").create_bucket(Bucket=BUCKET)
    yield running
    assert running.stop() == 0
    assert running.processes() == []
