"""The callers' own objects in S3, by the URIs that InvokeEndpointAsync takes."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from botocore.exceptions import ClientError

from dormouse.adapters.calls import aws_call, error_code
from dormouse.errors import LocationError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_URI = re.compile(r"(https|s3)://([^/]+)/?(.*)", re.DOTALL)

# `bucket.s3.eu-west-1.amazonaws.com`, and without the bucket where the path begins with it; an old
# host has no region, or has it behind a hyphen.
_HOST = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?:-fips)?(?:\.dualstack)?(?:[.-][a-z]{2}(?:-[a-z]+)+-[0-9]+)?"
    r"\.amazonaws\.com(?:\.cn)?"
)

_LONGEST_KEY_BYTES = 1024

# What S3 says of an object that is there, and that nobody can read as it is.
_UNREADABLE = ("InvalidObjectState",)


@dataclass(frozen=True, slots=True)
class S3Locations:
    """Implements Locations. Every method may raise AwsError.

    Dormouse's own rights are used: who may name a location may have its content. Hence nothing is
    read but from `readable_buckets`, nor written but into `own_bucket`.
    """

    client: "S3Client"
    readable_buckets: frozenset[str]
    own_bucket: str

    def fetch(self, uri: str, at_most: int) -> bytes:
        """Read an object of so many bytes at most.

        Raises:
            LocationError: no such object, a bucket that is not named, or more bytes than that.
        """
        bucket, key = parse_location(uri)
        if bucket not in self.readable_buckets:
            raise LocationError(
                f"{uri} is in the bucket {bucket}, which this deployment does not read",
                is_forbidden=True,
            )
        with aws_call("GetObject"):
            try:
                answer = self.client.get_object(Bucket=bucket, Key=key)
            except ClientError as error:
                unusable = _unusable(uri, error_code(error))
                if unusable is None:
                    raise
                raise unusable from error
            with answer["Body"] as body:
                size = answer["ContentLength"]
                if size > at_most:
                    raise LocationError(
                        f"{uri} has {size} bytes; {at_most} can be sent at most", is_too_large=True
                    )
                return body.read()

    def write(self, uri: str, body: bytes, content_type: str) -> None:
        """Write an object of ours into the place that was announced.

        Raises:
            LocationError: it is in another bucket.
        """
        bucket, key = parse_location(uri)
        if bucket != self.own_bucket:
            raise LocationError(
                f"{uri} is in the bucket {bucket}, into which this deployment does not write",
                is_forbidden=True,
            )
        with aws_call("PutObject"):
            self.client.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)


def parse_location(uri: str) -> tuple[str, str]:
    """Read the bucket and the key from `s3://bucket/key`, where the key is written as it is, or
    from an S3 address that begins with https, where it is percent-encoded.

    Raises:
        LocationError: it is neither; the message says why.
    """
    matched = _URI.fullmatch(uri)
    if matched is None:
        raise LocationError(f"{uri!r} is no location: it must be s3://bucket/key, or https")
    scheme, bucket, key = matched.groups()
    if scheme == "https":
        bucket, key = _parse_address(uri, bucket, key)
    try:
        key_bytes = len(key.encode())
    except UnicodeEncodeError:
        raise LocationError(f"{uri!r} is not valid Unicode") from None
    if not key:
        raise LocationError(f"{uri!r} names no object, only a bucket")
    if key_bytes > _LONGEST_KEY_BYTES:
        raise LocationError(f"the key in {uri!r} is longer than {_LONGEST_KEY_BYTES} bytes")
    return bucket, key


def _parse_address(uri: str, host: str, path: str) -> tuple[str, str]:
    if "?" in path or "#" in path:
        # One version of an object, or a signature: neither would be heeded.
        raise LocationError(f"{uri!r} has a query, which is not supported")
    matched = _HOST.fullmatch(host.lower())
    if matched is None:
        raise LocationError(f"{host!r} in {uri!r} is no host of S3")
    try:
        key = unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise LocationError(f"{uri!r} is not percent-encoded UTF-8") from None
    if matched["bucket"] is not None:
        return matched["bucket"], key
    bucket, _, key = key.partition("/")
    return bucket, key


def _unusable(uri: str, code: str) -> LocationError | None:
    """Say what is wrong with a location; None where it is S3 that failed."""
    if code in ("NoSuchKey", "NoSuchBucket"):
        return LocationError(f"there is no object {uri}")
    if code.startswith("AccessDenied"):
        return LocationError(
            f"{uri} may not be read by this deployment, or is not there", is_forbidden=True
        )
    if code in _UNREADABLE:
        return LocationError(f"{uri} can't be read as it is: {code}")
    return None
