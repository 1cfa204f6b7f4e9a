"""Moments and minutes, timeouts to the second, and what a policy is asked."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain import idle_policy
from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.duration import in_words
from dormouse.domain.idle_policy import (
    Presence,
    advice_of,
    beginning_of,
    break_even_at,
    end_of,
    evidence_since,
    evidence_wait,
    idle_since,
    is_in_use,
    is_readable,
    last_minute,
    learned,
    minute_of,
    minutes_of,
    policy_of,
    start_at,
    stop_at,
    timeout_of,
)
from dormouse.domain.ledger import Ledger
from dormouse.domain.spec import Policy, Spec
from dormouse.domain.warm_up import WarmUp
from dormouse_policy.policy import Advice, Situation, Stakes
from tests.fakes.forecast import ScriptedForecast, ScriptedState
from tests.unit.planning import FORECAST, MINUTE, NOW, SPEC, TIMING, foreseen, script

BREAK_EVEN = Spec("reviews", "reviews-config", delay_cost=timedelta(minutes=20))
WAKE = timedelta(minutes=6)
MOMENTS = st.integers(-(10**15), 10**15).map(lambda number: NOW + timedelta(microseconds=number))
SERVING = Presence(is_on=True, serving_since=NOW - timedelta(hours=2), now=NOW)


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)


@given(MOMENTS)
def test_each_moment_lies_in_its_minute(moment: datetime) -> None:
    """From its beginning up to, but not including, its end, where the next one begins."""
    minute = minute_of(moment)

    assert beginning_of(minute) <= moment < end_of(minute)
    assert end_of(minute) == beginning_of(minute + 1)
    # What was used up to the very beginning of a minute was not used in it.
    assert last_minute(moment) == (minute - 1 if moment == beginning_of(minute) else minute)


@given(st.integers(0, 10**7).map(lambda seconds: timedelta(seconds=seconds)))
def test_a_duration_is_rounded_up_to_minutes(duration: timedelta) -> None:
    """By less than one."""
    assert timedelta(0) <= minutes_of(duration) * MINUTE - duration < MINUTE


@pytest.mark.parametrize(
    ("spec", "seconds", "words"),
    [
        (SPEC, 900, "15m"),
        (BREAK_EVEN, 372 + 1200, "26m 12s (a wake of 6m 12s and a delay cost of 20m)"),
        (FORECAST, 372 + 900, "21m 12s (a wake of 6m 12s and a delay cost of 15m)"),
    ],
)
def test_the_timeout_is_to_the_second(spec: Spec, seconds: int, words: str) -> None:
    """And says what it is made of; a forecast that knows nothing has that of break-even."""
    timeout = timeout_of(spec, timedelta(seconds=372))

    assert timeout.duration == timedelta(seconds=seconds)
    assert timeout.length == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(59, "59s"), (60, "1m"), (372, "6m 12s"), (3600, "1h"), (5400, "90m"), (3660, "61m")],
)
def test_durations_in_sentences(seconds: int, words: str) -> None:
    """The largest unit that divides it, but for minutes with seconds."""
    assert in_words(timedelta(seconds=seconds)) == words


def stops(spec: Spec, used_until: datetime, wake: timedelta) -> tuple[datetime, datetime]:
    """Say when a tick stops it, and when its policy does, which counts minutes."""
    since = last_minute(used_until)
    policy = policy_of(spec, wake)
    by_the_minute = stop_at(policy.advise(policy.begin(), Situation(since, since, is_on=True)))
    assert by_the_minute is not None
    return used_until + timeout_of(spec, wake).duration, by_the_minute


def durations(shortest: int, longest: int, unit: timedelta) -> st.SearchStrategy[timedelta]:
    """So many of a unit."""
    return st.integers(shortest, longest).map(lambda number: number * unit)


SECOND = timedelta(seconds=1)


@given(MOMENTS, durations(60, 604_800, SECOND), durations(1, 3_600, SECOND))
def test_seconds_are_rounded_up_to_minutes(
    used_until: datetime, duration: timedelta, wake: timedelta
) -> None:
    """What `simulate` stops at the end of a minute, a tick stops then or shortly before."""
    fixed = replace(SPEC, idle_timeout=duration)
    to_the_second, by_the_minute = stops(fixed, used_until, wake)
    # The end of use, and the timeout.
    assert timedelta(0) <= by_the_minute - to_the_second < 2 * MINUTE

    break_even = replace(BREAK_EVEN, delay_cost=min(duration, timedelta(hours=24)))
    to_the_second, by_the_minute = stops(break_even, used_until, wake)
    # The end of use, the wake and the delay cost.
    assert timedelta(0) <= by_the_minute - to_the_second < 3 * MINUTE


@given(
    durations(0, 10**6, MINUTE),
    durations(1, 10_080, MINUTE),
    durations(1, 60, MINUTE),
    durations(1, 1_440, MINUTE),
)
def test_whole_minutes_are_the_same_in_a_tick_and_in_a_simulation(
    after: timedelta, timeout: timedelta, wake: timedelta, cost: timedelta
) -> None:
    """CloudWatch shows use up to the end of a minute."""
    for spec in (
        replace(SPEC, idle_timeout=timeout),
        replace(BREAK_EVEN, delay_cost=cost),
    ):
        to_the_second, by_the_minute = stops(spec, NOW + after, wake)
        assert to_the_second == by_the_minute


def test_the_policy_has_the_name_that_its_tag_has() -> None:
    """Each of them."""
    for policy in Policy:
        spec = replace(SPEC, policy=policy)
        assert policy_of(spec, WAKE).name == policy.value


def test_it_is_idle_since_the_last_that_anybody_knows_of() -> None:
    """The proxy notes a request in 30 seconds; CloudWatch shows the end of a minute."""
    noted = Ledger(last_request_at=NOW - timedelta(minutes=9, seconds=50))
    shown = replace(noted, metrics_active_at=NOW - timedelta(minutes=4))

    assert idle_since(Ledger(), TIMING, SERVING) is None
    assert idle_since(noted, TIMING, SERVING) == minute_of(NOW) - 10
    # Those 30 seconds reach into the next minute.
    later = Ledger(last_request_at=NOW - timedelta(minutes=9, seconds=20))
    assert idle_since(later, TIMING, SERVING) == minute_of(NOW) - 9
    assert idle_since(shown, TIMING, SERVING) == minute_of(NOW) - 5


def test_what_was_started_for_a_request_is_idle_since_it_serves() -> None:
    """As in the simulation: nobody could use it before."""
    asked_at = NOW - timedelta(minutes=20)
    served_at = NOW - timedelta(minutes=11, seconds=30)
    woken = Ledger(
        demand_at=asked_at, last_request_at=asked_at, created_at=asked_at + timedelta(seconds=40)
    )
    presence = replace(SERVING, serving_since=served_at)

    assert idle_since(woken, TIMING, presence) == minute_of(served_at) == minute_of(NOW) - 12
    used = replace(woken, last_request_at=NOW - timedelta(minutes=3))
    assert idle_since(used, TIMING, presence) == minute_of(NOW) - 3


def test_what_was_started_before_anybody_asked_is_idle_since_its_former_life() -> None:
    """A demand that it was not started for is no reason to stay."""
    served_at = NOW - timedelta(minutes=10)
    former = NOW - timedelta(hours=5)
    ledger = Ledger(
        demand_at=former, last_request_at=former, created_at=served_at - timedelta(minutes=8)
    )

    presence = replace(SERVING, serving_since=served_at)

    assert idle_since(ledger, TIMING, presence) == minute_of(former)
    # Of a demand of late that was used since, the same holds.
    lately = NOW - timedelta(minutes=40)
    used = replace(ledger, demand_at=lately, last_request_at=lately + timedelta(minutes=5))
    assert idle_since(used, TIMING, presence) == minute_of(NOW) - 35


@pytest.mark.parametrize(
    ("spec", "history"),
    [
        (SPEC, foreseen()),
        (BREAK_EVEN, foreseen()),
        (FORECAST, None),
        (FORECAST, DemandHistory(NOW, "of another version")),
    ],
)
def test_only_a_forecast_that_has_learned_something_is_asked(
    spec: Spec, history: DemandHistory | None
) -> None:
    """All else goes by the timeout alone, also where what it has learned can't be read."""
    ledger = Ledger(demand_history=history, wakes=(WAKE,))

    assert advice_of(spec, ledger, TIMING, SERVING) is None
    timeout = timeout_of(spec, WAKE).duration
    assert evidence_wait(spec, ledger, TIMING) == timeout
    assert evidence_since(spec, ledger, TIMING, NOW) == NOW - timeout


