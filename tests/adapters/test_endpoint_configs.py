"""DescribeEndpointConfig's answers become instances, or say why they can't be counted.

botocore's Stubber holds each request and each answer against the service's own model.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from dormouse.adapters.endpoint_configs import EndpointConfigs
from dormouse.domain.price import Instances, Unpriced
from dormouse.errors import AwsError

CREATED = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)


def variant(name: str = "AllTraffic", **more: Any) -> dict[str, Any]:
    """Build a ProductionVariant."""
    return {"VariantName": name, "ModelName": "m", **more}


def of_instances(instance_type: str, count: int, name: str = "AllTraffic") -> dict[str, Any]:
    """Build a ProductionVariant as most are."""
    return variant(name, InstanceType=instance_type, InitialInstanceCount=count)


def instances(*variants: Any, **more: Any) -> Sequence[Instances] | Unpriced:
    """Ask for the instances of a config with these variants."""
    client = boto3.client("sagemaker")
    answer = {
        "EndpointConfigName": "c1",
        "EndpointConfigArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/c1",
        "ProductionVariants": list(variants),
        "CreationTime": CREATED,
        **more,
    }
    with Stubber(client) as stub:
        stub.add_response("describe_endpoint_config", answer, {"EndpointConfigName": "c1"})
        return EndpointConfigs(client).instances("c1")


def test_the_instances_of_a_variant() -> None:
    """Their type and how many there are at first."""
    assert instances(of_instances("ml.m5.xlarge", 2)) == (Instances("ml.m5.xlarge", 2),)


def test_several_variants_add_up() -> None:
    """By type; a shadow variant is paid for as well."""
    assert instances(
        of_instances("ml.m5.xlarge", 2, "a"),
        of_instances("ml.g4dn.xlarge", 1, "b"),
        of_instances("ml.m5.xlarge", 1, "c"),
        ShadowProductionVariants=[of_instances("ml.g4dn.xlarge", 1, "d")],
    ) == (Instances("ml.m5.xlarge", 3), Instances("ml.g4dn.xlarge", 2))


SERVERLESS = variant(ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 1})
POOLS = variant(
    InstancePools=[
        {"InstanceType": "ml.g5.xlarge", "Priority": 1},
        {"InstanceType": "ml.g6.xlarge", "Priority": 2},
    ],
    InitialInstanceCount=1,
)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (SERVERLESS, "its variant AllTraffic is serverless, and not paid for by the hour"),
        (POOLS, "its variant AllTraffic takes what its InstancePools have, of several types"),
        (
            variant(),
            "its variant AllTraffic does not say which instances it has, and how many",
        ),
        (
            variant(InstanceType="ml.m5.xlarge"),
            "its variant AllTraffic does not say which instances it has, and how many",
        ),
    ],
)
def test_what_cannot_be_counted_is_said(bad: dict[str, Any], reason: str) -> None:
    """A part of the instances would be too low an estimate."""
    assert instances(of_instances("ml.m5.xlarge", 1, "other"), bad) == Unpriced(reason)


def test_a_refusal_is_an_error() -> None:
    """Not a config without instances."""
    client = boto3.client("sagemaker")
    with Stubber(client) as stub:
        stub.add_client_error(
            "describe_endpoint_config",
            "ValidationException",
            'Could not find endpoint configuration "arn…".',
        )
        with pytest.raises(AwsError, match="DescribeEndpointConfig refused: ValidationException"):
            EndpointConfigs(client).instances("c1")
