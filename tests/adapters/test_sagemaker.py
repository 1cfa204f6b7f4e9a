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
from dormouse.domain.endpoint import Absent, EndpointStatus, Ownership, Present
from dormouse.errors import AwsDeniedError, AwsError

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
        ARN, status, "c1", ("AllTraffic", "Shadow"), MODIFIED, "why"
    )


def test_what_sagemaker_need_not_say(stub: Stubber, endpoints: SageMakerEndpoints) -> None:
    """The config's name and the variants are not required in its model."""
    answer = described("Failed")
    del answer["EndpointConfigName"]
    stub.add_response("describe_endpoint", answer)

    assert endpoints.observe("reviews") == Present(
        ARN, EndpointStatus.FAILED, "", (), MODIFIED, None
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
    summaries = [summary(name, "InService") for name in listed]
    stub.add_response("list_endpoints", {"Endpoints": summaries}, {"NameContains": "reviews"})

    if absent:
        assert endpoints.observe("reviews") == Absent()
    else:
        with pytest.raises(AwsDeniedError, match="DescribeEndpoint refused: AccessDenied"):
            endpoints.observe("reviews")


def summary(name: str, status: str) -> dict[str, Any]:
    """Build one entry of ListEndpoints."""
    return {
        "EndpointName": name,
        "EndpointArn": f"{ARN}-{name}",
        "EndpointStatus": status,
        "CreationTime": CREATED,
        "LastModifiedTime": MODIFIED,
    }


def test_every_page_of_endpoints_is_listed(stub: Stubber, endpoints: SageMakerEndpoints) -> None:
    """A hundred at once; it says how each stands and since when, and no more."""
    stub.add_response(
        "list_endpoints",
        {"Endpoints": [summary("a", "InService"), summary("b", "Creating")], "NextToken": "more"},
        {"MaxResults": 100},
    )
    stub.add_response(
        "list_endpoints",
        {"Endpoints": [summary("C", "Failed")]},
        {"MaxResults": 100, "NextToken": "more"},
    )

    assert endpoints.observe_all() == {
        name: Present(f"{ARN}-{name}", status, "", (), MODIFIED)
        for name, status in (
            ("a", EndpointStatus.IN_SERVICE),
            ("b", EndpointStatus.CREATING),
            ("C", EndpointStatus.FAILED),
        )
    }


def test_a_list_that_cannot_be_read_is_an_error(
    stub: Stubber, endpoints: SageMakerEndpoints
) -> None:
    """Not a region without endpoints; nor is a status that is not known any other."""
    stub.add_client_error("list_endpoints", "ThrottlingException", "Rate exceeded")
    with pytest.raises(AwsError, match="ListEndpoints refused: ThrottlingException"):
        endpoints.observe_all()
    stub.add_response("list_endpoints", {"Endpoints": [summary("a", "Hibernating")]})
    with pytest.raises(AwsError, match="'Hibernating'"):
        endpoints.observe_all()


@pytest.mark.parametrize(
    ("pages", "ownership"),
    [
        ([{}], Ownership()),
        ([{"dormouse:endpoint": "reviews", "team": "search"}], Ownership()),
        ([{"dormouse:stack": "s"}], Ownership(created_by="s")),
        ([{"dormouse:adopted-by": "s"}], Ownership(adopted_by="s")),
        ([{"team": "search"}, {"dormouse:stack": "s"}], Ownership(created_by="s")),
        (
            [{"dormouse:stack": "s"}, {"dormouse:adopted-by": "t"}],
            Ownership(created_by="s", adopted_by="t"),
        ),
    ],
)
def test_whose_an_endpoint_is_say_its_own_tags(
    stub: Stubber,
    endpoints: SageMakerEndpoints,
    pages: list[dict[str, str]],
    ownership: Ownership,
) -> None:
    """On whatever page they are."""
    for number, tags in enumerate(pages):
        answer: dict[str, Any] = {"Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
        expected = {"ResourceArn": ARN}
        if number > 0:
            expected["NextToken"] = str(number)
        if number + 1 < len(pages):
            answer["NextToken"] = str(number + 1)
        stub.add_response("list_tags", answer, expected)

    seen = endpoints.ownership(ARN)

    assert (seen.created_by, seen.adopted_by) == (ownership.created_by, ownership.adopted_by)
    assert seen.tags == {key: value for tags in pages for key, value in tags.items()}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationException", f'Could not find endpoint "{ARN}".'),
        ("AccessDeniedException", "not authorized"),
    ],
)
def test_tags_that_cannot_be_read_are_an_error(
    stub: Stubber, endpoints: SageMakerEndpoints, code: str, message: str
) -> None:
    """Not an endpoint that nobody has created; it may have gone meanwhile."""
    stub.add_client_error("list_tags", code, message)

    with pytest.raises(AwsError, match=f"ListTags refused: {code}"):
        endpoints.ownership(ARN)
