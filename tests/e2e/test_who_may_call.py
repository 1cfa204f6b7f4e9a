"""Who may invoke an endpoint, as the callers see it who are not listed, and as those who are."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.credentials import Credentials

from tests.e2e.deployments import Deployment, Json, LocalAws, wait_until

LISTED = "arn:aws:iam::000000000000:role/team/caller"
NOT_LISTED = {
    "another role": "arn:aws:iam::000000000000:role/team/other",
    "a role of that name in another account": "arn:aws:iam::111111111111:role/team/caller",
}


@pytest.fixture(scope="module")
def guarded(aws: LocalAws) -> Deployment:
    """A stack whose endpoint one role may invoke; it is asleep."""
    deployed = aws.deploy("guarded", EndpointName="guarded", Principals=LISTED)
    deployed.upload_models()
    assert deployed.tick()["guarded"]["action"] == "stay down"
    assert deployed.standing()["principals"] == [LISTED]
    return deployed


@pytest.fixture(params=[*NOT_LISTED, "the account's root"])
def stranger(guarded: Deployment, request: pytest.FixtureRequest) -> Credentials:
    """Whoever is not listed."""
    if request.param in NOT_LISTED:
        return guarded.aws.credentials(NOT_LISTED[request.param])
    return Credentials("test", "test")


def check_that_it_is_a_denial(response: Json) -> None:
    """As boto3 knows one."""
    assert response["Error"]["Code"] == "AccessDeniedException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 403
    message = response["Error"]["Message"]
    assert "is not authorized to invoke the endpoint guarded" in message
    assert "dormouse:principals" in message


def invocations(deployment: Deployment) -> float:
    """How many requests its endpoint has got, by SageMaker's own metric."""
    now = datetime.now(UTC)
    points = deployment.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[
            {"Name": "EndpointName", "Value": deployment.name},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def test_a_stranger_wakes_nobody(guarded: Deployment, stranger: Credentials) -> None:
    """And nothing of him is remembered."""
    before = guarded.item()

    check_that_it_is_a_denial(guarded.refusal(runtime=guarded.runtime_of(stranger)))

    assert guarded.item() == before
    assert guarded.tick()["guarded"]["action"] == "stay down"
    assert guarded.status() is None


def test_the_listed_role_wakes_it_and_is_answered(guarded: Deployment) -> None:
    """By whatever session it acts."""
    runtime = guarded.runtime_of(guarded.aws.credentials(LISTED))

    response = guarded.refusal(runtime=runtime)
    assert response["Error"]["Code"] == "ServiceUnavailable"
    guarded.wait_for_status("InService")

    assert guarded.invoke(runtime=runtime)["predictions"][0]["label"] == "positive"


def test_for_a_stranger_nothing_is_executed(guarded: Deployment, stranger: Credentials) -> None:
    """Though it serves."""
    before, noted = invocations(guarded), guarded.item()["last_request_at"]
    assert before == 1

    check_that_it_is_a_denial(guarded.refusal(runtime=guarded.runtime_of(stranger)))

    assert invocations(guarded) == before
    assert guarded.item()["last_request_at"] == noted


def test_without_a_list_it_is_the_own_account(guarded: Deployment) -> None:
    """Every identity of it, and none of another."""
    guarded.tag_a_config("open-config", {"dormouse:endpoint": "open"})
    guarded.tick()
    assert guarded.standing("open")["principals"] == ["000000000000"]

    own, other = (guarded.runtime_of(guarded.aws.credentials(arn)) for arn in NOT_LISTED.values())

    denied = guarded.refusal("open", other)
    assert denied["Error"]["Code"] == "AccessDeniedException"
    assert guarded.aws.endpoint("open") is None
    asleep = guarded.refusal("open", own)
    assert asleep["Error"]["Code"] == "ServiceUnavailable"
    assert "open is asleep, and is being started" in asleep["Error"]["Message"]


def test_an_account_may_be_listed(guarded: Deployment) -> None:
    """Then it is all of that one, and none of the own."""
    guarded.tag_a_config(
        "partner-config", {"dormouse:endpoint": "partner", "dormouse:principals": "111111111111"}
    )
    own, other = (guarded.runtime_of(guarded.aws.credentials(arn)) for arn in NOT_LISTED.values())

    assert guarded.refusal("partner", own)["Error"]["Code"] == "AccessDeniedException"
    assert guarded.refusal("partner", other)["Error"]["Code"] == "ServiceUnavailable"
    wait_until(lambda: guarded.aws.endpoint("partner") is not None, "woken")