def asked(monkeypatch: pytest.MonkeyPatch) -> list[Situation]:
    """Remember what the forecast is asked."""
    seen: list[Situation] = []

    class Asked(ScriptedForecast):
        def advise(self, state: ScriptedState, at: Situation) -> Advice:
            seen.append(at)
            return ScriptedForecast.advise(self, state, at)

    monkeypatch.setattr(idle_policy, "Forecast", Asked)
    idle_policy._ask.cache_clear()  # what was asked before is not asked again
    return seen


@pytest.mark.parametrize(
    ("asked", "measured", "is_used"),
    [
        (1, None, True),
        (3, None, False),
        # CloudWatch's lag is five minutes.
        (None, 4, True),
        (None, 5, False),
        (30, 4, True),
        # It has seen what the proxy has sent.
        (4, 3, False),
        (None, None, False),
    ],
)
def test_whom_cloudwatch_has_just_seen_may_have_asked_since(
    asked: float | None, measured: float | None, is_used: bool
) -> None:
    """So no policy stops it yet."""
    ledger = Ledger(
        last_request_at=None if asked is None else NOW - asked * MINUTE,
        metrics_active_at=None if measured is None else NOW - measured * MINUTE,
    )
    assert is_in_use(ledger, TIMING, NOW) is is_used


