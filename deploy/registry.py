"""The repository in Amazon ECR that holds the image."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    SSOTokenLoadError,
    TokenRetrievalError,
)

from deploy.errors import DeployError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

DEFAULT_REPOSITORY = "dormouse"

# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
_REPOSITORY_NAME = re.compile(
    r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*", re.ASCII
)
_DENIALS = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
_BAD_CREDENTIALS = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image as ECR has it; its size is the compressed one, which is what is paid for."""

    digest: str
    size_bytes: int
    media_type: str


class Registry:
    """One repository of the caller's account and region, which may not exist yet.

    Every method raises DeployError where AWS refuses, can't be reached or has no credentials.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Find account and region as the AWS CLI does, and the repository by REPOSITORY."""
        self.repository = environment.get("REPOSITORY") or DEFAULT_REPOSITORY
        if not (2 <= len(self.repository) <= 256 and _REPOSITORY_NAME.fullmatch(self.repository)):
            raise DeployError(
                f"REPOSITORY is {self.repository!r}, which is no name of an ECR repository: "
                "2 to 256 lower-case letters, digits and . _ - / between them"
            )
        with _aws_in_sentences():
            # The AWS CLI puts AWS_REGION first; boto3 alone does not read it.
            session = boto3.Session(region_name=environment.get("AWS_REGION") or None)
            if session.region_name is None:
                raise DeployError(
                    "no AWS region is set; set AWS_REGION, or give your profile one by "
                    "`aws configure`"
                )
            self.region = session.region_name
            self.account = session.client("sts").get_caller_identity()["Account"]
            self._client: ECRClient = session.client("ecr")

    def uri(self) -> str | None:
        """Return the repository's URI, or None where there is no repository yet."""
        with _aws_in_sentences():
            try:
                found = self._client.describe_repositories(repositoryNames=[self.repository])
            except self._client.exceptions.RepositoryNotFoundException:
                return None
            return found["repositories"][0]["repositoryUri"]

    def create(self) -> str:
        """Make the repository and return its URI.

        Its tags can't be overwritten, and nothing in it ever expires: an endpoint that sleeps may
        need its image after months.
        """
        with _aws_in_sentences():
            made = self._client.create_repository(
                repositoryName=self.repository,
                imageTagMutability="IMMUTABLE",
                imageScanningConfiguration={"scanOnPush": True},
                encryptionConfiguration={"encryptionType": "AES256"},
            )
            return made["repository"]["repositoryUri"]

    def image(self, tag: str) -> StoredImage | None:
        """Return what the repository has under a tag, or None where it has nothing."""
        with _aws_in_sentences():
            try:
                found = self._client.describe_images(
                    repositoryName=self.repository, imageIds=[{"imageTag": tag}]
                )
            except self._client.exceptions.ImageNotFoundException:
                return None
            detail = found["imageDetails"][0]
            return StoredImage(
                detail["imageDigest"],
                detail.get("imageSizeInBytes", 0),
                detail.get("imageManifestMediaType", ""),
            )

    def password(self) -> str:
        """Return a password for the user AWS, good for twelve hours."""
        with _aws_in_sentences():
            token = self._client.get_authorization_token()["authorizationData"][0]
        return base64.b64decode(token["authorizationToken"]).decode().partition(":")[2]


@contextmanager
def _aws_in_sentences() -> Iterator[None]:
    """Turn what botocore raises into one sentence that says what to do."""
    try:
        yield
    except ProfileNotFound as error:
        raise DeployError(f"AWS_PROFILE names a profile that does not exist ({error})") from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise DeployError(
            "there are no AWS credentials; `aws configure` or `aws sso login` provides them, and "
            "AWS_PROFILE chooses between several"
        ) from error
    except (SSOError, SSOTokenLoadError, TokenRetrievalError) as error:
        raise DeployError("your AWS sign-in has expired; `aws sso login` renews it") from error
    except (ConnectionError, HTTPClientError) as error:
        raise DeployError(f"AWS can't be reached ({error})") from error
    except ClientError as error:
        raise DeployError(_sentence(error)) from error
    except BotoCoreError as error:
        raise DeployError(f"AWS can't be asked ({error})") from error


def _sentence(error: ClientError) -> str:
    code, operation = error.response["Error"]["Code"], error.operation_name
    message = error.response["Error"].get("Message", "").rstrip(".")
    if code in _DENIALS:
        service = "sts" if operation == "GetCallerIdentity" else "ecr"
        return (
            f"these AWS credentials are not allowed {service}:{operation} ({message}); "
            "docs/deploying.md has a policy with all that is needed"
        )
    if code in _BAD_CREDENTIALS:
        return f"AWS does not accept these credentials, or no longer ({message})"
    return f"AWS refused {operation} ({code}: {message})"
