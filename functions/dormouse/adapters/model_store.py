"""The models in the deployment's bucket, from where SageMaker loads them by name."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from dormouse.adapters.calls import aws_call, error_code
from dormouse.domain.stored_model import Stock, StoredModel, Upload
from dormouse.errors import MissingModelError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RETIRED_PREFIX = "retired/"

_LONGEST_KEY_BYTES = 1024

# S3's own answer to a HEAD has no body to read a name from.
_ABSENT = ("404", "NoSuchKey", "NotFound")


@dataclass(frozen=True, slots=True)
class S3ModelStore:
    """Implements ModelStore. Every method may raise AwsError.

    `client` must sign by version 4, since only that signs the header of an upload, and wait for as
    long as S3 takes to copy an archive.
    """

    client: "S3Client"
    bucket: str
    prefix: str

    def stock(self, at_most: int) -> Stock:
        """List the archives, and stop at so many."""
        found: list[StoredModel] = []
        with aws_call("ListObjectsV2"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix
            )
            for page in pages:
                for entry in page.get("Contents", []):
                    name = entry["Key"].removeprefix(self.prefix)
                    # A name that is empty or ends so is a folder that the console made.
                    if not name or name.endswith("/"):
                        continue
                    if len(found) == at_most:
                        return Stock(found, is_complete=False)
                    found.append(StoredModel(name, entry["Size"], entry["LastModified"]))
        return Stock(found, is_complete=True)

    def has(self, model: str) -> bool:
        """Whether it lies there."""
        return self._exists(self.prefix + model)

    def has_retired(self, model: str) -> bool:
        """Whether one of this name was retired."""
        return self._exists(RETIRED_PREFIX + model)

    def upload(self, model: str, now: datetime, validity: timedelta) -> Upload:
        """Sign leave to upload it, which S3 refuses where one of this name lies there.

        It ends with the credentials that sign it, if that is sooner.
        """
        with aws_call("PutObject"):
            url = self.client.generate_presigned_url(
                "put_object",
                Params={"Bucket": self.bucket, "Key": self.prefix + model, "IfNoneMatch": "*"},
                ExpiresIn=int(validity.total_seconds()),
                HttpMethod="PUT",
            )
        return Upload(url, "PUT", {"If-None-Match": "*"}, now + validity)

    def retire(self, model: str) -> str:
        """Copy it to where no endpoint looks, and delete it; say where it lies.

        After an error it lies in either place, or in both; the same again does the rest.
        """
        key, retired = self.prefix + model, RETIRED_PREFIX + model
        with aws_call("CopyObject"):
            try:
                self.client.copy_object(
                    Bucket=self.bucket,
                    Key=retired,
                    CopySource={"Bucket": self.bucket, "Key": key},
                    # Else S3 would ask for the right to read its tags.
                    TaggingDirective="REPLACE",
                )
            except ClientError as error:
                if error_code(error) in _ABSENT:
                    raise MissingModelError(f"there is no model {model}") from error
                raise
        with aws_call("DeleteObject"):
            self.client.delete_object(Bucket=self.bucket, Key=key)
        return retired

    def _exists(self, key: str) -> bool:
        if len(key.encode()) > _LONGEST_KEY_BYTES:
            return False
        with aws_call("HeadObject"):
            try:
                self.client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if error_code(error) in _ABSENT:
                    return False
                raise
        return True
