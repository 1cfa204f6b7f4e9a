"""Logs read page by page and as one, and followed: no line twice, and none lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.logged_request import LogFilter
from dormouse_cli.request_logs import LATENESS, RequestLogs
from tests.client.clock import StillClock

INVOKE, DRAIN = "/invoke", "/drain"
NOW = StillClock().clock.now()
ALL = LogFilter("dormouse")
SECOND = timedelta(seconds=1)


class FakeLogs:
    """CloudWatch's client with its paginator: what is in which group, and what each read does."""

    def __init__(self) -> None:
        self.events: dict[str, list[dict[str, Any]]] = {INVOKE: [], DRAIN: []}
        self.reads: list[dict[str, Any]] = []
        self.page_size = 2
        # What happens as a read begins; the first for the first one.
        self.happens: list[Callable[[], object]] = []

    def log(self, name: str, at: datetime, group: str = INVOKE) -> None:
        milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        message = f'{{"endpoint": "dormouse", "status": 200, "event_id": "{name}"}}'
        event = {"timestamp": milliseconds, "eventId": name, "message": message}
        self.events[group].append(event)

    def get_paginator(self, operation: str) -> FakeLogs:
        assert operation == "filter_log_events"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.reads.append(asked)
        if self.happens:
            self.happens.pop(0)()
        found = sorted(
            (
                event
                for event in self.events[asked["logGroupName"]]
                if asked["startTime"] <= event["timestamp"] <= asked.get("endTime", 10**15)
            ),
            key=lambda event: event["timestamp"],
        )
        # A page may be empty and not the last.
        yield {"events": []}
        for begin in range(0, len(found), self.page_size):
            yield {"events": found[begin : begin + self.page_size]}


@pytest.fixture
def logs() -> FakeLogs:
    """Nothing is logged yet."""
    return FakeLogs()


@pytest.fixture
def clock() -> StillClock:
    """It moves by what is slept."""
    return StillClock()


@pytest.fixture
def request_logs(logs: FakeLogs, clock: StillClock) -> RequestLogs:
    """Of both functions."""
    return RequestLogs(logs, [INVOKE, DRAIN], clock.clock)


def ignored(_: object) -> None:
    """Nobody looks."""


def named(found: Iterator[Any], count: int) -> list[str]:
    return [request.document["event_id"] for request in islice(found, count)]


def test_both_logs_are_one_by_time(logs: FakeLogs, request_logs: RequestLogs) -> None:
    """Over all pages, within the time that was asked for; each page is heard of."""
    for second in range(10):
        logs.log(f"{second}", NOW + second * SECOND, DRAIN if second % 3 else INVOKE)
    heard: list[datetime] = []
    found = request_logs.between(ALL, NOW + 2 * SECOND, NOW + 8 * SECOND, heard.append)
    assert named(found, 99) == ["2", "3", "4", "5", "6", "7", "8"]
    assert heard[-1] == NOW + 8 * SECOND
    assert [read["logGroupName"] for read in logs.reads] == [INVOKE, DRAIN]
    assert logs.reads[0]["filterPattern"] == ALL.pattern()


def test_what_the_server_lets_through_is_filtered_here(
    logs: FakeLogs, request_logs: RequestLogs
) -> None:
    """Another endpoint's, another status, and lines that are no requests."""
    logs.log("mine", NOW)
    for message in ("START", '{"endpoint": "other", "status": 200}'):
        logs.events[INVOKE].append({"timestamp": 10**13, "eventId": message, "message": message})
    far = NOW + timedelta(days=400_000)
    assert named(request_logs.between(ALL, NOW, far, ignored), 99) == ["mine"]


def test_following_shows_each_once(logs: FakeLogs, request_logs: RequestLogs) -> None:
    """Though what was read is read once more, for what may have come late."""
    logs.log("before", NOW)
    found = request_logs.follow(ALL, NOW - SECOND, ignored, ignored)
    assert named(found, 1) == ["before"]
    logs.log("next", NOW + SECOND)
    logs.log("drained", NOW, DRAIN)
    assert named(found, 2) == ["drained", "next"]
    # An event of the same millisecond is another one.
    logs.log("twin", NOW + SECOND)
    assert named(found, 1) == ["twin"]


