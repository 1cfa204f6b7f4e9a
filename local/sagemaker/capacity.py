"""Instance types that AWS has none of at the moment.

A file names them, so that they can change while the local AWS runs:

    echo ml.g4dn.xlarge ml.m5.xlarge > .local/run/no-capacity
    rm .local/run/no-capacity
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.sagemaker.lifecycle import Condition

NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)


def lacking(path: Path) -> frozenset[str]:
    """Read the instance types that there is no capacity of; none where there is no file."""
    try:
        return frozenset(path.read_text().split())
    except FileNotFoundError:
        return frozenset()


@dataclass(frozen=True, slots=True)
class NoInstance:
    """A host that has no instance to run on. SageMaker looks for one for a while, and so does
    this.
    """

    gives_up_at: float
    clock: Callable[[], float]

    def condition(self) -> Condition:
        """It starts until it is given up."""
        return Condition.ENDED if self.clock() >= self.gives_up_at else Condition.STARTING

    def failure_reason(self) -> str:
        """As SageMaker says it."""
        return NO_CAPACITY

    def stop(self) -> None:
        """There is nothing to end."""

    def is_stopped(self) -> bool:
        """Nothing of it was ever there."""
        return True
