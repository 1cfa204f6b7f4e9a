"""The object graph of `control`."""

import os
from functools import cache

import boto3
from botocore.config import Config

from dormouse.adapters.aliases import AliasesTable
from dormouse.adapters.catalog import TaggedConfigs
from dormouse.adapters.dead_letters import SqsDeadLetters
from dormouse.adapters.history import DecisionsTable
from dormouse.adapters.invocations import ReconcileNudge
from dormouse.adapters.model_store import S3ModelStore
from dormouse.adapters.payloads import PayloadsBucket
from dormouse.adapters.requests import RequestsTable
from dormouse.adapters.sagemaker import SageMakerObserver
from dormouse.adapters.schedules import SsmSchedules
from dormouse.adapters.state import EndpointsTable
from dormouse.adapters.usage import UsageTable
from dormouse.aliases import Aliases
from dormouse.bootstrap.clients import RETENTION, client, utc_now
from dormouse.bootstrap.intents import intents_of
from dormouse.control import Control
from dormouse.ground_truths import GroundTruths
from dormouse.intents import Intents
from dormouse.models import Models
from dormouse.settings import ControlSettings
from dormouse.waiting_requests import WaitingRequests

# S3 copies an archive of a gigabyte in some ten seconds; the function is cut off after 29. Without
# version 4, a signed upload would not have to send the header that makes it a new one. And without
# a style, botocore would sign it for s3.amazonaws.com, which sends whoever uploads on to the region
# while a bucket is young; there the signature is wrong.
_COPIES = Config(
    connect_timeout=2,
    read_timeout=24,
    retries={"total_max_attempts": 1},
    signature_version="s3v4",
    s3={"addressing_style": "virtual"},
)


@cache
def control() -> Control:
    """Build the control.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = _settings()
    dynamodb = client("dynamodb")
    state = EndpointsTable(dynamodb, settings.endpoints_table)
    return Control(
        intents=_intents(),
        catalog=TaggedConfigs(client("resourcegroupstaggingapi")),
        schedules=SsmSchedules(client("ssm"), settings.schedules_parameter, utc_now),
        endpoints=SageMakerObserver(client("sagemaker")),
        state=state,
        history=DecisionsTable(dynamodb, settings.decisions_table),
        requests=WaitingRequests(
            records=RequestsTable(dynamodb, settings.requests_table, RETENTION),
            letters=SqsDeadLetters(client("sqs"), settings.dead_letters_url),
            state=state,
            clock=utc_now,
            time_to_live=settings.time_to_live,
        ),
        nudge=ReconcileNudge(client("lambda"), settings.reconcile_function),
        clock=utc_now,
        account_id=settings.account_id,
        timing=settings.timing,
    )


@cache
def models() -> Models:
    """Build what answers for models.

    Raises:
        SettingError: the environment lacks a setting.
    """
    usage = UsageTable(client("dynamodb"), _settings().usage_table)
    return Models(_intents(), _store(), _aliases_table(), usage, utc_now)


@cache
def aliases() -> Aliases:
    """Build what answers for aliases.

    Raises:
        SettingError: the environment lacks a setting.
    """
    return Aliases(_intents(), _store(), _aliases_table(), utc_now)


@cache
def ground_truths() -> GroundTruths:
    """Build what keeps ground truth.

    Raises:
        SettingError: the environment lacks a setting.
    """
    objects = PayloadsBucket(client("s3"), _settings().capture_bucket)
    return GroundTruths(_intents(), _aliases_table(), objects, utc_now)


@cache
def _intents() -> Intents:
    return intents_of(_settings().endpoints_table, _settings().usage_table, _settings().deployment)


@cache
def _store() -> S3ModelStore:
    s3 = boto3.client("s3", config=_COPIES)
    return S3ModelStore(s3, _settings().model_bucket, _settings().model_prefix)


@cache
def _aliases_table() -> AliasesTable:
    return AliasesTable(client("dynamodb"), _settings().endpoints_table)


@cache
def _settings() -> ControlSettings:
    return ControlSettings.from_env(os.environ)
