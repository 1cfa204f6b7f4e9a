"""The deletion of the stack: what stands until the endpoints are gone, and how long that may take.

CloudFormation deletes a resource before whatever it depends on.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest

from dormouse.bootstrap import clients
from dormouse.handlers.cleanup import POLL_SECONDS, RESERVE_MILLISECONDS
from dormouse.removal import PATIENCE
from dormouse.settings import CleanupSettings
from tests.template.cloudformation import environment, properties, references, template

# https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
LOOP_LIMIT = 16


def needed_by(name: str, stack: Mapping[str, Any]) -> set[str]:
    """Whatever a resource depends on, directly or not: all of that is there as long as it is."""
    needed: set[str] = set()
    pending = {name}
    while pending:
        found = set().union(*(references(stack[name]) for name in pending)) & set(stack)
        pending = found - needed
        needed |= found
    return needed


NEEDED = {
    # What deletes an endpoint, and makes it come back to it every minute.
    "ReconcileFunction",
    "ReconcileRole",
    "ReconcileLogs",
    "ReconcileFunctionTick",
    "TickRole",
    "EndpointsTable",
    "DecisionsTable",
    # What it looks through for requests that wait, and where drain tells how they ended.
    "RequestsTable",
    "RequestsBucket",
    "UsageTable",
    "WorkQueue",
    "DeadLetterQueue",
    # What it reads with each tick, and where it tells what it does.
    "SchedulesParameter",
    "NoticeBus",
    # What looks on and answers.
    "CleanupFunction",
    "CleanupRole",
    "CleanupContinues",
    "CleanupLogs",
    # What an endpoint runs on.
    "EndpointConfig",
    "Model",
    "ModelRole",
    "ModelBucket",
}


def test_what_stands_until_no_endpoint_is_left(deployed: dict[str, Any]) -> None:
    """An endpoint whose EndpointConfig or whose reconcile is gone would be nobody's."""
    assert needed_by("Cleanup", deployed) == NEEDED


@pytest.mark.parametrize("needed", ["CleanupContinues", "ReconcileFunctionTick"])
def test_what_would_go_too_early_is_noticed(deployed: dict[str, Any], needed: str) -> None:
    """Nothing but DependsOn keeps these: the check above can fail."""
    stack = json.loads(json.dumps(deployed))
    stack["Cleanup"]["DependsOn"].remove(needed)
    assert needed not in needed_by("Cleanup", stack)


def test_nothing_waits_for_the_cleanup(deployed: dict[str, Any]) -> None:
    """What depended on it would be deleted before it, and it is the first to go."""
    dependants = [name for name in deployed if "Cleanup" in references(deployed[name])]
    assert dependants == []


def test_no_update_reaches_the_cleanup(deployed: dict[str, Any]) -> None:
    """CloudFormation asks a custom resource anew when one of its properties changes; these don't,
    since a function that has no name of its own is never replaced.
    """
    constant = dict(properties("Cleanup"))
    assert constant.pop("ServiceToken") == {"Fn::GetAtt": ["CleanupFunction", "Arn"]}
    assert references(constant) == set()
    replacing = {"FunctionName", "PackageType"}
    assert deployed["CleanupFunction"]["Properties"].keys().isdisjoint(replacing)


def test_what_outlives_the_stack() -> None:
    """Models, memory and what callers have sent and got are kept; what a live endpoint may still
    use survives its replacement.
    """
    kept = {
        name: (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        for name, resource in template()["Resources"].items()
        if "Retain" in (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
    }
    assert kept == {
        "ModelBucket": ("Retain", "Retain"),
        "ModelBucketPolicy": ("Retain", "Retain"),
        "EndpointsTable": ("Retain", "Retain"),
        "DecisionsTable": ("Retain", "Retain"),
        "RequestsTable": ("Retain", "Retain"),
        "RequestsBucket": ("Retain", "Retain"),
        "RequestsBucketPolicy": ("Retain", "Retain"),
        "UsageTable": ("Retain", "Retain"),
        "SchedulesParameter": ("Retain", "Retain"),
        "CaptureBucket": ("Retain", "Retain"),
        "CaptureBucketPolicy": ("Retain", "Retain"),
        "CleanupLogs": ("Retain", "Delete"),
        "ModelRole": ("Delete", "Retain"),
        "Model": ("Delete", "Retain"),
        "EndpointConfig": ("Delete", "Retain"),
    }


def timeouts(config: Any) -> tuple[float, float]:
    """For how long botocore waits for a connection, and for an answer (its stubs don't say)."""
    return config.connect_timeout, config.read_timeout


# One look at what is left is an invocation of reconcile, whose answer is waited for.
LOOK_SECONDS = sum(timeouts(clients.WAITS))


def test_cleanup_knows_how_long_a_tick_may_live() -> None:
    """A tick that began before the tombstone was written may start an endpoint until then."""
    settings = CleanupSettings.from_env(environment("CleanupFunction"))
    timeout: int = properties("ReconcileFunction")["Timeout"]
    assert settings.reconcile_timeout.total_seconds() == timeout
    _, answer_seconds = timeouts(clients.WAITS)
    assert answer_seconds > timeout


def test_cleanup_is_not_cut_off() -> None:
    """After it has found that there is time, it pauses, looks once more and perhaps hands over."""
    hand_over_seconds = 2 * sum(timeouts(clients.READS))
    assert POLL_SECONDS + LOOK_SECONDS + hand_over_seconds < RESERVE_MILLISECONDS / 1000


def test_cleanup_gives_up_before_cloudformation_does() -> None:
    """Only then is it said what is left, instead of "no response"."""
    service_timeout = int(properties("Cleanup")["ServiceTimeout"])
    assert service_timeout <= 3600
    latest = PATIENCE.total_seconds() + POLL_SECONDS + LOOK_SECONDS
    assert latest < service_timeout


def test_cleanup_calls_itself_only_a_few_times() -> None:
    """Lambda ends what it takes for a loop."""
    timeout: int = properties("CleanupFunction")["Timeout"]
    assert timeout <= 900
    invocations = math.ceil(PATIENCE.total_seconds() / (timeout - RESERVE_MILLISECONDS / 1000))
    assert invocations <= 4 < LOOP_LIMIT
