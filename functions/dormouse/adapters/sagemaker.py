"""SageMaker's control plane: observing, creating, updating and deleting endpoints."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dormouse.adapters.calls import aws_call, error_code, error_message
from dormouse.domain.endpoint import Absent, EndpointStatus, Observation, Ownership, Present
from dormouse.domain.spec import ADOPTED_TAG, STACK_TAG
from dormouse.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef


@dataclass(frozen=True, slots=True)
class SageMakerObserver:
    """Implements EndpointsList."""

    reader: "SageMakerClient"

    def observe(self, endpoint: str) -> Observation:
        """Say what DescribeEndpoint says of it now.

        Raises:
            AwsDeniedError: it is there, and IAM allows no look at it: our tags are not on it.
            AwsError: SageMaker can't be asked, or reports a status that is not known here.
        """
        with aws_call("DescribeEndpoint"):
            try:
                return _present(self.reader.describe_endpoint(EndpointName=endpoint))
            except ClientError as error:
                if _says(error, "Could not find endpoint"):
                    return Absent()
                # An adopted endpoint may be described only through its tags, and one that is absent
                # has none; the list tells it from one that is there without our tags.
                if error_code(error).startswith("AccessDenied") and not self._is_listed(endpoint):
                    return Absent()
                raise

    def observe_all(self) -> Mapping[str, Observation]:
        """Say what ListEndpoints says of each, which is its status and since when.

        Raises:
            AwsError: SageMaker can't be asked, or reports a status that is not known here.
        """
        with aws_call("ListEndpoints"):
            pages = self.reader.get_paginator("list_endpoints").paginate(
                # The most there is; without it, ten.
                PaginationConfig={"PageSize": 100}
            )
            return {
                summary["EndpointName"]: Present(
                    arn=summary["EndpointArn"],
                    status=_status(summary["EndpointStatus"]),
                    config_name="",
                    variant_names=(),
                    last_modified_at=summary["LastModifiedTime"],
                )
                for page in pages
                for summary in page["Endpoints"]
            }

    def _is_listed(self, endpoint: str) -> bool:
        pages = self.reader.get_paginator("list_endpoints").paginate(NameContains=endpoint)
        return any(
            summary["EndpointName"].lower() == endpoint.lower()
            for page in pages
            for summary in page["Endpoints"]
        )


@dataclass(frozen=True, slots=True)
class SageMakerEndpoints(SageMakerObserver):
    """Implements Endpoints.

    `writer` must be a client that never retries: DeleteEndpoint has no fencing token, so a late
    repetition could delete the endpoint that was created after it.
    """

    writer: "SageMakerClient"

    def ownership(self, arn: str) -> Ownership:
        """Say what the endpoint's own tags say, by ListTags.

        Raises:
            AwsError: SageMaker can't be asked; or the endpoint has gone meanwhile.
        """
        with aws_call("ListTags"):
            pages = self.reader.get_paginator("list_tags").paginate(ResourceArn=arn)
            tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
        return Ownership(tags.get(STACK_TAG), tags.get(ADOPTED_TAG), tags)

    def create(
        self,
        endpoint: str,
        config_name: str,
        tags: Mapping[str, str],
        deployment_config: str | None = None,
    ) -> None:
        """Call CreateEndpoint once; that it exists already is no error.

        Raises:
            AwsError: SageMaker refused (a quota, a config that is gone), or did not answer.
        """
        with aws_call("CreateEndpoint"):
            try:
                self.writer.create_endpoint(
                    EndpointName=endpoint,
                    EndpointConfigName=config_name,
                    Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                    **({} if deployment_config is None else _deployment(deployment_config)),
                )
            except ClientError as error:
                if not _says(error, "Cannot create already existing endpoint"):
                    raise

    def update(self, endpoint: str, config_name: str, *, retains_deployment: bool) -> None:
        """Call UpdateEndpoint once. Unless it is retained, SageMaker forgets the DeploymentConfig.

        Raises:
            AwsError: SageMaker refused (a config that is gone, a change under way), or did not
                answer.
        """
        with aws_call("UpdateEndpoint"):
            self.writer.update_endpoint(
                EndpointName=endpoint,
                EndpointConfigName=config_name,
                RetainDeploymentConfig=retains_deployment,
            )

    def delete(self, endpoint: str) -> None:
        """Call DeleteEndpoint once; that it is gone, or on its way, is no error.

        Raises:
            AwsError: SageMaker refused, or did not answer.
        """
        with aws_call("DeleteEndpoint"):
            try:
                self.writer.delete_endpoint(EndpointName=endpoint)
            except ClientError as error:
                if not _says(error, "Could not find endpoint"):
                    raise


def _present(described: "DescribeEndpointOutputTypeDef") -> Present:
    last = described.get("LastDeploymentConfig")
    return Present(
        arn=described["EndpointArn"],
        status=_status(described["EndpointStatus"]),
        config_name=described.get("EndpointConfigName", ""),
        variant_names=tuple(
            variant["VariantName"] for variant in described.get("ProductionVariants", ())
        ),
        last_modified_at=described["LastModifiedTime"],
        failure_reason=described.get("FailureReason"),
        deployment_config=json.dumps(last, sort_keys=True) if last else None,
    )


def _deployment(config: str) -> Mapping[str, Any]:
    return {"DeploymentConfig": json.loads(config)}


def _status(text: str) -> EndpointStatus:
    try:
        return EndpointStatus(text)
    except ValueError as error:
        raise AwsError(
            f"SageMaker reports the status {text!r}, which this version of Dormouse does not know"
        ) from error


def _says(error: ClientError, text: str) -> bool:
    # SageMaker models no error for these: a ValidationException, told apart by its words. "Could
    # not find endpoint" begins the text of a missing configuration as well, so the quotation mark
    # that comes before the ARN belongs to the comparison.
    return error_code(error) == "ValidationException" and f'{text} "' in error_message(error)
