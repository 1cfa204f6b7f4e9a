"""An endpoint's standing as JSON: every field in every state, and times that are always UTC."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from dormouse.control import Standing
from dormouse.domain.claims import Claim, Refusal
from dormouse.domain.decision_page import Decided
from dormouse.domain.dry_run import dry_run
from dormouse.domain.endpoint import Absent, EndpointStatus
from dormouse.domain.failures import Failure, FailureKind
from dormouse.domain.ledger import Closing, Decision, KeptDown, Ledger, PastDecision
from dormouse.domain.named_schedules import parse_schedule
from dormouse.domain.parked_request import Kind, ParkedRequest, Status
from dormouse.domain.principals import parse_principals
from dormouse.domain.spec import Policy, Spec
from dormouse.domain.spending import Budget, Rate, Spent
from dormouse.domain.terms import Terms
from dormouse.domain.waiting import NOBODY
from dormouse.domain.warm_up import WarmUp
from dormouse.standing import (
    write_decisions,
    write_dry_run,
    write_replay,
    write_request,
    write_standing,
)
from dormouse.waiting_requests import Backlog, Replay
from tests.fakes.shapes import check_decisions, check_dry_run, check_endpoint, check_request
from tests.unit.planning import STATUSES, TIMING, observed, seen

NOW = datetime(2026, 11, 22, 16, 25, 49, 120_000, tzinfo=UTC)
SPEC = Spec("reviews", "Reviews-Config", timedelta(minutes=15), policy=Policy.FIXED)
DECISION = Decision("stay up", "recent activity", "needed", NOW + timedelta(minutes=5))
STANDING = Standing(
    at=NOW,
    account_id="123456789012",
    expected_wake=timedelta(minutes=8),
    claim=SPEC,
    ledger=Ledger(decision=DECISION, decided_at=NOW),
    seen=Absent(),
    spent=Spent("2026-11"),
)


def written(standing: Standing = STANDING, **changes: Any) -> dict[str, Any]:
    """Write a standing, and hold it against the contract."""
    answer = write_standing(replace(standing, **changes))
    check_endpoint(answer, with_decisions="history" in changes)
    return answer


@pytest.mark.parametrize("status", STATUSES)
def test_every_status(status: EndpointStatus | None) -> None:
    """SageMaker's own word beside ours."""
    answer = written(seen=observed(status))

    assert answer["status"] == status
    assert (answer["status_since"] is None) is (status is None)
    assert answer["failure_reason"] is None


def test_the_whole_of_one_that_has_failed() -> None:
    """Each field from where it belongs."""
    answer = written(
        seen=seen(EndpointStatus.FAILED, failure_reason="InsufficientInstanceCapacity"),
        ledger=Ledger(
            hold_until=NOW + timedelta(hours=1),
            last_request_at=NOW - timedelta(minutes=1),
            decision=DECISION,
            decided_at=NOW - timedelta(seconds=30),
        ),
        history=[PastDecision(NOW - timedelta(seconds=30), DECISION)],
    )

    decision = {
        "at": "2026-11-22T16:25:19.120Z",
        "action": "stay up",
        "rule": "recent activity",
        "reason": "needed",
        "until": "2026-11-22T16:30:49.120Z",
    }
    assert answer == {
        "name": "reviews",
        "state": "failed",
        "status": "Failed",
        "status_since": "2026-02-16T09:00:00.000Z",
        "failure_reason": "InsufficientInstanceCapacity",
        "endpoint_config": "Reviews-Config",
        "fall_backs": [],
        "running_config": "reviews-config",
        "is_fallen_back": False,
        "failures": [],
        "idle_timeout_seconds": 900,
        "delay_cost_seconds": None,
        "min_up_seconds": 0,
        "max_up_seconds": None,
        "schedule": None,
        "blackout": None,
        "policy": "fixed",
        "owner": None,
        "spent": {
            "month": "2026-11",
            "hours": 0.0,
            "budget": None,
            "share": None,
            "estimate": None,
        },
        "principals": ["123456789012"],
        "hold_until": "2026-11-22T17:25:49.120Z",
        "suspended_at": None,
        "suspended_by": None,
        "kept_down": None,
        "last_request_at": "2026-11-22T16:24:49.120Z",
        "demand_by": None,
        "warm_up": None,
        "waiting": None,
        "problem": None,
        "decision": decision,
        "next": "it may stop then, unless it is used before",
        "next_at": "2026-11-22T16:30:49.120Z",
        "expected_wake_seconds": 480,
        "decisions": [decision],
    }