def test_advice_stands_until_what_it_names_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of endpoints are asked for at each tick, and a few are asked."""
    seen = asked(monkeypatch)
    ledger = Ledger(demand_history=foreseen(stop=timedelta(hours=2)))
    told = {}
    for second in range(0, 7000, 20):
        now = NOW + timedelta(seconds=second)
        told[now] = advice_of(FORECAST, ledger, TIMING, replace(SERVING, now=now))

    assert 2 <= len(seen) <= 3  # once in an hour
    assert all(at.now < minute_of(NOW) + 120 for at in seen)
    now = NOW + timedelta(minutes=40)
    anew = replace(TIMING, advice_stands=timedelta(0))
    advice_of(FORECAST, ledger, anew, replace(SERVING, now=now))
    assert seen[-1].now == minute_of(now) - 1
    # Not before it stands as it does, and not later than it is.
    assert {at.idle_since for at in seen} == {None}


def test_what_is_due_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started or stopped on the word of what was said before."""
    seen = asked(monkeypatch)
    ledger = Ledger(demand_history=foreseen(stop=timedelta(minutes=3)))
    for minutes in range(6):
        now = NOW + timedelta(minutes=minutes)
        advice = advice_of(FORECAST, ledger, TIMING, replace(SERVING, now=now))
        assert advice is not None
        stops_at = stop_at(advice)
        assert stops_at is not None
        assert (stops_at <= now) is (minutes >= 3)
        assert minutes < 3 or seen[-1].now == minute_of(now) - 1


