"""What has been put to sleep goes down in whatever status it is, until something asks for it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.activity import Activity, Measured, NotMeasured, Unreadable
from dormouse.domain.endpoint import Absent, EndpointStatus, Present
from dormouse.domain.ledger import Ledger
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from tests.unit.planning import ABSENT, NOW, SLEEPING, STATUSES, observed, plan, seen

S = EndpointStatus
TABLE = [
    # status, action, rule, words that its reason must hold besides when it was put to sleep
    (ABSENT, Action.STAY_DOWN, Rule.SLEEP, "until somebody asks for it"),
    (S.CREATING, Action.WAIT, Rule.IN_TRANSITION, "it is Creating, and can't be deleted before"),
    (S.IN_SERVICE, Action.STOP, Rule.SLEEP, "until somebody asks for it"),
    (S.UPDATING, Action.WAIT, Rule.IN_TRANSITION, "it is Updating, and can't be deleted before"),
    (S.SYSTEM_UPDATING, Action.WAIT, Rule.IN_TRANSITION, "it is SystemUpdating, and can't be"),
    (S.ROLLING_BACK, Action.WAIT, Rule.IN_TRANSITION, "it is RollingBack, and can't be deleted"),
    (S.UPDATE_ROLLBACK_FAILED, Action.STOP, Rule.SLEEP, "until somebody asks for it"),
    (S.DELETING, Action.WAIT, Rule.IN_TRANSITION, "it is Deleting: put to sleep"),
    (S.FAILED, Action.CLEAR, Rule.BROKEN, "it is Failed and is deleted: put to sleep"),
    (S.OUT_OF_SERVICE, Action.CLEAR, Rule.BROKEN, "it is OutOfService and is deleted: put to"),
]


@pytest.mark.parametrize(("status", "action", "rule", "words"), TABLE)
def test_each_status_of_what_is_put_to_sleep(
    status: EndpointStatus | None, action: Action, rule: Rule, words: str
) -> None:
    """The table of the plan, extended by sleep."""
    decided = plan(SLEEPING, observed(status))

    assert (decided.action, decided.rule) == (action, rule)
    assert words in decided.reason
    assert "put to sleep at 2026-02-16 11:59:00 UTC" in decided.reason
    assert decided.next_look_at is None


def test_the_table_has_every_status() -> None:
    """A status that SageMaker adds must be decided on here too."""
    assert [row[0] for row in TABLE].count(ABSENT) == 1
    assert {row[0] for row in TABLE} == set(STATUSES)
    assert len(TABLE) == len(STATUSES)


@pytest.mark.parametrize("status", [S.IN_SERVICE, S.UPDATE_ROLLBACK_FAILED])
@pytest.mark.parametrize("activity", [NotMeasured(), Unreadable("throttled"), Measured(NOW)])
def test_sleep_stops_what_is_in_use_and_asks_cloudwatch_nothing(
    status: EndpointStatus, activity: Activity
) -> None:
    """The operator has said so: neither use, nor youth, nor a missing reading delays it."""
    used = replace(SLEEPING, last_request_at=NOW, metrics_active_at=NOW)

    decided = plan(used, seen(status, for_=timedelta(0)), activity)

    assert (decided.action, decided.rule) == (Action.STOP, Rule.SLEEP)
    assert decided.is_forced_stop


def test_a_stop_for_idleness_is_not_forced() -> None:
    """It stands on the last request too."""
    decided = plan(Ledger(), seen(S.IN_SERVICE))

    assert decided.action is Action.STOP
    assert not decided.is_forced_stop


@pytest.mark.parametrize("status", STATUSES)
def test_newer_demand_ends_the_sleep(status: EndpointStatus | None) -> None:
    """In each status it is then as if it had never been put to sleep."""
    demand = replace(SLEEPING, demand_version=5, demand_at=NOW, last_request_at=NOW)
    never = replace(demand, slept_version=None, slept_at=None)

    assert plan(demand, observed(status)) == plan(never, observed(status))
    assert plan(demand, observed(status)).rule is not Rule.SLEEP


LEDGERS = st.builds(
    Ledger,
    demand_version=st.integers(0, 5),
    met_version=st.integers(0, 5),
    demand_at=st.none() | st.just(NOW - timedelta(seconds=1)),
    last_request_at=st.none() | st.just(NOW),
    metrics_active_at=st.none() | st.just(NOW),
    slept_version=st.integers(0, 5),
    slept_at=st.just(NOW),
    updated_to=st.none() | st.just("another-config"),
)
OBSERVATIONS = st.sampled_from(STATUSES).map(observed) | st.builds(
    seen, st.sampled_from(EndpointStatus), config_name=st.just("another-config")
)


@given(LEDGERS, OBSERVATIONS)
def test_what_is_put_to_sleep_is_never_started_kept_or_updated(
    ledger: Ledger, observation: Present | Absent
) -> None:
    """Whatever else is remembered; and what has newer demand is never stopped by it."""
    decided = plan(ledger, observation, NotMeasured())

    if ledger.is_put_to_sleep:
        assert decided.action not in (
            Action.START,
            Action.STAY_UP,
            Action.UPDATE,
            Action.MEASURE,
        )
    else:
        assert decided.rule is not Rule.SLEEP
