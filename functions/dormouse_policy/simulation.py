"""What a policy makes of a demand that is known, by the minute.

A start takes some minutes, which are paid for. A minute with requests that finds the endpoint not
on is cold, and starts it if it was off. At the end of a minute without requests, a policy may stop
an endpoint that is on; in such a minute it may start one that is off.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from dormouse_policy.policy import Policy, Situation

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Demand:
    """Minutes with their requests, at least 1, in order, from `begin` to before `end`."""

    counts: tuple[tuple[int, int], ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it in the minutes that are scored.

    `spells` are when it was paid for, from the minute of a start to before the one in which it was
    off, those before the score included; one is on `wake` minutes after it began.
    """

    endpoint_minutes: int
    cold_minutes: int
    cold_requests: int
    starts: int
    spells: tuple[tuple[int, int], ...]


def simulate(demand: Demand, policy: Policy[State], wake: int, scored_from: int) -> Outcome:
    """Have a policy decide over a demand; a start takes `wake` minutes.

    What lies before `scored_from` is learned from, and not scored. It is asked again as late as its
    own advice allows, so that a long silence costs no more than a short one.
    """
    endpoint = _Endpoint(policy, wake, demand.begin)
    cold_minutes = cold_requests = 0
    for minute, count in demand.counts:
        endpoint.be_quiet(minute)
        if endpoint.is_asked(minute, count) and minute >= scored_from:
            cold_minutes += 1
            cold_requests += count
    endpoint.be_quiet(demand.end)
    spells = tuple(endpoint.spells(demand.end))
    return Outcome(
        sum(max(0, until - max(since, scored_from)) for since, until in spells),
        cold_minutes,
        cold_requests,
        sum(since >= scored_from for since, _ in spells),
        spells,
    )


class _Endpoint(Generic[State]):
    """One that is off at first, and of which the policy knows nothing."""

    def __init__(self, policy: Policy[State], wake: int, begin: int) -> None:
        self._policy = policy
        self._wake = wake
        self._state = policy.begin()
        # The first minute of which nothing is decided yet.
        self._now = begin
        self._idle_since: int | None = None
        self._since: int | None = None
        self._ended: list[tuple[int, int]] = []

    def is_asked(self, minute: int, count: int) -> bool:
        """Take requests; say whether they find it not on."""
        if self._since is None:
            self._since = minute
        ready = self._since + self._wake
        self._idle_since = max(minute, ready)
        self._now = minute + 1
        self._state = self._policy.learn(self._state, minute, count)
        return minute < ready

    def be_quiet(self, until: int) -> None:
        """Do what the policy advises while nobody asks, up to before this minute."""
        while True:
            if self._since is not None:
                self._now = max(self._now, self._since + self._wake)
            if self._now >= until:
                return
            now = self._now
            is_on = self._since is not None
            advice = self._policy.advise(self._state, Situation(now, self._idle_since, is_on))
            change_at = until if advice.change_at is None else max(now, advice.change_at)
            review_at = until if advice.review_at is None else max(now + 1, advice.review_at)
            if min(change_at, review_at) >= until:
                return
            if review_at <= change_at:
                self._now = review_at
            elif self._since is None:
                self._since = self._now = change_at
            else:
                self._ended.append((self._since, change_at + 1))
                self._since, self._now = None, change_at + 1

    def spells(self, end: int) -> Iterator[tuple[int, int]]:
        """Return when it was paid for."""
        yield from self._ended
        if self._since is not None:
            yield self._since, end
