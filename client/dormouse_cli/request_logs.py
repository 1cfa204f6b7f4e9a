"""The logs of the functions that answer requests, in CloudWatch Logs, read as one."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dormouse_cli.aws import explained
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.logged_request import LogFilter, LoggedRequest, read_line
from dormouse_cli.waiting import Clock

FOLLOW_SECONDS = 2.0
# How much later than others of its log group an event may be found, and still be shown.
LATENESS = timedelta(minutes=2)
# AWS takes no signature of a clock that is off by more.
_SKEW = timedelta(minutes=5)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Hears how far the reading has come.
Advanced = Callable[[datetime], object]


@dataclass(frozen=True, slots=True)
class _Event:
    at: datetime
    id: str
    message: str


class RequestLogs:
    """Some log groups, read by FilterLogEvents.

    Every method raises `CliError` where CloudWatch can't be reached, or refuses.
    """

    def __init__(self, logs: Any, groups: Sequence[str], clock: Clock) -> None:
        self._logs = logs
        self._groups = tuple(groups)
        self._clock = clock

    def between(
        self, wanted: LogFilter, since: datetime, until: datetime, advanced: Advanced
    ) -> Iterator[LoggedRequest]:
        """Read the requests that were logged in this time, by time."""
        found = [self._events(group, wanted, since, until, advanced) for group in self._groups]
        for event in heapq.merge(*found, key=lambda event: event.at):
            yield from _requests(event, wanted)

    def follow(
        self,
        wanted: LogFilter,
        since: datetime,
        advanced: Advanced,
        troubled: Callable[[str], object],
    ) -> Iterator[LoggedRequest]:
        """Read the requests that were logged since then, and those that will be, without an end.

        None comes twice, and none is left out that CloudWatch shows at most `LATENESS` after later
        ones of the same function; what comes late comes out of its order. Where CloudWatch can't be
        reached later on, or has too many callers, `troubled` hears why once, and reading goes on.
        """
        followed = [_Followed(group, since) for group in self._groups]
        is_first, trouble = True, ""
        while True:
            began = self._clock.now()
            try:
                for one, event in heapq.merge(
                    *(self._news(one, wanted, advanced) for one in followed),
                    key=lambda news: news[1].at,
                ):
                    # Not before: what the merge has in its hand is lost if another reading fails.
                    one.saw(event)
                    yield from _requests(event, wanted)
            except CliError as error:
                if is_first or error.exit_code not in (
                    ExitCode.UNAVAILABLE,
                    ExitCode.TRY_AGAIN,
                ):
                    raise
                if error.message != trouble:
                    troubled(error.message)
                trouble = error.message
            else:
                is_first, trouble = False, ""
                for one in followed:
                    one.move_on(began)
            self._clock.sleep(FOLLOW_SECONDS)

    def _news(
        self, followed: _Followed, wanted: LogFilter, advanced: Advanced
    ) -> Iterator[tuple[_Followed, _Event]]:
        for event in self._events(followed.group, wanted, followed.since, None, advanced):
            if followed.is_new(event):
                yield followed, event

    def _events(
        self,
        group: str,
        wanted: LogFilter,
        since: datetime,
        until: datetime | None,
        advanced: Advanced,
    ) -> Iterator[_Event]:
        asked: dict[str, Any] = {
            "logGroupName": group,
            "startTime": _milliseconds(since),
            "filterPattern": wanted.pattern(),
        }
        if until is not None:
            asked["endTime"] = _milliseconds(until)
        # A page may be empty and yet not be the last.
        pages = iter(self._logs.get_paginator("filter_log_events").paginate(**asked))
        while True:
            with explained(f"reading the log {group}"):
                page = next(pages, None)
            if page is None:
                return
            events = [_event(entry) for entry in page.get("events", [])]
            advanced(events[-1].at if events else since)
            yield from events


class _Followed:
    """How far one log group has been read, and which of its latest events are known."""

    def __init__(self, group: str, since: datetime) -> None:
        self.group = group
        self.since = since
        self._times: dict[str, datetime] = {}

    def is_new(self, event: _Event) -> bool:
        """Whether it has not been seen."""
        return event.id not in self._times

    def saw(self, event: _Event) -> None:
        """Remember that it has been shown."""
        self._times[event.id] = event.at

    def move_on(self, began: datetime) -> None:
        """Read on from where something may still turn up, after a whole reading that then began.

        The newest event says what time it is there. Where nothing comes, this clock does, as far as
        it can be trusted.
        """
        newest = max(self._times.values(), default=self.since)
        self.since = max(self.since, newest - LATENESS, began - LATENESS - _SKEW)
        # CloudWatch is asked by whole milliseconds.
        kept = self.since - _MILLISECOND
        self._times = {one: at for one, at in self._times.items() if at >= kept}


def _event(entry: dict[str, Any]) -> _Event:
    at = _EPOCH + int(entry.get("timestamp", 0)) * _MILLISECOND
    message = str(entry.get("message", ""))
    known = entry.get("eventId")
    return _Event(at, str(known or f"{entry.get('logStreamName')} {at} {message}"), message)


def _requests(event: _Event, wanted: LogFilter) -> Iterator[LoggedRequest]:
    request = read_line(event.message, event.at)
    if request is not None and wanted.matches(request):
        yield request


def _milliseconds(moment: datetime) -> int:
    return max(0, (moment - _EPOCH) // _MILLISECOND)
