"""Deleting EndpointConfigs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from dormouse.adapters.calls import aws_call, error_code, error_message

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


@dataclass(frozen=True, slots=True)
class SageMakerConfigs:
    """Implements EndpointConfigs. `writer` is a client that never retries."""

    writer: "SageMakerClient"

    def delete(self, config_name: str) -> None:
        """Call DeleteEndpointConfig once; that it is gone is no error.

        Raises:
            AwsError: SageMaker refused, or did not answer.
        """
        with aws_call("DeleteEndpointConfig"):
            try:
                self.writer.delete_endpoint_config(EndpointConfigName=config_name)
            except ClientError as error:
                is_gone = 'Could not find endpoint configuration "' in error_message(error)
                if error_code(error) == "ValidationException" and is_gone:
                    return
                # IAM allows it by a tag, and one that is gone has none; the list tells.
                if error_code(error).startswith("AccessDenied") and not self._is_listed(
                    config_name
                ):
                    return
                raise

    def _is_listed(self, config_name: str) -> bool:
        pages = self.writer.get_paginator("list_endpoint_configs").paginate(
            NameContains=config_name
        )
        return any(
            summary["EndpointConfigName"].lower() == config_name.lower()
            for page in pages
            for summary in page["EndpointConfigs"]
        )
