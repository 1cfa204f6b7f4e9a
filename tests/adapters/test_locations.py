"""The callers' objects in S3: what a location names, and what is refused."""

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.response import StreamingBody
from hypothesis import example, given
from hypothesis import strategies as st
from moto import mock_aws

from dormouse.adapters.locations import S3Locations, parse_location
from dormouse.errors import AwsError, LocationError
from tests.fakes.answers import refusal, will_answer

LIMIT = 1000


@pytest.fixture
def locations() -> Iterator[S3Locations]:
    """Three buckets: one to be read, our own, and one of somebody else."""
    with mock_aws():
        client = boto3.client("s3")
        for bucket in ("inputs", "own", "private"):
            client.create_bucket(Bucket=bucket)
        yield S3Locations(client, frozenset({"inputs", "absent"}), "own")


buckets = st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True)
keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)
hosts = st.sampled_from(
    [
        "s3.amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "s3-eu-west-1.amazonaws.com",
        "s3.dualstack.us-gov-west-1.amazonaws.com",
        "s3-fips.us-east-1.amazonaws.com",
        "s3.cn-north-1.amazonaws.com.cn",
    ]
)


@given(buckets, keys)
def test_an_s3_uri_names_its_key_as_it_is(bucket: str, key: str) -> None:
    """Whatever characters there are in it, slashes and percent signs too."""
    assert parse_location(f"s3://{bucket}/{key}") == (bucket, key)


@given(hosts, buckets, keys)
def test_an_https_address_of_s3_is_percent_encoded(host: str, bucket: str, key: str) -> None:
    """With the bucket in the host or in the path."""
    assert parse_location(f"https://{host}/{bucket}/{quote(key)}") == (bucket, key)
    assert parse_location(f"https://{bucket}.{host}/{quote(key)}") == (bucket, key)


@given(st.text() | st.from_regex(r"(https|s3)://[^/]+/?.*", fullmatch=True))
@example("s3://bucket/\ud800")
@example("https://bucket.s3.amazonaws.com/%ff")
def test_anything_else_is_an_error_of_its_own(uri: str) -> None:
    """Or a bucket and a key that S3 can be asked for."""
    try:
        bucket, key = parse_location(uri)
    except LocationError:
        return
    assert bucket
    assert "/" not in bucket
    assert 0 < len(key.encode()) <= 1024


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "inputs/key",
        "s3:/inputs/key",
        "S3://inputs/key",
        "http://inputs.s3.amazonaws.com/key",
        "file:///etc/passwd",
        "s3:///key",
        "s3://inputs",
        "s3://inputs/",
        f"s3://inputs/{'x' * 1025}",
        f"s3://inputs/{'☃' * 342}",
        "https://s3.amazonaws.com/inputs",
        "https://s3.amazonaws.com/",
        "https://inputs.s3.amazonaws.com/",
        "https://inputs.s3.amazonaws.com/key?versionId=1",
        "https://inputs.s3.amazonaws.com/key#part",
        "https://inputs.s3.amazonaws.com:8443/key",
        "https://user@s3.amazonaws.com/inputs/key",
        "https://inputs.s3.amazonaws.com.evil.example/key",
        "https://inputs.s3xamazonaws.com/key",
        "https://example.com/inputs/key",
        "https://inputs.s3-website.eu-west-1.amazonaws.com/key",
        "https://169.254.169.254/latest/meta-data",
        "https://inputs.s3.amazonaws.com/%ff",
        "s3://inputs/\ud800",
    ],
)
def test_what_is_no_location_is_refused(uri: str) -> None:
    """It is wrong, not forbidden."""
    with pytest.raises(LocationError) as refused:
        parse_location(uri)
    assert not refused.value.is_forbidden
    assert not refused.value.is_too_large


@pytest.mark.parametrize("key", ["input.json", "a//b", "/a", "../a", "a b+c%20?#", "☃"])
def test_an_object_is_read(locations: S3Locations, key: str) -> None:
    """From a bucket that is named, by either kind of URI."""
    locations.client.put_object(Bucket="inputs", Key=key, Body=b"\x00input")

    assert locations.fetch(f"s3://inputs/{key}", LIMIT) == b"\x00input"
    assert locations.fetch(f"https://inputs.s3.amazonaws.com/{quote(key)}", LIMIT) == b"\x00input"


