"""The object graph of `drain`."""

import os
import time
from datetime import timedelta
from functools import cache

from dormouse.adapters.dead_letters import SqsDeadLetters
from dormouse.adapters.invocations import ReconcileNudge
from dormouse.adapters.locations import S3Locations
from dormouse.adapters.notifications import SnsNotifications
from dormouse.adapters.payloads import PayloadsBucket
from dormouse.adapters.requests import RequestsTable
from dormouse.adapters.state import EndpointsTable
from dormouse.adapters.warm_up_payloads import S3WarmUpPayloads
from dormouse.bootstrap.clients import RETENTION, client, runtime, utc_now
from dormouse.bootstrap.records import recording_by
from dormouse.capture_terms import CaptureTerms
from dormouse.demanding import DEMAND_RENEWAL
from dormouse.drain import Drain
from dormouse.publishing import Publishing
from dormouse.recording import Recording
from dormouse.sending import Sender
from dormouse.settings import DrainSettings
from dormouse.warming import Warming

# What can't be told for so long (a topic that is gone) is given up.
PUBLISHING_PATIENCE = timedelta(days=1)


@cache
def drain() -> Drain:
    """Build what answers the requests that have waited.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = DrainSettings.from_env(os.environ)
    dynamodb, terms = client("dynamodb"), settings.lease_terms
    return Drain(
        records=RequestsTable(dynamodb, settings.requests_table, RETENTION),
        payloads=PayloadsBucket(client("s3"), settings.requests_bucket),
        sender=_sender(),
        state=EndpointsTable(dynamodb, settings.endpoints_table),
        nudge=ReconcileNudge(client("lambda"), settings.reconcile_function),
        publishing=publishing(),
        clock=utc_now,
        sleep=time.sleep,
        tries=settings.tries,
        retry_pause=settings.retry_pause,
        call_time=terms.read_timeout,
        # What comes before the call and after it takes no longer than a call may.
        claim_time=2 * terms.read_timeout + terms.margin,
        demand_renewal=DEMAND_RENEWAL,
    )


@cache
def publishing() -> Publishing:
    """Build what tells how a request has ended.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = DrainSettings.from_env(os.environ)
    s3 = client("s3")
    return Publishing(
        records=RequestsTable(client("dynamodb"), settings.requests_table, RETENTION),
        payloads=PayloadsBucket(s3, settings.requests_bucket),
        locations=S3Locations(s3, frozenset(), settings.requests_bucket),
        notifications=SnsNotifications(client("sns"), frozenset(settings.completion_topics)),
        dead_letters=SqsDeadLetters(client("sqs"), settings.dead_letters_url),
        clock=utc_now,
        region=s3.meta.region_name,
        patience=PUBLISHING_PATIENCE,
    )


@cache
def warming() -> Warming:
    """Build what loads the models of a warm set.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = DrainSettings.from_env(os.environ)
    return Warming(
        sender=_sender(),
        state=EndpointsTable(client("dynamodb"), settings.endpoints_table),
        payloads=S3WarmUpPayloads(client("s3"), settings.model_bucket, settings.warm_up_prefix),
        clock=utc_now,
        sleep=time.sleep,
        call_time=settings.lease_terms.read_timeout,
    )


@cache
def recording() -> Recording:
    """Build what tells the capture and the ledger of each request that has ended.

    Raises:
        SettingError: the environment lacks a setting.
    """
    return recording_by(DrainSettings.from_env(os.environ))


@cache
def capture_terms() -> CaptureTerms:
    """Build what knows what is captured of an endpoint's requests.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = DrainSettings.from_env(os.environ)
    state = EndpointsTable(client("dynamodb"), settings.endpoints_table)
    return CaptureTerms(state, utc_now, settings.lease_terms.renewal_interval)


@cache
def _sender() -> Sender:
    """Build it once: both of what `drain` sends goes under the same leases."""
    settings = DrainSettings.from_env(os.environ)
    dynamodb = client("dynamodb")
    return Sender(
        runtime=runtime(settings.lease_terms.read_timeout),
        state=EndpointsTable(dynamodb, settings.endpoints_table),
        clock=utc_now,
        terms=settings.lease_terms,
    )
