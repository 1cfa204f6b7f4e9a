"""An endpoint's idle policy: for how long its use keeps it up, and when it is wanted before anybody
asks.

Policies (the package dormouse_policy) count whole minutes; here moments become minutes, and minutes
moments. A minute ends at the moment at which the next one begins. What was used up to a moment was
used in the minute that reaches up to it or beyond, so that rounding never makes an endpoint idle
too soon, and at most one minute too late. A timeout that is one duration, which those of `fixed`
and `break-even` are, is added to the moment of the last use as it is, to the second; in the minutes
of a policy it is rounded up. Where it is whole minutes, and use ends with a minute, as CloudWatch
shows it, both come to the same moment.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, assert_never
from zlib import crc32

from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.duration import in_words
from dormouse.domain.ledger import Ledger
from dormouse.domain.spec import (
    DEFAULT_IDLE_TIMEOUT,
    SHORTEST_IDLE_TIMEOUT,
    Policy,
    Spec,
)
from dormouse.domain.timing import Timing
from dormouse.domain.wake_time import expected_wake
from dormouse_policy import policy as idle
from dormouse_policy.break_even import BreakEven
from dormouse_policy.fixed import Fixed
from dormouse_policy.forecast import Forecast
from dormouse_policy.forecast_state import ForecastState
from dormouse_policy.policy import Advice, Situation, Stakes

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)

# How long after a demand its creation may have been asked for: a teardown may have to end before.
# Who still waits after that has asked again.
_STARTED_WITHIN = timedelta(minutes=10)

# What CloudWatch has counted longer ago is no reason to stay up, and would take long to read.
_LONGEST_EVIDENCE = timedelta(hours=3)


def minute_of(moment: datetime) -> int:
    """Say in which minute a moment lies."""
    return (moment - _EPOCH) // _MINUTE


def beginning_of(minute: int) -> datetime:
    """Say when a minute begins."""
    return _EPOCH + minute * _MINUTE


def end_of(minute: int) -> datetime:
    """Say when a minute ends."""
    return beginning_of(minute + 1)


def last_minute(until: datetime) -> int:
    """Say which is the last minute that lies before a moment, in part at least."""
    return minute_of(until - datetime.resolution)


def minutes_of(duration: timedelta) -> int:
    """Say in how many minutes a duration fits."""
    return -(-duration // _MINUTE)


@dataclass(frozen=True, slots=True)
class Timeout:
    """For how long use keeps an endpoint up, what that is called, and what it is made of."""

    duration: timedelta
    name: str
    parts: str = ""

    @property
    def length(self) -> str:
        """How long it is, in words, with what it is made of."""
        return f"{in_words(self.duration)} ({self.parts})" if self.parts else self.short_length

    @property
    def short_length(self) -> str:
        """How long it is, in words."""
        return in_words(self.duration)


def timeout_of(spec: Spec, wake: timedelta) -> Timeout:
    """Say what the timeout is where a wake is expected to take so long.

    That of a forecast holds for as long as it has learned nothing.
    """
    if spec.policy is Policy.FIXED:
        return Timeout(spec.idle_timeout or DEFAULT_IDLE_TIMEOUT, "idle timeout")
    parts = f"a wake of {in_words(wake)} and a delay cost of {in_words(spec.delay_cost)}"
    return Timeout(wake + spec.delay_cost, "break-even timeout", parts)


def policy_of(spec: Spec, wake: timedelta) -> idle.Policy[Any]:
    """Make the policy that is asked for, in minutes, where a wake is expected to take so long."""
    match spec.policy:
        case Policy.FIXED:
            return Fixed(minutes_of(timeout_of(spec, wake).duration))
        case Policy.BREAK_EVEN:
            return BreakEven(stakes_of(spec, wake))
        case Policy.FORECAST:
            return Forecast(stakes_of(spec, wake))
        case _:
            assert_never(spec.policy)


def stakes_of(spec: Spec, wake: timedelta) -> Stakes:
    """Say what a decision may cost, in minutes."""
    return Stakes(max(1, minutes_of(wake)), spec.delay_cost / _MINUTE)


def present_stakes(spec: Spec, ledger: Ledger, timing: Timing) -> Stakes:
    """Say what a decision may cost at present, going by how long its wakes have taken."""
    return stakes_of(spec, expected_wake(ledger.wakes, timing.expected_wake))


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether an endpoint is up, or on its way there, and since when it serves, at a moment."""

    is_on: bool
    serving_since: datetime | None
    now: datetime


