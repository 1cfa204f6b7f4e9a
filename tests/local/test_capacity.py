"""Instance types that there is no capacity of."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import BUCKET, LocalAws, wait_until
from tests.local.shapes import check_answer

LACKING, OTHER, SCARCE = "ml.g4dn.xlarge", "ml.m5.xlarge", "ml.c5.xlarge"
NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)


@pytest.fixture(scope="module")
def aws(start_local_aws: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One that has none of a type from the start."""
    running: LocalAws = start_local_aws(tmp_path_factory.mktemp("aws"), no_capacity=LACKING)
    running.client("s3").create_bucket(Bucket=BUCKET)
    yield running
    assert running.stop() == 0


@pytest.fixture(autouse=True)
def lacking(aws: LocalAws) -> Path:
    """The file that says what is lacking, as it is at the start."""
    path = aws.state_dir / "run" / "no-capacity"
    path.write_text(LACKING)
    return path


def describe(aws: LocalAws, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = aws.client("sagemaker").describe_endpoint(EndpointName=name)
    check_answer("sagemaker", "DescribeEndpoint", answer)
    return answer


def test_the_setting_is_what_is_lacking_at_the_start(start_local_aws: Any, tmp_path: Path) -> None:
    """It is in the file, which is read from then on."""
    running: LocalAws = start_local_aws(tmp_path, no_capacity=f"{LACKING} {SCARCE}")
    try:
        written = (tmp_path / "run" / "no-capacity").read_text()
        assert written.split() == [LACKING, SCARCE]
    finally:
        running.stop()


def test_a_creation_fails_for_want_of_capacity(aws: LocalAws) -> None:
    """First it is Creating, as long as any other; then Failed, with the reason; and it can be
    deleted, and created again on another type.
    """
    sagemaker = aws.client("sagemaker")
    aws.put_config("scarce", instance_type=LACKING)
    aws.put_config("plenty", instance_type=OTHER)

    sagemaker.create_endpoint(EndpointName="wanted", EndpointConfigName="scarce")
    assert aws.status("wanted") == "Creating"
    wait_until(lambda: aws.status("wanted") == "Failed")
    shown = describe(aws, "wanted")
    assert (shown["FailureReason"], shown["EndpointConfigName"]) == (NO_CAPACITY, "scarce")
    assert "ProductionVariants" not in shown

    sagemaker.delete_endpoint(EndpointName="wanted")
    wait_until(lambda: aws.status("wanted") is None)
    sagemaker.create_endpoint(EndpointName="wanted", EndpointConfigName="plenty")
    wait_until(lambda: aws.status("wanted") == "InService")
    assert "FailureReason" not in describe(aws, "wanted")
    sagemaker.delete_endpoint(EndpointName="wanted")


def test_an_update_for_want_of_capacity_is_rolled_back(aws: LocalAws) -> None:
    """Updating, RollingBack, InService on the former config, which serves all the time, with the
    reason; and once there is capacity, the same update succeeds.
    """
    sagemaker, runtime = aws.client("sagemaker"), aws.client("sagemaker-runtime")
    target = aws.put_model("served")
    aws.serve("served")
    aws.put_config("served-2", instance_type=LACKING)

    def is_served() -> bool:
        answer = runtime.invoke_endpoint(EndpointName="served", TargetModel=target, Body=b"")
        return bool(answer["InvokedProductionVariant"] == "AllTraffic")

    sagemaker.update_endpoint(EndpointName="served", EndpointConfigName="served-2")
    assert aws.status("served") == "Updating"
    assert is_served()
    wait_until(lambda: aws.status("served") == "RollingBack")
    assert is_served()
    wait_until(lambda: aws.status("served") == "InService")
    shown = describe(aws, "served")
    assert (shown["FailureReason"], shown["EndpointConfigName"]) == (NO_CAPACITY, "served")

    (aws.state_dir / "run" / "no-capacity").write_text("")
    sagemaker.update_endpoint(EndpointName="served", EndpointConfigName="served-2")
    wait_until(lambda: aws.status("served") == "InService")
    shown = describe(aws, "served")
    assert shown["EndpointConfigName"] == "served-2"
    assert "FailureReason" not in shown
    assert is_served()
    sagemaker.delete_endpoint(EndpointName="served")


def test_capacity_goes_while_it_runs(aws: LocalAws, lacking: Path) -> None:
    """What serves goes on, and what is created next fails; without a file nothing is lacking."""
    sagemaker = aws.client("sagemaker")
    aws.serve("before")
    aws.put_config("after")
    lacking.write_text(f"{LACKING}\n{OTHER}\n")
    sagemaker.create_endpoint(EndpointName="after", EndpointConfigName="after")
    wait_until(lambda: aws.status("after") == "Failed")
    assert aws.status("before") == "InService"

    lacking.unlink()
    sagemaker.delete_endpoint(EndpointName="after")
    wait_until(lambda: aws.status("after") is None)
    sagemaker.create_endpoint(EndpointName="after", EndpointConfigName="after")
    wait_until(lambda: aws.status("after") == "InService")
    for name in ("before", "after"):
        sagemaker.delete_endpoint(EndpointName=name)
