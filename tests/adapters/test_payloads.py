"""The payloads' bucket: bytes by their keys."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from dormouse.adapters.payloads import PayloadsBucket
from dormouse.errors import AwsError, MissingPayloadError
from tests.fakes.answers import refusal, will_answer

KEY = "requests/reviews/reviews.1/body"


@pytest.fixture
def payloads() -> Iterator[PayloadsBucket]:
    """The bucket, empty."""
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="payloads")
        yield PayloadsBucket(client, "payloads")


@pytest.mark.parametrize("body", [b"", b"{}", bytes(range(256)) * 1000])
def test_a_body_is_read_back(payloads: PayloadsBucket, body: bytes) -> None:
    """Byte for byte."""
    payloads.put(KEY, body, "application/json")

    assert payloads.get(KEY) == body
    assert payloads.client.head_object(Bucket="payloads", Key=KEY)["ContentType"] == (
        "application/json"
    )


def test_the_last_one_stays(payloads: PayloadsBucket) -> None:
    """A key is written again as a whole."""
    payloads.put(KEY, b"a long one", "text/plain")
    payloads.put(KEY, b"short", "text/plain")

    assert payloads.get(KEY) == b"short"


def test_a_missing_one_is_an_error_of_its_own(payloads: PayloadsBucket) -> None:
    """Which names the key; deleting it is none."""
    payloads.put(KEY, b"", "text/plain")
    payloads.delete(KEY)
    payloads.delete(KEY)

    with pytest.raises(MissingPayloadError, match=KEY):
        payloads.get(KEY)


def test_what_s3_refuses_is_an_error_that_names_the_call(payloads: PayloadsBucket) -> None:
    """Not a botocore exception; and a refusal is no absence."""
    missing = PayloadsBucket(payloads.client, "nowhere")

    with pytest.raises(AwsError, match="PutObject refused: NoSuchBucket"):
        missing.put(KEY, b"", "text/plain")
    with pytest.raises(AwsError, match="GetObject refused: NoSuchBucket"):
        missing.get(KEY)
    with pytest.raises(AwsError, match="DeleteObject refused: NoSuchBucket"):
        missing.delete(KEY)

    will_answer(payloads.client, "s3.GetObject", refusal("AccessDenied"))
    with pytest.raises(AwsError, match="GetObject refused: AccessDenied"):
        payloads.get(KEY)
