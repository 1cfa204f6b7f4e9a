"""The models in S3, from where SageMaker loads them by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from dormouse_cli.aws import explained
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode

SUFFIX = ".tar.gz"
# Where `control` moves what is retired.
RETIRED_PREFIX = "retired/"
_NAME = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9_.=-]*(/[A-Za-z0-9_=-][A-Za-z0-9_.=-]*)*", re.ASCII)
_LONGEST_NAME = 1024 - 256
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_LONGEST_ALIAS = 256
_WRITES = (
    "provide-client-params.s3.PutObject",
    "provide-client-params.s3.CompleteMultipartUpload",
)


def require_model_name(name: str) -> str:
    """Return the name.

    Raises:
        CliError: it can't be a TargetModel of this deployment.
    """
    if len(name) > _LONGEST_NAME or not name.endswith(SUFFIX) or _NAME.fullmatch(name) is None:
        raise CliError(
            f"{name!r} is no name for a model: letters, digits and _ - = . (not first), "
            f"ending in {SUFFIX}.",
            ExitCode.USAGE,
        )
    return name


def require_target_model(name: str) -> str:
    """Return the name of a model, or an alias such as `sentiment@live`.

    Raises:
        CliError: it can be neither.
    """
    if len(name) <= _LONGEST_ALIAS and _ALIAS.fullmatch(name) is not None:
        return name
    return require_model_name(name)


class ModelStore:
    """One bucket and prefix. Every method raises `CliError` for what S3 refuses."""

    def __init__(self, s3: Any, bucket: str, prefix: str) -> None:
        self._s3 = s3
        self.bucket = bucket
        self.prefix = prefix

    def require_free(self, name: str) -> None:
        """See that no model has this name, nor had it before it was retired.

        Raises:
            CliError: one has or had.
        """
        if self._exists(self.prefix + name):
            raise _taken(name)
        if self._exists(RETIRED_PREFIX + name):
            raise CliError(
                f"There was a model {name!r}, which is retired, and endpoints that have loaded it "
                "would go on with it: give the new version a new name (--name), or --force.",
                ExitCode.FAILED,
            )

    def _exists(self, key: str) -> bool:
        with explained(f"looking for s3://{self.bucket}/{key}"):
            try:
                self._s3.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                # Without s3:ListBucket, S3 answers 403 for what is absent; the upload below is
                # conditional in any case.
                if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
                    return False
                raise
        return True

    def upload(
        self, path: Path, name: str, *, replace: bool, advanced: Callable[[int], object]
    ) -> None:
        """Upload an archive; it appears whole or not at all.

        Raises:
            CliError: a model has this name, and `replace` is not asked for.
        """
        # boto3 passes no condition to an upload of its own, be it in one part or in many.
        events = self._s3.meta.events
        if not replace:
            for write in _WRITES:
                events.register(write, _only_if_absent)
        with explained(f"uploading to s3://{self.bucket}/{self.prefix}{name}"):
            try:
                with path.open("rb") as file:
                    self._s3.upload_fileobj(
                        file, self.bucket, self.prefix + name, Callback=advanced
                    )
            except ClientError as error:
                code = error.response["Error"].get("Code")
                if code in ("PreconditionFailed", "ConditionalRequestConflict"):
                    raise _taken(name) from error
                raise
            finally:
                for write in _WRITES:
                    events.unregister(write, _only_if_absent)


def _only_if_absent(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    return params | {"IfNoneMatch": "*"}


def _taken(name: str) -> CliError:
    return CliError(
        f"There is a model {name!r} already, and endpoints that have loaded it would go on with "
        "the old one: give the new version a new name (--name), or --force.",
        ExitCode.FAILED,
    )
