"""What of a tick is told to an endpoint's owner: each thing once, and again only if it is news."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from dormouse.domain import news
from dormouse.domain.claims import Refusal, Why
from dormouse.domain.endpoint import Absent, EndpointStatus, Observation
from dormouse.domain.failures import Failure, failed_again
from dormouse.domain.ledger import Decision, Ledger
from dormouse.domain.notice import Notice, NoticeKind
from dormouse.domain.plan import Action, Plan
from dormouse.domain.rule import Rule
from dormouse.domain.spec import Spec
from dormouse.domain.spending import Budget, Rate, Spent
from tests.unit.planning import NOW, TIMING, seen

TOPIC = "arn:aws:sns:us-east-1:123456789012:reviews"
OPS = "arn:aws:iam::123456789012:role/ops"
UNTIL = NOW + timedelta(hours=2)
SPEC = Spec(
    "reviews",
    "First",
    owner="ml-team",
    notification_topic=TOPIC,
    fall_backs=("second",),
    budget=Budget(hours=Decimal(10)),
)
SERVING = seen(EndpointStatus.IN_SERVICE, config_name="First")
ASLEEP = Ledger(decision=Decision("stay down", "otherwise down", "nobody needs it"))


def plan(action: Action, rule: Rule, reason: str = "because", config: str | None = None) -> Plan:
    """One that may change at UNTIL."""
    return Plan(action, rule, reason, UNTIL, config)


def decided(what: Plan, problem: str | None = None, **fields: object) -> Ledger:
    """A ledger of after a tick with this plan."""
    reason = what.reason if problem is None else f"{what.reason} ({problem})"
    decision = Decision(what.action, what.rule, reason, what.next_look_at)
    return replace(Ledger(decision=decision), **fields)  # type: ignore[arg-type]  # its fields


def failed(*times: datetime) -> Failure:
    """What is remembered of failures at these times."""
    failure = None
    for at in times:
        failure = failed_again(failure, at, "no capacity")
    assert failure is not None
    return failure


def told(
    what: Plan,
    ledger: Ledger = ASLEEP,
    observation: Observation = SERVING,
    problem: str | None = None,
) -> tuple[Notice, ...]:
    """What is told of a plan."""
    return news.of_plan(SPEC, ledger, observation, what, problem=problem, now=NOW)


def kinds(
    what: Plan,
    ledger: Ledger = ASLEEP,
    observation: Observation = SERVING,
    problem: str | None = None,
) -> list[str]:
    """Of which kinds that is."""
    return [notice.kind.value for notice in told(what, ledger, observation, problem)]


# ------------------------------------------------------------------------------------------- wakes


def test_a_wake_says_by_whom_and_why() -> None:
    """And whom to tell."""
    start = plan(Action.START, Rule.HOLD, "it is held", "First")

    assert told(start, replace(ASLEEP, demand_by=OPS), Absent()) == (
        Notice(
            NoticeKind.WAKING, "reviews", NOW, "it is held", OPS, "First", "ml-team", UNTIL, None,
            TOPIC,
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "by"), [(Rule.WAITING_WORK, OPS), (Rule.HOLD, OPS), (Rule.SCHEDULE, None)]
)
def test_only_who_has_asked_is_named(rule: Rule, by: str | None) -> None:
    """A window is nobody's doing, whoever has asked for it before."""
    start = plan(Action.START, rule, config="First")

    (notice,) = told(start, replace(ASLEEP, demand_by=OPS), Absent())

    assert notice.by == by


def test_each_wake_is_told() -> None:
    """Also one after another, since each was asked of SageMaker."""
    start = plan(Action.START, Rule.HOLD, config="First")

    assert kinds(start, decided(start), Absent()) == ["waking"]


