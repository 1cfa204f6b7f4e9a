"""Builds each function's object graph from its settings, once for each container."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.httpsession import URLLib3Session

from dormouse.adapters.catalog import TaggedConfigs, TaggedEndpoints
from dormouse.adapters.cloudformation import CustomResourceAnswer
from dormouse.adapters.history import DecisionsTable
from dormouse.adapters.invocations import AsynchronousInvocation, ReconcileNudge, ReconcileTick
from dormouse.adapters.metrics import InvocationMetrics
from dormouse.adapters.runtime import (
    CONNECT_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    SageMakerRuntime,
)
from dormouse.adapters.sagemaker import SageMakerEndpoints, SageMakerObserver
from dormouse.adapters.state import EndpointsTable
from dormouse.control import Control
from dormouse.domain.claims import Deployment
from dormouse.domain.plan import Timing
from dormouse.intents import Intents
from dormouse.permissions import Permissions
from dormouse.proxy import Proxy
from dormouse.reconciler import Reconciler
from dormouse.removal import Removal
from dormouse.settings import (
    CleanupSettings,
    ControlSettings,
    InvokeSettings,
    ReconcileSettings,
)

# Repeated, but not for so long that one slow service eats the tick (10 s at the most).
_READS = Config(
    connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2}
)
# CreateEndpoint and DeleteEndpoint: never repeated by the SDK (see SageMakerEndpoints).
_WRITES_ONCE = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 1})
# For as long as a whole tick may take, and not twice.
_WAITS = Config(connect_timeout=3, read_timeout=60, retries={"total_max_attempts": 1})


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
    tags, dynamodb = _client("resourcegroupstaggingapi"), _client("dynamodb")
    return Reconciler(
        catalog=TaggedConfigs(tags),
        created=TaggedEndpoints(tags),
        endpoints=SageMakerEndpoints(
            reader=_client("sagemaker"), writer=boto3.client("sagemaker", config=_WRITES_ONCE)
        ),
        metrics=InvocationMetrics(_client("cloudwatch")),
        state=EndpointsTable(dynamodb, settings.endpoints_table),
        history=DecisionsTable(dynamodb, settings.decisions_table),
        clock=utc_now,
        timing=Timing(settings.metric_lag, settings.ledger_interval, settings.demand_patience),
        deployment=settings.deployment,
    )


@cache
def intents() -> Intents:
    """Build what records intents, for a function that is `reconcile` itself.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = ReconcileSettings.from_env(os.environ)
    return _intents(settings.endpoints_table, settings.deployment)


@cache
def control() -> Control:
    """Build the control.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = ControlSettings.from_env(os.environ)
    dynamodb = _client("dynamodb")
    return Control(
        intents=_intents(settings.endpoints_table, settings.deployment),
        catalog=TaggedConfigs(_client("resourcegroupstaggingapi")),
        endpoints=SageMakerObserver(_client("sagemaker")),
        state=EndpointsTable(dynamodb, settings.endpoints_table),
        history=DecisionsTable(dynamodb, settings.decisions_table),
        nudge=ReconcileNudge(_client("lambda"), settings.reconcile_function),
        clock=utc_now,
        account_id=settings.account_id,
        expected_wake=settings.expected_wake,
    )


@cache
def proxy() -> Proxy:
    """Build the proxy.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = InvokeSettings.from_env(os.environ)
    catalog = TaggedConfigs(_client("resourcegroupstaggingapi"))
    state = EndpointsTable(_client("dynamodb"), settings.endpoints_table)
    return Proxy(
        runtime=_runtime(),
        catalog=catalog,
        state=state,
        nudge=ReconcileNudge(_client("lambda"), settings.reconcile_function),
        clock=utc_now,
        permissions=Permissions(
            state=state,
            catalog=catalog,
            clock=utc_now,
            deployment=settings.deployment,
            account_id=settings.account_id,
            interval=settings.ledger_interval,
        ),
        expected_wake=settings.expected_wake,
        ledger_interval=settings.ledger_interval,
        own_endpoint=settings.deployment.endpoint,
    )


@cache
def removal() -> Removal:
    """Build what sees the deployment off.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = CleanupSettings.from_env(os.environ)
    return Removal(
        state=EndpointsTable(_client("dynamodb"), settings.endpoints_table),
        tick=ReconcileTick(boto3.client("lambda", config=_WAITS), settings.reconcile_function),
        clock=utc_now,
        reconcile_timeout=settings.reconcile_timeout,
    )


@cache
def answer_cloudformation() -> CustomResourceAnswer:
    """Build what answers CloudFormation."""
    return CustomResourceAnswer(URLLib3Session(timeout=10))


@cache
def invoke_again() -> AsynchronousInvocation:
    """Build what invokes a function without waiting for it."""
    return AsynchronousInvocation(_client("lambda"))


def _client(service: Any) -> Any:
    return boto3.client(service, config=_READS)


def _intents(endpoints_table: str, deployment: Deployment) -> Intents:
    return Intents(
        catalog=TaggedConfigs(_client("resourcegroupstaggingapi")),
        state=EndpointsTable(_client("dynamodb"), endpoints_table),
        clock=utc_now,
        deployment=deployment,
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
