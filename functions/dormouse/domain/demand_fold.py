"""Folding what was seen of demand into an endpoint's history: when that is due, and what counts.

A fold costs a few calls, so one that serves is not folded in each pause of its use, but when its
policy would stop it: what is stopped is judged by all that has come. Until then its policy goes by
the latest use, which the ledger has, and by what was learned before; if that keeps it up for
longer than it should, a long pause ends it, or the fold that is made once in an hour or so anyway.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zlib import crc32

from dormouse.domain.demand_history import DemandDay
from dormouse.domain.idle_policy import is_bypassed, used_until
from dormouse.domain.ledger import Ledger
from dormouse.domain.spec import Spec
from dormouse.domain.timing import Timing
from dormouse.domain.usage import MinutePart, minute_of

ONE_MINUTE = timedelta(minutes=1)
_ONE_DAY = timedelta(days=1)

# As the usage table does.
HISTORY_KEPT = timedelta(days=28)

# Nobody has asked for so long: a policy may stop what serves, but not sooner.
_QUIET = timedelta(minutes=2)

# Long enough to look again at what is kept up by what was learned before: an endpoint that is asked
# for every few minutes has no such pause, and one that has many is folded four times an hour at
# most. A break-even of the usual delay cost waits longer.
_LONG_PAUSE = timedelta(minutes=15)

# Containers write what they have counted a few seconds later.
_SETTLED = timedelta(minutes=1)

# A request is counted when it ends, as having come when it did; it is held for less than Lambda's
# 15 minutes.
_LONGEST_HOLD = timedelta(minutes=15)

# While somebody does ask. Each endpoint has a time of its own in between, so that a fleet is not
# folded in one tick.
_WHILE_USED = timedelta(hours=1)
_SPREAD = timedelta(minutes=30)

# How far a reading of CloudWatch goes back for this. 500 endpoints in one call must not have more
# than the 100,800 minutes that it answers.
_LONGEST_READING = timedelta(hours=3)

# Of a long time that is caught up with, so many days are written at once.
_DAYS_AT_ONCE = 7


def fold_until(
    spec: Spec,
    ledger: Ledger,
    timing: Timing,
    now: datetime,
    *,
    is_open: bool,
    is_measured: bool,
) -> datetime | None:
    """Say up to which minute demand is to be learned now; None: it is not yet.

    The endpoint `is_open` if it serves and lets requests through. `is_measured` says that
    CloudWatch has just been read, as it is before anything is stopped: callers that bypass the
    proxy are known up to its lag, and what is learned before CloudWatch is asked is learned without
    them.
    """
    history, used = ledger.demand_history, used_until(ledger, timing)
    if history is not None and (used is None or used <= history.folded_until):
        return None
    is_waited_for = ledger.has_unmet_demand and not is_open
    is_quiet = not is_waited_for and (used is None or used + _QUIET <= now)
    if is_open and is_bypassed(ledger, timing):
        if not is_measured:
            return None
        until = minute_of(now - timing.metric_lag)
    else:
        until = minute_of(now - (_SETTLED if is_quiet else _LONGEST_HOLD))
    if history is None:
        return until
    if until <= history.folded_until:
        return None
    pause = _WHILE_USED + _SPREAD * (crc32(spec.endpoint.encode()) / 2**32)
    if until >= history.folded_until + pause:
        return until
    # What CloudWatch has seen used within its lag counts as in use, so nothing stops it yet.
    is_at_rest = used is None or used <= until
    # A request starts what is down, so it has no pauses that are short.
    is_needed = is_measured or not is_open or used is None or used + _LONG_PAUSE <= now
    return until if is_quiet and is_at_rest and is_needed else None


def counted_since(ledger: Ledger, now: datetime) -> datetime | None:
    """Say since when CloudWatch's counts are of use for what is to be learned; None: of none."""
    if ledger.demand_history is None:
        return None
    since = max(ledger.demand_history.folded_until, minute_of(now - _LONGEST_READING))
    own = _asked_by_others_from(ledger, now)
    return None if own is None or max(since, own) >= now else max(since, own)


def _asked_by_others_from(ledger: Ledger, now: datetime) -> datetime | None:
    """Say from which minute on Dormouse itself invokes nothing: its warm-up is no demand."""
    began_at = ledger.serving_since
    if ledger.warm_up is not None:
        began_at = ledger.warm_up.end(now)
    return None if began_at is None else minute_of(began_at) + ONE_MINUTE


def demand_of(
    parts: Iterable[MinutePart],
    measured: Mapping[datetime, int],
    ledger: Ledger,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
) -> dict[datetime, int]:
    """Say how many have asked in each minute from `since` to before `until`, in order, where any
    have. `parts` reach a minute farther on both sides.

    Those whom CloudWatch has seen and the proxy has not invoked are callers that bypass it. What
    the proxy invokes at the edge of a minute, CloudWatch may have in the next, or the one before.
    """
    arrived, invoked = Counter[datetime](), Counter[datetime]()
    for part in parts:
        arrived[part.minute] += part.demand
        invoked[part.minute] += part.invocations
    own_until = _asked_by_others_from(ledger, now)
    if own_until is not None:
        unseen = Counter(invoked)
        unseen.subtract(measured)
        for minute, count in measured.items():
            around = (minute - ONE_MINUTE, minute + ONE_MINUTE)
            unknown = count - invoked[minute] - sum(max(unseen[each], 0) for each in around)
            if minute >= own_until and unknown > 0:
                arrived[minute] += unknown
    return {
        minute: arrived[minute]
        for minute in sorted(arrived)
        if since <= minute < until and arrived[minute] > 0
    }


def added(
    kept: Sequence[DemandDay], demand: Mapping[datetime, int], until: datetime
) -> tuple[Sequence[DemandDay], datetime]:
    """Add the demand up to a moment to the days that are kept: say which are to be written, the
    first one first, and up to when that is all, since there may be too many.
    """
    days = {day.day: day for day in kept}
    by_day: dict[datetime, dict[int, int]] = {}
    for minute, count in demand.items():
        midnight = minute.replace(hour=0, minute=0)
        by_day.setdefault(midnight, {})[(minute - midnight) // ONE_MINUTE] = count
    midnights = list(by_day)
    if len(midnights) > _DAYS_AT_ONCE:
        until = midnights[_DAYS_AT_ONCE]
    written: list[DemandDay] = []
    for midnight in midnights[:_DAYS_AT_ONCE]:
        day = days.get(midnight.date(), DemandDay(midnight.date(), midnight))
        counts = {**day.counts, **by_day[midnight]}
        written.append(replace(day, until=min(until, midnight + _ONE_DAY), counts=counts))
    return written, until
