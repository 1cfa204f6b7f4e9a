"""Why an endpoint does not serve, and when it will, as its callers are told."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dormouse.domain.ledger import Ledger
from dormouse.domain.rule import Rule
from dormouse.domain.wake_time import SHORTEST_RETRY, expected_wake, retry_after_seconds

# Somebody has to resume it, nobody knows when.
OPEN_END_RETRY = timedelta(hours=1)

# Of the rules that keep it down, those that no newer demand ends. (A sleep and max-up are ended.)
_FORCING = frozenset({Rule.BUDGET, Rule.BLACKOUT, Rule.CIRCUIT})


@dataclass(frozen=True, slots=True)
class ForcedDown:
    """A rule keeps it down whoever asks for it: which one, in a clause, and until when; None where
    somebody has to end that.
    """

    words: str
    until: datetime | None

    def ends_by(self, moment: datetime) -> bool:
        """Whether it may be started by then."""
        return self.until is not None and self.until <= moment

    def retry_after_seconds(self, now: datetime) -> int:
        """Say in how many seconds it is worth while to come again."""
        left = OPEN_END_RETRY if self.until is None else self.until - now
        return math.ceil(max(left, SHORTEST_RETRY).total_seconds())


def forced_down(ledger: Ledger, now: datetime) -> ForcedDown | None:
    """Say which rule keeps it down whoever asks for it; None where a demand would start it.

    A suspension counts at once; the other rules from the tick that has decided by them until the
    moment that it named. What has ended one of them since counts at once, too: a resume closes the
    circuit, and a hold beats a blackout window.
    """
    if ledger.suspended_at is not None:
        # Not by whom: his name is no business of callers.
        words = f"suspended at {_clock(ledger.suspended_at)}, until somebody resumes it"
        return ForcedDown(words, None)
    kept_down = ledger.decision.kept_down if ledger.decision is not None else None
    if kept_down is None or kept_down.rule not in _FORCING:
        return None
    if kept_down.until is not None and kept_down.until <= now:
        return None
    is_held = ledger.hold_until is not None and now < ledger.hold_until
    if kept_down.rule == Rule.BLACKOUT and is_held:
        return None
    if kept_down.rule == Rule.CIRCUIT and not ledger.failures:
        return None
    return ForcedDown(kept_down.words, kept_down.until)


def lets_through(ledger: Ledger) -> bool:
    """Whether it serves as far as is known, and is not being torn down for good."""
    if ledger.serving_since is None:
        return False
    closing = ledger.closing
    return closing is None or (closing.deleting_at is None and not closing.is_forced)


def why_never(ledger: Ledger) -> str | None:
    """Say in a clause why no demand can start it; None where one can."""
    decision = ledger.decision
    if decision is None:
        return None
    if decision.rule == Rule.REFUSED:
        return f"it is {decision.reason}"
    return decision.reason if decision.rule == Rule.REMOVAL else None


def why_cold(ledger: Ledger, now: datetime) -> str:
    """Say why a request finds it cold whose demand is recorded: a clause without its subject."""
    forced = forced_down(ledger, now)
    if forced is not None:
        return f"is not started: {forced.words}"
    if ledger.closing is not None:
        reason = ledger.closing.reason
        return f"is being torn down ({reason}), and is started again for this request after that"
    if ledger.started_at is not None:
        return f"is being started, since {_clock(ledger.started_at)}"
    if ledger.serving_since is not None:
        return "does not serve at this moment, and is being seen to"
    if ledger.decision is not None and ledger.decision.rule == Rule.BROKEN:
        return f"could not be started so far: {ledger.decision.reason}"
    if ledger.is_put_to_sleep and ledger.slept_at is not None:
        return f"was put to sleep at {_clock(ledger.slept_at)}"
    if ledger.slept_at is not None and ledger.slept_version == ledger.met_version:
        since = _clock(ledger.slept_at)
        return f"is asleep, put to sleep at {since}, and is being started for this request"
    return "is asleep, and is being started for this request"


def seconds_until_serving(ledger: Ledger, prior: timedelta, now: datetime) -> int:
    """Say in how many seconds it is worth while to come again, by its own recent wakes."""
    forced = forced_down(ledger, now)
    if forced is None:
        return retry_after_seconds(ledger.wakes, prior, ledger.started_at, now)
    wake = timedelta(0) if forced.until is None else expected_wake(ledger.wakes, prior)
    return forced.retry_after_seconds(now) + math.ceil(wake.total_seconds())


def expected_at(ledger: Ledger, prior: timedelta, now: datetime) -> datetime | None:
    """Say when it is expected to serve; None where somebody has to do something before."""
    forced = forced_down(ledger, now)
    if forced is not None:
        return None if forced.until is None else forced.until + expected_wake(ledger.wakes, prior)
    if lets_through(ledger):
        return now
    return now + timedelta(seconds=seconds_until_serving(ledger, prior, now))


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
