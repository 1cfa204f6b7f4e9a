"""The bodies of requests and results, in a bucket of their own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dormouse.adapters.calls import aws_call
from dormouse.errors import MissingPayloadError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class PayloadsBucket:
    """Implements Payloads. Every method may raise AwsError.

    Without `s3:ListBucket` S3 answers that access is denied where there is no object.
    """

    client: "S3Client"
    bucket: str

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Keep one."""
        with aws_call("PutObject"):
            self.client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    def get(self, key: str) -> bytes:
        """Read one.

        Raises:
            MissingPayloadError: there is none.
        """
        with aws_call("GetObject"):
            try:
                return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            except self.client.exceptions.NoSuchKey:
                raise MissingPayloadError(f"there is no object {key} (any more)") from None

    def delete(self, key: str) -> None:
        """Remove one; that there is none is no error."""
        with aws_call("DeleteObject"):
            self.client.delete_object(Bucket=self.bucket, Key=key)
