"""A dry-run: when it is for, and what would be done then."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.dry_run import DryRun, DryRunError, dry_run, read_at
from dormouse.domain.endpoint import Absent, EndpointStatus, Observation
from dormouse.domain.ledger import Closing, Decision, Ledger
from dormouse.domain.named_schedules import parse_schedule
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule
from dormouse.domain.spec import Spec
from dormouse.domain.waiting import NOBODY
from tests.unit.planning import NOW, TIMING, seen

S = EndpointStatus
ABSENT = Absent()
SPEC = Spec("reviews", "reviews-config", schedule=parse_schedule("Mon-Fri 08:00-18:00 UTC"))
LATER = datetime(2026, 2, 17, 8, 0, tzinfo=UTC)  # a Tuesday


def tried(
    ledger: Ledger, observation: Observation = ABSENT, *, at: datetime = NOW, spec: Spec = SPEC
) -> DryRun:
    """Try it."""
    return dry_run(spec, ledger, observation, NOBODY, timing=TIMING, at=at, now=NOW)


def test_without_a_moment_it_is_now() -> None:
    """Whatever the clock says."""
    assert read_at({}, NOW) == NOW


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-02-17T08:00:00Z", LATER),
        ("2026-02-17T09:00:00+01:00", LATER),
        ("2026-02-17T08:00Z", LATER),
    ],
)
def test_a_moment_is_read(text: str, at: datetime) -> None:
    """In any zone that it names."""
    assert read_at({"at": text}, NOW) == at


def test_a_moment_that_has_just_passed_is_now() -> None:
    """It was typed in a minute ago."""
    assert read_at({"at": (NOW - timedelta(minutes=5)).isoformat()}, NOW) == NOW


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"at": "tomorrow"}, "at must be a time with its zone, such as 2026-11-24T08:00:00Z, not"),
        ({"at": "2026-02-17T08:00:00"}, "not '2026-02-17T08:00:00'"),
        ({"at": ""}, "not ''"),
        ({"at": "2026-02-16T00:00:00Z"}, "at must not have passed, and '2026-02-16T00:00:00Z' has"),
        ({"at": "2027-03-17T08:00:00Z"}, "at must be within 366 days"),
        ({"in": "2h"}, "'in' is not known here: at is"),
    ],
)
def test_a_bad_moment_is_named(query: dict[str, str], names: str) -> None:
    """With an example."""
    with pytest.raises(DryRunError) as refusal:
        read_at(query, NOW)
    assert names in str(refusal.value)


@given(
    st.datetimes().map(str)
    | st.datetimes(timezones=st.just(timezone(timedelta(hours=9)))).map(str)
    | st.text()
)
def test_any_text_is_a_moment_within_bounds_or_refused(text: str) -> None:
    """No other exception escapes."""
    try:
        at = read_at({"at": text}, NOW)
    except DryRunError:
        return
    assert NOW <= at <= NOW + timedelta(days=366)


def test_the_rules_are_listed_in_their_order_and_the_first_that_applies_decides() -> None:
    """As the plan says it."""
    run = tried(Ledger(hold_until=LATER + timedelta(hours=1)), at=LATER)

    assert [each.rule for each in run.asked][:3] == [Rule.SUSPENDED, Rule.BUDGET, Rule.HOLD]
    applying = [each.rule for each in run.asked if each.applies]
    assert applying == [Rule.HOLD, Rule.SCHEDULE, Rule.OTHERWISE_DOWN]
    assert (run.plan.action, run.plan.rule) == (Action.START, Rule.HOLD)


def test_a_hold_that_has_ended_by_then_does_not_count() -> None:
    """Nor does what waits now."""
    asked = Ledger(1, 0, demand_at=NOW, hold_until=NOW + timedelta(hours=2))
    spec = Spec("reviews", "reviews-config")

    assert tried(asked, spec=spec).plan.action is Action.START
    assert tried(asked, spec=spec, at=LATER).plan.action is Action.STAY_DOWN


def test_cloudwatch_is_not_asked_which_is_said() -> None:
    """Nobody knows who has bypassed the proxy."""
    serving = seen(S.IN_SERVICE, for_=timedelta(hours=5))
    run = tried(
        Ledger(serving_since=NOW - timedelta(hours=5)),
        serving,
        spec=Spec("reviews", "reviews-config"),
    )

    assert run.plan.action is Action.MEASURE
    assert len(run.notes) == 1
    assert "CloudWatch is not asked in a dry-run" in run.notes[0]


def test_a_later_moment_says_that_it_is_judged_by_now() -> None:
    """What happens until then is not foreseen."""
    assert tried(Ledger()).notes == ()
    assert tried(Ledger(), at=LATER).notes == (
        "as it is seen and remembered now, as if nothing happened until then",
    )


@pytest.mark.parametrize("rule", ["refused", "removal"])
def test_what_is_not_carried_out_says_so(rule: str) -> None:
    """The rules are asked all the same."""
    ledger = Ledger(decision=Decision("wait", rule, "left as it is, since it is another's"))
    run = tried(ledger)

    assert run.plan.action is Action.START
    assert run.notes == ("it is not carried out: left as it is, since it is another's",)


def test_what_is_gone_is_planned_as_gone() -> None:
    """Though the ledger does not know yet that its teardown has ended."""
    closing = Closing(NOW, 1, is_forced=True, reason="put to sleep", deleting_at=NOW)
    assert tried(Ledger(1, 0, demand_at=NOW, closing=closing)).plan.action is Action.START
