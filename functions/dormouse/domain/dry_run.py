"""A dry-run: what would be done with an endpoint now, or at a later moment if nothing else happened
until then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dormouse.domain.activity import NotMeasured
from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.endpoint import Absent, Observation
from dormouse.domain.instant import read_instant
from dormouse.domain.ledger import Ledger
from dormouse.domain.parked_request import ParkedRequest
from dormouse.domain.plan import Action, Plan, decide
from dormouse.domain.precedence import Case, Finding, clock, findings
from dormouse.domain.rule import Rule
from dormouse.domain.spec import Policy, Spec
from dormouse.domain.timing import Timing
from dormouse.domain.waiting import Waiting

FARTHEST = timedelta(days=366)
# A clock of a caller may be behind ours, and a moment that was typed in has passed when it is sent.
_LATE = timedelta(minutes=5)
_EXAMPLE = "2026-11-24T08:00:00Z"


class DryRunError(ValueError):
    """What is to be tried is not said as it has to be; the message names the bad part."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would be done at a moment. `asked` are the findings of all rules, in the order of
    precedence. `notes` say what was left out of account.
    """

    at: datetime
    plan: Plan
    asked: Sequence[Finding]
    notes: Sequence[str]


def read_at(query: Mapping[str, str], now: datetime) -> datetime:
    """Read the moment from the query of a URL; now, where it names none.

    Raises:
        DryRunError: a member is unknown, or the moment is none, has no zone, has passed or is more
            than a year away; the message names it.
    """
    unknown = sorted(key for key in query if key != "at")
    if unknown:
        raise DryRunError(f"{unknown[0]!r:.100} is not known here: at is")
    if "at" not in query:
        return now
    text = query["at"]
    at = read_instant(text)
    if at is None:
        raise DryRunError(f"at must be a time with its zone, such as {_EXAMPLE}, not {text!r:.100}")
    if at < now - _LATE:
        raise DryRunError(
            f"at must not have passed, and {text!r} has: write one such as {_EXAMPLE}"
        )
    if at > now + FARTHEST:
        raise DryRunError(f"at must be within {FARTHEST.days} days, and {text!r} is not")
    return max(at, now)


def dry_run(
    spec: Spec,
    ledger: Ledger,
    seen: Observation,
    waiting: Waiting,
    *,
    timing: Timing,
    at: datetime,
    now: datetime,
) -> DryRun:
    """Say what would be done at a moment with what is remembered and seen now.

    The ledger must have been read before the endpoint was observed and before the waiting requests
    were looked for.
    """
    if isinstance(seen, Absent):
        # As the tick would note before it plans.
        ledger = ledger.without_life()
    # Somebody asks who wants to know what it says of then.
    timing = replace(timing, advice_stands=timedelta(0))
    waiting = replace(
        waiting, parked=_lasting(waiting.parked, at), released=_lasting(waiting.released, at)
    )
    plan = decide(spec, ledger, seen, NotMeasured(), timing=timing, now=at, waiting=waiting)
    asked = findings(Case(spec, ledger, seen, waiting, timing, at))
    return DryRun(at, plan, asked, tuple(_notes(spec, plan, ledger, at, now)))


def _lasting(requests: Sequence[ParkedRequest], at: datetime) -> tuple[ParkedRequest, ...]:
    return tuple(each for each in requests if at < each.expires_at)


def _notes(spec: Spec, plan: Plan, ledger: Ledger, at: datetime, now: datetime) -> list[str]:
    notes = []
    if plan.action is Action.MEASURE:
        notes.append(
            "CloudWatch is not asked in a dry-run: with no invocation there it would be stopped, "
            "with one it would stay up"
        )
    if at > now:
        notes.append("as it is seen and remembered now, as if nothing happened until then")
    if spec.policy is Policy.FORECAST:
        notes.append(_what_is_known(ledger.demand_history))
    before = ledger.decision
    if before is not None and before.rule in (Rule.REFUSED, Rule.REMOVAL):
        notes.append(f"it is not carried out: {before.reason}")
    return notes


def _what_is_known(history: DemandHistory | None) -> str:
    if history is None:
        return "its forecast knows of no request yet"
    return f"its forecast knows what was asked before {clock(history.folded_until)}"