@pytest.mark.parametrize(
    ("policy", "timeout", "cost"),
    [
        (Policy.FIXED, 900, None),
        (Policy.BREAK_EVEN, 480 + 2700, 2700),
        (Policy.FORECAST, None, 2700),
    ],
)
def test_what_decides_when_nobody_asks(
    policy: Policy, timeout: int | None, cost: int | None
) -> None:
    """The timeout as it is now, by the learned wake; a forecast has another one each time."""
    spec = replace(
        SPEC,
        policy=policy,
        idle_timeout=timedelta(minutes=15) if policy is Policy.FIXED else None,
        delay_cost=timedelta(minutes=45),
    )
    answer = written(claim=spec)

    assert answer["policy"] == policy
    assert answer["idle_timeout_seconds"] == timeout
    assert answer["delay_cost_seconds"] == cost


def test_before_the_first_tick() -> None:
    """Nothing is decided, and that is said."""
    answer = written(ledger=Ledger(), history=[])

    assert answer["decision"] is answer["next_at"] is None
    assert answer["decisions"] == []
    assert answer["next"] == "it is looked at with the next tick, within a minute"


def test_a_start_has_no_time_at_which_it_happens() -> None:
    """Until when somebody waits is in the decision."""
    start = Decision("start", "waiting work", "a request waits", NOW + timedelta(hours=1))
    answer = written(ledger=Ledger(decision=start, decided_at=NOW))

    assert answer["next_at"] is None
    assert answer["decision"]["until"] == "2026-11-22T17:25:49.120Z"


@pytest.mark.parametrize(("ends_in", "shown"), [(1, True), (0, False), (-1, False)])
def test_a_hold_is_shown_while_it_lasts(ends_in: int, shown: bool) -> None:
    """The ledger keeps one that has ended."""
    until = NOW + timedelta(seconds=ends_in)

    assert (written(ledger=Ledger(hold_until=until))["hold_until"] is not None) is shown


def test_times_are_utc_to_the_millisecond() -> None:
    """In whatever zone SageMaker's answer came."""
    here = seen(EndpointStatus.IN_SERVICE)
    there = replace(
        here, last_modified_at=here.last_modified_at.astimezone(timezone(timedelta(hours=9)))
    )

    assert written(seen=there)["status_since"] == "2026-02-16T09:00:00.000Z"


LISTED = ("arn:aws:iam::123456789012:role/teams/r", "210987654321")


@pytest.mark.parametrize(
    ("claim", "remembered", "shown"),
    [
        (SPEC, None, ["123456789012"]),
        (SPEC, LISTED, ["123456789012"]),  # the tag is gone; reconcile has not looked yet
        (replace(SPEC, principals=parse_principals(" ".join(LISTED))), None, list(LISTED)),
        (Refusal("reviews", "why"), None, []),
        (Refusal("reviews", "why"), (), ["123456789012"]),
        (Refusal("reviews", "why"), LISTED, list(LISTED)),
    ],
)
def test_who_may_invoke_it(
    claim: Claim, remembered: tuple[str, ...] | None, shown: list[str]
) -> None:
    """As the owner wrote it; the own account where he wrote nothing; while refused, the last."""
    terms = None if remembered is None else Terms(remembered)
    assert written(claim=claim, ledger=Ledger(terms=terms))["principals"] == shown


def test_what_is_refused_says_why_and_has_no_config() -> None:
    """Which config speaks for it is what can't be said."""
    answer = written(claim=Refusal("reviews", "several EndpointConfigs claim it"))

    assert answer["problem"] == "several EndpointConfigs claim it"
    assert answer["endpoint_config"] is answer["idle_timeout_seconds"] is None


WARM_UP = WarmUp(
    models=("a", "b", "c", "d", "e"),
    invoked=frozenset({"a", "b", "d"}),
    began_at=NOW - timedelta(minutes=1),
    until=NOW + timedelta(minutes=9),
)