def test_a_wake_on_another_config_says_what_has_failed() -> None:
    """Names that come from ARNs are in lower case."""
    start = plan(Action.START, Rule.HOLD, config="second")
    ledger = replace(ASLEEP, failures={"first": failed(NOW)})

    woken, fallen_back = told(start, ledger, Absent())

    assert (woken.kind, woken.config_name) == (NoticeKind.WAKING, "second")
    assert fallen_back.kind is NoticeKind.FALLEN_BACK
    assert fallen_back.reason == "it is started from EndpointConfig second, not from First"
    assert fallen_back.detail == "no capacity"
    assert kinds(replace(start, config_name="first"), ledger, Absent()) == ["waking"]


def test_serving_says_by_whom_it_was_woken() -> None:
    """And on what it runs."""
    up = plan(Action.STAY_UP, Rule.HOLD, "it is held")

    notice = news.of_serving(SPEC, Ledger(demand_by=OPS), SERVING, up, NOW)

    assert (notice.kind, notice.by, notice.reason) == (NoticeKind.SERVING, OPS, "it is held")
    assert (notice.config_name, notice.until, notice.topic) == ("First", UNTIL, TOPIC)


@pytest.mark.parametrize(
    ("action", "rule"),
    [
        (Action.STAY_UP, Rule.RECENT_ACTIVITY),
        (Action.STAY_DOWN, Rule.OTHERWISE_DOWN),
        (Action.STAY_DOWN, Rule.SUSPENDED),
        (Action.CLOSE, Rule.OTHERWISE_DOWN),
        (Action.REOPEN, Rule.HOLD),
        (Action.WAIT, Rule.IN_TRANSITION),
        (Action.UPDATE, Rule.RECENT_ACTIVITY),
        (Action.STAY_UP, Rule.FAIL_SAFE),
    ],
)
def test_what_is_no_news_is_not_told(action: Action, rule: Rule) -> None:
    """An owner who hears everything listens to nothing."""
    assert told(plan(action, rule)) == ()


# ------------------------------------------------------------------------------------------ sleeps


@pytest.mark.parametrize("rule", [Rule.OTHERWISE_DOWN, Rule.TEARDOWN, Rule.SLEEP, Rule.BLACKOUT])
def test_a_stop_is_told_when_it_is_carried_out(rule: Rule) -> None:
    """Not while requests are under way, nor where SageMaker refuses."""
    stop = plan(Action.STOP, rule, "no request for 15m")
    closing = decided(plan(Action.CLOSE, rule, "no request for 15m; no request is let through"))

    (notice,) = told(stop, closing)

    assert (notice.kind, notice.reason) == (NoticeKind.ASLEEP, "no request for 15m")
    assert kinds(stop, closing, problem="DeleteEndpoint refused: no") == []


def test_a_stop_is_told_once() -> None:
    """DeleteEndpoint is called with each tick until it is gone."""
    stop = plan(Action.STOP, Rule.OTHERWISE_DOWN, "no request for 15m")
    driven_on = replace(stop, rule=Rule.TEARDOWN)

    assert kinds(driven_on, decided(stop)) == []


def test_a_stop_that_was_refused_at_first_is_told_when_it_is_not() -> None:
    """Though the plan is the same."""
    stop = plan(Action.STOP, Rule.OTHERWISE_DOWN, "no request for 15m")

    assert kinds(stop, decided(stop, "DeleteEndpoint refused: no")) == ["asleep"]


def test_who_has_suspended_it_is_named() -> None:
    """Not who has asked for it."""
    stop = plan(Action.STOP, Rule.SUSPENDED)
    ledger = replace(ASLEEP, suspended_by=OPS, demand_by="somebody")

    (notice,) = told(stop, ledger)

    assert notice.by == OPS


# ---------------------------------------------------------------------------------------- failures

CLEAR = plan(Action.CLEAR, Rule.BROKEN, "it is Failed and is deleted")
BROKEN = seen(EndpointStatus.FAILED, config_name="First", failure_reason="no capacity")


