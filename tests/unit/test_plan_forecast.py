"""What is done of a forecast: started before anybody asks, kept up, and stopped on evidence."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dormouse.domain.activity import Activity, Measured, NotMeasured, Unreadable
from dormouse.domain.dry_run import dry_run
from dormouse.domain.endpoint import Absent, EndpointStatus, Observation
from dormouse.domain.failures import failed_again
from dormouse.domain.ledger import Closing, Ledger
from dormouse.domain.plan import Action, Plan, decide
from dormouse.domain.rule import Rule
from dormouse.domain.waiting import NOBODY
from dormouse.domain.warm_up import WarmUp
from tests.unit.planning import FORECAST, NOW, TIMING, foreseen, script, seen

S = EndpointStatus
HOUR = timedelta(hours=1)
FORMER = NOW - timedelta(hours=20)
# Nobody has asked since yesterday.
QUIET = Ledger(demand_version=3, met_version=3, demand_at=FORMER, last_request_at=FORMER)


def ledger(
    *, stop: timedelta | None = None, start: timedelta | None = None, of: Ledger = QUIET
) -> Ledger:
    """Foresee so much."""
    return replace(of, demand_history=foreseen(stop=stop, start=start))


def all_learned(known: Ledger) -> Ledger:
    """Its last use is in what was foreseen."""
    assert known.demand_history is not None
    return replace(known, demand_history=replace(known.demand_history, folded_until=NOW))


def plan(
    known: Ledger,
    observation: Observation,
    activity: Activity | None = None,
    *,
    at: datetime = NOW,
) -> Plan:
    """Decide; CloudWatch shows nothing unless told."""
    activity = activity or Measured(None)
    return decide(FORECAST, known, observation, activity, timing=TIMING, now=at)


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)


def test_it_is_started_in_the_minute_that_is_forecast() -> None:
    """Not before, and whenever the tick comes after that."""
    known = ledger(start=timedelta(minutes=30))
    due_at = NOW + timedelta(minutes=30)
    before = plan(known, Absent(), at=due_at - timedelta(seconds=1))
    then = plan(known, Absent(), at=due_at)

    assert (before.action, before.rule) == (Action.STAY_DOWN, Rule.OTHERWISE_DOWN)
    assert before.next_look_at == due_at
    assert (then.action, then.rule) == (Action.START, Rule.FORECAST)
    assert then.reason.startswith("started before it is asked for, by its forecast: P(request")
    assert then.config_name == "reviews-config"


@pytest.mark.parametrize("known", [QUIET, replace(QUIET, demand_history=foreseen(stop=HOUR))])
def test_nothing_is_started_that_is_not_forecast(known: Ledger) -> None:
    """Neither by one that knows nothing, nor by one that knows of no start."""
    decided = plan(known, Absent())

    assert (decided.action, decided.next_look_at) == (Action.STAY_DOWN, None)


def test_an_open_circuit_forbids_it() -> None:
    """In words that stay the same at each tick."""
    failure = failed_again(None, NOW - timedelta(minutes=1), "no capacity")
    known = replace(ledger(start=timedelta(0)), failures={"reviews-config": failure})
    decided = [plan(known, Absent(), at=NOW + timedelta(seconds=30 * n)) for n in range(2)]

    assert {each.rule for each in decided} == {Rule.CIRCUIT}
    assert decided[0].reason == decided[1].reason
    assert "it is not started, though a request is forecast" in decided[0].reason


@pytest.mark.parametrize(
    ("status", "action", "words"),
    [
        (S.CREATING, Action.WAIT, "can't be deleted before that ends; a request is forecast"),
        (S.DELETING, Action.WAIT, "it is Deleting; it is wanted again: a request is forecast"),
        (S.FAILED, Action.CLEAR, "so that it can be created anew: a request is forecast"),
        (S.OUT_OF_SERVICE, Action.CLEAR, "it can be created anew: a request is forecast"),
    ],
)
def test_what_is_in_transition_is_told_in_words_that_last(
    status: EndpointStatus, action: Action, words: str
) -> None:
    """The figures of a forecast are others each minute, and each would be written."""
    known = ledger(stop=HOUR, start=timedelta(0))
    first, later = (
        plan(known, seen(status), at=NOW + timedelta(minutes=minutes)) for minutes in (0, 20)
    )

    assert first == later
    assert first.action is action
    assert words in first.reason


def test_what_was_started_so_is_kept_up_until_that_has_passed() -> None:
    """Though nobody has asked."""
    decided = plan(ledger(stop=HOUR), seen(S.IN_SERVICE, for_=timedelta(minutes=1)))

    assert (decided.action, decided.rule) == (Action.STAY_UP, Rule.FORECAST)
    assert decided.next_look_at == NOW + HOUR
    assert decided.reason.startswith(
        "needed until 2026-02-16 13:00:00 UTC by its forecast: P(request within 30 min) = "
    )


def test_what_was_used_is_kept_up_by_its_use_and_then_by_the_forecast() -> None:
    """Which of the two decides is told: the break-even timeout of the last use divides them."""
    used = replace(QUIET, last_request_at=NOW - timedelta(minutes=2))
    known = all_learned(ledger(stop=HOUR, of=used))
    serving = seen(S.IN_SERVICE)
    now = plan(known, serving)
    # 8 minutes of wake and 15 of delay cost after the minute of the request.
    later = plan(known, serving, at=NOW + timedelta(minutes=22))

    assert (now.rule, now.next_look_at) == (Rule.RECENT_ACTIVITY, NOW + timedelta(minutes=22))
    assert "the proxy noted a request at 2026-02-16 11:58:00 UTC" in now.reason
    assert "P(request within 30 min)" in now.reason
    assert (later.rule, later.next_look_at) == (Rule.FORECAST, NOW + HOUR)


def test_the_latest_use_counts_before_it_is_learned() -> None:
    """A forecast that was told to stop it now had not seen it used, and wants it ten minutes more
    after each use.
    """
    used = replace(QUIET, last_request_at=NOW - timedelta(minutes=2))
    known, serving = ledger(stop=timedelta(0), of=used), seen(S.IN_SERVICE)

    assert plan(all_learned(known), serving).action is Action.STOP
    assert plan(known, serving).next_look_at == NOW + timedelta(minutes=9)
    assert plan(known, serving, at=NOW + timedelta(minutes=9)).action is Action.STOP


def test_what_is_used_at_this_moment_is_asked_nothing() -> None:
    """No policy would stop it, and to ask them all costs time."""
    used = replace(QUIET, last_request_at=NOW - timedelta(seconds=40))
    decided = plan(ledger(stop=timedelta(0), of=used), seen(S.IN_SERVICE))

    assert (decided.action, decided.rule) == (Action.STAY_UP, Rule.RECENT_ACTIVITY)
    assert decided.next_look_at == NOW + timedelta(minutes=23)
    assert decided.reason.endswith(", and as soon as it is not used its forecast is asked")


def test_a_forecast_may_stop_sooner_than_break_even_would() -> None:
    """Then it is what computes the timeout."""
    used = replace(QUIET, last_request_at=NOW - timedelta(minutes=2))
    known = all_learned(ledger(stop=timedelta(minutes=2), of=used))
    serving = seen(S.IN_SERVICE)

    assert plan(known, serving).next_look_at == NOW + timedelta(minutes=2)
    assert plan(known, serving, at=NOW + timedelta(minutes=2)).action is Action.STOP


def test_a_wrong_forecast_is_stopped_on_evidence() -> None:
    """It says itself when; silence is evidence once CloudWatch would show something else."""
    wrong = ledger(stop=timedelta(0))

    young = plan(wrong, seen(S.IN_SERVICE, for_=timedelta(minutes=5, seconds=59)))
    asked = plan(wrong, seen(S.IN_SERVICE, for_=timedelta(minutes=6)), NotMeasured())
    stopped = plan(wrong, seen(S.IN_SERVICE, for_=timedelta(minutes=6)))
    unread = plan(wrong, seen(S.IN_SERVICE), Unreadable("throttled"))

    assert (young.action, young.rule) == (Action.STAY_UP, Rule.RECENT_ACTIVITY)
    assert young.next_look_at == NOW + timedelta(seconds=1)
    assert "a minute and metric lag 5m" in young.reason
    assert asked.action is Action.MEASURE
    assert (stopped.action, stopped.rule) == (Action.STOP, Rule.OTHERWISE_DOWN)
    assert "by the proxy's ledger and by CloudWatch; P(request within 30 min)" in stopped.reason
    assert not stopped.is_forced_stop
    assert (unread.action, unread.rule) == (Action.STAY_UP, Rule.FAIL_SAFE)


def test_its_own_warm_up_is_no_use() -> None:
    """It is waited for, and CloudWatch, which counts it, is believed only after it."""
    served_at = NOW - timedelta(minutes=9)
    warm_up = WarmUp(("m",), frozenset(), served_at, served_at + timedelta(minutes=10))
    warming = replace(ledger(stop=timedelta(0)), serving_since=served_at, warm_up=warm_up)
    young = seen(S.IN_SERVICE, for_=timedelta(minutes=9))
    ended_at = NOW - timedelta(minutes=3)
    warmed = replace(warming, warm_up=replace(warm_up, ended_at=ended_at))

    assert "its models are being loaded" in plan(warming, young).reason
    assert plan(warmed, young).next_look_at == ended_at + timedelta(minutes=6)
    at = ended_at + timedelta(minutes=6)
    assert plan(warmed, young, NotMeasured(), at=at).action is Action.MEASURE


def test_use_that_only_cloudwatch_shows_makes_it_recent() -> None:
    """The forecast is asked anew with it."""
    known = ledger(stop=timedelta(minutes=3))
    decided = plan(known, seen(S.IN_SERVICE), Measured(NOW - timedelta(minutes=1)))

    assert (decided.action, decided.rule) == (Action.STAY_UP, Rule.RECENT_ACTIVITY)
    assert "CloudWatch shows an invocation" in decided.reason


def test_a_teardown_that_has_begun_is_not_undone_by_a_forecast() -> None:
    """Or each minute's figures would close it and open it again; demand undoes it, as ever."""
    closing = Closing(NOW, 3, is_forced=False, reason="no request")
    known = replace(ledger(stop=HOUR), closing=closing)
    decided = plan(known, seen(S.IN_SERVICE))
    asked = plan(replace(known, demand_version=4, demand_at=NOW), seen(S.IN_SERVICE))

    assert (decided.action, decided.rule) == (Action.STOP, Rule.TEARDOWN)
    assert (asked.action, asked.rule) == (Action.REOPEN, Rule.WAITING_WORK)


def test_a_dry_run_tells_what_the_forecast_says_of_then() -> None:
    """Also where it does not apply."""
    known = ledger(start=timedelta(hours=2))
    runs = [
        dry_run(FORECAST, known, Absent(), NOBODY, timing=TIMING, at=NOW + n * HOUR, now=NOW)
        for n in (1, 2)
    ]
    said = [next(f for f in run.asked if f.rule is Rule.FORECAST) for run in runs]

    assert [run.plan.action for run in runs] == [Action.STAY_DOWN, Action.START]
    assert [finding.applies for finding in said] == [False, True]
    assert said[0].changes_at == NOW + 2 * HOUR
    assert all("P(request within 30 min)" in finding.words for finding in said)
    learned_until = NOW - HOUR
    assert known.demand_history is not None
    assert known.demand_history.folded_until == learned_until
    assert "its forecast knows what was asked before 2026-02-16 11:00:00 UTC" in runs[0].notes
