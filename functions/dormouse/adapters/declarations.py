"""Which stack of CloudFormation declares a resource."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from dormouse.adapters.calls import aws_call, error_code, error_message

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


# A stack that has let go of it, or has deleted one of this ARN before, is shown for 90 days.
_GONE = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})


@dataclass(frozen=True, slots=True)
class StackDeclarations:
    """Implements Declarations, by DescribeStackResources.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
    """

    client: "CloudFormationClient"

    def stack_of(self, arn: str) -> str | None:
        """Name the stack that has this as the physical id of a resource; None: there is none.

        Raises:
            AwsError: CloudFormation can't be asked.
        """
        # SageMaker's resources are known to CloudFormation by their ARNs.
        with aws_call("DescribeStackResources"):
            try:
                answer = self.client.describe_stack_resources(PhysicalResourceId=arn)
            except ClientError as error:
                if error_code(error) == "ValidationError" and "does not exist" in (
                    error_message(error)
                ):
                    return None
                raise
        # Of its stack, a hundred resources are shown: if it is not among them, they speak for it.
        shown = answer["StackResources"]
        own = [each for each in shown if each.get("PhysicalResourceId", "").lower() == arn.lower()]
        declaring = [each for each in own or shown if each["ResourceStatus"] not in _GONE]
        return declaring[0]["StackName"] if declaring else None
