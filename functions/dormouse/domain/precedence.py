"""The rule of precedence: which of the reasons to be up or down decides, and until when.

suspended (until resumed) > budget spent > hold (until T) > max-up reached > sleep (until newer
demand) > blackout window > keep-up window (schedule) > waiting work > recent activity > forecast >
min-up > otherwise down.

A reason that forces the endpoint down does so whoever uses it. Waiting work, a hold, a keep-up
window and a forecast start what is absent; recent activity and min-up only keep what serves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zlib import crc32

from dormouse.domain.duration import format_duration
from dormouse.domain.endpoint import EndpointStatus, Observation, Present
from dormouse.domain.idle_policy import (
    Presence,
    advice_of,
    break_even_at,
    end_of,
    has_forecast,
    is_in_use,
    start_at,
    stop_at,
    timeout_of,
)
from dormouse.domain.ledger import Ledger
from dormouse.domain.rule import Rule
from dormouse.domain.spec import Spec
from dormouse.domain.spending import month_end, runs_out_at, spent_by, words_of
from dormouse.domain.timing import Timing
from dormouse.domain.waiting import Waiting
from dormouse.domain.wake_time import expected_wake
from dormouse_policy.policy import Advice

# Endpoints whose windows begin at the same moment are started one after the other: SageMaker
# refuses too many calls at once.
PRE_WARM_SPREAD = timedelta(minutes=2)
# The tick that starts it comes within this.
TICK = timedelta(minutes=1)
# For how long a forecast is taken to stand that names no moment at which it may change.
_FORECAST_STANDS = timedelta(hours=1)

_DOWN = (EndpointStatus.DELETING, EndpointStatus.FAILED, EndpointStatus.OUT_OF_SERVICE)

_FORCES_DOWN = frozenset({Rule.SUSPENDED, Rule.BUDGET, Rule.MAX_UP, Rule.SLEEP, Rule.BLACKOUT})


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked for one endpoint, remembered and seen of it, at a moment.

    The ledger must have been read before the endpoint was observed and before the waiting requests
    were looked for.
    """

    spec: Spec
    ledger: Ledger
    seen: Observation
    waiting: Waiting
    timing: Timing
    now: datetime

    @property
    def is_open(self) -> bool:
        """Whether it serves, and requests are let through to it."""
        return self.is_serving and self.ledger.closing is None

    @property
    def is_serving(self) -> bool:
        """Whether SageMaker answers for it."""
        return isinstance(self.seen, Present) and self.seen.status.is_serving

    @property
    def serving_since(self) -> datetime | None:
        """Since when it serves, as far as is known; None where it does not."""
        if not self.is_serving or not isinstance(self.seen, Present):
            return None
        return self.ledger.serving_since or self.seen.last_modified_at

    @property
    def wake(self) -> timedelta:
        """How long a wake is expected to take."""
        return expected_wake(self.ledger.wakes, self.timing.expected_wake)

    @property
    def advice(self) -> Advice | None:
        """What the forecast says of it; None where another policy is asked for, or it has learned
        nothing, or it is on its way down. It is not asked either while somebody uses it.
        """
        if isinstance(self.seen, Present) and self.ledger.closing is not None:
            return None
        if self.is_open and is_in_use(self.ledger, self.timing, self.now):
            return None
        return advice_of(self.spec, self.ledger, self.timing, self.presence)

    @property
    def presence(self) -> Presence:
        """How it stands before its policy."""
        return Presence(self.is_on, self.serving_since, self.now)

    @property
    def is_on(self) -> bool:
        """Whether it is up, or on its way there."""
        return isinstance(self.seen, Present) and self.seen.status not in _DOWN


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of a case: whether it applies, why, and when that could change.

    `changes_at` is when a rule that applies ceases to, or one that does not begins to, as far as
    the clock alone decides that; None where it does not.
    """

    rule: Rule
    applies: bool
    words: str = ""
    changes_at: datetime | None = None

    @property
    def lasting_words(self) -> str:
        """Why it applies, in words that stay the same for as long as it does."""
        return "a request is forecast" if self.rule is Rule.FORECAST else self.words

    @property
    def is_up(self) -> bool:
        """Whether it wants the endpoint up."""
        return not self.forces_down and self.rule is not Rule.OTHERWISE_DOWN

    @property
    def forces_down(self) -> bool:
        """Whether it wants the endpoint down whoever uses it."""
        return self.rule in _FORCES_DOWN


@dataclass(frozen=True, slots=True)
class Ruling:
    """The finding that decides, and when another could at the earliest; None: not by the clock."""

    finding: Finding
    changes_at: datetime | None


def findings(case: Case) -> tuple[Finding, ...]:
    """Ask every rule, in the order of precedence; the last one always applies."""
    return tuple(ask(case) for ask in _IN_ORDER)


def rule_on(asked: Sequence[Finding]) -> Ruling:
    """Find the first that applies. Those before it may begin to, and it may cease to."""
    at = next(i for i, finding in enumerate(asked) if finding.applies)
    changes = [each.changes_at for each in asked[: at + 1] if each.changes_at is not None]
    # What is up for no reason but the last could be wanted by none of the clock's doing.
    return Ruling(asked[at], min(changes, default=None))


def _suspended(case: Case) -> Finding:
    at = case.ledger.suspended_at
    if at is None:
        return Finding(Rule.SUSPENDED, applies=False)
    by = f" by {case.ledger.suspended_by}" if case.ledger.suspended_by else ""
    return Finding(Rule.SUSPENDED, True, f"suspended at {clock(at)}{by}, until somebody resumes it")


def _budget(case: Case) -> Finding:
    budget = case.spec.budget
    if budget is None:
        return Finding(Rule.BUDGET, applies=False)
    up_since = case.ledger.billed_since(bills_creation=case.timing.bills_creation)
    spent = spent_by(case.ledger.spent, up_since, case.ledger.rate, case.now)
    rate = None if up_since is None else case.ledger.rate
    empty_at = runs_out_at(budget, spent, rate, case.now, is_up=up_since is not None)
    if empty_at is None or empty_at > case.now:
        return Finding(Rule.BUDGET, applies=False, changes_at=empty_at)
    ends_at = month_end(case.now)
    words = f"the budget of {spent.month} is spent ({words_of(budget)}), until {clock(ends_at)}"
    return Finding(Rule.BUDGET, True, words, ends_at)


def _hold(case: Case) -> Finding:
    until = case.ledger.hold_until
    if until is None or until <= case.now:
        return Finding(Rule.HOLD, applies=False)
    return Finding(Rule.HOLD, True, f"needed until {clock(until)}: it is held", until)


def _max_up(case: Case) -> Finding:
    longest, since = case.spec.max_up, case.serving_since
    if longest is None or since is None:
        return Finding(Rule.MAX_UP, applies=False)
    until = since + longest
    if case.now < until:
        return Finding(Rule.MAX_UP, applies=False, changes_at=until)
    words = (
        f"it has been up since {clock(since)}, and its max-up is {format_duration(longest)}; "
        "it sleeps until somebody asks for it"
    )
    return Finding(Rule.MAX_UP, True, words)


def _sleep(case: Case) -> Finding:
    ledger = case.ledger
    if not ledger.is_put_to_sleep or ledger.slept_at is None:
        return Finding(Rule.SLEEP, applies=False)
    why = f" ({ledger.slept_reason})" if ledger.slept_reason else ""
    words = f"put to sleep at {clock(ledger.slept_at)}, until somebody asks for it{why}"
    return Finding(Rule.SLEEP, True, words)


def _blackout(case: Case) -> Finding:
    schedule = case.spec.blackout
    if schedule is None:
        return Finding(Rule.BLACKOUT, applies=False)
    window = schedule.window_at(case.now)
    if window is None:
        coming = schedule.next_window(case.now)
        begins_at = None if coming is None else coming.begins_at
        return Finding(Rule.BLACKOUT, applies=False, changes_at=begins_at)
    words = f"a blackout window ({schedule}), until {clock(window.ends_at)}"
    return Finding(Rule.BLACKOUT, True, words, window.ends_at)


def _schedule(case: Case) -> Finding:
    schedule = case.spec.schedule
    if schedule is None:
        return Finding(Rule.SCHEDULE, applies=False)
    window = schedule.window_at(case.now)
    if window is not None:
        words = f"needed until {clock(window.ends_at)}: a keep-up window ({schedule})"
        return Finding(Rule.SCHEDULE, True, words, window.ends_at)
    coming = schedule.next_window(case.now)
    if coming is None:
        return Finding(Rule.SCHEDULE, applies=False)
    wake = case.wake
    begins_at = coming.begins_at - wake - TICK - _spread(case.spec.endpoint)
    if case.now < begins_at:
        return Finding(Rule.SCHEDULE, applies=False, changes_at=begins_at)
    words = (
        f"needed from {clock(coming.begins_at)} to {clock(coming.ends_at)}: a keep-up window "
        f"({schedule}), and a wake is expected to take {format_duration(wake)}"
    )
    return Finding(Rule.SCHEDULE, True, words, coming.ends_at)


def _spread(endpoint: str) -> timedelta:
    """Say by how much earlier than others this endpoint is started, always the same."""
    return PRE_WARM_SPREAD * (crc32(endpoint.encode()) / 2**32)


def _waiting_work(case: Case) -> Finding:
    waiting, ledger = case.waiting, case.ledger
    if waiting.is_work:
        requests = (*waiting.parked, *waiting.released)
        oldest_at = min(each.accepted_at for each in requests)
        # Without how many, which would be written anew with each tick; `status` counts them.
        words = f"accepted requests wait for it, the oldest since {clock(oldest_at)}"
        return Finding(Rule.WAITING_WORK, True, words, max(each.expires_at for each in requests))
    # What serves has met it, and is judged by its use.
    if case.is_open or not ledger.has_unmet_demand or ledger.demand_at is None:
        return Finding(Rule.WAITING_WORK, applies=False)
    until = ledger.demand_at + case.timing.demand_patience
    if until <= case.now:
        return Finding(Rule.WAITING_WORK, applies=False)
    words = f"a request of {clock(ledger.demand_at)} waits for it"
    return Finding(Rule.WAITING_WORK, True, words, until)


def _recent_activity(case: Case) -> Finding:
    """Find activity within the timeout in what is remembered, the latest first."""
    ledger, timing = case.ledger, case.timing
    remembered = []
    if case.is_open:
        if (at := ledger.last_request_at) is not None:
            interval = format_duration(timing.ledger_interval)
            noted = f"the proxy noted a request at {clock(at)} (one in {interval})"
            remembered.append((at + timing.ledger_interval, noted))
        if (at := ledger.metrics_active_at) is not None:
            remembered.append((at, f"CloudWatch shows an invocation before {clock(at)}"))
    if not remembered:
        return Finding(Rule.RECENT_ACTIVITY, applies=False)
    last_active_at, words = max(remembered)
    until, why = _needed_until(case, last_active_at)
    if until <= case.now:
        return Finding(Rule.RECENT_ACTIVITY, applies=False)
    return Finding(
        Rule.RECENT_ACTIVITY, True, f"needed until {clock(until)}: {words}, {why}", until
    )


def _needed_until(case: Case, last_active_at: datetime) -> tuple[datetime, str]:
    """Say until when its last use keeps it up, and why."""
    if not has_forecast(case.spec, case.ledger):
        timeout = timeout_of(case.spec, case.wake)
        return last_active_at + timeout.duration, f"{timeout.name} {timeout.length}"
    # What it is up for beyond that, is no use of it any more.
    until = break_even_at(case.spec, case.ledger, case.timing, case.presence)
    advice = case.advice
    if advice is None:
        return until, "and as soon as it is not used its forecast is asked"
    stops_at = stop_at(advice)
    return until if stops_at is None else min(until, stops_at), advice.words


def _forecast(case: Case) -> Finding:
    """Ask the forecast whether it would start what is down, or keep what is up."""
    advice = case.advice
    if advice is None:
        return Finding(Rule.FORECAST, applies=False)
    review_at = None if advice.review_at is None else end_of(advice.review_at)
    if case.is_on:
        until = stop_at(advice)
        if until is not None and until <= case.now:
            return Finding(Rule.FORECAST, False, advice.words)
        looks = [at for at in (until, review_at) if at is not None]
        words = "" if until is None else f" until {clock(until)}"
        words = f"needed{words} by its forecast: {advice.words}"
        return Finding(Rule.FORECAST, True, words, min(looks, default=case.now + _FORECAST_STANDS))
    starts_at = start_at(advice)
    if starts_at is None or starts_at > case.now:
        return Finding(Rule.FORECAST, False, advice.words, starts_at)
    words = f"started before it is asked for, by its forecast: {advice.words}"
    return Finding(Rule.FORECAST, True, words, case.now + case.wake)


def _min_up(case: Case) -> Finding:
    since = case.serving_since
    if since is None or case.ledger.closing is not None:
        return Finding(Rule.MIN_UP, applies=False)
    until = since + case.spec.min_up
    if until <= case.now:
        return Finding(Rule.MIN_UP, applies=False)
    shortest = format_duration(case.spec.min_up)
    words = f"up until {clock(until)}: it serves since {clock(since)}, and its min-up is {shortest}"
    return Finding(Rule.MIN_UP, True, words, until)


def _otherwise_down(_case: Case) -> Finding:
    return Finding(Rule.OTHERWISE_DOWN, True, "nobody needs it")


_IN_ORDER: tuple[Callable[[Case], Finding], ...] = (
    _suspended,
    _budget,
    _hold,
    _max_up,
    _sleep,
    _blackout,
    _schedule,
    _waiting_work,
    _recent_activity,
    _forecast,
    _min_up,
    _otherwise_down,
)


def clock(moment: datetime) -> str:
    """Write a moment as reasons do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