def test_what_comes_late_is_not_lost(logs: FakeLogs, request_logs: RequestLogs) -> None:
    """As late as promised, after others that are newer; in any order."""
    logs.log("newest", NOW + timedelta(hours=1))
    found = request_logs.follow(ALL, NOW, ignored, ignored)
    assert named(found, 1) == ["newest"]
    logs.log("late", NOW + timedelta(hours=1) - LATENESS)
    assert named(found, 1) == ["late"]
    logs.log("later", NOW + timedelta(hours=1) - LATENESS + SECOND)
    logs.log("more", NOW + timedelta(hours=1) + SECOND)
    assert named(found, 2) == ["later", "more"]


def test_a_quiet_log_is_not_read_from_its_beginning_each_time(
    logs: FakeLogs, request_logs: RequestLogs, clock: StillClock
) -> None:
    """Nor is what was seen long ago remembered."""
    logs.log("old", NOW - timedelta(days=1))
    found = request_logs.follow(ALL, NOW - timedelta(days=2), ignored, ignored)
    assert named(found, 1) == ["old"]
    silence: Callable[[], object] = lambda: None  # noqa: E731 - of one read
    logs.happens = [silence] * 4
    logs.happens.append(lambda: logs.log("new", clock.clock.now()))
    assert named(found, 1) == ["new"]
    first, last = logs.reads[0]["startTime"], logs.reads[-1]["startTime"]
    assert last - first > timedelta(days=1) / timedelta(milliseconds=1)


def test_trouble_in_between_is_told_once_and_nothing_is_lost(
    logs: FakeLogs, request_logs: RequestLogs
) -> None:
    """Even where it strikes between two logs."""

    def throttled() -> None:
        error: Any = {
            "Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"},
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }
        raise ClientError(error, "FilterLogEvents")

    told: list[str] = []
    logs.log("first", NOW)
    found = request_logs.follow(ALL, NOW, ignored, told.append)
    assert named(found, 1) == ["first"]
    logs.happens = [lambda: None, throttled, lambda: None, throttled]
    logs.log("second", NOW + SECOND)
    logs.log("third", NOW + SECOND, DRAIN)
    assert sorted(named(found, 2)) == ["second", "third"]
    assert told == [
        "Reading the log /drain failed: ThrottlingException: Rate exceeded.",
    ]


@pytest.mark.parametrize(
    ("code", "status", "exit_code"),
    [
        ("ThrottlingException", 400, ExitCode.TRY_AGAIN),
        ("AccessDeniedException", 400, ExitCode.NOT_PERMITTED),
        ("ResourceNotFoundException", 400, ExitCode.FAILED),
    ],
)
def test_a_first_reading_that_fails_ends_it(
    logs: FakeLogs, request_logs: RequestLogs, code: str, status: int, exit_code: ExitCode
) -> None:
    """With the error alone."""

    def fail() -> None:
        error: Any = {
            "Error": {"Code": code, "Message": "no"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        raise ClientError(error, "FilterLogEvents")

    logs.happens = [fail]
    with pytest.raises(CliError, match=f"Reading the log /invoke failed: {code}") as error:
        next(request_logs.follow(ALL, NOW, ignored, ignored))
    assert error.value.exit_code == exit_code


def test_events_without_an_id_are_told_apart(logs: FakeLogs, request_logs: RequestLogs) -> None:
    """As a log that only looks like CloudWatch's may have them."""
    logs.log("a", NOW)
    logs.log("b", NOW)
    for event in logs.events[INVOKE]:
        del event["eventId"]
    found = request_logs.follow(ALL, NOW, ignored, ignored)
    assert named(found, 2) == ["a", "b"]
    logs.log("c", NOW)
    assert named(found, 1) == ["c"]
