"""EventBridge Scheduler: AWS::Scheduler::Schedule with all its properties, expressions that are
checked, and runs by the clock of a time zone. ministack takes any expression, reads no zone, and
leaves a schedule as it is when its resource changes.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local import ministack_hooks, ministack_stacks
from local.ministack_hooks import Answer
from local.schedule_expressions import InvalidExpressionError, Runs, parse, zone_of

LONGEST_NAME = 64
REPLACING = ("GroupName", "Name")
logger = logging.getLogger("local.schedules")


def refusal(request: Mapping[str, Any]) -> Answer | None:
    """Return what CreateSchedule or UpdateSchedule is refused with, None where it is well."""
    try:
        parse(str(request.get("ScheduleExpression", "")))
        zone_of(str(request.get("ScheduleExpressionTimezone") or "UTC"))
    except InvalidExpressionError as error:
        body = {"__type": "ValidationException", "Message": str(error)}
        headers = {
            "Content-Type": "application/json",
            "x-amzn-errortype": "ValidationException",
        }
        return 400, headers, json.dumps(body).encode()
    return None


def _arn(answer: Answer) -> dict[str, Any]:
    """Read the answer to a call; CloudFormation shows the reason of a ValueError."""
    status, _, body = answer
    said = json.loads(body)
    if status != 200:
        raise ValueError(said["Message"])
    return {"Arn": said["ScheduleArn"]}


def create(
    logical_id: str, properties: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    """Create the resource; Ref is the name."""
    name = properties.get("Name") or ministack_stacks.generated_name(
        stack_name, logical_id, LONGEST_NAME
    )
    return name, _arn(ministack_hooks.call_scheduler("create", name, properties))


def update(
    name: str, _old: dict[str, Any], new: dict[str, Any], _stack_name: str
) -> tuple[str, dict[str, Any]]:
    """Change the resource in place; a change of its name was a replacement."""
    return name, _arn(ministack_hooks.call_scheduler("update", name, new))


def delete(name: str, properties: dict[str, Any]) -> None:
    """Delete the resource; that it is gone already is as good."""
    ministack_hooks.call_scheduler("delete", name, properties)


class Ticks:
    """Runs what is due, each time it is asked to."""

    def __init__(self) -> None:
        self._runs = Runs()

    def tick(self) -> None:
        """Look at every schedule once."""
        now = datetime.fromtimestamp(time.time(), UTC)
        for key, schedule in ministack_hooks.schedules():
            try:
                if self._runs.is_due(key, schedule, now):
                    ministack_hooks.run_schedule(key, schedule)
            except Exception:
                logger.exception("the schedule %s could not be run", key)


def install(tick_seconds: float) -> None:
    """Take effect."""
    ministack_hooks.refuse_schedules(refusal)
    ministack_hooks.replace_schedule_tick(tick_seconds, Ticks().tick)
    ministack_stacks.add_resource_type(
        "AWS::Scheduler::Schedule",
        create=create,
        update=update,
        delete=delete,
        replacing=REPLACING,
        is_tagged=False,
    )
