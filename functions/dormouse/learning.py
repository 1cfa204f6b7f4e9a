"""Keeping the history of demand from which an endpoint's idle policy learns.

The days of demand are the truth, and what was learned follows from them: a day is written first, on
the condition that nobody else has since it was read, and then what was learned up to there. So two
ticks at once count nothing twice, and what one that was cut short has written of a day, and not
learned, is learned by the next.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from dormouse.domain.activity import Activity, Measured
from dormouse.domain.demand_fold import (
    HISTORY_KEPT,
    ONE_MINUTE,
    added,
    demand_of,
    fold_until,
)
from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.endpoint import Observation, Present
from dormouse.domain.idle_policy import minute_of, present_stakes
from dormouse.domain.ledger import Ledger
from dormouse.domain.spec import Policy, Spec
from dormouse.domain.timing import Timing
from dormouse.errors import AwsError
from dormouse.ports import Clock, DemandLedger, ReconcilerState
from dormouse_policy.policy import Stakes


@dataclass(frozen=True, slots=True)
class Learning:
    """Learns what has come since the last time, for endpoints whose policy goes by it.

    `learned` reads what a policy has learned (None: nothing), adds how many have asked in each
    minute, in order, at what a decision may cost, and writes it. `is_readable` says whether it can
    read that, or another version has written it.
    """

    state: ReconcilerState
    demand: DemandLedger
    clock: Clock
    timing: Timing
    learned: Callable[[Stakes, str | None, Iterable[tuple[int, int]]], str]
    is_readable: Callable[[str], bool]

    def learn(
        self, spec: Spec, ledger: Ledger, seen: Observation, activity: Activity
    ) -> tuple[Ledger, str | None]:
        """Learn what has come, if it is time. Returns the ledger with what is known then, and what
        has gone wrong; never raises, since it must be judged all the same, by what is known.
        """
        try:
            if spec.policy is not Policy.FORECAST:
                # The days stay, should it go by them once more.
                if ledger.demand_history is not None:
                    self.state.record_demand_history(spec.endpoint, ledger, None)
                return replace(ledger, demand_history=None), None
            history = self._learned(spec, ledger, seen, activity)
        except AwsError as error:
            return ledger, f"its demand can't be learned from: {error}"
        except Exception as error:  # noqa: BLE001 - it must be judged, whatever a policy does
            return ledger, f"its demand can't be learned from: {error!r}"
        return (ledger if history is None else replace(ledger, demand_history=history)), None

    def _learned(
        self, spec: Spec, ledger: Ledger, seen: Observation, activity: Activity
    ) -> DemandHistory | None:
        """Learn; None where there is nothing to learn now, or another tick is at it."""
        endpoint = spec.endpoint
        now, known, measured = self.clock(), ledger, dict[datetime, int]()
        if isinstance(activity, Measured):
            known, measured = ledger.with_metrics(activity), dict(activity.minutes)
        history = known.demand_history
        if history is not None and not self.is_readable(history.forecast):
            # All is learned anew, of the days that are kept.
            known = replace(known, demand_history=None)
        is_serving = isinstance(seen, Present) and seen.status.is_serving
        until = fold_until(
            spec,
            known,
            self.timing,
            now,
            is_open=is_serving and ledger.closing is None,
            is_measured=isinstance(activity, Measured),
        )
        if until is None:
            return None
        oldest = (now - HISTORY_KEPT).replace(second=0, microsecond=0)
        text, learned_until = None, oldest
        if known.demand_history is not None:
            text = known.demand_history.forecast
            learned_until = max(known.demand_history.folded_until, oldest)
        kept = self.demand.days(endpoint, learned_until.date())
        since = max([learned_until, *(day.until for day in kept)])
        demand = {minute: count for day in kept for minute, count in day.minutes().items()}
        if since < until:
            first, last = since - ONE_MINUTE, until + ONE_MINUTE
            parts, read_until = self.demand.parts_of(endpoint, first, last)
            if read_until <= since:
                # That minute alone was too much; one is read at least.
                parts, read_until = self.demand.parts_of(endpoint, since, last)
            until = min(until, read_until)
            fresh = demand_of(parts, measured, known, since=since, until=until, now=now)
            days, until = added(kept, fresh, until)
            for day in days:
                if not self.demand.keep_day(endpoint, day):
                    return None
            demand |= fresh
        else:
            until = since
        to_learn = [
            (minute_of(minute), count)
            for minute, count in sorted(demand.items())
            if learned_until <= minute < until
        ]
        stakes = present_stakes(spec, ledger, self.timing)
        history = DemandHistory(until, self.learned(stakes, text, to_learn))
        # Where that is not kept, another tick has learned as much, of the same days.
        self.state.record_demand_history(endpoint, ledger, history)
        return history