def test_a_failure_is_told_with_its_reason() -> None:
    """SageMaker's own, and of which config."""
    (notice,) = told(CLEAR, ASLEEP, BROKEN)

    assert (notice.kind, notice.detail, notice.config_name) == (
        NoticeKind.FAILED,
        "no capacity",
        "First",
    )


def test_a_failure_is_told_once() -> None:
    """While it is being deleted, and when the same config fails again soon after."""
    assert kinds(CLEAR, decided(CLEAR), BROKEN) == []
    lately = replace(ASLEEP, failures={"first": failed(NOW - timedelta(hours=2))})
    assert kinds(CLEAR, lately, BROKEN) == []


def test_a_failure_is_news_again_the_next_day() -> None:
    """Nobody remembers what was told then."""
    yesterday = replace(ASLEEP, failures={"first": failed(NOW - timedelta(days=1))})
    assert kinds(CLEAR, yesterday, BROKEN) == ["failed"]


def test_the_failure_of_another_config_is_news() -> None:
    """The fall-back does not hold either."""
    ledger = replace(ASLEEP, failures={"first": failed(NOW)})
    broken = replace(BROKEN, config_name="second")

    assert kinds(CLEAR, ledger, broken) == ["failed"]


def test_a_refused_creation_is_a_failure() -> None:
    """Of that config, and it is no wake."""
    start = plan(Action.START, Rule.HOLD, "it is held", "First")
    refused = "CreateEndpoint refused: ResourceLimitExceeded: The account-level limit"

    (notice,) = told(start, ASLEEP, Absent(), refused)

    assert (notice.kind, notice.detail) == (NoticeKind.FAILED, refused)
    assert notice.reason.startswith("CreateEndpoint from EndpointConfig First was refused; it is")
    known = replace(ASLEEP, failures={"first": failed(NOW)})
    assert kinds(start, known, Absent(), refused) == []


@pytest.mark.parametrize(
    "problem",
    [
        "CreateEndpoint refused: ThrottlingException: Rate exceeded",
        "CreateEndpoint failed: Read timeout",
        "UpdateItem refused: ProvisionedThroughputExceededException: slower",
    ],
)
def test_what_only_keeps_a_start_for_a_minute_is_not_told(problem: str) -> None:
    """It is no failure of the endpoint's."""
    assert kinds(plan(Action.START, Rule.HOLD, config="First"), ASLEEP, Absent(), problem) == []


OPEN = plan(Action.STAY_DOWN, Rule.CIRCUIT)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # It begins.
        (1, None, ["circuit open"]),
        (4, 1, ["circuit open"]),
        # One more try has failed.
        (2, None, []),
        (4, 2, []),
    ],
)
def test_an_open_circuit_is_told_when_it_begins(
    first: int, second: int | None, expected: list[str]
) -> None:
    """Each retry closes and opens it."""
    counts = {"first": first, "second": second}
    failures = {name: failed(*[NOW] * count) for name, count in counts.items() if count}

    assert kinds(OPEN, replace(ASLEEP, failures=failures), Absent()) == expected


def test_an_open_circuit_is_told_when_it_is_given_up() -> None:
    """Then only somebody's doing closes it."""
    ledger = replace(ASLEEP, failures={"first": failed(*[NOW] * 10)})

    assert kinds(replace(OPEN, next_look_at=None), ledger, Absent()) == ["circuit open"]


def test_an_open_circuit_is_told_once() -> None:
    """It is decided anew with each tick."""
    ledger = decided(OPEN, failures={"first": failed(NOW)})

    assert kinds(OPEN, ledger, Absent()) == []


@pytest.mark.parametrize("rule", [Rule.STUCK, Rule.REFUSED])
def test_what_stays_so_is_told_when_it_begins(rule: Rule) -> None:
    """And not with each tick."""
    wait = plan(Action.WAIT, rule)
    kind = {Rule.STUCK: "stuck", Rule.REFUSED: "refused"}[rule]

    assert kinds(wait) == [kind]
    assert kinds(wait, decided(wait)) == []


