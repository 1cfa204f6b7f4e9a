"""The fleet that is watched, and what happens to it from one minute to the next.

Of five endpoints one serves: half of those are used through the proxy, half directly, which only
CloudWatch shows. The others sleep. All have a past, written by the adapters that write it in AWS,
so that their items are as long as they would be. Nobody waits for a minute to pass: everything that
has happened is moved back by one.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

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

_INSTANCE_TYPES = ("ml.m5.xlarge", "ml.g4dn.xlarge", "ml.c5.2xlarge")
_LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pl", "pt")
_MODELS = tuple(f"sentiment-{language}-v3.tar.gz" for language in _LANGUAGES)

# A moment as it is written in an item, alone or within a sentence.
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d)(:\d\d)?")


class Fleet:
    """So many endpoints, managed by one deployment.

    `to_start` and `to_stop` are those for which `change` gives a reason.
    """

    def __init__(self, size: int) -> None:
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
        self.tables = Tables(_TABLES)
        now = datetime.now(UTC)
        self.region = Region(
            [_config(number, now) for number in range(size)],
            [_endpoint(number, now) for number in range(0, size, _ONE_IN)],
        )
        # What is passed to the adapters is used by them as boto3's client would be.
        client: Any = SeedingClient(self.tables)
        self._state = EndpointsTable(client, "endpoints")
        self._aliases = AliasesTable(client, "endpoints")
        self._usage = UsageTable(client, "usage")
        serving = frozenset(self.serving)
        for number, name in enumerate(self.names):
            self._live(number, name, now - timedelta(hours=20), is_over=name not in serving)
        for name in self.to_stop:
            self._use(name, now)
        self._go_on(now)

    def spread(self) -> None:
        """Let what falls due now and then fall due in turn: endpoints did not begin at once."""
        for number, name in enumerate(self.serving):
            self._age((number % _idle_minutes(number * _ONE_IN)) * _MINUTE, [name])
        self._go_on(datetime.now(UTC))

    def minute(self) -> None:
        """Let a minute pass, in which those that are used are used again."""
        self._age(_MINUTE, self.names)
        self._go_on(datetime.now(UTC))

    def change(self) -> None:
        """Give one in a hundred a reason: a request for some that sleep, and none for long for as
        many that serve.
        """
        now = datetime.now(UTC)
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
        for name in self.proxied:
            if name not in self._idle:
                self._state.take_lease(name, now, now + _LEASE, is_request=True)
        for name in self.direct:
            used = minute_before(now, timedelta(minutes=3))
            self.region.endpoints[name].used_at = [used, used - _MINUTE]

    def _live(self, number: int, name: str, at: datetime, *, is_over: bool) -> None:
        """Write the life of an endpoint, which began at a moment; it goes on if it is not over."""
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
            return
        ends_at = used_at + 30 * _MINUTE
        words = "no request for 30m, by the proxy's ledger and by CloudWatch"
        closed = state.begin_closing(
            name, state.read(name), words, ends_at, is_forced=False, warm_set=_MODELS
        )
        self._must(closed is not None)
        spent = Spent(f"{ends_at:%Y-%m}", ends_at - at, Decimal("0.27"))
        self._must(state.begin_deleting(name, state.read(name), ends_at, spent))
        self._must(state.record_gone(name, state.read(name)))

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
                    {f"arn:aws:sts::{ACCOUNT}:assumed-role/caller/session": 480},
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


def _idle_minutes(number: int) -> int:
    return _IDLE_MINUTES[number % len(_IDLE_MINUTES)]


def _config(number: int, now: datetime) -> Config:
    instance_type = _INSTANCE_TYPES[number % len(_INSTANCE_TYPES)]
    return Config(
        config_name_of(number), instance_type, _tags(number, now), now - timedelta(days=30)
    )


def _endpoint(number: int, now: datetime) -> Endpoint:
    return Endpoint(
        name_of(number),
        config_name_of(number).lower(),
        {ENDPOINT_TAG: name_of(number), STACK_TAG: STACK},
        now - timedelta(hours=20),
        now - timedelta(hours=19, minutes=52),
    )


def _tags(number: int, now: datetime) -> dict[str, str]:
    """Those of an EndpointConfig: ours, more of them for some than for others, and foreign ones."""
    team, topic = team_of(number), topic_of(number)
    role = f"arn:aws:iam::{ACCOUNT}:role"
    tags = {
        ENDPOINT_TAG: name_of(number),
        STACK_TAG: STACK,
        "dormouse:idle-timeout": f"{_idle_minutes(number)}m",
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
