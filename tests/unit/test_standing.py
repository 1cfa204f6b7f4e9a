"""An endpoint's standing as JSON: every field in every state, and times that are always UTC."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from dormouse.control import Standing
from dormouse.domain.claims import Claim, Refusal
from dormouse.domain.endpoint import Absent, EndpointStatus
from dormouse.domain.ledger import Decision, Ledger, PastDecision
from dormouse.domain.principals import parse_principals
from dormouse.domain.spec import Spec
from dormouse.standing import write_standing
from tests.fakes.shapes import check_endpoint
from tests.unit.planning import STATUSES, observed, seen

NOW = datetime(2026, 11, 22, 16, 25, 49, 120_000, tzinfo=UTC)
SPEC = Spec("reviews", "Reviews-Config", timedelta(minutes=15))
DECISION = Decision("stay up", "recent activity", "needed", NOW + timedelta(minutes=5))
STANDING = Standing(
    at=NOW,
    account_id="123456789012",
    expected_wake=timedelta(minutes=8),
    claim=SPEC,
    ledger=Ledger(decision=DECISION, decided_at=NOW),
    seen=Absent(),
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
        "idle_timeout_seconds": 900,
        "principals": ["123456789012"],
        "hold_until": "2026-11-22T17:25:49.120Z",
        "last_request_at": "2026-11-22T16:24:49.120Z",
        "problem": None,
        "decision": decision,
        "next": "it may stop then, unless it is used before",
        "next_at": "2026-11-22T16:30:49.120Z",
        "expected_wake_seconds": 480,
        "decisions": [decision],
    }


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
    assert written(claim=claim, ledger=Ledger(principals=remembered))["principals"] == shown


def test_what_is_refused_says_why_and_has_no_config() -> None:
    """Which config speaks for it is what can't be said."""
    answer = written(claim=Refusal("reviews", "several EndpointConfigs claim it"))

    assert answer["problem"] == "several EndpointConfigs claim it"
    assert answer["endpoint_config"] is answer["idle_timeout_seconds"] is None
