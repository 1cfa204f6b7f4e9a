"""What a model is invoked with so that it is loaded: small objects beside the models."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from dormouse.adapters.calls import aws_call, error_code

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_USUAL = (b"{}", "application/json")

# S3's name for a type that was not given.
_UNTYPED = "binary/octet-stream"

_LONGEST_KEY_BYTES = 1024

# The runtime takes no more; what is larger is something else, perhaps a model.
_LARGEST_BYTES = 6_291_456


@dataclass(frozen=True, slots=True)
class S3WarmUpPayloads:
    """Implements WarmUpPayloads.

    An owner leaves `{prefix}{target_model}` for one model, or `{prefix}default` for all others,
    with its Content-Type. Nothing is kept, so a new one is used at the next wake.
    """

    client: "S3Client"
    bucket: str
    prefix: str

    def payload(self, target_model: str) -> tuple[bytes, str]:
        """Read the body and the content type that its owner has left for it, or the usual one,
        which is `{}` in JSON.

        Raises:
            AwsError: S3 failed.
        """
        return self._read(target_model) or self._read("default") or _USUAL

    def _read(self, name: str) -> tuple[bytes, str] | None:
        key = f"{self.prefix}{name}"
        if not name or len(key.encode(errors="replace")) > _LONGEST_KEY_BYTES:
            return None
        with aws_call("GetObject"):
            try:
                answer = self.client.get_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                # Whoever may not list a bucket is told that access is denied to what is absent.
                if error_code(error) in ("NoSuchKey", "NoSuchBucket", "AccessDenied"):
                    return None
                raise
            with answer["Body"] as body:
                if answer["ContentLength"] > _LARGEST_BYTES:
                    return None
                content_type = answer["ContentType"]
                return body.read(), _USUAL[1] if content_type == _UNTYPED else content_type
