"""The clients of AWS, and the clock, that the object graphs share."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from threading import Lock
from typing import Any, Literal, assert_never

from dormouse.adapters.runtime import CONNECT_TIMEOUT_SECONDS, SageMakerRuntime
from dormouse.adapters.service_calls import DynamoDb, Firehose, S3Objects, Tries
from dormouse.bootstrap.addresses import http_to


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may take, in seconds, and how often it is tried."""

    connect_timeout: float
    read_timeout: float
    attempts: int


# Repeated, but not for so long that one slow service eats the tick (10 s at the most).
READS = Patience(connect_timeout=2, read_timeout=3, attempts=2)
# CreateEndpoint and DeleteEndpoint: never repeated by the SDK (see SageMakerEndpoints).
WRITES_ONCE = Patience(connect_timeout=3, read_timeout=10, attempts=1)
# For as long as a whole tick may take, and not twice.
WAITS = Patience(connect_timeout=3, read_timeout=60, attempts=1)

# As many as there are threads at most.
MOST_CONNECTIONS = 16
_MAKING = Lock()

# How long a request that has ended can still be asked for.
RETENTION = timedelta(days=7)


def utc_now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)


def client(service: Any, patience: Patience = READS, region: str | None = None) -> Any:
    """Make a client of boto3, of the own region unless another one is named."""
    # Late: both take longer to import than all else that a warm request needs.
    import boto3  # noqa: PLC0415 - a warm request needs neither
    from botocore.config import Config  # noqa: PLC0415 - likewise

    config = Config(
        connect_timeout=patience.connect_timeout,
        read_timeout=patience.read_timeout,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        max_pool_connections=MOST_CONNECTIONS,
    )
    return boto3.client(service, config=config, region_name=region)


class LateClient:
    """A client of boto3 that is made when it is first used: most requests never do."""

    def __init__(self, service: str, region: str | None) -> None:
        self._made = cache(partial(client, service, region=region))

    def __getattr__(self, name: str) -> Any:
        # boto3's session, of which clients are made, is not for several threads at once.
        with _MAKING:
            made = self._made()
        return getattr(made, name)


def late_client(service: str, region: str | None = None) -> Any:
    """Make a client of boto3 once it is needed."""
    return LateClient(service, region)


def fast_client(
    service: Literal["dynamodb", "firehose", "s3"],
    *,
    connect_timeout: float = READS.connect_timeout,
    read_timeout: float = READS.read_timeout,
    attempts: int = READS.attempts,
) -> Any:
    """Make a client for what each warm request needs, without boto3 (see service_calls.py)."""
    http = partial(http_to, service, connect_timeout=connect_timeout, read_timeout=read_timeout)
    tries = Tries(attempts)
    match service:
        case "dynamodb":
            return DynamoDb(http(), tries)
        case "firehose":
            return Firehose(http(), tries)
        case "s3":
            return S3Objects(lambda bucket: http(bucket=bucket), tries)
        case _:
            assert_never(service)


def runtime(read_timeout: timedelta) -> SageMakerRuntime:
    """Build what speaks to SageMaker's runtime, and waits for an answer so long."""
    return SageMakerRuntime(
        http_to(
            "sagemaker-runtime",
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=read_timeout.total_seconds(),
        )
    )
