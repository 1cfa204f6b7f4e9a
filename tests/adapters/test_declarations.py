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


def row(physical_id: str | None, status: str = "CREATE_COMPLETE") -> dict[str, str]:
    """A resource of the stack `search`."""
    shown = {"StackName": "search", "LogicalResourceId": "Some", "ResourceStatus": status}
    return shown if physical_id is None else {**shown, "PhysicalResourceId": physical_id}


def test_a_stack_is_found_by_the_arn(client: Any) -> None:
    """Which is the physical id of an endpoint."""
    calls = will_answer(client, DESCRIBE, {"StackResources": [row(ARN)]})

    assert StackDeclarations(client).stack_of(ARN) == "search"
    assert calls[0]["body"]["PhysicalResourceId"] == ARN


@pytest.mark.parametrize(
    "answer",
    [
        refusal("ValidationError", f"Stack for {ARN} does not exist"),
        {"StackResources": []},
        # It was handed over: retained by a stack that is deleted, or taken out of its template.
        {"StackResources": [row(ARN, "DELETE_SKIPPED"), row("topic", "DELETE_COMPLETE")]},
        {"StackResources": [row("topic"), row(ARN, "DELETE_SKIPPED")]},
        # Made again by hand, by the same name.
        {"StackResources": [row(ARN, "DELETE_COMPLETE")]},
        # It was one of more than a hundred.
        {"StackResources": [row("topic", "DELETE_COMPLETE")]},
    ],
)
def test_what_no_stack_declares_is_nobodys(client: Any, answer: dict[str, Any]) -> None:
    """CloudFormation calls that an error."""
    will_answer(client, DESCRIBE, answer)

    assert StackDeclarations(client).stack_of(ARN) is None


@pytest.mark.parametrize(
    "rows",
    [
        # The answer has all of its stack's resources, some without an id yet.
        [row(None, "CREATE_IN_PROGRESS"), row("topic", "DELETE_COMPLETE"), row(ARN)],
        [row(ARN.upper(), "UPDATE_ROLLBACK_FAILED")],
        [row(ARN, "DELETE_FAILED")],
        # Deleted, and declared again under another logical id.
        [row(ARN, "DELETE_COMPLETE"), row(ARN, "CREATE_COMPLETE")],
        # Only a hundred are shown, and it is not among them.
        [row("topic", "DELETE_COMPLETE"), row("queue")],
    ],
)
def test_its_own_row_tells_whether_it_is_declared_now(
    client: Any, rows: list[dict[str, str]]
) -> None:
    """Whatever else its stack has."""
    will_answer(client, DESCRIBE, {"StackResources": rows})

    assert StackDeclarations(client).stack_of(ARN) == "search"


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
