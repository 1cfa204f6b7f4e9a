"""The steps of an accepted request's life, and the queue that it stands in after each."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from dormouse.domain.parked_request import (
    Kind,
    ParkedRequest,
    Queue,
    Result,
    Status,
    answered,
    cancelled,
    claim_extended,
    claimed,
    expired,
    failed,
    given_back,
    model_key,
    parked_again,
    published,
    queue_of,
    released,
    replayed,
    tried,
)

NOW = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
RESULT = Result(200, {"content-type": "application/json"}, "result")
PARKED = ParkedRequest(
    endpoint="reviews",
    id="reviews.1",
    kind=Kind.RESPOND_ASYNC,
    status=Status.PARKED,
    principal="jo",
    headers={"x-amzn-sagemaker-target-model": "a.tar.gz"},
    body_key="body",
    accepted_at=NOW,
    expires_at=NOW + timedelta(hours=6),
    fingerprint="f",
    completion_topic="topic",
)
RELEASED = released(PARKED, NOW)
CLAIMED = claimed(RELEASED, "mine", LATER)

STEPS: dict[
    str, tuple[ParkedRequest, Callable[[ParkedRequest], ParkedRequest], Status, Queue | None]
] = {
    "released": (PARKED, lambda r: released(r, NOW), Status.RELEASED, Queue.RELEASED),
    "claimed": (RELEASED, lambda r: claimed(r, "mine", LATER), Status.ANSWERING, Queue.RELEASED),
    "extended": (CLAIMED, lambda r: claim_extended(r, LATER), Status.ANSWERING, Queue.RELEASED),
    "given back": (CLAIMED, lambda r: given_back(r, NOW), Status.RELEASED, Queue.RELEASED),
    "tried": (CLAIMED, lambda r: tried(r, NOW, "why"), Status.RELEASED, Queue.RELEASED),
    "parked again": (CLAIMED, parked_again, Status.PARKED, Queue.PARKED),
    "answered": (CLAIMED, lambda r: answered(r, RESULT, NOW), Status.ANSWERED, Queue.PUBLISHING),
    "failed": (CLAIMED, lambda r: failed(r, "why", NOW), Status.FAILED, Queue.PUBLISHING),
    "expired": (PARKED, lambda r: expired(r, LATER), Status.EXPIRED, Queue.PUBLISHING),
    "cancelled": (PARKED, lambda r: cancelled(r, NOW), Status.CANCELLED, None),
    "published": (answered(CLAIMED, RESULT, NOW), published, Status.ANSWERED, None),
    "replayed": (
        failed(CLAIMED, "why", NOW),
        lambda r: replayed(r, NOW, LATER),
        Status.PARKED,
        Queue.PARKED,
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_counts_and_leads_where_it_says(step: str) -> None:
    """By the revision it is known that no other was taken meanwhile."""
    before, take, status, queue = STEPS[step]
    after = take(before)

    assert after.revision == before.revision + 1
    assert (after.status, queue_of(after)) == (status, queue)
    assert (after.endpoint, after.id, after.body_key) == ("reviews", "reviews.1", "body")


@pytest.mark.parametrize("step", ["given back", "tried", "parked again", "answered", "failed"])
def test_a_claim_ends_with_what_becomes_of_it(step: str) -> None:
    """Nobody waits for it to run out."""
    before, take, _, _ = STEPS[step]
    after = take(before)

    assert (after.claim, after.claimed_until) == (None, None)


def test_only_failures_count_as_tries() -> None:
    """And a claim that never ends: it counts from its beginning."""
    assert CLAIMED.tries == 1
    assert tried(CLAIMED, NOW, "why").tries == 1
    assert given_back(CLAIMED, NOW).tries == 0
    assert parked_again(CLAIMED).tries == 0
    assert claim_extended(CLAIMED, LATER).tries == 1


def test_a_claim_can_be_taken_over_when_it_has_run_out() -> None:
    """Whoever had it is gone by then."""
    assert RELEASED.is_claimable(NOW)
    assert not PARKED.is_claimable(NOW)
    assert not CLAIMED.is_claimable(LATER - timedelta(seconds=1))
    assert CLAIMED.is_claimable(LATER)


def test_what_is_being_answered_does_not_expire() -> None:
    """Its answer is worth having; but a claim that has run out is nobody's."""
    late = PARKED.expires_at
    being_answered = claimed(RELEASED, "mine", late + timedelta(minutes=1))

    assert PARKED.is_expired(late)
    assert RELEASED.is_expired(late)
    assert not being_answered.is_expired(late)
    assert being_answered.is_expired(late + timedelta(minutes=1))
    assert not PARKED.is_expired(late - timedelta(seconds=1))


def test_a_replayed_one_is_as_if_it_had_just_come() -> None:
    """Its former failure is forgotten."""
    again = replayed(failed(CLAIMED, "why", NOW, RESULT), LATER, LATER + timedelta(hours=1))

    assert (again.accepted_at, again.tries, again.reason, again.result) == (LATER, 0, None, None)


def test_held_ones_stand_in_no_queue() -> None:
    """Their caller waits at the door."""
    held = ParkedRequest(
        **{name: getattr(CLAIMED, name) for name in ParkedRequest.__dataclass_fields__}
        | {"kind": Kind.HELD}
    )

    assert queue_of(held) is None
    assert queue_of(failed(held, "why", NOW)) is None


def test_models_are_told_apart_by_short_keys() -> None:
    """Names may have 1024 characters."""
    assert len(model_key("m" * 1024)) == len(model_key("")) == 16
    assert model_key("a") != model_key("b")
