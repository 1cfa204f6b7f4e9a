"""Which stack of CloudFormation declares a resource."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from dormouse.adapters.calls import aws_call, error_code, error_message

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


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
        return next((each["StackName"] for each in answer["StackResources"]), None)
