"""The endpoint's states: only what SageMaker allows, and when."""

import itertools

import pytest

from local.sagemaker.lifecycle import (
    SERVING,
    TRANSITIONS,
    Condition,
    Happening,
    IllegalTransition,
    Pace,
    Status,
    due,
    follow,
    is_gone,
)

PACE = Pace(create_seconds=20, delete_seconds=3, ping_timeout_seconds=240)


@pytest.mark.parametrize(
    ("status", "happening", "following"),
    [
        ("Creating", Happening.SERVED, "InService"),
        ("Creating", Happening.FAILED, "Failed"),
        ("InService", Happening.UPDATE_ASKED, "Updating"),
        ("InService", Happening.DELETE_ASKED, "Deleting"),
        ("Updating", Happening.SERVED, "InService"),
        ("Updating", Happening.FAILED, "RollingBack"),
        ("RollingBack", Happening.ROLLED_BACK, "InService"),
        ("Failed", Happening.DELETE_ASKED, "Deleting"),
    ],
)
def test_what_may_happen(status: str, happening: Happening, following: str) -> None:
    """Each row of SageMaker's life of an endpoint."""
    assert follow(Status(status), happening) == following


@pytest.mark.parametrize(
    ("status", "happening"),
    [pair for pair in itertools.product(Status, Happening) if pair not in TRANSITIONS],
)
def test_what_may_not_happen(status: Status, happening: Happening) -> None:
    """Everything else is refused, as: delete while Creating, update while Failed."""
    with pytest.raises(IllegalTransition):
        follow(status, happening)


def test_deleting_has_no_way_back() -> None:
    """No happening leads out of Deleting: the endpoint only ceases to exist."""
    assert not [status for status, _ in TRANSITIONS if status is Status.DELETING]


def test_a_failed_endpoint_does_not_serve() -> None:
    """Nor does one that is being created or deleted."""
    assert {Status.IN_SERVICE, Status.UPDATING, Status.ROLLING_BACK} == SERVING


@pytest.mark.parametrize(
    ("status", "condition", "seconds", "expected"),
    [
        (Status.CREATING, Condition.STARTING, 19.9, None),
        (Status.CREATING, Condition.ANSWERING, 19.9, None),
        (Status.CREATING, Condition.ANSWERING, 20.0, Happening.SERVED),
        # Its time has come, but the container does not answer yet: no served, and no failed.
        (Status.CREATING, Condition.STARTING, 20.0, None),
        (Status.CREATING, Condition.STARTING, 239.9, None),
        (Status.CREATING, Condition.STARTING, 240.0, Happening.FAILED),
        (Status.CREATING, Condition.ENDED, 0.1, Happening.FAILED),
        (Status.UPDATING, Condition.ANSWERING, 20.0, Happening.SERVED),
        (Status.UPDATING, Condition.ENDED, 1.0, Happening.FAILED),
        (Status.ROLLING_BACK, None, 0.9, None),
        (Status.ROLLING_BACK, None, 1.0, Happening.ROLLED_BACK),
        (Status.IN_SERVICE, None, 1e9, None),
        (Status.FAILED, None, 1e9, None),
        (Status.DELETING, None, 1e9, None),
    ],
)
def test_when_it_happens(
    status: Status, condition: Condition | None, seconds: float, expected: Happening | None
) -> None:
    """What is due depends on the container and on the time in the status, to the tenth."""
    assert due(status, condition, seconds, PACE) is expected


@pytest.mark.parametrize(
    ("status", "left", "seconds", "gone"),
    [
        (Status.DELETING, 0, 2.9, False),
        (Status.DELETING, 1, 3.0, False),
        (Status.DELETING, 0, 3.0, True),
        (Status.FAILED, 0, 3.0, False),
    ],
)
def test_when_it_is_gone(status: Status, left: int, seconds: float, gone: bool) -> None:
    """Not before its containers have ended, and not before the delay."""
    assert is_gone(status, left, seconds, PACE) is gone
