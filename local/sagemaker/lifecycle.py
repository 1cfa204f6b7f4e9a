"""The life of an endpoint, as a table. Pure: the clock is an argument, the container's condition is
a value.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html lists the
statuses; those in which SageMaker patches instances by itself (SystemUpdating) have no cause here
and no row.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """EndpointStatus, as the API spells it."""

    CREATING = "Creating"
    UPDATING = "Updating"
    ROLLING_BACK = "RollingBack"
    IN_SERVICE = "InService"
    DELETING = "Deleting"
    FAILED = "Failed"


class Happening(StrEnum):
    """What can happen to an endpoint."""

    SERVED = "its container answers and its time has come"
    FAILED = "its container cannot serve"
    UPDATE_ASKED = "UpdateEndpoint"
    ROLLED_BACK = "the former configuration serves again"
    DELETE_ASKED = "DeleteEndpoint"


class Condition(StrEnum):
    """What is seen of a container."""

    STARTING = "runs, but does not answer /ping"
    ANSWERING = "answers /ping"
    ENDED = "its process has ended"


class IllegalTransition(ValueError):
    """This cannot happen to an endpoint in this status."""


TRANSITIONS: dict[tuple[Status, Happening], Status] = {
    (Status.CREATING, Happening.SERVED): Status.IN_SERVICE,
    (Status.CREATING, Happening.FAILED): Status.FAILED,
    (Status.IN_SERVICE, Happening.UPDATE_ASKED): Status.UPDATING,
    (Status.IN_SERVICE, Happening.DELETE_ASKED): Status.DELETING,
    (Status.UPDATING, Happening.SERVED): Status.IN_SERVICE,
    (Status.UPDATING, Happening.FAILED): Status.ROLLING_BACK,
    (Status.ROLLING_BACK, Happening.ROLLED_BACK): Status.IN_SERVICE,
    (Status.FAILED, Happening.DELETE_ASKED): Status.DELETING,
}

# SageMaker answers invocations in these: during an update the former containers go on serving.
SERVING = frozenset({Status.IN_SERVICE, Status.UPDATING, Status.ROLLING_BACK})
# The rollback has nothing to start, since the former container never stopped; it lasts so that it
# can be seen.
ROLLBACK_SECONDS = 1.0


def follow(status: Status, happening: Happening) -> Status:
    """Return the status that follows; IllegalTransition if this cannot happen now."""
    try:
        return TRANSITIONS[status, happening]
    except KeyError:
        raise IllegalTransition(f"{happening} does not apply to {status}") from None


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take."""

    create_seconds: float
    delete_seconds: float
    ping_timeout_seconds: float


def due(
    status: Status, condition: Condition | None, in_status_seconds: float, pace: Pace
) -> Happening | None:
    """Say what has happened by now to an endpoint that entered its status so long ago.

    condition is that of the container being started, which in Updating is the new one.
    """
    if status in {Status.CREATING, Status.UPDATING}:
        if condition is Condition.ENDED:
            return Happening.FAILED
        if condition is Condition.ANSWERING:
            return Happening.SERVED if in_status_seconds >= pace.create_seconds else None
        return Happening.FAILED if in_status_seconds >= pace.ping_timeout_seconds else None
    if status is Status.ROLLING_BACK and in_status_seconds >= ROLLBACK_SECONDS:
        return Happening.ROLLED_BACK
    return None


def is_gone(status: Status, containers_left: int, in_status_seconds: float, pace: Pace) -> bool:
    """Say whether a deleted endpoint has ceased to exist."""
    return (
        status is Status.DELETING
        and containers_left == 0
        and in_status_seconds >= pace.delete_seconds
    )
