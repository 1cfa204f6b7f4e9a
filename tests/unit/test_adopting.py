"""Whether an endpoint that ran before may be managed."""

import pytest

from dormouse.adopting import Adoption
from dormouse.domain.endpoint import EndpointStatus, Ownership, Present
from dormouse.errors import AwsError
from tests.fakes.clock import FakeClock
from tests.fakes.surroundings import FakeDeclarations

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/reviews"
SEEN = Present(ARN, EndpointStatus.IN_SERVICE, "reviews-config", ("AllTraffic",), FakeClock()())


def why_not(declarations: FakeDeclarations, **tags: str) -> str | None:
    """Ask about an endpoint that was handed over, with these tags."""
    tags = {"dormouse:adopted-by": "dormouse", **tags}
    return Adoption(declarations).why_not(SEEN, Ownership(None, "dormouse", tags))


def test_what_nobody_declares_may_be_managed() -> None:
    """Its owner has made it by hand, or by a script."""
    assert why_not(FakeDeclarations(), team="search") is None


def test_what_a_stack_declares_is_left_alone() -> None:
    """It would take the deletion for drift, and its next update would fail."""
    clause = why_not(FakeDeclarations({ARN: "search"}))

    assert clause is not None
    assert clause.startswith("the CloudFormation stack search declares it; to hand it over, ")


def test_another_tool_is_told_by_its_tags() -> None:
    """CloudFormation need not be asked then."""

    class Unreachable(FakeDeclarations):
        def stack_of(self, arn: str) -> str | None:
            raise AwsError(f"DescribeStackResources failed: {arn}")

    clause = why_not(Unreachable(), ManagedBy="Terraform")
    assert clause is not None
    assert clause.startswith("Terraform declares it, ")

    with pytest.raises(AwsError, match="DescribeStackResources failed"):
        why_not(Unreachable())
