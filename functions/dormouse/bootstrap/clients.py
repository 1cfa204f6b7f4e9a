"""The clients of AWS, and the clock, that the object graphs share."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.httpsession import URLLib3Session

from dormouse.adapters.catalog import TaggedConfigs
from dormouse.adapters.runtime import CONNECT_TIMEOUT_SECONDS, SageMakerRuntime
from dormouse.adapters.state import EndpointsTable
from dormouse.domain.claims import Deployment
from dormouse.intents import Intents

# Repeated, but not for so long that one slow service eats the tick (10 s at the most).
READS = Config(
    connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2}
)
# CreateEndpoint and DeleteEndpoint: never repeated by the SDK (see SageMakerEndpoints).
WRITES_ONCE = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 1})
# For as long as a whole tick may take, and not twice.
WAITS = Config(connect_timeout=3, read_timeout=60, retries={"total_max_attempts": 1})

# How long a request that has ended can still be asked for.
RETENTION = timedelta(days=7)


def utc_now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)


def client(service: Any) -> Any:
    """Make a client whose calls are short."""
    return boto3.client(service, config=READS)


def intents_of(endpoints_table: str, deployment: Deployment) -> Intents:
    """Build what records intents."""
    return Intents(
        catalog=TaggedConfigs(client("resourcegroupstaggingapi")),
        state=EndpointsTable(client("dynamodb"), endpoints_table),
        clock=utc_now,
        deployment=deployment,
    )


def runtime(read_timeout: timedelta) -> SageMakerRuntime:
    """Build what speaks to SageMaker's runtime, and waits for an answer so long."""
    session = boto3.Session()
    # The client is made only to ask botocore where the runtime is, and never called.
    meta = session.client("sagemaker-runtime").meta
    credentials = session.get_credentials()
    if credentials is None:
        raise RuntimeError("the function has no AWS credentials")
    return SageMakerRuntime(
        session=URLLib3Session(
            timeout=(
                CONNECT_TIMEOUT_SECONDS,
                read_timeout.total_seconds(),
            ),  # type: ignore[arg-type]  # botocore passes two as well; its stubs say one
            max_pool_connections=2,
        ),
        credentials=credentials,
        region=meta.region_name,
        endpoint_url=meta.endpoint_url,
    )
