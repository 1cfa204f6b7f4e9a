"""The tagging API's pages, and the nudge."""

import io
import json

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from dormouse.adapters.catalog import TaggedConfigs
from dormouse.adapters.invocations import ReconcileNudge
from dormouse.domain.claims import TaggedConfig
from dormouse.domain.intent import Tick, parse_intent
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


def test_a_nudge_is_an_event_that_reconcile_understands() -> None:
    """Asynchronous, for one endpoint."""
    client = boto3.client("lambda")
    with Stubber(client) as stub:
        payload = b'{"action": "reconcile", "endpoint": "reviews", "id": "request-1"}'
        stub.add_response(
            "invoke",
            {"StatusCode": 202, "Payload": StreamingBody(io.BytesIO(b""), 0)},
            {"FunctionName": "reconcile", "InvocationType": "Event", "Payload": payload},
        )

        ReconcileNudge(client, "reconcile")("reviews", "request-1")

    assert parse_intent(json.loads(payload)) == Tick("reviews")


def test_a_nudge_that_is_refused_is_an_error() -> None:
    """Of our own."""
    client = boto3.client("lambda")
    with Stubber(client) as stub:
        stub.add_client_error("invoke", "TooManyRequestsException", "Rate exceeded")

        with pytest.raises(AwsError, match="Invoke refused: TooManyRequestsException"):
            ReconcileNudge(client, "reconcile")("reviews", "request-1")
