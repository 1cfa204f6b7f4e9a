"""What changes endpoints: each call is sent once, and what is so already is no error.

botocore's Stubber holds each request and each answer against the service's own model.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from dormouse.adapters.sagemaker import SageMakerEndpoints
from dormouse.errors import AwsDeniedError, AwsError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/reviews"


@pytest.fixture
def client() -> "SageMakerClient":
    """A real client, which is kept from the network."""
    return boto3.client("sagemaker", config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture
def stub(client: "SageMakerClient") -> Iterator[Stubber]:
    """Every call of the writer is expected; the reader is asked for nothing."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def endpoints(client: "SageMakerClient") -> Iterator[SageMakerEndpoints]:
    """The adapter under test; its reader may not be called."""
    reader: SageMakerClient = boto3.client("sagemaker")
    with Stubber(reader):
        yield SageMakerEndpoints(reader=reader, writer=client)


def test_creation_passes_the_config_and_the_tags(
    stub: Stubber, endpoints: SageMakerEndpoints
) -> None:
    """Tagged in the same call, since IAM looks at the tags."""
    stub.add_response(
        "create_endpoint",
        {"EndpointArn": ARN},
        {
            "EndpointName": "reviews",
            "EndpointConfigName": "c1",
            "Tags": [{"Key": "dormouse:endpoint", "Value": "reviews"}],
        },
    )

    endpoints.create("reviews", "c1", {"dormouse:endpoint": "reviews"})


def test_creating_what_exists_is_no_error(stub: Stubber, endpoints: SageMakerEndpoints) -> None:
    """Two ticks at once: one of them is second."""
    stub.add_client_error(
        "create_endpoint",
        "ValidationException",
        f'Cannot create already existing endpoint "{ARN}".',
    )

    endpoints.create("reviews", "c1", {})


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ResourceLimitExceeded", "The account-level service limit 'ml.x' is 0 Instances"),
        ("ValidationException", f'Could not find endpoint configuration "{ARN}".'),
    ],
)
def test_a_refused_creation_says_why(
    stub: Stubber, endpoints: SageMakerEndpoints, code: str, message: str
) -> None:
    """In SageMaker's own words."""
    stub.add_client_error("create_endpoint", code, message)

    with pytest.raises(AwsError) as refusal:
        endpoints.create("reviews", "c1", {})
    assert str(refusal.value) == f"CreateEndpoint refused: {code}: {message}"


def test_deleting_what_is_gone_is_no_error(stub: Stubber, endpoints: SageMakerEndpoints) -> None:
    """It was to be gone."""
    stub.add_client_error(
        "delete_endpoint", "ValidationException", f'Could not find endpoint "{ARN}".'
    )

    endpoints.delete("reviews")


def test_deleting_what_is_in_progress_is_refused(
    stub: Stubber, endpoints: SageMakerEndpoints
) -> None:
    """The next tick looks again."""
    stub.add_client_error(
        "delete_endpoint", "ValidationException", f'Cannot update in-progress endpoint "{ARN}".'
    )

    with pytest.raises(AwsError, match="in-progress"):
        endpoints.delete("reviews")


def test_an_update_passes_the_config(stub: Stubber, endpoints: SageMakerEndpoints) -> None:
    """And that the DeploymentConfig stays, which SageMaker forgets otherwise."""
    stub.add_response(
        "update_endpoint",
        {"EndpointArn": ARN},
        {
            "EndpointName": "reviews",
            "EndpointConfigName": "c2",
            "RetainDeploymentConfig": True,
        },
    )

    endpoints.update("reviews", "c2", retains_deployment=True)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationException", f'Could not find endpoint configuration "{ARN}".'),
        ("ValidationException", f'Could not find endpoint "{ARN}".'),
        ("ValidationException", f'Cannot update in-progress endpoint "{ARN}".'),
        ("ResourceLimitExceeded", "The account-level service limit 'ml.x' is 0 Instances"),
    ],
)
def test_a_refused_update_says_why(
    stub: Stubber, endpoints: SageMakerEndpoints, code: str, message: str
) -> None:
    """Unlike a deletion, it has to do with what is there."""
    stub.add_client_error("update_endpoint", code, message)

    with pytest.raises(AwsError) as refusal:
        endpoints.update("reviews", "c2", retains_deployment=True)
    assert str(refusal.value) == f"UpdateEndpoint refused: {code}: {message}"


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
def test_a_denial_by_iam_is_told_apart(
    stub: Stubber, endpoints: SageMakerEndpoints, verb: str
) -> None:
    """In IAM's own words."""
    stub.add_client_error(f"{verb}_endpoint", "AccessDeniedException", "User: … is not authorized")

    with pytest.raises(AwsDeniedError, match="refused: AccessDeniedException: User: … is not"):
        if verb == "create":
            endpoints.create("reviews", "c1", {})
        elif verb == "update":
            endpoints.update("reviews", "c1", retains_deployment=False)
        else:
            endpoints.delete("reviews")
