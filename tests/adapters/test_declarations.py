"""Which stack of CloudFormation declares a resource, as DescribeStackResources answers."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from dormouse.adapters.declarations import StackDeclarations
from dormouse.errors import AwsDeniedError, AwsError
from tests.fakes.answers import refusal, will_answer

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/reviews"
DESCRIBE = "cloudformation.DescribeStackResources"


@pytest.fixture
def client() -> Iterator[Any]:
    """CloudFormation; every answer is prepared, since moto needs more than is installed for it."""
    with mock_aws():
        yield boto3.client("cloudformation")


def test_a_stack_is_found_by_the_arn(client: Any) -> None:
    """Which is the physical id of an endpoint."""
    resource = {"StackName": "search", "LogicalResourceId": "Endpoint", "PhysicalResourceId": ARN}
    calls = will_answer(client, DESCRIBE, {"StackResources": [resource]})

    assert StackDeclarations(client).stack_of(ARN) == "search"
    assert calls[0]["body"]["PhysicalResourceId"] == ARN


@pytest.mark.parametrize(
    "answer",
    [
        refusal("ValidationError", f"Stack for {ARN} does not exist"),
        {"StackResources": []},
    ],
)
def test_what_no_stack_declares_is_nobodys(client: Any, answer: dict[str, Any]) -> None:
    """CloudFormation calls that an error."""
    will_answer(client, DESCRIBE, answer)

    assert StackDeclarations(client).stack_of(ARN) is None


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        ("AccessDenied", "not authorized", AwsDeniedError),
        ("Throttling", "Rate exceeded", AwsError),
        ("ValidationError", "1 validation error detected", AwsError),
    ],
)
def test_whatever_else_is_answered_does_not_clear_it(
    client: Any, code: str, message: str, error: type[AwsError]
) -> None:
    """It could be declared all the same."""
    will_answer(client, DESCRIBE, *[refusal(code, message)] * 9)

    with pytest.raises(error, match=f"DescribeStackResources refused: {code}: {message}"):
        StackDeclarations(client).stack_of(ARN)
