"""What the tagging API shows: the tagged EndpointConfigs, and the endpoints of a deployment."""

import boto3
import pytest
from botocore.stub import Stubber

from dormouse.adapters.catalog import TaggedConfigs, TaggedEndpoints
from dormouse.domain.claims import TaggedConfig
from dormouse.errors import AwsError

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/"


def test_every_page_of_tagged_configs_is_read() -> None:
    """Endpoint configs only, by our tag."""
    client = boto3.client("resourcegroupstaggingapi")
    wanted = {
        "TagFilters": [{"Key": "dormouse:endpoint"}],
        "ResourceTypeFilters": ["sagemaker:endpoint-config"],
    }
    with Stubber(client) as stub:
        for name, token, expected in (
            ("c1", "next", wanted),
            ("c2", "", {**wanted, "PaginationToken": "next"}),
        ):
            tags = [{"Key": "dormouse:endpoint", "Value": f"endpoint-of-{name}"}]
            page = {
                "ResourceTagMappingList": [{"ResourceARN": ARN + name, "Tags": tags}],
                "PaginationToken": token,
            }
            stub.add_response("get_resources", page, expected)

        configs = TaggedConfigs(client).tagged_configs()

    assert configs == (
        TaggedConfig("c1", {"dormouse:endpoint": "endpoint-of-c1"}),
        TaggedConfig("c2", {"dormouse:endpoint": "endpoint-of-c2"}),
    )


def test_one_endpoint_is_asked_for_by_value() -> None:
    """A nudge must not read a fleet's tags."""
    client = boto3.client("resourcegroupstaggingapi")
    with Stubber(client) as stub:
        stub.add_response(
            "get_resources",
            {"ResourceTagMappingList": []},
            {
                "TagFilters": [{"Key": "dormouse:endpoint", "Values": ["reviews"]}],
                "ResourceTypeFilters": ["sagemaker:endpoint-config"],
            },
        )

        assert TaggedConfigs(client).tagged_configs("reviews") == ()


def test_tags_that_cannot_be_read_are_an_error() -> None:
    """Not an empty list, which would mean that nothing is managed."""
    client = boto3.client("resourcegroupstaggingapi")
    with Stubber(client) as stub:
        stub.add_client_error("get_resources", "ThrottledException", "Rate exceeded")

        with pytest.raises(AwsError, match="GetResources refused: ThrottledException"):
            TaggedConfigs(client).tagged_configs()


def test_every_page_of_the_deployments_endpoints_is_read() -> None:
    """By the tag that CreateEndpoint has set, in the lower case of ARNs."""
    client = boto3.client("resourcegroupstaggingapi")
    wanted = {
        "TagFilters": [{"Key": "dormouse:stack", "Values": ["My-Stack"]}],
        "ResourceTypeFilters": ["sagemaker:endpoint"],
    }
    arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/"
    with Stubber(client) as stub:
        for name, token, expected in (
            ("reviews", "next", wanted),
            ("ranking", "", {**wanted, "PaginationToken": "next"}),
        ):
            page = {
                "ResourceTagMappingList": [{"ResourceARN": arn + name, "Tags": []}],
                "PaginationToken": token,
            }
            stub.add_response("get_resources", page, expected)

        assert TaggedEndpoints(client).created_endpoints("My-Stack") == ("reviews", "ranking")


def test_endpoints_that_cannot_be_listed_are_an_error() -> None:
    """Not none, which would mean that nothing is left."""
    client = boto3.client("resourcegroupstaggingapi")
    with Stubber(client) as stub:
        stub.add_client_error("get_resources", "AccessDeniedException", "no")

        with pytest.raises(AwsError, match="GetResources refused: AccessDeniedException"):
            TaggedEndpoints(client).created_endpoints("My-Stack")