def test_a_refused_spec_is_told_and_again_for_another_reason() -> None:
    """Nobody's topic is known then: its tags can't be obeyed."""
    refusal = Refusal("reviews", "the tag dormouse:budget")
    wait = plan(Action.WAIT, Rule.REFUSED, "left as it is, since the tag dormouse:budget")

    (notice,) = news.of_refusal(ASLEEP, refusal, wait, NOW)

    assert (notice.kind, notice.reason) == (NoticeKind.REFUSED, wait.reason)
    assert (notice.topic, notice.owner) == (None, None)
    assert news.of_refusal(decided(wait), refusal, wait, NOW) == ()
    other = replace(wait, reason="left as it is, since the tag dormouse:schedule")
    assert len(news.of_refusal(decided(wait), refusal, other, NOW)) == 1


@pytest.mark.parametrize("why", [Why.NOT_OURS, Why.NOT_VISIBLE_YET])
def test_what_somebody_else_manages_is_not_told(why: Why) -> None:
    """Nothing is to be mended."""
    wait = plan(Action.WAIT, Rule.REFUSED)

    assert news.of_refusal(ASLEEP, Refusal("reviews", "because", why), wait, NOW) == ()


# ---------------------------------------------------------------------------------------- roll-outs


def test_a_roll_out_is_told_when_it_has_ended() -> None:
    """On which config it serves now."""
    ledger = Ledger(described=replace(SERVING, config_name="zeroth"))

    (notice,) = news.of_update(SPEC, ledger, SERVING, NOW)

    assert (notice.kind, notice.config_name) == (NoticeKind.ROLLED_OUT, "First")


def test_a_return_is_no_roll_out() -> None:
    """It had run on a fall-back."""
    ledger = Ledger(described=replace(SERVING, config_name="SECOND"))

    (notice,) = news.of_update(SPEC, ledger, SERVING, NOW)

    assert (notice.kind, notice.config_name) == (NoticeKind.RETURNED, "First")
    assert notice.reason == "it had fallen back on EndpointConfig SECOND"


def rolled_back(ledger: Ledger) -> tuple[Notice, ...]:
    """What is told when an update to the first config has ended on another."""
    on_another = replace(SERVING, config_name="zeroth")
    return news.of_failed_update(SPEC, ledger, "First", "bad image", seen=on_another, now=NOW)


def broken(*times: datetime) -> Failure:
    """What is remembered of failures that don't mend themselves."""
    failure = None
    for at in times:
        failure = failed_again(failure, at, "bad image")
    assert failure is not None
    return failure


def test_a_roll_out_that_fails_says_what_serves() -> None:
    """And why the other does not."""
    (notice,) = rolled_back(ASLEEP)

    assert (notice.kind, notice.config_name, notice.detail) == (
        NoticeKind.ROLLOUT_FAILED,
        "First",
        "bad image",
    )
    assert notice.reason == "it serves on EndpointConfig zeroth: the update to First failed"


def test_a_roll_out_that_fails_again_is_told_when_it_is_given_up() -> None:
    """Not each of the tries between, whether it is refused or rolled back."""
    lately = NOW - timedelta(hours=1)
    update = plan(Action.UPDATE, Rule.RECENT_ACTIVITY, "it runs on zeroth", "First")
    refused = "UpdateEndpoint refused: ValidationException: Could not find model"
    again = replace(ASLEEP, failures={"first": broken(*[lately] * 3)})
    last = replace(ASLEEP, failures={"first": broken(*[lately] * 9)})

    assert rolled_back(again) == ()
    assert kinds(update, again, SERVING, refused) == []
    for (notice,) in (rolled_back(last), told(update, last, SERVING, refused)):
        assert notice.kind is NoticeKind.ROLLOUT_FAILED
        assert notice.reason.endswith(", 10 times in a row, and it is not tried again")


