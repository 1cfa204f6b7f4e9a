"""SageMaker's answers and refusals become observations and errors.

botocore's Stubber holds each request and each answer against the service's own model.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from dormouse.adapters.sagemaker import SageMakerEndpoints
from dormouse.domain.endpoint import Absent, EndpointStatus, Present
from dormouse.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/reviews"
CREATED = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
MODIFIED = datetime(2026, 2, 16, 9, 8, tzinfo=UTC)


@pytest.fixture
def client() -> "SageMakerClient":
    """A real client, which is kept from the network."""
    return boto3.client("sagemaker", config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture
def stub(client: "SageMakerClient") -> Iterator[Stubber]:
    """Every call of the client is expected."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def endpoints(client: "SageMakerClient") -> SageMakerEndpoints:
    """The adapter under test."""
    return SageMakerEndpoints(reader=client, writer=client)


def described(status: str, **more: Any) -> dict[str, Any]:
    """Build DescribeEndpoint's answer."""
    return {
        "EndpointName": "reviews",
        "EndpointArn": ARN,
        "EndpointConfigName": "c1",
        "EndpointStatus": status,
        "CreationTime": CREATED,
        "LastModifiedTime": MODIFIED,
        **more,
    }


@pytest.mark.parametrize("status", EndpointStatus)
def test_every_status_is_observed(
    stub: Stubber, endpoints: SageMakerEndpoints, status: EndpointStatus
) -> None:
    """With variants as CloudWatch has to be asked for them."""
    variants = [{"VariantName": "AllTraffic"}, {"VariantName": "Shadow"}]
    answer = described(status.value, ProductionVariants=variants, FailureReason="why")
    stub.add_response("describe_endpoint", answer, {"EndpointName": "reviews"})

    assert endpoints.observe("reviews") == Present(
        status, ("AllTraffic", "Shadow"), MODIFIED, "why"
    )


def test_botocores_model_has_no_status_that_is_missing_here(client: "SageMakerClient") -> None:
    """A new one appears in botocore first."""
    shape = client.meta.service_model.shape_for("EndpointStatus")

    assert set(shape.metadata["enum"]) == {status.value for status in EndpointStatus}


def test_a_status_that_is_not_known_is_an_error_that_quotes_it(
    stub: Stubber, endpoints: SageMakerEndpoints
) -> None:
    """Nothing may be done to what is not understood."""
    stub.add_response("describe_endpoint", described("Hibernating"))

    with pytest.raises(AwsError, match="'Hibernating'"):
        endpoints.observe("reviews")


def test_could_not_find_endpoint_is_absence(stub: Stubber, endpoints: SageMakerEndpoints) -> None:
    """SageMaker says so in a ValidationException."""
    stub.add_client_error(
        "describe_endpoint", "ValidationException", f'Could not find endpoint "{ARN}".'
    )

    assert endpoints.observe("reviews") == Absent()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationException", f'Could not find endpoint configuration "{ARN}".'),
        ("ValidationException", "1 validation error detected"),
        ("ThrottlingException", "Rate exceeded"),
        ("InternalFailure", ""),
    ],
)
def test_any_other_error_is_no_absence(
    stub: Stubber, endpoints: SageMakerEndpoints, code: str, message: str
) -> None:
    """An endpoint that is taken for absent would be created beside the one that is there."""
    stub.add_client_error("describe_endpoint", code, message)

    with pytest.raises(AwsError, match=code):
        endpoints.observe("reviews")


@pytest.mark.parametrize(
    ("listed", "absent"), [([], True), (["reviews-2"], True), (["reviews"], False)]
)
def test_where_describing_is_denied_the_list_tells_absence(
    stub: Stubber, endpoints: SageMakerEndpoints, listed: list[str], absent: bool
) -> None:
    """The tags of an absent endpoint can't allow anything; those of a present one should."""
    stub.add_client_error("describe_endpoint", "AccessDeniedException", "not authorized")
    summaries = [
        {
            "EndpointName": name,
            "EndpointArn": ARN,
            "EndpointStatus": "InService",
            "CreationTime": CREATED,
            "LastModifiedTime": MODIFIED,
        }
        for name in listed
    ]
    stub.add_response("list_endpoints", {"Endpoints": summaries}, {"NameContains": "reviews"})

    if absent:
        assert endpoints.observe("reviews") == Absent()
    else:
        with pytest.raises(AwsError, match="AccessDenied"):
            endpoints.observe("reviews")


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