@pytest.mark.parametrize(
    ("warm_up", "shown"),
    [
        (None, None),
        (WARM_UP, {"models": 5, "invoked": 3, "ended_at": None}),
        (
            replace(WARM_UP, ended_at=NOW),
            {"models": 5, "invoked": 3, "ended_at": "2026-11-22T16:25:49.120Z"},
        ),
        (
            replace(WARM_UP, until=NOW),
            {"models": 5, "invoked": 3, "ended_at": "2026-11-22T16:25:49.120Z"},
        ),
    ],
)
def test_how_far_the_warm_up_has_come(
    warm_up: WarmUp | None, shown: dict[str, object] | None
) -> None:
    """Whether all were invoked or its time is over; only while the endpoint serves."""
    ledger = Ledger(warm_up=warm_up)

    assert written(seen=seen(EndpointStatus.IN_SERVICE), ledger=ledger)["warm_up"] == shown
    assert written(seen=seen(EndpointStatus.DELETING), ledger=ledger)["warm_up"] is None
    assert written(seen=Absent(), ledger=ledger)["warm_up"] is None


def test_how_many_requests_wait() -> None:
    """And since when the oldest does."""
    waiting = written(backlog=Backlog(3, 1, NOW - timedelta(minutes=2)))["waiting"]

    assert waiting == {"parked": 3, "released": 1, "oldest_at": "2026-11-22T16:23:49.120Z"}


def test_one_that_is_closing_is_stopping() -> None:
    """Though SageMaker says that it is in service."""
    ledger = Ledger(closing=Closing(NOW, 3, is_forced=False, reason="no request for 15m"))
    answer = written(seen=seen(EndpointStatus.IN_SERVICE), ledger=ledger)

    assert (answer["state"], answer["status"]) == ("stopping", "InService")


LATE = NOW + timedelta(days=1)
WEEK = parse_schedule("Sun 12:00-18:00 UTC")


def test_the_rules_of_its_life() -> None:
    """Each that its owner has asked for, and where it stands with it."""
    spec = replace(
        SPEC,
        min_up=timedelta(minutes=10),
        max_up=timedelta(hours=8),
        schedule=WEEK,
        blackout=parse_schedule("Mon 02:00-04:00 UTC"),
        budget=Budget(hours=Decimal(120)),
        owner="ml-team@example.com",
    )
    spent = Spent("2026-11", timedelta(hours=30), Decimal("6.9"))
    rate = Rate("reviews-config", Decimal("0.23"), "1 x ml.m5.xlarge at $0.23 an hour")
    answer = written(claim=spec, spent=spent, ledger=Ledger(rate=rate))

    assert (answer["min_up_seconds"], answer["max_up_seconds"]) == (600, 28_800)
    assert answer["owner"] == "ml-team@example.com"
    assert answer["schedule"] == {
        "text": "Sun 12:00-18:00 UTC",
        "window": {
            "begins_at": "2026-11-22T12:00:00.000Z",
            "ends_at": "2026-11-22T18:00:00.000Z",
        },
        "next": {
            "begins_at": "2026-11-29T12:00:00.000Z",
            "ends_at": "2026-11-29T18:00:00.000Z",
        },
    }
    assert answer["blackout"]["window"] is None
    assert answer["blackout"]["next"]["begins_at"] == "2026-11-23T02:00:00.000Z"
    assert answer["spent"]["budget"] == "120h"
    assert (answer["spent"]["hours"], answer["spent"]["share"]) == (30.0, 0.25)
    assert "estimated $6.90" in answer["spent"]["estimate"]


def test_a_suspension() -> None:
    """Since when and by whom; it counts at once, before anything is decided by it."""
    answer = written(ledger=Ledger(suspended_at=NOW, suspended_by="jo"))

    assert answer["suspended_at"] == "2026-11-22T16:25:49.120Z"
    assert answer["suspended_by"] == "jo"
    assert answer["kept_down"]["until"] is None
    assert answer["kept_down"]["reason"].startswith("suspended at 2026-11-22 16:25:49 UTC")


def test_what_keeps_it_down() -> None:
    """Until when, where that is known."""
    words = "the budget is spent"
    kept_down = KeptDown("budget spent", words, LATE)
    spent = Decision("stay down", "budget spent", words, LATE, kept_down)
    answer = written(ledger=Ledger(decision=spent, decided_at=NOW))

    assert answer["kept_down"] == {
        "reason": "the budget is spent",
        "until": "2026-11-23T16:25:49.120Z",
    }
    assert answer["next"] == "it stays down until the month ends"
    assert answer["next_at"] == "2026-11-23T16:25:49.120Z"


