"""The object graph of `invoke`."""

import os
import random
import secrets
import time
from functools import cache
from typing import Any

from dormouse.adapters.catalog import TaggedConfigs
from dormouse.adapters.hold_slots import HoldSlotsTable
from dormouse.adapters.invocations import ReconcileNudge
from dormouse.adapters.locations import S3Locations
from dormouse.adapters.payloads import PayloadsBucket
from dormouse.adapters.requests import RequestsTable
from dormouse.adapters.state import EndpointsTable
from dormouse.adapters.work_queue import SqsWorkQueue
from dormouse.async_invocations import AsyncInvocations
from dormouse.bootstrap.clients import RETENTION, fast_client, late_client, runtime, utc_now
from dormouse.bootstrap.records import recording_by
from dormouse.demanding import Demand
from dormouse.holding import Holding
from dormouse.inquiry import Inquiry
from dormouse.joining import Joining
from dormouse.parking import Parking
from dormouse.permissions import Permissions
from dormouse.proxy import Proxy
from dormouse.recording import Recording
from dormouse.sending import Sender
from dormouse.settings import InvokeSettings


@cache
def proxy() -> Proxy:
    """Build what answers invocations.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = _settings()
    to_runtime = runtime(settings.lease_terms.read_timeout)
    sender = Sender(
        runtime=to_runtime,
        state=_state(),
        clock=utc_now,
        terms=settings.lease_terms,
    )
    slots = HoldSlotsTable(_dynamodb(), settings.endpoints_table, settings.hold_slots)
    return Proxy(
        sender=sender,
        runtime=to_runtime,
        state=_state(),
        demand=_demand(),
        permissions=_permissions(),
        holding=Holding(
            sender=sender,
            state=_state(),
            slots=slots,
            joining=Joining(_records(), _payloads(), utc_now, draw_token),
            demand=_demand(),
            clock=utc_now,
            sleep=time.sleep,
            jitter=random.random,
        ),
        parking=_parking(),
        clock=utc_now,
        draw_token=draw_token,
        longest_hold=settings.longest_hold,
        expected_wake=settings.expected_wake,
    )


@cache
def async_invocations() -> AsyncInvocations:
    """Build what accepts asynchronous invocations.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = _settings()
    # The stack's own has what other callers have sent, whatever the parameter says.
    readable = frozenset(settings.s3_buckets) - {settings.requests_bucket}
    return AsyncInvocations(
        state=_state(),
        permissions=_permissions(),
        parking=_parking(),
        locations=S3Locations(late_client("s3"), readable, settings.requests_bucket),
        clock=utc_now,
        draw_token=draw_token,
        requests_bucket=settings.requests_bucket,
    )


@cache
def inquiry() -> Inquiry:
    """Build what tells how a request stands.

    Raises:
        SettingError: the environment lacks a setting.
    """
    return Inquiry(_records(), _payloads(), _state(), _parking(), utc_now)


@cache
def recording() -> Recording:
    """Build what tells the capture and the ledger of each request.

    Raises:
        SettingError: the environment lacks a setting.
    """
    return recording_by(_settings())


def prepare() -> None:
    """Build what a warm request needs, while Lambda initializes the function: it has more of the
    processor then than later.

    Raises:
        SettingError: the environment lacks a setting.
    """
    proxy()
    recording()


def draw_token() -> str:
    """Draw 32 hexadecimal digits that nobody can guess."""
    return secrets.token_hex(16)


@cache
def _parking() -> Parking:
    settings = _settings()
    return Parking(
        records=_records(),
        payloads=_payloads(),
        work=SqsWorkQueue(late_client("sqs"), settings.work_queue_url),
        demand=_demand(),
        clock=utc_now,
        draw_token=draw_token,
        time_to_live=settings.time_to_live,
        backlog_limit=settings.backlog_limit,
        completion_topics=frozenset(settings.completion_topics),
        expected_wake=settings.expected_wake,
    )


@cache
def _permissions() -> Permissions:
    settings = _settings()
    return Permissions(
        state=_state(),
        catalog=TaggedConfigs(late_client("resourcegroupstaggingapi")),
        clock=utc_now,
        deployment=settings.deployment,
        account_id=settings.account_id,
        interval=settings.lease_terms.renewal_interval,
    )


@cache
def _demand() -> Demand:
    nudge = ReconcileNudge(late_client("lambda"), _settings().reconcile_function)
    return Demand(_state(), nudge, utc_now)


@cache
def _state() -> EndpointsTable:
    return EndpointsTable(_dynamodb(), _settings().endpoints_table)


@cache
def _records() -> RequestsTable:
    return RequestsTable(_dynamodb(), _settings().requests_table, RETENTION)


@cache
def _payloads() -> PayloadsBucket:
    return PayloadsBucket(late_client("s3"), _settings().requests_bucket)


@cache
def _dynamodb() -> Any:
    return fast_client("dynamodb")


@cache
def _settings() -> InvokeSettings:
    return InvokeSettings.from_env(os.environ)
