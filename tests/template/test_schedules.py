"""The cron schedules: what they ask of control, when, and how late it may come."""

import json
from datetime import timedelta
from typing import Any

import pytest

from dormouse.domain.intent import Hold, Intent, Sleep, Wake, parse_intent, read_asker
from tests.template.cloudformation import properties, resolve

GIVEN = {
    "WakeCron": "cron(50 7 ? * MON-FRI *)",
    "SleepCron": "cron(0 18 ? * MON-FRI *)",
    "ScheduleTimezone": "Europe/Berlin",
    "EndpointName": "search",
}


def schedule(logical_id: str, **more: str) -> dict[str, Any]:
    """A schedule's properties, with all parameters of the schedules given, and more."""
    resolved: dict[str, Any] = resolve(properties(logical_id), {**GIVEN, **more})
    return resolved


@pytest.mark.parametrize(
    ("logical_id", "more", "intent"),
    [
        ("WakeSchedule", {}, Wake("search")),
        ("WakeSchedule", {"WakeFor": "10h"}, Hold("search", timedelta(hours=10))),
        ("SleepSchedule", {}, Sleep("search")),
        ("SleepSchedule", {"WakeFor": "10h"}, Sleep("search")),
    ],
)
def test_what_a_schedule_asks_for(logical_id: str, more: dict[str, str], intent: Intent) -> None:
    """Its input is an intent as anybody could send it; it says who asks."""
    event = json.loads(schedule(logical_id, **more)["Target"]["Input"])
    assert parse_intent(event) == intent
    assert read_asker(event) == "schedule"


@pytest.mark.parametrize(
    ("logical_id", "cron"), [("WakeSchedule", "WakeCron"), ("SleepSchedule", "SleepCron")]
)
def test_when_a_schedule_comes(logical_id: str, cron: str) -> None:
    """At the minute that is given, in the time zone that is given."""
    written = schedule(logical_id)
    assert written["ScheduleExpression"] == GIVEN[cron]
    assert written["ScheduleExpressionTimezone"] == "Europe/Berlin"
    # YAML would make a bare OFF false.
    assert written["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert "State" not in written


@pytest.mark.parametrize("logical_id", ["WakeSchedule", "SleepSchedule"])
def test_whom_a_schedule_calls(logical_id: str) -> None:
    """Control, by a role of its own."""
    target = properties(logical_id)["Target"]
    assert target["Arn"] == {"Fn::GetAtt": ["ControlFunction", "Arn"]}
    assert target["RoleArn"] == {"Fn::GetAtt": ["ScheduleRole", "Arn"]}


def test_how_late_an_intent_may_come() -> None:
    """The scheduler tries for ten minutes. It hands the event to Lambda's queue, which holds it no
    longer than that either: a sleep must not come hours later, upon those who work then.
    """
    late = 600
    for logical_id in ("WakeSchedule", "SleepSchedule"):
        policy = properties(logical_id)["Target"]["RetryPolicy"]
        assert policy["MaximumEventAgeInSeconds"] == late
        assert policy["MaximumRetryAttempts"] > 0
    queue = properties("ControlFunction")["EventInvokeConfig"]
    assert queue["MaximumEventAgeInSeconds"] <= late
    assert queue["MaximumRetryAttempts"] > 0
