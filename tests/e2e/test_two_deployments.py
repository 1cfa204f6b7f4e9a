"""Two deployments in one region, and then a third that wants the endpoint of the second: each
leaves the others' endpoints alone and says whose they are, also when it is deleted."""

from dataclasses import dataclass

import pytest

from tests.e2e.deployments import Deployment, LocalAws, at_once

NOT_EXECUTED = "The request was not executed. Try again."


@dataclass(frozen=True)
class Both:
    """Two deployments; the endpoint of `right` serves, that of `left` is asleep."""

    left: Deployment
    right: Deployment
    created_at: object

    def check_that_it_serves(self) -> None:
        """The endpoint of `right` is still the one that was created first."""
        described = self.right.aws.endpoint("right-endpoint")
        assert described is not None
        assert described["EndpointStatus"] == "InService"
        assert described["CreationTime"] == self.created_at


@pytest.fixture(scope="module")
def both(aws: LocalAws) -> Both:
    """Deployed side by side."""
    right = aws.deploy("right", EndpointName="right-endpoint")
    right.post("wake")
    left = aws.deploy("left", EndpointName="left-endpoint")
    right.wait_for_status("InService")
    described = aws.endpoint("right-endpoint")
    assert described is not None
    return Both(left, right, described["CreationTime"])


def check_refusal(deployment: Deployment, endpoint: str, reason: str) -> None:
    """To its operators and to its callers, in the same words; no intent is taken."""
    decided = deployment.tick()[endpoint]
    assert (decided["action"], decided["rule"]) == ("wait", "refused")
    assert decided["reason"] == f"left as it is, since {reason}"
    standing = deployment.standing(endpoint)
    assert (standing["problem"], standing["endpoint_config"]) == (reason, None)
    for verb in ("wake", "sleep"):
        refused = deployment.ask("POST", f"/endpoints/{endpoint}/{verb}")
        assert refused.status == 409
        assert refused.json()["detail"] == f"{endpoint} is left as it is, since {reason}"


def check_503(deployment: Deployment, endpoint: str, reason: str) -> None:
    """What is answered to callers of a deployment that does not know who may invoke it."""
    response = deployment.refusal(endpoint)
    assert response["Error"]["Code"] == "ServiceUnavailable"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert f"left as it is, since {reason}. {NOT_EXECUTED}" in response["Error"]["Message"]


def test_each_refuses_the_endpoint_of_the_other(both: Both) -> None:
    """One that serves and one that is asleep alike; each goes on with its own."""
    for deployment, other in ((both.left, both.right), (both.right, both.left)):
        reason = f"the deployment {other.stack.name} manages it"
        check_refusal(deployment, other.name, reason)
        check_503(deployment, other.name, reason)
        listed = deployment.ask("GET", "/endpoints").json()["endpoints"]
        assert {row["name"]: row["problem"] for row in listed} == {
            deployment.name: None,
            other.name: reason,
        }
    both.check_that_it_serves()
    assert both.left.status() is None
    both.right.check_that_it_lets_in()


@pytest.fixture(scope="module")
def rival(both: Both) -> Deployment:
    """A third deployment, whose template names the endpoint of `right`."""
    return both.right.aws.deploy("rival", EndpointName="right-endpoint")


def test_two_that_claim_one_endpoint_both_leave_it_as_it_is(both: Both, rival: Deployment) -> None:
    """It serves on, whoever asks for its end; only who knew its callers before lets them in."""
    for deployment, other in ((both.right, rival), (rival, both.right)):
        # As its ARN has it, which is all that the tagging API shows.
        config = other.outputs()["EndpointConfigName"].lower()
        reason = (
            f"the deployment {other.stack.name} claims it too, by EndpointConfig {config} (delete "
            "that config if the deployment is gone)"
        )
        check_refusal(deployment, "right-endpoint", reason)
        if deployment is rival:
            check_503(deployment, "right-endpoint", reason)
    both.right.check_that_it_lets_in()
    both.check_that_it_serves()


def test_the_end_of_the_others_is_not_its_end(both: Both, rival: Deployment) -> None:
    """Neither that of the one which never claimed it nor that of the one which did; then it is
    managed again."""
    with at_once() as pool:
        for deletion in [pool.submit(both.left.delete), pool.submit(rival.delete)]:
            deletion.result()

    both.check_that_it_serves()
    assert both.right.tick()["right-endpoint"]["action"] == "stay up"
    assert both.right.standing()["problem"] is None
    listed = both.right.ask("GET", "/endpoints").json()["endpoints"]
    assert [row["name"] for row in listed] == ["right-endpoint"]
    both.right.check_that_it_lets_in()
