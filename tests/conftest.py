"""What every test may ask for."""

import os
import signal
from collections.abc import Iterator

import boto3
import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws

from dormouse.adapters.state import EndpointsTable

# No test may find the developer's own account: credentials that mean nothing, and no profile.
os.environ |= {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
    os.environ.pop(name, None)

# No test is judged by the clock: in a clean clone hypothesis makes its table of Unicode first, and
# a machine may be busy.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# What a shell starts in the background ignores Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def table() -> Iterator[EndpointsTable]:
    """The endpoints table, empty, in moto's DynamoDB."""
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="endpoints",
            AttributeDefinitions=[{"AttributeName": "endpoint", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "endpoint", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield EndpointsTable(client, "endpoints")