def used_until(ledger: Ledger, timing: Timing) -> datetime | None:
    """Say up to which moment it may have been used, as far as is remembered."""
    known = [] if ledger.metrics_active_at is None else [ledger.metrics_active_at]
    if ledger.last_request_at is not None:
        known.append(ledger.last_request_at + timing.ledger_interval)
    return max(known, default=None)


def idle_since(ledger: Ledger, timing: Timing, presence: Presence) -> int | None:
    """Say which was the last minute with use; or the first in which it served, if those who asked
    last came before that, and it was started for them. None where nobody ever asked.
    """
    until = used_until(ledger, timing)
    if until is None:
        return None
    minute = last_minute(until)
    if presence.serving_since is None or not _was_started_on_demand(ledger):
        return minute
    return max(minute, minute_of(presence.serving_since))


def is_in_use(ledger: Ledger, timing: Timing, now: datetime) -> bool:
    """Whether it was used in this minute or in the last one that has ended, as far as is known: no
    policy stops it so soon. Of callers that bypass the proxy it is known so late: who was seen
    within CloudWatch's lag may have asked since.
    """
    until = used_until(ledger, timing)
    if until is None:
        return False
    if is_bypassed(ledger, timing) and until > beginning_of(minute_of(now - timing.metric_lag)):
        return True
    return last_minute(until) >= minute_of(now) - 1


def is_bypassed(ledger: Ledger, timing: Timing) -> bool:
    """Whether somebody has used it last of whom the proxy knows nothing."""
    at, noted_at = ledger.metrics_active_at, ledger.last_request_at
    if at is None or noted_at is None:
        return at is not None
    # The end of its minute.
    return at > noted_at + timing.ledger_interval + _MINUTE


def _was_started_on_demand(ledger: Ledger) -> bool:
    """Whether its present life was started for a demand, and nobody has used it since."""
    demand_at, created_at = ledger.demand_at, ledger.created_at
    if demand_at is None or created_at is None or ledger.last_request_at is None:
        return False
    return ledger.last_request_at <= demand_at and created_at <= demand_at + _STARTED_WITHIN


def advice_of(spec: Spec, ledger: Ledger, timing: Timing, presence: Presence) -> Advice | None:
    """Ask the forecast; None where another policy is asked for, it has learned nothing, or what it
    has learned can't be read.

    It is what the policy has said lately, as long as nothing has come since that it named. What is
    used is not learned of at once, so that the latest use is added to what was learned: or a pause
    would seem to be longer than it is.
    """
    history = ledger.demand_history
    if spec.policy is not Policy.FORECAST or history is None:
        return None
    stakes = present_stakes(spec, ledger, timing)
    since = idle_since(ledger, timing, presence)
    # The last minute that has ended; or one that has not, where it is used at this moment.
    now = max(minute_of(presence.now) - 1, since or 0)
    # Each endpoint has a minute of its own, so that not all are asked at once.
    lately = now - (now + crc32(spec.endpoint.encode())) % max(1, minutes_of(timing.advice_stands))
    # No earlier than what it knows, and than that it stands as it does.
    known = [lately, since or 0, minute_of(history.folded_until) - 1]
    if presence.serving_since is not None:
        known.append(minute_of(presence.serving_since))
    asked_at = min(now, max(known))
    used = _unlearned_use(ledger, history, timing)
    advice = _ask(stakes, history.forecast, used, Situation(asked_at, since, presence.is_on))
    if advice is None or not _is_due(advice, presence):
        return advice
    return _ask(stakes, history.forecast, used, Situation(now, since, presence.is_on))


def _unlearned_use(ledger: Ledger, history: DemandHistory, timing: Timing) -> int | None:
    """Say which was the last minute with use, if it has not been learned of yet."""
    until = used_until(ledger, timing)
    if until is None or last_minute(until) < minute_of(history.folded_until):
        return None
    return last_minute(until)


