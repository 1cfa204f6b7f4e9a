"""An endpoint begins to serve: how long that took is learned, and its hot models are loaded."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dormouse.domain.endpoint import Present
from dormouse.domain.ledger import Ledger
from dormouse.domain.spec import Spec
from dormouse.domain.warm_up import WarmUp
from dormouse.domain.work import LoadModel
from dormouse.keeping import Keeping
from dormouse.ports import Clock, ReconcilerState, WorkQueue


@dataclass(frozen=True, slots=True)
class Awakening:
    """Notes the first time that an endpoint is seen serving, and sees its warm-up through.

    `resend_after` is when models that were not invoked yet are ordered again.
    """

    state: ReconcilerState
    work: WorkQueue
    keeping: Keeping
    clock: Clock
    warm_up_at_most: timedelta
    resend_after: timedelta

    def note(self, spec: Spec, ledger: Ledger, seen: Present) -> bool:
        """Note that it serves, unless that is noted; or go on with its warm-up. Returns whether it
        was noted just now.

        Raises:
            AwsError: that can't be written, or the orders not be sent.
        """
        now = self.clock()
        if ledger.serving_since is None:
            return self._begin(spec, ledger, seen, now)
        if ledger.warm_up is not None and ledger.warm_up.ended_at is None:
            self._go_on(spec.endpoint, ledger.warm_up, now)
        return False

    def restore(self, endpoint: str, ledger: Ledger, seen: Present) -> None:
        """Give back to it what has died with it, as it is seen serving.

        Raises:
            AwsError: that could not be done, or not be noted; the next tick does it again.
        """
        if ledger.keepsake is None or not ledger.awaits_restoring:
            return
        self.keeping.restore(endpoint, ledger.keepsake, seen)
        self.state.record_restored(endpoint, self.clock())

    def _begin(self, spec: Spec, ledger: Ledger, seen: Present, now: datetime) -> bool:
        wake, warm_up = None, None
        # One that somebody else has started teaches nothing, and its models may be in use.
        if ledger.started_at is not None:
            serves_at = min(now, seen.last_modified_at)
            wake = max(serves_at - ledger.started_at, timedelta(seconds=1))
            models = ledger.warm_set[: spec.warm_set_size]
            if models:
                warm_up = WarmUp(models, frozenset(), now, now + self.warm_up_at_most)
        is_first = self.state.record_serving(spec.endpoint, ledger, now, wake, warm_up)
        if is_first and warm_up is not None:
            self.work.send([LoadModel(spec.endpoint, model) for model in warm_up.models])
        return is_first

    def _go_on(self, endpoint: str, warm_up: WarmUp, now: datetime) -> None:
        if not warm_up.left or warm_up.end(now) is not None:
            self.state.end_warm_up(endpoint, warm_up, min(now, warm_up.until))
        elif now >= warm_up.began_at + self.resend_after:
            self.work.send([LoadModel(endpoint, model) for model in warm_up.left])
