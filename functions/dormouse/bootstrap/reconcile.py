"""The object graph of `reconcile`."""

import os
from functools import cache

from dormouse.adapters.catalog import TaggedConfigs, TaggedEndpoints
from dormouse.adapters.history import DecisionsTable
from dormouse.adapters.metrics import InvocationMetrics
from dormouse.adapters.requests import RequestsTable
from dormouse.adapters.sagemaker import SageMakerEndpoints
from dormouse.adapters.state import EndpointsTable
from dormouse.adapters.usage import UsageTable
from dormouse.adapters.work_queue import SqsWorkQueue
from dormouse.awakening import Awakening
from dormouse.bootstrap.clients import RETENTION, WRITES_ONCE, client, utc_now
from dormouse.bootstrap.intents import intents_of
from dormouse.domain.plan import Timing
from dormouse.intents import Intents
from dormouse.reconciler import Reconciler
from dormouse.releasing import Releasing
from dormouse.settings import ReconcileSettings
from dormouse.teardown import Teardown


@cache
def reconciler() -> Reconciler:
    """Build the reconciler.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = ReconcileSettings.from_env(os.environ)
    tags, dynamodb = client("resourcegroupstaggingapi"), client("dynamodb")
    state = EndpointsTable(dynamodb, settings.endpoints_table)
    work = SqsWorkQueue(client("sqs"), settings.work_queue_url)
    endpoints = SageMakerEndpoints(
        reader=client("sagemaker"), writer=client("sagemaker", WRITES_ONCE)
    )
    return Reconciler(
        catalog=TaggedConfigs(tags),
        created=TaggedEndpoints(tags),
        endpoints=endpoints,
        metrics=InvocationMetrics(client("cloudwatch")),
        state=state,
        history=DecisionsTable(dynamodb, settings.decisions_table),
        clock=utc_now,
        timing=Timing(settings.metric_lag, settings.ledger_interval, settings.demand_patience),
        deployment=settings.deployment,
        teardown=Teardown(
            endpoints=endpoints,
            state=state,
            usage=UsageTable(dynamodb, settings.usage_table),
            clock=utc_now,
        ),
        awakening=Awakening(
            state=state,
            work=work,
            clock=utc_now,
            warm_up_at_most=settings.warm_up_at_most,
            resend_after=settings.resend_after,
        ),
        releasing=Releasing(
            records=RequestsTable(dynamodb, settings.requests_table, RETENTION),
            work=work,
            resend_after=settings.resend_after,
        ),
    )


@cache
def intents() -> Intents:
    """Build what records intents, for a function that is `reconcile` itself.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = ReconcileSettings.from_env(os.environ)
    return intents_of(settings.endpoints_table, settings.deployment)
