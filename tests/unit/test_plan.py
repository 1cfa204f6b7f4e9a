"""Every status of an endpoint, with and without demand, and the evidence that a stop needs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dormouse.domain.activity import Activity, Measured, NotMeasured, Unreadable
from dormouse.domain.endpoint import Absent, EndpointStatus, Observation
from dormouse.domain.ledger import Ledger
from dormouse.domain.plan import Action, decide
from dormouse.domain.rule import Rule
from tests.unit.planning import (
    ABSENT,
    DEMAND,
    IDLE,
    NOW,
    SPEC,
    STATUSES,
    TIMING,
    observed,
    plan,
    seen,
)

S = EndpointStatus
TABLE = [
    # status, is there demand, action, rule, words that its reason must hold
    (ABSENT, False, Action.STAY_DOWN, Rule.OTHERWISE_DOWN, "nobody needs it"),
    (ABSENT, True, Action.START, Rule.WAITING_WORK, "request of 2026-02-16 11:58:00 UTC waits"),
    (S.CREATING, False, Action.WAIT, Rule.IN_TRANSITION, "it is Creating"),
    (S.CREATING, True, Action.WAIT, Rule.IN_TRANSITION, "it is Creating"),
    (S.IN_SERVICE, False, Action.STOP, Rule.OTHERWISE_DOWN, "no request for 15m"),
    (
        S.IN_SERVICE,
        True,
        Action.STAY_UP,
        Rule.RECENT_ACTIVITY,
        "needed until 2026-02-16 12:13:30 UTC",
    ),
    (S.UPDATING, False, Action.WAIT, Rule.IN_TRANSITION, "it is Updating: it serves"),
    (S.UPDATING, True, Action.WAIT, Rule.IN_TRANSITION, "it is Updating: it serves"),
    (S.SYSTEM_UPDATING, False, Action.WAIT, Rule.IN_TRANSITION, "can't be deleted before"),
    (S.SYSTEM_UPDATING, True, Action.WAIT, Rule.IN_TRANSITION, "can't be deleted before"),
    (S.ROLLING_BACK, False, Action.WAIT, Rule.IN_TRANSITION, "it is RollingBack: it serves"),
    (S.ROLLING_BACK, True, Action.WAIT, Rule.IN_TRANSITION, "it is RollingBack: it serves"),
    (S.UPDATE_ROLLBACK_FAILED, False, Action.STOP, Rule.OTHERWISE_DOWN, "no request for 15m"),
    (
        S.UPDATE_ROLLBACK_FAILED,
        True,
        Action.UPDATE,
        Rule.RECENT_ACTIVITY,
        "it runs on a mix of EndpointConfigs, since it is UpdateRollbackFailed",
    ),
    (S.DELETING, False, Action.WAIT, Rule.IN_TRANSITION, "it is Deleting; nobody needs it"),
    (S.DELETING, True, Action.WAIT, Rule.IN_TRANSITION, "it is Deleting; it is wanted again"),
    (S.FAILED, False, Action.CLEAR, Rule.BROKEN, "it is Failed and is deleted"),
    (S.FAILED, True, Action.CLEAR, Rule.BROKEN, "deleted, so that it can be created anew"),
    (S.OUT_OF_SERVICE, False, Action.CLEAR, Rule.BROKEN, "it is OutOfService and is deleted"),
    (S.OUT_OF_SERVICE, True, Action.CLEAR, Rule.BROKEN, "so that it can be created anew"),
]


@pytest.mark.parametrize(("status", "demand", "action", "rule", "words"), TABLE)
def test_status_and_demand_give_the_plan(
    status: EndpointStatus | None, demand: bool, action: Action, rule: Rule, words: str
) -> None:
    """The whole table of observation and demand."""
    decided = plan(DEMAND if demand else IDLE, observed(status))

    assert (decided.action, decided.rule) == (action, rule)
    assert words in decided.reason


def test_the_table_has_every_status_with_and_without_demand() -> None:
    """A status that SageMaker adds, and that the enumeration takes up, must be decided on."""
    rows = [(status, demand) for status, demand, *_ in TABLE]

    assert len(rows) == len(set(rows))
    assert set(rows) == {(s, d) for s in STATUSES for d in (False, True)}


@pytest.mark.parametrize("status", EndpointStatus)
@pytest.mark.parametrize("activity", [NotMeasured(), Unreadable("throttled")])
def test_nothing_serving_is_stopped_without_a_reading(
    status: EndpointStatus, activity: Activity
) -> None:
    """A teardown needs positive evidence, whatever the status."""
    assert plan(IDLE, seen(status), activity).action is not Action.STOP


def test_metrics_that_cannot_be_read_leave_it_up_and_say_so() -> None:
    """Fail safe: no reading is not a reading of nothing."""
    decided = plan(IDLE, seen(S.IN_SERVICE), Unreadable("GetMetricData refused: Throttling"))

    assert (decided.action, decided.rule) == (Action.STAY_UP, Rule.FAIL_SAFE)
    assert "GetMetricData refused: Throttling" in decided.reason


def test_cloudwatch_is_asked_only_when_all_else_says_stop() -> None:
    """Asking costs money: not for what is wanted, absent, young or in transition."""
    asking = {
        (status, ledger is DEMAND)
        for status in STATUSES
        for ledger in (IDLE, DEMAND)
        if plan(ledger, observed(status), NotMeasured()).action is Action.MEASURE
    }

    assert asking == {(S.IN_SERVICE, False), (S.UPDATE_ROLLBACK_FAILED, False)}


@pytest.mark.parametrize(
    ("serving_for", "action"),
    [
        (timedelta(minutes=20, seconds=-1), Action.STAY_UP),
        (timedelta(minutes=20), Action.STOP),
    ],
)
def test_a_missing_datapoint_is_evidence_only_after_idle_timeout_and_metric_lag(
    serving_for: timedelta, action: Action
) -> None:
    """15 minutes of timeout and 5 of lag, to the second."""
    assert plan(IDLE, seen(S.IN_SERVICE, for_=serving_for)).action is action


@pytest.mark.parametrize(
    ("ago", "action"),
    [
        (timedelta(minutes=15, seconds=-1), Action.STAY_UP),
        (timedelta(minutes=15), Action.STOP),
    ],
)
def test_an_invocation_in_cloudwatch_keeps_it_up_for_the_idle_timeout(
    ago: timedelta, action: Action
) -> None:
    """Also one that bypassed the proxy, of which the ledger knows nothing."""
    assert plan(IDLE, seen(S.IN_SERVICE), Measured(NOW - ago)).action is action


@pytest.mark.parametrize("gap_minutes", range(1, 10))
def test_a_direct_caller_keeps_it_up_while_gaps_are_shorter_than_timeout_less_lag(
    gap_minutes: int,
) -> None:
    """Calls every `gap` minutes, each visible `metric_lag` later: no tick may stop it."""
    called_at = [NOW - timedelta(minutes=gap_minutes * k) for k in range(60)]
    for second in range(0, 60 * gap_minutes, 5):
        now = NOW + timedelta(seconds=second)
        shown = [c for c in called_at if c + TIMING.metric_lag <= now]
        # CloudWatch counts by the minute, and the adapter gives the end of it.
        last = max(shown).replace(second=0) + timedelta(minutes=1)
        decided = decide(SPEC, IDLE, seen(S.IN_SERVICE), Measured(last), timing=TIMING, now=now)
        assert decided.action is Action.STAY_UP, (second, decided.reason)


def test_the_ledger_may_be_a_renewal_interval_older_than_the_last_request() -> None:
    """The proxy writes at most once in the interval, so that much is added."""
    at_the_edge = NOW - timedelta(minutes=15) - TIMING.ledger_interval
    inside = Ledger(last_request_at=at_the_edge + timedelta(seconds=1))
    outside = Ledger(last_request_at=at_the_edge)

    assert plan(inside, seen(S.IN_SERVICE)).action is Action.STAY_UP
    assert plan(outside, seen(S.IN_SERVICE)).action is Action.STOP


@pytest.mark.parametrize("observation", [Absent(), seen(S.IN_SERVICE)])
def test_a_hold_wins_until_it_ends(observation: Observation) -> None:
    """It starts what is absent and keeps what serves, and not a second longer."""
    held = Ledger(demand_version=3, met_version=3, hold_until=NOW + timedelta(seconds=1))
    ended = Ledger(demand_version=3, met_version=3, hold_until=NOW)

    assert plan(held, observation).rule is Rule.HOLD
    assert plan(held, observation).next_look_at == NOW + timedelta(seconds=1)
    assert plan(held, observation).action in (Action.START, Action.STAY_UP)
    assert plan(ended, observation).rule is Rule.OTHERWISE_DOWN


def test_demand_that_was_met_starts_nothing_again() -> None:
    """Somebody deleted the endpoint by hand: activity keeps what serves, and starts nothing."""
    met = Ledger(
        demand_version=4,
        met_version=4,
        demand_at=NOW - timedelta(minutes=3),
        last_request_at=NOW - timedelta(seconds=1),
    )

    assert plan(met, Absent()).action is Action.STAY_DOWN


def test_unmet_demand_counts_for_as_long_as_somebody_may_wait() -> None:
    """After that, starting would cost money for nobody; who still waits has asked again."""
    spec = replace(SPEC, idle_timeout=timedelta(days=7))

    def asked(minutes_ago: int) -> Ledger:
        at = NOW - timedelta(minutes=minutes_ago)
        return Ledger(demand_version=4, met_version=3, demand_at=at, last_request_at=at)

    assert plan(asked(59), Absent(), spec=spec).action is Action.START
    assert plan(asked(60), Absent(), spec=spec).action is Action.STAY_DOWN


def test_what_cloudwatch_showed_is_remembered_and_not_asked_for_again() -> None:
    """No answer could lead to a stop before that activity is older than the idle timeout."""
    seen_at = NOW - timedelta(minutes=10)
    remembered = Ledger(metrics_active_at=seen_at)

    decided = plan(remembered, seen(S.IN_SERVICE), NotMeasured())

    assert (decided.action, decided.rule) == (Action.STAY_UP, Rule.RECENT_ACTIVITY)
    assert decided.next_look_at == seen_at + timedelta(minutes=15)
    assert "CloudWatch shows an invocation" in decided.reason


def test_a_reading_never_makes_the_activity_older() -> None:
    """The proxy, or an earlier reading, may know better."""
    remembered = Ledger(metrics_active_at=NOW - timedelta(minutes=1))

    assert plan(remembered, seen(S.IN_SERVICE), Measured(None)).action is Action.STAY_UP


def test_a_failed_endpoint_shows_its_failure_reason() -> None:
    """The only place where an operator would look for it is gone with the endpoint."""
    failed = seen(S.FAILED, failure_reason="InsufficientInstanceCapacity error.")

    assert "(InsufficientInstanceCapacity error.)" in plan(IDLE, failed).reason


def test_a_reason_does_not_change_while_the_decision_stands() -> None:
    """It holds times, not ages: otherwise each tick would write the table."""
    first = decide(SPEC, DEMAND, seen(S.IN_SERVICE), NotMeasured(), timing=TIMING, now=NOW)
    later = decide(
        SPEC,
        DEMAND,
        seen(S.IN_SERVICE),
        NotMeasured(),
        timing=TIMING,
        now=NOW + timedelta(minutes=1),
    )

    assert first == later