def test_an_update_that_is_refused_is_a_roll_out_that_has_failed() -> None:
    """Once; and not where SageMaker is only busy."""
    update = plan(Action.UPDATE, Rule.RECENT_ACTIVITY, "it runs on zeroth", "First")
    refused = "UpdateEndpoint refused: ValidationException: Could not find model"
    busy = 'UpdateEndpoint refused: ValidationException: Cannot update in-progress endpoint "arn:…"'

    assert kinds(update, ASLEEP, SERVING, refused) == ["rollout failed"]
    assert kinds(update, ASLEEP, SERVING, busy) == []
    known = replace(ASLEEP, failures={"first": failed(NOW)})
    assert kinds(update, known, SERVING, refused) == []


# ------------------------------------------------------------------------------------------- money


def warned(
    up: timedelta, *, warned: bool = False, month: str = "2026-02", spec: Spec = SPEC
) -> Notice | None:
    """What is told when former lives have taken so long, and it is up since half an hour."""
    ledger = Ledger(
        spent=Spent(month, up=up, warned=warned),
        rate=Rate("First", Decimal(1), "1 x ml.m5.xlarge"),
        created_at=NOW - timedelta(minutes=30),
        serving_since=NOW - timedelta(minutes=20),
    )
    up_plan = plan(Action.STAY_UP, Rule.RECENT_ACTIVITY)
    return news.of_budget(spec, ledger, up_plan, NOW, TIMING)


def test_an_owner_is_warned_at_eighty_percent() -> None:
    """The present life counts; it says when the budget will be spent."""
    assert warned(timedelta(hours=7, minutes=29)) is None

    notice = warned(timedelta(hours=7, minutes=30))

    assert notice is not None
    assert notice.kind is NoticeKind.BUDGET_WARNING
    assert notice.reason.startswith(
        "most of its budget is spent: 8.0h of 10h in 2026-02, estimated"
    )
    assert notice.until == NOW + timedelta(hours=2)
    assert notice.topic == TOPIC


def test_an_owner_is_warned_once_in_a_month() -> None:
    """And anew in the next."""
    up = timedelta(hours=9)

    assert warned(up, warned=True) is None
    assert warned(up) is not None
    assert warned(up, month="2026-01") is None


def test_what_is_spent_or_has_no_budget_is_not_warned_of() -> None:
    """The one is told otherwise; the other has nothing to be near to."""
    assert warned(timedelta(hours=10)) is None
    assert warned(timedelta(hours=9), spec=replace(SPEC, budget=None)) is None


SPENT_STOP = plan(Action.STOP, Rule.BUDGET, "the budget of 2026-02 is spent")
SPENT = replace(SPENT_STOP, action=Action.STAY_DOWN)


def test_a_spent_budget_is_told_with_the_sleep_that_follows() -> None:
    """Whichever of them comes first."""
    close = replace(SPENT_STOP, action=Action.CLOSE)

    assert kinds(close) == ["budget spent"]
    assert kinds(SPENT_STOP, decided(close)) == ["asleep"]
    assert kinds(SPENT_STOP) == ["budget spent", "asleep"]


@pytest.mark.parametrize("rule", [Rule.BUDGET, Rule.TEARDOWN, Rule.IN_TRANSITION])
def test_a_spent_budget_is_told_once(rule: Rule) -> None:
    """Not again when it is gone, by whichever rule it went."""
    before = decided(plan(Action.WAIT, rule))

    assert kinds(SPENT, before, Absent()) == []


def test_a_budget_that_is_spent_while_it_sleeps_is_told() -> None:
    """Its owner has made it smaller."""
    assert kinds(SPENT, ASLEEP, Absent()) == ["budget spent"]


def test_a_budget_that_is_spent_in_an_update_is_told_after_it() -> None:
    """It could not be stopped before."""
    updating = decided(plan(Action.WAIT, Rule.IN_TRANSITION))

    assert kinds(SPENT_STOP, updating) == ["budget spent", "asleep"]
