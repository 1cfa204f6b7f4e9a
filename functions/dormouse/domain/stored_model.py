"""Models as they lie in S3, from where SageMaker loads them by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoredModel:
    """An archive: its name is the TargetModel of a request."""

    name: str
    size_bytes: int
    uploaded_at: datetime


@dataclass(frozen=True, slots=True)
class Stock:
    """The archives, in order of names; `is_complete` is False where there are more."""

    models: Sequence[StoredModel]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Upload:
    """Leave to put an archive into S3, by one request of `method` with `headers` to `url`."""

    url: str
    method: str
    headers: Mapping[str, str]
    expires_at: datetime