def _is_due(advice: Advice, presence: Presence) -> bool:
    """Whether a moment that it names has come."""
    moments = []
    if advice.change_at is not None:
        moments.append(stop_at(advice) if presence.is_on else start_at(advice))
    if advice.review_at is not None:
        moments.append(end_of(advice.review_at))
    return any(moment is not None and moment <= presence.now for moment in moments)


def stop_at(advice: Advice) -> datetime | None:
    """Say when what is up is to be stopped, if nobody asks; None: it is not."""
    return None if advice.change_at is None else end_of(advice.change_at)


def start_at(advice: Advice) -> datetime | None:
    """Say when what is down is to be started, if nobody asks; None: it is not."""
    return None if advice.change_at is None else beginning_of(advice.change_at)


def break_even_at(spec: Spec, ledger: Ledger, timing: Timing, presence: Presence) -> datetime:
    """Say until when the last use alone keeps it up, whatever else is forecast; the same that a
    forecast says which has learned too little. It has passed where nobody ever asked.
    """
    since = idle_since(ledger, timing, presence)
    if since is None:
        return presence.now
    stakes = present_stakes(spec, ledger, timing)
    advice = BreakEven(stakes).advise(None, Situation(since, since, is_on=True))
    return stop_at(advice) or presence.now


@lru_cache(maxsize=10_000)
def _ask(stakes: Stakes, forecast: str, used: int | None, situation: Situation) -> Advice | None:
    state = _read(forecast) if used is None else _read_used(stakes, forecast, used)
    return None if state is None else Forecast(stakes).advise(state, situation)


def has_forecast(spec: Spec, ledger: Ledger) -> bool:
    """Whether a forecast is asked for, and has learned something that it can read."""
    history = ledger.demand_history
    return spec.policy is Policy.FORECAST and history is not None and is_readable(history.forecast)


def evidence_wait(spec: Spec, ledger: Ledger, timing: Timing) -> timedelta:
    """Say for how long it must have served, beside the metric lag, before silence is evidence.

    A forecast says itself when it is idle for long enough, which may be as soon as it serves.
    """
    if has_forecast(spec, ledger):
        return SHORTEST_IDLE_TIMEOUT
    return timeout_of(spec, expected_wake(ledger.wakes, timing.expected_wake)).duration


def evidence_since(spec: Spec, ledger: Ledger, timing: Timing, now: datetime) -> datetime:
    """Say since when CloudWatch must show nothing, so that it may be stopped.

    A forecast goes by when it was used last: whatever came later must be known. Its own warm-up,
    which CloudWatch counts, is none.
    """
    if not has_forecast(spec, ledger):
        return now - evidence_wait(spec, ledger, timing)
    known = [now - _LONGEST_EVIDENCE]
    if (until := used_until(ledger, timing)) is not None:
        known.append(until)
    if ledger.serving_since is not None:
        known.append(ledger.serving_since)
    if ledger.warm_up is not None and (warm_at := ledger.warm_up.end(now)) is not None:
        known.append(end_of(last_minute(warm_at)))
    return min(now, max(known))


def learned(stakes: Stakes, forecast: str | None, minutes: Iterable[tuple[int, int]]) -> str:
    """Add how many have asked in each minute, in order and later than all before, to what a
    forecast has learned, None for nothing. What it has cost is reckoned at these stakes.

    Raises:
        ValueError: it can't be read; another version may have written it.
    """
    policy = Forecast(stakes)
    state = policy.begin() if forecast is None else ForecastState.parse(forecast)
    for minute, count in minutes:
        state = policy.learn(state, minute, count)
    return state.write()


# Each endpoint's is asked for several times a tick, and far more are known than are kept read.
@lru_cache(maxsize=10_000)
def is_readable(forecast: str) -> bool:
    """Whether a forecast can read what was learned, or another version has written it."""
    return _read(forecast) is not None


# A state is far larger than its text, so not those of a whole fleet are kept.
@lru_cache(maxsize=256)
def _read(forecast: str) -> ForecastState | None:
    try:
        return ForecastState.parse(forecast)
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _read_used(stakes: Stakes, forecast: str, used: int) -> ForecastState | None:
    """Read it, with a minute added that is later than all before."""
    try:
        return Forecast(stakes).learn(ForecastState.parse(forecast), used, 1)
    except ValueError:
        return None
