"""Deleting an EndpointConfig, once."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from dormouse.adapters.superseded_configs import SageMakerConfigs
from dormouse.errors import AwsDeniedError, AwsError
from tests.fakes.answers import refusal, will_answer

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

DELETE = "sagemaker.DeleteEndpointConfig"
LIST = "sagemaker.ListEndpointConfigs"


def listed(name: str) -> dict[str, Any]:
    """A page of the list."""
    return {"EndpointConfigs": [{"EndpointConfigName": name}]}


@pytest.fixture
def client() -> Iterator["SageMakerClient"]:
    """SageMaker without EndpointConfigs."""
    with mock_aws():
        yield boto3.client("sagemaker")


def test_a_config_is_deleted(client: "SageMakerClient") -> None:
    """The one that is named."""
    client.create_model(ModelName="m", ExecutionRoleArn="arn:aws:iam::123456789012:role/r")
    for name in ("config-1", "config-2"):
        client.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": "AllTraffic",
                    "ModelName": "m",
                    "InitialInstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                }
            ],
        )

    SageMakerConfigs(client).delete("config-1")

    left = client.list_endpoint_configs()["EndpointConfigs"]
    assert [config["EndpointConfigName"] for config in left] == ["config-2"]


def test_one_that_is_gone_is_no_error(client: "SageMakerClient") -> None:
    """The tagging API shows it for a while."""
    gone = 'Could not find endpoint configuration "arn:aws:sagemaker:…:endpoint-config/config-1".'
    calls = will_answer(client, DELETE, refusal("ValidationException", gone))

    SageMakerConfigs(client).delete("config-1")

    assert len(calls) == 1


@pytest.mark.parametrize("other", ["config-10", "the-config-1"])
def test_one_that_is_gone_may_look_forbidden(client: "SageMakerClient", other: str) -> None:
    """IAM allows it by a tag, and it has none any more. The list shows whose name it is part of."""
    will_answer(client, DELETE, refusal("AccessDeniedException", "no"))
    calls = will_answer(client, LIST, listed(other))

    SageMakerConfigs(client).delete("config-1")

    assert json.loads(calls[0]["body"]) == {"NameContains": "config-1"}


@pytest.mark.parametrize("name", ["config-1", "Config-1"])
def test_one_that_is_there_and_forbidden_is_an_error(client: "SageMakerClient", name: str) -> None:
    """Names from the tagging API are in lower case."""
    will_answer(client, DELETE, refusal("AccessDeniedException", "no"))
    will_answer(client, LIST, {**listed("config-10"), "NextToken": "more"}, listed(name))

    with pytest.raises(AwsDeniedError, match="DeleteEndpointConfig refused: AccessDenied"):
        SageMakerConfigs(client).delete("config-1")


def test_what_cannot_be_listed_is_not_taken_for_gone(client: "SageMakerClient") -> None:
    """The same policy may forbid both."""
    will_answer(client, DELETE, refusal("AccessDeniedException", "no"))
    will_answer(client, LIST, refusal("AccessDeniedException", "neither"))

    with pytest.raises(AwsDeniedError, match="neither"):
        SageMakerConfigs(client).delete("config-1")


@pytest.mark.parametrize(
    ("code", "error"),
    [("ThrottlingException", AwsError), ("ValidationException", AwsError)],
)
def test_a_refusal_is_an_error_that_names_the_call(
    client: "SageMakerClient", code: str, error: type[AwsError]
) -> None:
    """Not a botocore exception, which only adapters know."""
    will_answer(client, DELETE, refusal(code, "no"))

    with pytest.raises(error, match=f"DeleteEndpointConfig refused: {code}: no"):
        SageMakerConfigs(client).delete("config-1")
