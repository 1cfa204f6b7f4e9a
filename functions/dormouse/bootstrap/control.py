"""The object graph of `control`."""

import os
from functools import cache

from dormouse.adapters.catalog import TaggedConfigs
from dormouse.adapters.dead_letters import SqsDeadLetters
from dormouse.adapters.history import DecisionsTable
from dormouse.adapters.invocations import ReconcileNudge
from dormouse.adapters.requests import RequestsTable
from dormouse.adapters.sagemaker import SageMakerObserver
from dormouse.adapters.state import EndpointsTable
from dormouse.bootstrap.clients import RETENTION, client, intents_of, utc_now
from dormouse.control import Control
from dormouse.settings import ControlSettings
from dormouse.waiting_requests import WaitingRequests


@cache
def control() -> Control:
    """Build the control.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = ControlSettings.from_env(os.environ)
    dynamodb = client("dynamodb")
    state = EndpointsTable(dynamodb, settings.endpoints_table)
    return Control(
        intents=intents_of(settings.endpoints_table, settings.deployment),
        catalog=TaggedConfigs(client("resourcegroupstaggingapi")),
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
        expected_wake=settings.expected_wake,
    )