def test_endpoints_are_not_asked_all_at_once() -> None:
    """Each has minutes of its own, always the same."""
    ledger = Ledger(demand_history=foreseen(stop=timedelta(hours=2)))
    minutes = set()
    for number in range(60):
        spec = replace(FORECAST, endpoint=f"reviews-{number}")
        advice = advice_of(spec, ledger, TIMING, SERVING)
        assert advice is not None
        minutes.add(advice.words)

    assert len(minutes) > 30


def test_a_forecast_is_not_asked_of_a_time_before_what_it_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or it would be asked to foresee the past."""
    seen = asked(monkeypatch)
    known = replace(foreseen(stop=timedelta(hours=2)), folded_until=NOW - timedelta(minutes=1))
    advice_of(FORECAST, Ledger(demand_history=known), TIMING, SERVING)
    used = Ledger(demand_history=known, last_request_at=NOW - timedelta(seconds=10))
    advice_of(FORECAST, used, TIMING, SERVING)

    now = minute_of(NOW)
    # The last minute that it knows; and the one in which it is used, which has not ended.
    assert seen[0].now == now - 2
    assert (seen[1].now, seen[1].idle_since) == (now, now)


def test_when_things_begin_and_end() -> None:
    """A stop comes at the end of its minute, a start at the beginning."""
    minute = minute_of(NOW)

    assert stop_at(Advice(minute, None, "")) == NOW + MINUTE
    assert start_at(Advice(minute, None, "")) == NOW
    assert stop_at(Advice(None, None, "")) is start_at(Advice(None, None, "")) is None


def test_the_break_even_of_the_last_use() -> None:
    """By the minute, as a forecast counts; nobody's use keeps nothing up."""
    used = Ledger(last_request_at=NOW - timedelta(minutes=5), wakes=(WAKE,))

    assert break_even_at(FORECAST, used, TIMING, SERVING) == NOW + timedelta(minutes=6 + 15 - 4)
    assert break_even_at(FORECAST, Ledger(), TIMING, SERVING) == NOW


def test_the_evidence_of_a_forecast() -> None:
    """Nothing later than the last use that it goes by; its own warm-up is none."""
    served_at = NOW - timedelta(minutes=30)
    ledger = Ledger(serving_since=served_at, demand_history=foreseen())

    assert evidence_wait(FORECAST, ledger, TIMING) == MINUTE
    assert evidence_since(FORECAST, ledger, TIMING, NOW) == served_at
    used = replace(ledger, last_request_at=NOW - timedelta(minutes=20))
    assert evidence_since(FORECAST, used, TIMING, NOW) == NOW - timedelta(minutes=19, seconds=30)
    warmed_at = NOW - timedelta(minutes=27, seconds=10)
    warm_up = WarmUp(("m",), frozenset({"m"}), served_at, NOW, warmed_at)
    warmed = replace(ledger, warm_up=warm_up)
    assert evidence_since(FORECAST, warmed, TIMING, NOW) == NOW - timedelta(minutes=27)
    forgotten = Ledger(demand_history=foreseen())
    assert evidence_since(FORECAST, forgotten, TIMING, NOW) == NOW - timedelta(hours=3)


def test_what_was_learned_is_text() -> None:
    """What is read back is learned further; what can't be read is said to be so."""
    stakes = Stakes(5, 15.0)
    text = learned(stakes, learned(stakes, None, [(100, 1)]), [(102, 3)])

    assert text == ScriptedState(stop=112).write()
    assert is_readable(text)
    assert not is_readable("of another version")
    with pytest.raises(ValueError, match="Expecting value"):
        learned(stakes, "of another version", [(1, 1)])


def test_the_stakes_are_whole_minutes_of_a_wake() -> None:
    """At least one, so that a wake is never free."""
    assert idle_policy.stakes_of(BREAK_EVEN, timedelta(seconds=372)) == Stakes(7, 20.0)
    assert idle_policy.stakes_of(SPEC, timedelta(0)) == Stakes(1, 15.0)