def test_the_configs_that_it_may_run_on() -> None:
    """The present one by the list too, which does not name it; failed ones as their tags do."""
    spec = replace(SPEC, fall_backs=("Reviews-G5",))
    failure = Failure(1, NOW, FailureKind.CAPACITY, "no capacity")
    present = seen(EndpointStatus.IN_SERVICE, config_name="reviews-g5")
    ledger = Ledger(
        failures={"reviews-config": failure, "former": replace(failure, count=3)},
        described=present,
    )
    for look in (present, replace(present, config_name="")):
        answer = written(claim=spec, seen=look, ledger=ledger)
        assert answer["running_config"] == "reviews-g5"
        assert answer["is_fallen_back"] is True
    assert answer["fall_backs"] == ["Reviews-G5"]
    assert answer["failures"] == [
        {
            "endpoint_config": "former",
            "count": 3,
            "kind": "capacity",
            "reason": "no capacity",
            "at": "2026-11-22T16:25:49.120Z",
            "retry_at": "2026-11-22T16:33:49.120Z",
        },
        {
            "endpoint_config": "Reviews-Config",
            "count": 1,
            "kind": "capacity",
            "reason": "no capacity",
            "at": "2026-11-22T16:25:49.120Z",
            "retry_at": "2026-11-22T16:27:49.120Z",
        },
    ]
    assert written(claim=spec, ledger=ledger)["is_fallen_back"] is False


def test_a_dry_run() -> None:
    """The plan, and what each rule says, in their order."""
    case = Ledger(hold_until=LATE, suspended_at=NOW)
    tried = dry_run(SPEC, case, Absent(), NOBODY, timing=TIMING, at=LATE, now=NOW)
    answer = write_dry_run("reviews", tried)

    check_dry_run(answer)
    assert (answer["action"], answer["rule"]) == ("stay down", "suspended")
    assert answer["at"] == "2026-11-23T16:25:49.120Z"
    applies = {rule["rule"]: rule["applies"] for rule in answer["rules"]}
    assert list(applies)[:3] == ["suspended", "budget spent", "hold"]
    assert [rule for rule in applies if applies[rule]] == ["suspended", "otherwise down"]
    assert answer["notes"] == [
        "as it is seen and remembered now, as if nothing happened until then"
    ]


def test_a_page_of_decisions() -> None:
    """With where the next one begins."""
    page = write_decisions("reviews", Decided([PastDecision(NOW, DECISION)], NOW))

    check_decisions(page)
    assert (page["endpoint"], page["before"]) == ("reviews", "2026-11-22T16:25:49.120Z")
    assert [decision["action"] for decision in page["decisions"]] == ["stay up"]


def test_the_expected_wake_is_rounded_up() -> None:
    """Local wakes may take parts of a second, and never none."""
    answer = written(expected_wake=timedelta(seconds=0.2))

    assert answer["expected_wake_seconds"] == 1


REQUEST = ParkedRequest(
    endpoint="reviews",
    id=f"reviews.{'0' * 32}",
    kind=Kind.RESPOND_ASYNC,
    status=Status.PARKED,
    principal="arn:aws:iam::123456789012:user/jo",
    headers={"x-amzn-sagemaker-target-model": "sentiment.tar.gz"},
    body_key=f"requests/reviews/reviews.{'0' * 32}/body",
    accepted_at=NOW,
    expires_at=NOW + timedelta(hours=6),
    fingerprint="f",
)


def test_a_request() -> None:
    """What somebody needs who asks why it is not answered; nothing of what was sent."""
    answer = write_request(replace(REQUEST, tries=1, reason="the model answered with 500"))

    check_request(answer)
    assert answer == {
        "id": f"reviews.{'0' * 32}",
        "status": "parked",
        "model": "sentiment.tar.gz",
        "accepted_at": "2026-11-22T16:25:49.120Z",
        "expires_at": "2026-11-22T22:25:49.120Z",
        "tries": 1,
        "reason": "the model answered with 500",
        "principal": "arn:aws:iam::123456789012:user/jo",
    }


def test_a_request_that_names_no_model() -> None:
    """SageMaker says what it thinks of that."""
    answer = write_request(replace(REQUEST, headers={}))

    check_request(answer)
    assert answer["model"] is None


def test_a_replay() -> None:
    """How many wait again, and what was left, and why."""
    assert write_replay(Replay(("reviews.1", "reviews.2"), {"reviews.3": "why"}, 4, True)) == {
        "replayed": 2,
        "left": 4,
        "skipped": [{"id": "reviews.3", "reason": "why"}],
        "complete": True,
    }
