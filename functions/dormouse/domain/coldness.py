"""Why an endpoint does not serve, and when it will, as its callers are told."""

from datetime import UTC, datetime, timedelta

from dormouse.domain.ledger import Ledger
from dormouse.domain.plan import Rule
from dormouse.domain.wake_time import retry_after_seconds


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


def why_cold(ledger: Ledger) -> str:
    """Say why a request finds it cold whose demand is recorded: a clause without its subject."""
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
    return retry_after_seconds(ledger.wakes, prior, ledger.started_at, now)


def expected_at(ledger: Ledger, prior: timedelta, now: datetime) -> datetime:
    """Say when it is expected to serve."""
    if lets_through(ledger):
        return now
    return now + timedelta(seconds=seconds_until_serving(ledger, prior, now))


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
