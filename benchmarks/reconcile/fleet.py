"""The fleet that is watched, and what happens to it from one minute to the next.

Of five endpoints one serves: half of those are used through the proxy, half directly, which only
CloudWatch shows. The others sleep. All have a past, written by the adapters that write it in AWS,
so that their items are as long as they would be. Nobody waits for a minute to pass: the fleet's
clock, by which `reconcile` goes as well, is put forward by one.

A share of them goes by the forecast, and has four weeks of demand behind it (see histories.py).
None of those that sleep has the habit of being asked for in the next three hours; of those that are
used through the proxy half are used each minute, half each third.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from benchmarks.reconcile.histories import BATCH, BUSY, OFFICE, RARE, Habit, past
from benchmarks.reconcile.names import (
    ACCOUNT,
    STACK,
    TEAMS,
    config_name_of,
    name_of,
    team_of,
    topic_of,
)
from benchmarks.reconcile.region import Config, Endpoint, Region, minute_before
from benchmarks.reconcile.seeding import SeedingClient
from benchmarks.reconcile.tables import Declaration, Tables
from dormouse.adapters.aliases import AliasesTable
from dormouse.adapters.state import EndpointsTable
from dormouse.adapters.usage import UsageTable
from dormouse.domain.latencies import Latencies
from dormouse.domain.ledger import Decision
from dormouse.domain.spec import ENDPOINT_TAG, STACK_TAG
from dormouse.domain.spending import Rate, Spent
from dormouse.domain.usage import MinutePart, Tally
from dormouse.domain.warm_up import WarmUp

# As the template declares them.
_TABLES = {
    "endpoints": Declaration(("endpoint",), {}),
    "decisions": Declaration(("endpoint", "decided_at"), {}),
    "requests": Declaration(("endpoint", "id"), {"queue": "queue"}),
    "usage": Declaration(("endpoint", "item"), {}),
}

_ONE_IN = 5
_CHANGE_PERCENT = 1

_MINUTE = timedelta(minutes=1)
_IDLE_MINUTES = (15, 20, 30, 60)
# Longer than the longest idle timeout with CloudWatch's lag.
_LONG_AGO = timedelta(hours=3)
_LEASE = timedelta(seconds=110)
_PAST_WAKES = 8
_UP_FOR = timedelta(hours=20)

# How often those are used that go by the forecast and are used through the proxy.
_PERIODS = (1, 3)
# They began so long ago to be used, and some minutes of that are not learned yet: at least those in
# which somebody may still be held, and at most as many more as there are between two folds.
_USED_FOR = timedelta(hours=2)
_UNSETTLED = 15
_FOLDED_EVERY = 90
# CloudWatch shows the others so late, and so many minutes of them; it is asked now and then.
_METRIC_AGE = 3 * _MINUTE
_SHOWN = 30
_MEASURED_EVERY = 20
# So long ago those were started last that sleep: at a time of the day at which no habit began that
# would still be followed, or will be soon.
_SLEEPS_SINCE = (timedelta(hours=10), timedelta(hours=21))

_INSTANCE_TYPES = ("ml.m5.xlarge", "ml.g4dn.xlarge", "ml.c5.2xlarge")
_LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pl", "pt")
_MODELS = tuple(f"sentiment-{language}-v3.tar.gz" for language in _LANGUAGES)

_CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/caller/session"

# A moment as it is written in an item, alone or within a sentence.
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d)(:\d\d)?")


class Fleet:
    """So many endpoints, managed by one deployment.

    `to_start` and `to_stop` are those for which `change` gives a reason.
    """

    def __init__(self, size: int, forecast_percent: int = 0) -> None:
        self.names = [name_of(number) for number in range(size)]
        self.serving = self.names[::_ONE_IN]
        self.proxied, self.direct = self.serving[::2], self.serving[1::2]
        changes = max(2, size * _CHANGE_PERCENT // 100)
        sleeping = [name for name in self.names if name not in set(self.serving)]
        # By chance, the same in each run, so that they have the tags that the fleet has.
        chance = Random(size)
        self.to_start = sorted(chance.sample(sleeping, changes // 2))
        self.to_stop = sorted(chance.sample(self.proxied, changes - changes // 2))
        self._idle: frozenset[str] = frozenset()
        # By how much its clock is.
        self.ahead = timedelta(0)
        # Multiples of 37 are spread evenly over the hundreds, among those that serve as well.
        self.forecast = frozenset(
            name
            for number, name in enumerate(self.names)
            # Those that are to be stopped are judged by break-even, whose moment is known.
            if 37 * number % 100 < forecast_percent and name not in self.to_stop
        )
        self.tables = Tables(_TABLES)
        now = self.now()
        self.region = Region(
            [_config(number, now, name in self.forecast) for number, name in enumerate(self.names)],
            [_endpoint(number, now) for number in range(0, size, _ONE_IN)],
            self.now,
        )
        # What is passed to the adapters is used by them as boto3's client would be.
        client: Any = SeedingClient(self.tables)
        self._state = EndpointsTable(client, "endpoints")
        self._aliases = AliasesTable(client, "endpoints")
        self._usage = UsageTable(client, "usage")
        serving = frozenset(self.serving)
        for number, name in enumerate(self.names):
            is_over, is_forecast = name not in serving, name in self.forecast
            began_at = now - (_sleeps_since(number) if is_over and is_forecast else _UP_FOR)
            used_at = self._live(number, name, began_at, is_over=is_over)
            if is_over and is_forecast:
                habit = (OFFICE, BATCH, RARE)[number % 3]
                self._remember(number, name, habit, began_at, used_at + _UNSETTLED * _MINUTE)
        for name in self.to_stop:
            self._use(name, now)
        for number, name in enumerate(self.serving):
            if name in self.forecast:
                self._remember_use(number // 2, name, now)
        self._go_on(now)

    def now(self) -> datetime:
        """Read the fleet's clock."""
        return datetime.now(UTC) + self.ahead

    def spread(self) -> None:
        """Let what falls due now and then fall due in turn: endpoints did not begin at once. Those
        that go by the forecast have different pasts already.
        """
        for number, name in enumerate(self.serving):
            if name not in self.forecast:
                self._age((number % _idle_minutes(number * _ONE_IN)) * _MINUTE, [name])
        self._go_on(self.now())

    def minute(self) -> None:
        """Let a minute pass, in which those that are used are used again."""
        self.ahead += _MINUTE
        self._go_on(self.now())

    def change(self) -> None:
        """Give one in a hundred a reason: a request for some that sleep, and none for long for as
        many that serve.
        """
        now = self.now()
        for name in self.to_start:
            self._must(self._state.record_demand(name, now, now, known_only=True).is_written)
        self._idle = frozenset(self.to_stop)
        self._age(_LONG_AGO, self.to_stop)

    def _age(self, by: timedelta, names: Sequence[str]) -> None:
        """Move back all that has happened to endpoints."""
        self.tables.rewrite("endpoints", _earlier(by), names)
        for name in names:
            if (endpoint := self.region.endpoints.get(name)) is not None:
                endpoint.created_at -= by
                endpoint.modified_at -= by

    def _go_on(self, now: datetime) -> None:
        for number, name in enumerate(self.proxied):
            if name in self._idle:
                continue
            if name in self.forecast:
                # All are used in the first minute.
                if self.ahead and (number + self.ahead // _MINUTE) % _PERIODS[number % 2]:
                    continue
                self._usage.record([_part(name, minute_before(now, timedelta(0)))], [])
            self._state.take_lease(name, now, now + _LEASE, is_request=True)
        for name in self.direct:
            used = minute_before(now, _METRIC_AGE)
            self.region.endpoints[name].used_at = [used - ago * _MINUTE for ago in range(_SHOWN)]

    def _remember(
        self, number: int, name: str, habit: Habit, began_at: datetime, until: datetime
    ) -> None:
        """Write what has come to be known of an endpoint in four weeks."""
        days, history = past(number, habit, began_at, until)
        for day in days:
            self._must(self._usage.keep_day(name, day))
        self._must(self._state.record_demand_history(name, self._state.read(name), history))

    def _remember_use(self, number: int, name: str, now: datetime) -> None:
        """Write the use of one that serves, the last of which is not learned yet."""
        if name in self.proxied:
            unlearned = _UNSETTLED + number % _FOLDED_EVERY
            parts = [_part(name, minute_before(now, ago * _MINUTE)) for ago in range(unlearned + 1)]
            self._usage.record(parts, [])
            until = minute_before(now, unlearned * _MINUTE)
        else:
            until = minute_before(now, _METRIC_AGE + number % _MEASURED_EVERY * _MINUTE)
            self._state.record_metrics_activity(name, until)
        self._remember(number, name, BUSY, now - _USED_FOR, until)

    def _live(self, number: int, name: str, at: datetime, *, is_over: bool) -> datetime:
        """Write the life of an endpoint, which began at a moment; it goes on if it is not over.
        Returns when it was used last.
        """
        state = self._state
        words = f"needed until {at + _MINUTE:%Y-%m-%d %H:%M:%S} UTC: a request waits for it"
        decision = Decision("start", "waiting work", words)
        self._must(state.record_decision(name, decision, at, state.read(name)))
        state.record_demand(name, at, at, known_only=True)
        ledger = state.read(name)
        self._must(state.begin_act(name, ledger, at, at + _MINUTE))
        state.record_start(name, at, _rate(number) if _has_budget(number) else None)
        state.end_act(name, ledger, at)
        wakes = [timedelta(seconds=400 + (37 * number + 11 * past) % 200) for past in range(9)]
        ledger = replace(state.read(name), wakes=tuple(wakes[:_PAST_WAKES]))
        serving_at = at + wakes[-1]
        ended_at = serving_at + _MINUTE
        warm_up = WarmUp(
            _MODELS, frozenset(_MODELS), serving_at, serving_at + 10 * _MINUTE, ended_at
        )
        state.record_serving(name, ledger, serving_at, wakes[-1], warm_up)
        state.mark_met(name, state.read(name).demand_version)
        for alias in range(number % 4):
            self._aliases.set_alias(name, f"language-{alias}", _MODELS[alias], at, 100)
        used_at = serving_at + 20 * _MINUTE
        state.take_lease(name, used_at, used_at + _LEASE, is_request=True)
        if not is_over:
            return used_at
        ends_at = used_at + 30 * _MINUTE
        words = "no request for 30m, by the proxy's ledger and by CloudWatch"
        closed = state.begin_closing(
            name, state.read(name), words, ends_at, is_forced=False, warm_set=_MODELS
        )
        self._must(closed is not None)
        spent = Spent(f"{ends_at:%Y-%m}", ends_at - at, Decimal("0.27"))
        self._must(state.begin_deleting(name, state.read(name), ends_at, spent))
        self._must(state.record_gone(name, state.read(name)))
        return used_at

    def _use(self, name: str, now: datetime) -> None:
        """Write two hours of use, by which the models are ranked when it stops."""
        tally = Tally(
            requests=60, bytes_in=12_000, bytes_out=9_000, latency=Latencies({41: 30, 42: 30})
        )
        self._usage.record(
            [
                MinutePart(
                    name,
                    minute_before(now, _LONG_AGO + past * _MINUTE),
                    "container-1",
                    dict.fromkeys(_MODELS, tally),
                    {_CALLER: 480},
                    demand=480,
                )
                for past in range(120)
            ],
            [],
        )

    def _must(self, is_written: bool) -> None:
        if not is_written:
            raise RuntimeError("the ledger has refused what was to stand in it")


def _has_budget(number: int) -> bool:
    return number % 4 == 1


def _rate(number: int) -> Rate:
    words = f"1 x {_INSTANCE_TYPES[number % 3]} at $0.23 an hour, list price"
    return Rate(config_name_of(number), Decimal("0.23"), words)


def _sleeps_since(number: int) -> timedelta:
    soonest, latest = _SLEEPS_SINCE
    return soonest + 53 * number * _MINUTE % (latest - soonest)


def _part(name: str, minute: datetime) -> MinutePart:
    """Return what a container has counted of a minute in which one request came."""
    tally = Tally(requests=1, bytes_in=200, bytes_out=150, latency=Latencies({41: 1}))
    return MinutePart(name, minute, "container-1", {_MODELS[0]: tally}, {_CALLER: 1}, demand=1)


def _idle_minutes(number: int) -> int:
    return _IDLE_MINUTES[number % len(_IDLE_MINUTES)]


def _config(number: int, now: datetime, is_forecast: bool) -> Config:
    instance_type = _INSTANCE_TYPES[number % len(_INSTANCE_TYPES)]
    return Config(
        config_name_of(number),
        instance_type,
        _tags(number, now, is_forecast),
        now - timedelta(days=30),
    )


def _endpoint(number: int, now: datetime) -> Endpoint:
    return Endpoint(
        name_of(number),
        config_name_of(number).lower(),
        {ENDPOINT_TAG: name_of(number), STACK_TAG: STACK},
        now - _UP_FOR,
        now - _UP_FOR + 8 * _MINUTE,
    )


def _tags(number: int, now: datetime, is_forecast: bool) -> dict[str, str]:
    """Those of an EndpointConfig: ours, more of them for some than for others, and foreign ones."""
    team, topic = team_of(number), topic_of(number)
    role = f"arn:aws:iam::{ACCOUNT}:role"
    tags = {
        ENDPOINT_TAG: name_of(number),
        STACK_TAG: STACK,
        **_policy_tag(number, is_forecast),
        "dormouse:principals": f"{role}/{team} {role}/batch",
        "dormouse:owner": f"{team}@example.com",
        "Name": config_name_of(number),
        "team": team,
        "cost-centre": str(4000 + number % TEAMS),
        "environment": "production",
    }
    if number % 2 == 0:
        tags["dormouse:cold-default"] = "wait=20"
        tags["dormouse:notification-topic"] = topic
    if number % 3 == 0:
        tags["dormouse:completion-topic"] = topic
        tags["dormouse:max-up"] = "168h"
    if _has_budget(number):
        tags["dormouse:min-up"] = "10m"
        tags["dormouse:budget"] = "500USD"
    if number % 4 == 2:
        first, second = _days_off(now)
        hours = "08:00-18:00 Europe/Berlin"
        tags["dormouse:schedule"] = f"{first} {hours} + {second} {hours}"
    if number % 8 == 6:
        tags["dormouse:blackout"] = f"{_days_off(now)[0]} 02:00-04:00 Europe/Berlin"
    return tags


def _policy_tag(number: int, is_forecast: bool) -> dict[str, str]:
    if is_forecast:
        return {"dormouse:policy": "forecast"}
    return {"dormouse:idle-timeout": f"{_idle_minutes(number)}m"}


def _days_off(now: datetime) -> tuple[str, str]:
    """Name two days on which no window is near, whatever the time zone."""
    days = (now + timedelta(days=ahead) for ahead in (3, 4))
    first, second = (day.strftime("%a") for day in days)
    return first, second


def _earlier(by: timedelta) -> Callable[[str], str]:
    """Return what moves back every moment in a text."""

    def moved(found: re.Match[str]) -> str:
        day, between, minute, second = found.groups()
        moment = datetime.fromisoformat(f"{day}T{minute}{second or ':00'}") - by
        clock = "%H:%M" if second is None else "%H:%M:%S"
        return moment.strftime(f"%Y-%m-%d{between}{clock}")

    return lambda text: _MOMENT.sub(moved, text)
