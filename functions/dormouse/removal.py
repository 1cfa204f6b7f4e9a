"""Seeing the deployment off: nothing that it has started may outlive it.

The tombstone tells `reconcile`, which stays the one writer of endpoints, to delete what this
deployment has created. Here is only asked, again and again, what is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dormouse.domain.removal import SETTLED
from dormouse.errors import AwsError
from dormouse.ports import Clock, RemovalState, WholeTick

# A custom resource has an hour.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
PATIENCE = timedelta(minutes=50)


@dataclass(frozen=True, slots=True)
class Left:
    """What is still there: endpoints with the reason, or why that can't be said."""

    endpoints: Mapping[str, str]
    why_unknown: str | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether it is known that nothing is left."""
        return not self.endpoints and self.why_unknown is None

    def __str__(self) -> str:
        """Name what is left, in one sentence."""
        still = "; ".join(f"{name}: {reason}" for name, reason in sorted(self.endpoints.items()))
        if self.why_unknown is None:
            return f"Still there: {still}."
        return f"It can't be said what still runs: {self.why_unknown}." + (
            f" Last seen: {still}." if still else ""
        )


@dataclass(frozen=True, slots=True)
class Removal:
    """Writes the tombstone and looks on."""

    state: RemovalState
    tick: WholeTick
    clock: Clock
    reconcile_timeout: timedelta

    def begin(self) -> datetime:
        """Write the tombstone, and return when that was."""
        now = self.clock()
        self.state.begin_removal(now)
        return now

    def cancel(self) -> None:
        """Take the tombstone away, if there is one."""
        self.state.cancel_removal()

    def look(self, began_at: datetime) -> Left:
        """Have `reconcile` go on with it, and say what is left; never raises for what AWS does."""
        asked_at = self.clock()
        try:
            report = self.tick()
        except AwsError as error:
            return Left({}, str(error))
        left = {
            name: report.reasons[name]
            for name, action in report.actions.items()
            if action not in SETTLED
        }
        if not report.is_complete:
            return Left(left, "there was no time for every endpoint")
        if asked_at < began_at + self.reconcile_timeout:
            # A tick that had begun before the tombstone was there may start an endpoint yet.
            return Left(left, "the ticks of before the deletion may not have ended")
        return Left(left)

    def is_overdue(self, began_at: datetime) -> bool:
        """Whether CloudFormation should be told that it does not succeed."""
        return self.clock() >= began_at + PATIENCE
