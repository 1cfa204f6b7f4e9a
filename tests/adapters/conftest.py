"""What the adapters are tested with: moto, by boto3's client and by our own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import boto3
import pytest
from moto import mock_aws

from dormouse.adapters.service_calls import DynamoDb, S3Objects, Tries
from dormouse.adapters.signed_http import SignedHttp
from dormouse.adapters.state import EndpointsTable
from dormouse.bootstrap.addresses import http_to
from tests.adapters.moto_over_http import moto_over_http

CLIENTS = ("boto3", "own client")

# Whose calls a warm request makes, or a held one: they are asked through both clients. The others
# would tell nothing new. (test_requests.py asks by itself, since its tests share a table.)
_OVER_BOTH = {"test_hold_slots", "test_state_leases"}


class OwnClient:
    """Our own client, and boto3's for what ours has not: tables are created, and scanned."""

    def __init__(self, url: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", url)
            http = http_to("dynamodb", connect_timeout=5, read_timeout=30)
        self.own = DynamoDb(http, Tries(1))
        self.boto3: Any = boto3.client("dynamodb")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own if hasattr(self.own, name) else self.boto3, name)


def own_s3(url: str) -> S3Objects:
    """Our own client of S3, at that address."""

    def http_to_bucket(bucket: str) -> SignedHttp:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", url)
            return http_to("s3", connect_timeout=5, read_timeout=30, bucket=bucket)

    return S3Objects(http_to_bucket, Tries(1))


@contextmanager
def dynamodb_by(client: str) -> Iterator[Any]:
    """Give one of the clients, and moto's DynamoDB behind it, which is empty."""
    with mock_aws(), ExitStack() as stack:
        if client == "boto3":
            yield boto3.client("dynamodb")
        else:
            own = OwnClient(stack.enter_context(moto_over_http()))
            yield own
            own.own.http.connections.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is named above through both."""
    module = metafunc.module.__name__.rpartition(".")[2]
    if "dynamodb" in metafunc.fixturenames and module in _OVER_BOTH:
        metafunc.parametrize("dynamodb", CLIENTS, indirect=True)


@pytest.fixture
def dynamodb(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of moto's DynamoDB."""
    with dynamodb_by(getattr(request, "param", "boto3")) as client:
        yield client


@pytest.fixture
def table(dynamodb: Any) -> EndpointsTable:
    """The endpoints table, empty."""
    dynamodb.create_table(
        TableName="endpoints",
        AttributeDefinitions=[{"AttributeName": "endpoint", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "endpoint", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return EndpointsTable(dynamodb, "endpoints")
