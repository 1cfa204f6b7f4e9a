"""The private parts of ministack that the local AWS leans on: metrics, events, tags, callers,
tables, functions and their URLs. ministack_apis.py and ministack_stacks.py have those of API
Gateway and of CloudFormation, and ministack_contract.py checks that each is still what it was.
"""

from __future__ import annotations

import inspect
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack import app as ministack_app
from ministack.core import lambda_runtime, responses
from ministack.services import (
    cloudwatch,
    dynamodb,
    eventbridge,
    lambda_svc,
    scheduler,
    sts,
    tagging,
)

application = ministack_app.app
Answer = tuple[int, dict[str, str], bytes]


def put_metric_data(request: Mapping[str, Any]) -> None:
    """Store metrics in a namespace of AWS's own, which the public PutMetricData refuses. Call it on
    the event loop.
    """
    cloudwatch._put_metric_data({}, request, False, True)


def put_aws_event(entry: Mapping[str, Any]) -> None:
    """Send an event from an `aws.` source, which the public PutEvents refuses. Call it on the event
    loop.
    """
    eventbridge._ensure_default_bus()
    eventbridge._put_events({"Entries": [dict(entry)]}, allow_aws_source=True)


def refuse_schedules(refuse: Callable[[Mapping[str, Any]], Answer | None]) -> None:
    """Let a function refuse requests of CreateSchedule and UpdateSchedule."""
    create, update = scheduler._create_schedule, scheduler._update_schedule
    scheduler._create_schedule = lambda name, body: refuse(body) or create(name, body)
    scheduler._update_schedule = lambda name, body: refuse(body) or update(name, body)


def call_scheduler(operation: str, name: str, request: Mapping[str, Any]) -> Answer:
    """Create, update or delete a schedule as its API does."""
    if operation == "delete":
        group = request.get("GroupName", "default")
        deleted: Answer = scheduler._delete_schedule(name, {"groupName": group})
        return deleted
    call = {"create": scheduler._create_schedule, "update": scheduler._update_schedule}[operation]
    answer: Answer = call(name, dict(request))
    return answer


def replace_schedule_tick(seconds: float, tick: Callable[[], None]) -> None:
    """Let a function look at the schedules, this often."""
    scheduler._SCHEDULE_TICK_INTERVAL = seconds
    scheduler._tick_schedules = tick


def schedules() -> list[tuple[tuple[str, str, str], dict[str, Any]]]:
    """List the schedules of all accounts and regions."""
    return list(scheduler._schedules.all_items())


def run_schedule(key: tuple[str, str, str], schedule: Mapping[str, Any]) -> None:
    """Invoke a schedule's target; one that runs once and then wants to go, goes."""
    account_id, region, name = key
    event = {
        "EventId": str(uuid.uuid4()),
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": time.time(),
        "Resources": [schedule["Arn"]],
        "Account": account_id,
        "Region": region,
    }
    with responses.request_scope(account_id, region):
        eventbridge._invoke_target(schedule["Target"], event, schedule)
        once = schedule["ScheduleExpression"].startswith("at(")
        if once and schedule.get("ActionAfterCompletion") == "DELETE":
            scheduler._schedules.pop(name, None)


def add_tag_collector(
    service: str, collect: Callable[[], Iterator[tuple[str, list[dict[str, str]]]]]
) -> None:
    """Let the tagging API see the resources of a service."""
    tagging._COLLECTORS[service] = collect


def wrap_get_resources(
    wrap: Callable[[dict[str, Any], Callable[[dict[str, Any]], Any]], Any],
) -> None:
    """Put a function around GetResources."""
    inner = tagging._HANDLERS["GetResources"]
    tagging._HANDLERS["GetResources"] = lambda request: wrap(request, inner)


def caller_of(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Tell who signed a request, as GetCallerIdentity would."""
    caller = sts._caller_identity(headers, {})
    return caller if isinstance(caller, Mapping) else {}


def wrap_function_url_event(extend: Callable[[dict[str, Any], Mapping[str, str]], None]) -> None:
    """Let a function extend the events that Function URLs send, seeing the request's headers."""
    inner = lambda_svc._build_function_url_event

    def build(*args: Any, **kwargs: Any) -> dict[str, Any]:
        event: dict[str, Any] = inner(*args, **kwargs)
        headers = inspect.signature(inner).bind(*args, **kwargs).arguments["headers"]
        if not kwargs.get("anonymous"):
            extend(event, headers)
        return event

    lambda_svc._build_function_url_event = build


def set_time_to_live(table: str, specification: Mapping[str, Any]) -> None:
    """Let a table forget by an attribute, as UpdateTimeToLive does."""
    dynamodb._update_ttl({"TableName": table, "TimeToLiveSpecification": dict(specification)})


def invoke_later(function: str, event: Mapping[str, Any]) -> bool:
    """Invoke a function asynchronously, as Lambda does: one that fails is tried again. False where
    there is none.
    """
    record, config, _ = lambda_svc._get_func_record_for_ref(function)
    if record is None or config is None:
        return False
    execution = lambda_svc._execution_record_for_config(record, config)
    lambda_svc.invoke_async_with_retry(execution, dict(event))
    return True


def end_functions() -> None:
    """End the processes of all functions."""
    lambda_runtime.reset()
