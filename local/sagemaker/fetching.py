"""Bring a model from S3 to a container's disk."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from local.sagemaker import archive, errors
from local.sagemaker.archive import UnsafeArchive
from local.sagemaker.model_cache import container_name

# Writes an object into a file; False if there is no such object.
Download = Callable[[str, str, IO[bytes]], bool]


def locate(model_data_url: str, target_model: str) -> tuple[str, str]:
    """Join a ModelDataUrl prefix and a TargetModel to a bucket and a key. SageMaker joins them as
    they are.
    """
    parts = urlsplit(model_data_url)
    prefix = parts.path.lstrip("/")
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    return parts.netloc, prefix + target_model.lstrip("/")


class ModelFetch:
    """Downloads and unpacks. What was unpacked once stays, so an object that is overwritten is not
    noticed: this is SageMaker's behaviour too, and the reason for never overwriting a model.
    """

    def __init__(self, download: Download, *, size_bytes: int):
        self._download = download
        self._size_bytes = size_bytes

    def __call__(self, model_data_url: str, target_model: str, models_dir: Path) -> Path:
        """Return the directory of the unpacked model."""
        directory = models_dir / container_name(target_model) / "model"
        if directory.exists():
            return directory
        bucket, key = locate(model_data_url, target_model)
        with tempfile.NamedTemporaryFile(dir=models_dir, suffix=".tar.gz") as file:
            if not self._download(bucket, key, file):
                raise errors.model_not_downloaded(bucket, key)
            file.flush()
            directory.parent.mkdir(parents=True, exist_ok=True)
            try:
                archive.unpack(Path(file.name), directory, size_bytes=self._size_bytes)
            except UnsafeArchive as error:
                raise errors.invocation(
                    f"Unable to unpack model data(bucket: {bucket}, key: {key}): {error}"
                ) from error
        return directory
