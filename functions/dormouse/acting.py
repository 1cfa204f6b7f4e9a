"""Asking SageMaker for a change, once: two ticks that overlap never ask for the same.

Each change is made under a claim in the ledger, which counts it. A tick that has read the ledger
before the claim can't claim it too. One that has read it later sees the claim, and waits; or, after
it was given up, looks at an endpoint that has changed. Where SageMaker did not answer, the claim
stands until whoever made it is surely gone: the change may come yet.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from dormouse.domain.ledger import Ledger
from dormouse.errors import AwsError, AwsUnansweredError
from dormouse.ports import Clock, ReconcilerState


@dataclass(frozen=True, slots=True)
class Acting:
    """Makes changes under claims. `patience` is longer than `reconcile` can live."""

    state: ReconcilerState
    clock: Clock
    patience: timedelta

    def once(
        self, endpoint: str, ledger: Ledger, change: Callable[[], None], *, creates: bool = False
    ) -> bool:
        """Make a change that follows from this ledger; False where another tick has made one since,
        or is about to.

        Raises:
            AwsError: what `change` raises, or the claim can't be written.
        """
        now = self.clock()
        if ledger.acting_until is not None and now <= ledger.acting_until:
            # What was seen after that may be from before the change, though it is made by now.
            return False
        if not self.state.begin_act(endpoint, ledger, now, now + self.patience):
            return False
        try:
            change()
        except AwsUnansweredError:
            raise
        except AwsError:
            self.state.end_act(endpoint, ledger, None)
            raise
        self.state.end_act(endpoint, ledger, now if creates else None)
        return True
