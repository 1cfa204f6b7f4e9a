"""Containers: they come up, they fail, they end, and nothing of them is left."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import BUCKET, LocalAws, wait_until

FAILED_CHECK = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)


@pytest.mark.parametrize("boot", ["crash", "silent"])
def test_a_container_that_does_not_come_up_fails_the_endpoint(aws: LocalAws, boot: str) -> None:
    """At once when it crashes, after the ping's time when it is silent. Then it may be deleted."""
    name = f"fails-{boot}"
    sagemaker = aws.client("sagemaker")
    aws.put_config(name, {"FAKE_BOOT": boot})
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    wait_until(lambda: aws.status(name) == "Failed")
    assert sagemaker.describe_endpoint(EndpointName=name)["FailureReason"] == FAILED_CHECK
    with pytest.raises(sagemaker.exceptions.ClientError, match="Cannot update"):
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.delete_endpoint(EndpointName=name)
    wait_until(lambda: aws.status(name) is None)


def test_it_is_creating_for_as_long_as_was_asked(
    start_local_aws: Callable[..., LocalAws], tmp_path: Path
) -> None:
    """Even though the container answers sooner; and a wake takes no longer than that."""
    aws = start_local_aws(tmp_path, create_seconds=2.5)
    try:
        aws.put_config("slow")
        begun = time.monotonic()
        aws.client("sagemaker").create_endpoint(EndpointName="slow", EndpointConfigName="slow")
        wait_until(lambda: aws.status("slow") == "InService")
        assert 2.5 <= time.monotonic() - begun < 6
    finally:
        aws.stop()


def test_an_update_replaces_the_container(unhurried_aws: LocalAws) -> None:
    """The former one serves until the new one does; an update that fails rolls back."""
    aws = unhurried_aws
    sagemaker, runtime = aws.client("sagemaker"), aws.client("sagemaker-runtime")
    target = aws.put_model("update")
    aws.serve("update")
    aws.put_config("update-2", {"SAGEMAKER_REVISION": "2"})
    aws.put_config("update-broken", {"FAKE_BOOT": "crash"})

    def revision() -> str | None:
        answer = runtime.invoke_endpoint(EndpointName="update", TargetModel=target, Body=b"")

        seen: dict[str, str] = json.load(answer["Body"])["environment"]
        return seen.get("SAGEMAKER_REVISION")

    assert revision() is None
    sagemaker.update_endpoint(EndpointName="update", EndpointConfigName="update-2")
    assert (aws.status("update"), revision()) == ("Updating", None)
    wait_until(lambda: aws.status("update") == "InService")
    assert revision() == "2"
    sagemaker.update_endpoint(EndpointName="update", EndpointConfigName="update-broken")
    wait_until(lambda: aws.status("update") == "RollingBack")
    assert revision() == "2"
    wait_until(lambda: aws.status("update") == "InService")
    shown = sagemaker.describe_endpoint(EndpointName="update")
    assert shown["EndpointConfigName"] == "update-2"


def test_a_stubborn_container_is_gone_when_its_endpoint_is(
    start_local_aws: Callable[..., LocalAws], tmp_path: Path
) -> None:
    """It ignores SIGTERM, and so does a daemon it has left behind."""
    aws = start_local_aws(tmp_path)
    try:
        before = set(aws.processes())
        aws.serve("stubborn", {"FAKE_BOOT": "stubborn", "MARK": str(tmp_path)})
        assert len(set(aws.processes()) - before) >= 3  # tether, container, daemon
        aws.client("sagemaker").delete_endpoint(EndpointName="stubborn")
        wait_until(lambda: aws.status("stubborn") is None)
        assert set(aws.processes()) - before == set()
    finally:
        aws.stop()


def descend(pid: int) -> list[int]:
    """The process and what is below it, in the order of their birth."""
    children = []
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        children = [int(child) for child in text.split()]
    return [pid, *(found for child in children for found in descend(child))]


@pytest.mark.parametrize("victim", ["server", "tether", "emulator"])
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_outlives_the_server(
    start_local_aws: Callable[..., LocalAws], tmp_path: Path, victim: str, signum: int
) -> None:
    """Whichever of its three processes is ended, in whatever way, with an endpoint in service."""
    aws = start_local_aws(tmp_path)
    try:
        aws.serve("orphan", {"MARK": str(tmp_path)})
        server, tether, emulator = descend(aws.process.pid)[:3]
        assert len(aws.processes()) >= 5
        pid = {"server": server, "tether": tether, "emulator": emulator}[victim]
        os.kill(pid, signum)
        wait_until(lambda: aws.processes() == [], 30)
    finally:
        aws.process.kill()
        aws.process.wait()
        aws.stop()


def test_a_second_start_waits_for_the_first_to_end(
    start_local_aws: Callable[..., LocalAws], tmp_path: Path
) -> None:
    """Killed and started again at once, on the same port and directory; and nothing was kept."""
    first = start_local_aws(tmp_path)
    first.serve("once", {"FAKE_BOOT": "stubborn"})
    first.client("s3").create_bucket(Bucket=BUCKET)
    first.process.kill()
    first.process.wait()
    (tmp_path / "server.log").unlink()
    second = start_local_aws(tmp_path, port=first.port)
    try:
        assert second.status("once") is None
        assert second.client("s3").list_buckets()["Buckets"] == []
    finally:
        second.stop()
        first.stop()


def test_a_crash_in_service_is_mended(aws: LocalAws) -> None:
    """The endpoint stays InService, the call that crashed it fails, later ones are served."""
    runtime: Any = aws.client("sagemaker-runtime")
    crash, good = aws.put_model("crash", crash=True), aws.put_model("good")
    name = aws.serve("crashes")
    with pytest.raises(runtime.exceptions.ServiceUnavailable):
        runtime.invoke_endpoint(EndpointName=name, TargetModel=crash, Body=b"")

    def served() -> bool:
        assert aws.status(name) == "InService"
        with contextlib.suppress(runtime.exceptions.ServiceUnavailable):
            runtime.invoke_endpoint(EndpointName=name, TargetModel=good, Body=b"")
            return True
        return False

    wait_until(served)