@pytest.mark.parametrize(
    "uri",
    [
        "s3://private/key",
        "s3://own/requests/reviews/1/body",
        "s3://Inputs/key",
        "s3://inputs.evil/key",
        "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/inputs",
        "https://s3.amazonaws.com/private/key",
        "https://inputs.private.s3.amazonaws.com/key",
    ],
)
def test_a_bucket_that_is_not_named_is_forbidden(locations: S3Locations, uri: str) -> None:
    """Without S3 being asked, so nobody learns what is there: not our own bucket either."""
    calls = will_answer(locations.client, "s3.GetObject", {})

    with pytest.raises(LocationError, match="does not read") as refused:
        locations.fetch(uri, LIMIT)
    assert refused.value.is_forbidden
    assert calls == []


@pytest.mark.parametrize("uri", ["s3://inputs/nothing", "s3://absent/key"])
def test_an_object_that_is_not_there_is_said_so(locations: S3Locations, uri: str) -> None:
    """Nor a bucket."""
    with pytest.raises(LocationError, match=f"there is no object {uri}") as refused:
        locations.fetch(uri, LIMIT)
    assert not refused.value.is_forbidden


@pytest.mark.parametrize(
    ("code", "is_forbidden"),
    [("AccessDenied", True), ("AccessDeniedException", True), ("InvalidObjectState", False)],
)
def test_an_object_that_may_not_be_read_is_said_so(
    locations: S3Locations, code: str, is_forbidden: bool
) -> None:
    """Since the bucket's owner forbids it, or it is archived."""
    will_answer(locations.client, "s3.GetObject", refusal(code))

    with pytest.raises(LocationError, match="read") as refused:
        locations.fetch("s3://inputs/key", LIMIT)
    assert refused.value.is_forbidden is is_forbidden


def test_what_fails_in_s3_is_no_fault_of_the_location(locations: S3Locations) -> None:
    """It may be tried again."""
    will_answer(locations.client, "s3.GetObject", refusal("SlowDown"))

    with pytest.raises(AwsError, match="GetObject refused: SlowDown"):
        locations.fetch("s3://inputs/key", LIMIT)


def test_an_object_may_have_as_many_bytes_as_said(locations: S3Locations) -> None:
    """And not one more."""
    locations.client.put_object(Bucket="inputs", Key="fits", Body=b"x" * LIMIT)
    locations.client.put_object(Bucket="inputs", Key="too-large", Body=b"x" * (LIMIT + 1))

    assert len(locations.fetch("s3://inputs/fits", LIMIT)) == LIMIT
    with pytest.raises(LocationError, match="1001 bytes; 1000") as refused:
        locations.fetch("s3://inputs/too-large", LIMIT)
    assert refused.value.is_too_large
    assert not refused.value.is_forbidden


def test_an_object_that_is_too_large_is_not_read(locations: S3Locations) -> None:
    """The memory of the function would not do; the connection is given up."""

    class Unread(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("it was read")

    stream = Unread(b"x")
    answer: dict[str, Any] = {"ContentLength": 10**12, "Body": StreamingBody(stream, 10**12)}
    will_answer(locations.client, "s3.GetObject", answer)

    with pytest.raises(LocationError):
        locations.fetch("s3://inputs/key", LIMIT)
    assert stream.closed


def test_an_output_is_written_into_our_own_bucket(locations: S3Locations) -> None:
    """Under the key that was announced, with its type."""
    locations.write("s3://own/output/reviews/1.out", b"prediction", "application/json")

    written = locations.client.get_object(Bucket="own", Key="output/reviews/1.out")
    assert written["Body"].read() == b"prediction"
    assert written["ContentType"] == "application/json"


@pytest.mark.parametrize("uri", ["s3://inputs/key", "s3://private/key"])
def test_an_output_goes_nowhere_else(locations: S3Locations, uri: str) -> None:
    """A bucket that is read is not written."""
    with pytest.raises(LocationError, match="does not write") as refused:
        locations.write(uri, b"", "application/json")
    assert refused.value.is_forbidden


def test_an_output_that_can_t_be_written_is_an_error_that_names_the_call(
    locations: S3Locations,
) -> None:
    """So it is tried again."""
    will_answer(locations.client, "s3.PutObject", refusal("SlowDown"))

    with pytest.raises(AwsError, match="PutObject refused: SlowDown"):
        locations.write("s3://own/key", b"", "application/json")
