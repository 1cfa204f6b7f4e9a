"""A new config: for what serves an update, asked for once; for what sleeps the next wake."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dormouse.domain.activity import NotMeasured, Unreadable
from dormouse.domain.endpoint import Absent, EndpointStatus
from dormouse.domain.failures import failed_again
from dormouse.domain.ledger import Ledger
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from tests.unit.planning import DEMAND, IDLE, NOW, SLEEPING, SPEC, STATUSES, plan, seen

S = EndpointStatus
NEW = replace(SPEC, config_name="new-config")
# By status, what is done with an endpoint on another config: needed, needed by nobody, asleep.
TABLE = {
    S.CREATING: (Action.WAIT, Action.WAIT, Action.WAIT),
    S.IN_SERVICE: (Action.UPDATE, Action.STOP, Action.STOP),
    S.UPDATING: (Action.WAIT, Action.WAIT, Action.WAIT),
    S.SYSTEM_UPDATING: (Action.WAIT, Action.WAIT, Action.WAIT),
    S.ROLLING_BACK: (Action.WAIT, Action.WAIT, Action.WAIT),
    S.UPDATE_ROLLBACK_FAILED: (Action.UPDATE, Action.STOP, Action.STOP),
    S.DELETING: (Action.WAIT, Action.WAIT, Action.WAIT),
    S.FAILED: (Action.CLEAR, Action.CLEAR, Action.CLEAR),
    S.OUT_OF_SERVICE: (Action.CLEAR, Action.CLEAR, Action.CLEAR),
}


@pytest.mark.parametrize("status", TABLE)
@pytest.mark.parametrize("column", range(3))
def test_each_status_on_another_config(status: EndpointStatus, column: int) -> None:
    """Only what serves and is needed is updated."""
    ledger = (DEMAND, IDLE, SLEEPING)[column]

    assert plan(ledger, seen(status), spec=NEW).action is TABLE[status][column]


def test_the_table_has_every_status() -> None:
    """An absent endpoint runs on no config."""
    assert {None, *TABLE} == set(STATUSES)


def test_what_is_absent_is_created_from_the_config_of_now() -> None:
    """The next wake takes it; `updated_to` has no say."""
    decided = plan(replace(DEMAND, updated_to="new-config"), Absent(), spec=NEW)

    assert decided.action is Action.START


def test_an_update_says_from_what_to_what_and_nothing_that_moves() -> None:
    """A refused one is planned each minute, and must not be written each minute."""
    decided = plan(DEMAND, seen(S.IN_SERVICE), spec=NEW)
    later = replace(DEMAND, last_request_at=NOW)

    assert decided.reason == (
        "it runs on EndpointConfig reviews-config, and new-config is asked for"
    )
    assert decided.rule is Rule.RECENT_ACTIVITY
    assert plan(later, seen(S.IN_SERVICE), spec=NEW) == decided


@pytest.mark.parametrize(
    ("ledger", "rule"),
    [
        (replace(IDLE, hold_until=NOW + timedelta(hours=1)), Rule.HOLD),
        (DEMAND, Rule.RECENT_ACTIVITY),
    ],
)
def test_whatever_keeps_it_up_is_the_rule_of_the_update(ledger: Ledger, rule: Rule) -> None:
    """The reason to be up has not changed."""
    assert plan(ledger, seen(S.IN_SERVICE), spec=NEW).rule is rule


def test_what_is_kept_up_because_metrics_cannot_be_read_is_updated_too() -> None:
    """It may be in use. And one that has just come up is."""
    unreadable = plan(IDLE, seen(S.IN_SERVICE), Unreadable("throttled"), spec=NEW)
    young = plan(IDLE, seen(S.IN_SERVICE, for_=timedelta(minutes=1)), NotMeasured(), spec=NEW)

    assert (unreadable.action, unreadable.rule) == (Action.UPDATE, Rule.FAIL_SAFE)
    assert young.action is Action.UPDATE


def test_an_update_that_did_not_succeed_is_not_asked_for_again_at_once() -> None:
    """SageMaker went back to the former config, and would again."""
    failure = failed_again(None, NOW - timedelta(minutes=1), "no capacity")
    failed = replace(DEMAND, failures={"new-config": failure})

    decided = plan(failed, seen(S.IN_SERVICE), spec=NEW)

    assert (decided.action, decided.rule) == (Action.STAY_UP, Rule.RECENT_ACTIVITY)
    assert decided.next_look_at == NOW + timedelta(minutes=1)
    assert "new-config is asked for, which has failed (no capacity)" in decided.reason
    later = failed_again(None, NOW - timedelta(minutes=2), "no capacity")
    tried = plan(replace(DEMAND, failures={"new-config": later}), seen(S.IN_SERVICE), spec=NEW)
    assert (tried.action, tried.config_name) == (Action.UPDATE, "new-config")


def test_a_further_config_is_tried() -> None:
    """The owner has mended it, or has gone back to the former one: a stack that rolls back."""
    asked = replace(DEMAND, updated_to="new-config")
    third = replace(NEW, config_name="third-config")

    assert plan(asked, seen(S.IN_SERVICE), spec=third).action is Action.UPDATE
    on_the_new_one = seen(S.IN_SERVICE, config_name="new-config")
    assert plan(asked, on_the_new_one).action is Action.UPDATE


def test_an_update_that_succeeded_is_no_news() -> None:
    """It runs on what is asked for."""
    asked = replace(DEMAND, updated_to="new-config")
    decided = plan(asked, seen(S.IN_SERVICE, config_name="new-config"), spec=NEW)

    assert decided == plan(DEMAND, seen(S.IN_SERVICE))


@pytest.mark.parametrize("asked_for", ["Stack-Config-A1", "stack-config-a1"])
def test_names_that_differ_in_case_alone_are_the_same_config(asked_for: str) -> None:
    """Those from ARNs are lower-cased, the template's is exact; neither may cause an update."""
    spec = replace(NEW, config_name=asked_for)
    for runs_on in ("Stack-Config-A1", "stack-config-a1"):
        serving = seen(S.IN_SERVICE, config_name=runs_on)
        assert plan(DEMAND, serving, spec=spec).action is Action.STAY_UP
    asked = replace(DEMAND, updated_to="STACK-config-a1")
    assert plan(asked, seen(S.IN_SERVICE), spec=spec).action is Action.STAY_UP


def test_a_config_that_is_not_named_is_no_reason_to_update() -> None:
    """DescribeEndpoint need not name it."""
    decided = plan(DEMAND, seen(S.IN_SERVICE, config_name=""), spec=NEW)

    assert decided == plan(DEMAND, seen(S.IN_SERVICE))
