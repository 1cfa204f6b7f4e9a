"""Builds each function's object graph from its settings, once for each container."""

import os
from datetime import UTC, datetime
from functools import cache

import boto3
from botocore.config import Config
from botocore.httpsession import URLLib3Session

from dormouse.adapters.catalog import TaggedConfigs
from dormouse.adapters.metrics import InvocationMetrics
from dormouse.adapters.nudge import ReconcileNudge
from dormouse.adapters.runtime import (
    CONNECT_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    SageMakerRuntime,
)
from dormouse.adapters.sagemaker import SageMakerEndpoints
from dormouse.adapters.state import EndpointsTable
from dormouse.domain.claims import OwnEndpoint
from dormouse.domain.plan import Timing
from dormouse.proxy import Proxy
from dormouse.reconciler import Reconciler
from dormouse.settings import InvokeSettings, ReconcileSettings

# Repeated, but not for so long that one slow service eats the tick (10 s at the most).
_READS = Config(
    connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2}
)
# CreateEndpoint and DeleteEndpoint: never repeated by the SDK (see SageMakerEndpoints).
_WRITES_ONCE = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 1})


def utc_now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)


@cache
def reconciler() -> Reconciler:
    """Build the reconciler.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = ReconcileSettings.from_env(os.environ)
    return Reconciler(
        catalog=TaggedConfigs(boto3.client("resourcegroupstaggingapi", config=_READS)),
        endpoints=SageMakerEndpoints(
            reader=boto3.client("sagemaker", config=_READS),
            writer=boto3.client("sagemaker", config=_WRITES_ONCE),
        ),
        metrics=InvocationMetrics(boto3.client("cloudwatch", config=_READS)),
        state=EndpointsTable(boto3.client("dynamodb", config=_READS), settings.endpoints_table),
        clock=utc_now,
        timing=Timing(settings.metric_lag, settings.ledger_interval, settings.demand_patience),
        own=OwnEndpoint(settings.own_endpoint, settings.own_endpoint_config),
        stack_name=settings.stack_name,
    )


@cache
def proxy() -> Proxy:
    """Build the proxy.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = InvokeSettings.from_env(os.environ)
    return Proxy(
        runtime=_runtime(),
        catalog=TaggedConfigs(boto3.client("resourcegroupstaggingapi", config=_READS)),
        state=EndpointsTable(boto3.client("dynamodb", config=_READS), settings.endpoints_table),
        nudge=ReconcileNudge(boto3.client("lambda", config=_READS), settings.reconcile_function),
        clock=utc_now,
        expected_wake=settings.expected_wake,
        ledger_interval=settings.ledger_interval,
        own_endpoint=settings.own_endpoint,
    )


def _runtime() -> SageMakerRuntime:
    session = boto3.Session()
    # The client is made only to ask botocore where the runtime is, and never called.
    meta = session.client("sagemaker-runtime").meta
    credentials = session.get_credentials()
    if credentials is None:
        raise RuntimeError("the function has no AWS credentials")
    return SageMakerRuntime(
        session=URLLib3Session(
            # botocore itself passes (connect, read); only its stubs say int.
            timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),  # type: ignore[arg-type]
            max_pool_connections=2,
        ),
        credentials=credentials,
        region=meta.region_name,
        endpoint_url=meta.endpoint_url,
    )
