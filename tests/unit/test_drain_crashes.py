"""A drain that is cut off at any point, or refused anything: the next one mends it."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from dormouse.domain.parked_request import Status
from dormouse.drain import Fate
from dormouse.errors import AwsError
from tests.fakes.draining import (
    BROKEN,
    FAILURE,
    GONE,
    NOT_READY,
    OUTPUT,
    PREDICTION,
    REFUSED,
    TOPIC,
    Answer,
    Desk,
)


class Killed(BaseException):
    """Lambda has ended the process."""


Fault = Callable[[], BaseException]
FAULTS: list[Fault] = [Killed, lambda: AwsError("refused, or done and the answer lost")]


def count_happenings(answers: list[Answer]) -> int:
    """Count the points at which a run may be cut off."""
    desk, happened = new_desk(answers), [0]

    def note(operation: str, is_done: bool) -> None:
        happened[0] += 1

    desk.disturb = note
    desk.answer()
    return happened[0]


def new_desk(answers: list[Answer]) -> Desk:
    """Let a request have its turn whose end is to be told everywhere."""
    desk = Desk()
    desk.runtime.answers = list(answers)
    desk.release(output_location=OUTPUT, failure_location=FAILURE, completion_topic=TOPIC)
    return desk


def cut_off(desk: Desk, at: int, fault: Fault) -> None:
    """Answer the next, and let that end at a point."""
    happened = [0]

    def disturb(operation: str, is_done: bool) -> None:
        happened[0] += 1
        if happened[0] == at:
            raise fault()

    desk.disturb = disturb
    with suppress(Killed, AwsError):
        desk.answer()
    assert happened[0] >= at
    desk.disturb = lambda operation, is_done: None


@pytest.mark.parametrize("fault", FAULTS, ids=["killed", "refused"])
@pytest.mark.parametrize(
    ("answers", "end", "body"),
    [
        ([PREDICTION], Status.ANSWERED, PREDICTION.response.body),
        ([NOT_READY, PREDICTION], Status.ANSWERED, PREDICTION.response.body),
        ([REFUSED], Status.FAILED, REFUSED.response.body),
    ],
    ids=["answered", "waited for", "refused for good"],
)
def test_it_ends_with_one_result_that_is_told(
    answers: list[Answer], end: Status, body: bytes, fault: Fault
) -> None:
    """Wherever the first run was cut off."""
    points = count_happenings(answers)
    assert points >= 16
    for at in range(1, points + 1):
        desk = new_desk(answers)
        (request,) = desk.records.stored.values()

        cut_off(desk, at, fault)
        desk.catch_up()
        desk.catch_up()

        after = desk.now(request)
        assert (after.status, after.is_published) == (end, True), at
        ends = [step for step in desk.records.history if step.status.is_final]
        assert len([step for step in ends if not step.is_published]) == 1, at
        if after.result is not None:
            assert desk.payloads.get(after.result.body_key) == body, at
        assert (OUTPUT if end is Status.ANSWERED else FAILURE) in desk.locations.objects, at
        assert len(set(desk.notifications.published)) == 1, at
        letters = {letter.request_id for letter in desk.dead_letters.letters}
        assert letters == ({request.id} if end is Status.FAILED else set()), at


@pytest.mark.parametrize("fault", FAULTS, ids=["killed", "refused"])
def test_it_is_parked_again_with_its_demand(fault: Fault) -> None:
    """Nobody else may note meanwhile that nothing waits, once it is parked."""
    for at in range(1, count_happenings([GONE]) + 1):
        desk = new_desk([GONE])
        (request,) = desk.records.stored.values()

        cut_off(desk, at, fault)
        assert desk.ledger.has_requests
        if desk.now(request).status is Status.PARKED:
            assert desk.ledger.has_unmet_demand, at
        desk.catch_up()

        assert desk.now(request).status is Status.PARKED, at
        assert desk.ledger.has_unmet_demand, at
        desk.runtime.answers = [PREDICTION]


@pytest.mark.parametrize("fault", FAULTS, ids=["killed", "refused"])
def test_a_failure_is_tried_no_more_often_than_it_may(fault: Fault) -> None:
    """Whatever becomes of the drains."""
    for at in range(1, count_happenings([BROKEN]) + 1):
        desk = new_desk([BROKEN])
        (request,) = desk.records.stored.values()

        cut_off(desk, at, fault)
        for _ in range(4):
            desk.catch_up()

        after = desk.now(request)
        assert (after.status, after.is_published) == (Status.FAILED, True), at
        assert len(desk.runtime.requests) <= 3, at
        assert desk.answer().fate is Fate.NOTHING_DUE
