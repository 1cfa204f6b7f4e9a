"""The object graph of `reconcile`."""

import os
from functools import cache

from dormouse.adapters.announcements import EventBridgeBus, SnsNoticeTopics
from dormouse.adapters.autoscaling import EndpointScaling
from dormouse.adapters.catalog import TaggedConfigs, TaggedEndpoints
from dormouse.adapters.declarations import StackDeclarations
from dormouse.adapters.endpoint_configs import EndpointConfigs
from dormouse.adapters.history import DecisionsTable
from dormouse.adapters.metrics import InvocationMetrics
from dormouse.adapters.prices import ListPrices
from dormouse.adapters.requests import RequestsTable
from dormouse.adapters.sagemaker import SageMakerEndpoints
from dormouse.adapters.schedules import SsmSchedules
from dormouse.adapters.state import EndpointsTable
from dormouse.adapters.superseded_configs import SageMakerConfigs
from dormouse.adapters.usage import UsageTable
from dormouse.adapters.work_queue import SqsWorkQueue
from dormouse.bootstrap.clients import (
    MOST_CONNECTIONS,
    RETENTION,
    WRITES_ONCE,
    client,
    fast_client,
    late_client,
    utc_now,
)
from dormouse.bootstrap.graph import Durations, World, reconciler_of
from dormouse.bootstrap.intents import intents_of
from dormouse.domain.price_list import pricing_region
from dormouse.domain.timing import Timing
from dormouse.intents import Intents
from dormouse.pricing import Pricing
from dormouse.reconciler import Reconciler
from dormouse.settings import ReconcileSettings


@cache
def reconciler() -> Reconciler:
    """Build the reconciler.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = ReconcileSettings.from_env(os.environ)
    tags, dynamodb, reader = (
        client("resourcegroupstaggingapi"),
        fast_client("dynamodb"),
        client("sagemaker"),
    )
    writer = client("sagemaker", WRITES_ONCE)
    prices = ListPrices(
        dynamodb,
        settings.endpoints_table,
        late_client("pricing", region=pricing_region(settings.region)),
        settings.region,
    )
    # What few ticks need is made when one does.
    world = World(
        catalog=TaggedConfigs(tags),
        created=TaggedEndpoints(tags),
        schedules=SsmSchedules(late_client("ssm"), settings.schedules_parameter, utc_now),
        endpoints=SageMakerEndpoints(reader=reader, writer=writer),
        configs=SageMakerConfigs(writer),
        scaling=EndpointScaling(late_client("application-autoscaling"), utc_now),
        declarations=StackDeclarations(late_client("cloudformation")),
        metrics=InvocationMetrics(late_client("cloudwatch")),
        rates=Pricing(EndpointConfigs(reader), prices, utc_now, settings.instance_prices),
        state=EndpointsTable(dynamodb, settings.endpoints_table),
        history=DecisionsTable(dynamodb, settings.decisions_table),
        usage=UsageTable(dynamodb, settings.usage_table),
        records=RequestsTable(dynamodb, settings.requests_table, RETENTION),
        work=SqsWorkQueue(late_client("sqs"), settings.work_queue_url),
        bus=EventBridgeBus(late_client("events"), settings.notice_bus),
        topics=SnsNoticeTopics(late_client("sns"), frozenset(settings.notification_topics)),
        clock=utc_now,
    )
    return reconciler_of(
        world,
        deployment=settings.deployment,
        timing=Timing(
            settings.metric_lag,
            settings.ledger_interval,
            settings.demand_patience,
            settings.expected_wake,
            settings.stuck_after,
            settings.bills_creation,
        ),
        durations=Durations(settings.warm_up_at_most, settings.resend_after, settings.config_grace),
        stack_id=settings.stack_id,
        workers=MOST_CONNECTIONS,
    )


@cache
def intents() -> Intents:
    """Build what records intents, for a function that is `reconcile` itself.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = ReconcileSettings.from_env(os.environ)
    return intents_of(settings.endpoints_table, settings.usage_table, settings.deployment)
