"""What carries our tags, from the Resource Groups Tagging API, which is eventually consistent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dormouse.adapters.calls import aws_call
from dormouse.domain.claims import TaggedConfig
from dormouse.domain.spec import ENDPOINT_TAG, STACK_TAG

if TYPE_CHECKING:
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from mypy_boto3_resourcegroupstaggingapi.type_defs import TagFilterTypeDef


@dataclass(frozen=True, slots=True)
class TaggedConfigs:
    """Implements Catalog. That a config is absent from an answer is no reason to act."""

    client: "ResourceGroupsTaggingAPIClient"

    def tagged_configs(self, endpoint: str | None = None) -> Sequence[TaggedConfig]:
        """List every EndpointConfig with the tag `dormouse:endpoint`, or those that name one.

        The names come from ARNs, which SageMaker writes in lower case.

        Raises:
            AwsError: the tags can't be read.
        """
        tag_filter: TagFilterTypeDef = {"Key": ENDPOINT_TAG}
        if endpoint is not None:
            tag_filter["Values"] = [endpoint]
        with aws_call("GetResources"):
            pages = self.client.get_paginator("get_resources").paginate(
                TagFilters=[tag_filter], ResourceTypeFilters=["sagemaker:endpoint-config"]
            )
            return tuple(
                TaggedConfig(
                    config_name=resource["ResourceARN"].rpartition("/")[2],
                    tags={tag["Key"]: tag["Value"] for tag in resource["Tags"]},
                )
                for page in pages
                for resource in page["ResourceTagMappingList"]
            )


@dataclass(frozen=True, slots=True)
class TaggedEndpoints:
    """Implements EndpointsOfDeployment."""

    client: "ResourceGroupsTaggingAPIClient"

    def created_endpoints(self, stack_name: str) -> Sequence[str]:
        """List the endpoints whose tag `dormouse:stack` names this stack, in lower case.

        Raises:
            AwsError: the tags can't be read.
        """
        with aws_call("GetResources"):
            pages = self.client.get_paginator("get_resources").paginate(
                TagFilters=[{"Key": STACK_TAG, "Values": [stack_name]}],
                ResourceTypeFilters=["sagemaker:endpoint"],
            )
            return tuple(
                resource["ResourceARN"].rpartition("/")[2]
                for page in pages
                for resource in page["ResourceTagMappingList"]
            )
