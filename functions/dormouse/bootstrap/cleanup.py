"""The object graph of `cleanup`."""

import os
from functools import cache

from botocore.httpsession import URLLib3Session

from dormouse.adapters.cloudformation import CustomResourceAnswer
from dormouse.adapters.invocations import AsynchronousInvocation, ReconcileTick
from dormouse.adapters.state import EndpointsTable
from dormouse.bootstrap.clients import WAITS, client, utc_now
from dormouse.removal import Removal
from dormouse.settings import CleanupSettings


@cache
def removal() -> Removal:
    """Build what sees the deployment off.

    Raises:
        SettingError: the environment lacks a setting.
    """
    settings = CleanupSettings.from_env(os.environ)
    return Removal(
        state=EndpointsTable(client("dynamodb"), settings.endpoints_table),
        tick=ReconcileTick(client("lambda", WAITS), settings.reconcile_function),
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
    return AsynchronousInvocation(client("lambda"))
