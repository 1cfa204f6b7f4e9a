"""An endpoint's standing, what was and would be decided of it, and its requests, as JSON: what the
HTTP API and direct invocations answer.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from dormouse.adapters.moments import write_moment
from dormouse.control import Standing
from dormouse.domain.claims import Refusal
from dormouse.domain.coldness import forced_down
from dormouse.domain.decision_page import Decided
from dormouse.domain.dry_run import DryRun
from dormouse.domain.endpoint import Present
from dormouse.domain.failures import retry_at
from dormouse.domain.idle_policy import timeout_of
from dormouse.domain.ledger import Decision, Ledger, PastDecision
from dormouse.domain.outlook import state_of, what_next, when_next
from dormouse.domain.parked_request import ParkedRequest
from dormouse.domain.plan import is_same_config
from dormouse.domain.precedence import Finding
from dormouse.domain.schedule import Schedule, Window
from dormouse.domain.spec import Policy, Spec
from dormouse.domain.spending import share, words_of_spent
from dormouse.waiting_requests import Replay


def write_standing(standing: Standing) -> dict[str, Any]:
    """Write how one endpoint stands."""
    ledger, seen = standing.ledger, standing.seen
    held = ledger.hold_until is not None and standing.at < ledger.hold_until
    spec = standing.claim if isinstance(standing.claim, Spec) else None
    present = seen if isinstance(seen, Present) else None
    written: dict[str, Any] = {
        "name": standing.claim.endpoint,
        "state": state_of(seen, is_closing=ledger.closing is not None).value,
        "status": present.status.value if present else None,
        "status_since": _moment(present.last_modified_at) if present else None,
        "failure_reason": present.failure_reason if present else None,
        **_configs(spec, present, ledger),
        **_policy(standing, spec),
        "min_up_seconds": _seconds(spec.min_up) if spec else None,
        "max_up_seconds": _seconds(spec.max_up) if spec and spec.max_up else None,
        "schedule": _schedule(spec.schedule, standing.at) if spec else None,
        "blackout": _schedule(spec.blackout, standing.at) if spec else None,
        "owner": spec.owner if spec else None,
        "spent": _spent(standing, spec),
        "principals": _principals(standing),
        "hold_until": _moment(ledger.hold_until) if held else None,
        "suspended_at": _moment(ledger.suspended_at),
        "suspended_by": ledger.suspended_by,
        "kept_down": _kept_down(standing),
        "last_request_at": _moment(ledger.last_request_at),
        "demand_by": ledger.demand_by,
        "warm_up": _warm_up(standing),
        "waiting": _waiting(standing),
        "problem": standing.claim.reason if isinstance(standing.claim, Refusal) else None,
        "decision": None,
        "next": what_next(ledger.decision),
        "next_at": _moment(when_next(ledger.decision)),
        "expected_wake_seconds": math.ceil(standing.expected_wake.total_seconds()),
    }
    if ledger.decision is not None:
        written["decision"] = _decision(ledger.decided_at, ledger.decision)
    if standing.history is not None:
        written["decisions"] = _decisions(standing.history)
    return written


def write_decisions(endpoint: str, decided: Decided) -> dict[str, Any]:
    """Write a page of what was decided of an endpoint, and where the next one begins."""
    return {
        "endpoint": endpoint,
        "decisions": _decisions(decided.decisions),
        "before": _moment(decided.before),
    }


def write_dry_run(endpoint: str, tried: DryRun) -> dict[str, Any]:
    """Write what would be done with an endpoint, and what each rule says of it, in their order."""
    plan = tried.plan
    return {
        "endpoint": endpoint,
        "at": _moment(tried.at),
        "action": plan.action.value,
        "rule": plan.rule.value,
        "reason": plan.reason,
        "endpoint_config": plan.config_name,
        "next_look_at": _moment(plan.next_look_at),
        "rules": [_finding(finding) for finding in tried.asked],
        "notes": list(tried.notes),
    }


def write_request(request: ParkedRequest) -> dict[str, Any]:
    """Write how an accepted request stands."""
    return {
        "id": request.id,
        "status": request.status.value,
        "model": request.target_model or None,
        "accepted_at": _moment(request.accepted_at),
        "expires_at": _moment(request.expires_at),
        "tries": request.tries,
        "reason": request.reason,
        "principal": request.principal,
    }


def write_replay(replay: Replay) -> dict[str, Any]:
    """Write what became of a replay."""
    return {
        "replayed": len(replay.replayed),
        "left": replay.left,
        "skipped": [{"id": one, "reason": why} for one, why in replay.skipped.items()],
        "complete": replay.is_complete,
    }


def _warm_up(standing: Standing) -> dict[str, Any] | None:
    """Write how far the warm-up has come since the endpoint began to serve."""
    warm_up, seen = standing.ledger.warm_up, standing.seen
    if warm_up is None or not isinstance(seen, Present) or not seen.status.is_serving:
        return None
    return {
        "models": len(warm_up.models),
        "invoked": len(warm_up.models) - len(warm_up.left),
        "ended_at": _moment(warm_up.end(standing.at)),
    }


def _waiting(standing: Standing) -> dict[str, Any] | None:
    if (backlog := standing.backlog) is None:
        return None
    return {
        "parked": backlog.parked,
        "released": backlog.released,
        "oldest_at": _moment(backlog.oldest_at),
    }


def _principals(standing: Standing) -> list[str]:
    """Name who may invoke it: by the last spec that could be obeyed, as the proxy has it."""
    terms = standing.ledger.terms
    listed = None if terms is None else terms.principals
    if isinstance(standing.claim, Spec):
        listed = tuple(principal.text for principal in standing.claim.principals)
    if listed is None:
        return []
    return list(listed) or [standing.account_id]


def _decision(at: datetime | None, decision: Decision) -> dict[str, Any]:
    return {
        "at": _moment(at),
        "action": decision.action,
        "rule": decision.rule,
        "reason": decision.reason,
        "until": _moment(decision.until),
    }


def _decisions(history: Sequence[PastDecision]) -> list[dict[str, Any]]:
    return [_decision(past.at, past.decision) for past in history]


def _finding(finding: Finding) -> dict[str, Any]:
    """Write what a rule says. Where it does not apply, the moment is when it begins to."""
    return {
        "rule": finding.rule.value,
        "applies": finding.applies,
        "reason": finding.words or None,
        "changes_at": _moment(finding.changes_at),
    }


def _configs(spec: Spec | None, present: Present | None, ledger: Ledger) -> dict[str, Any]:
    """Write which EndpointConfigs it may be made from, on which it runs, and which have failed."""
    configs = spec.configs if spec else ()
    running = present.config_name if present else ""
    if present and not running and ledger.described is not None:
        # A list of endpoints does not name it.
        running = ledger.described.config_name
    by_key = {config.lower(): config for config in configs}
    failures = [
        {
            "endpoint_config": by_key.get(key, key),
            "count": failure.count,
            "kind": failure.kind.value,
            "reason": failure.reason,
            "at": _moment(failure.at),
            "retry_at": _moment(retry_at(failure)),
        }
        for key, failure in sorted(ledger.failures.items())
    ]
    return {
        "endpoint_config": spec.config_name if spec else None,
        "fall_backs": list(spec.fall_backs) if spec else [],
        "running_config": running or None,
        "is_fallen_back": any(is_same_config(running, config) for config in configs[1:]),
        "failures": failures,
    }


def _policy(standing: Standing, spec: Spec | None) -> dict[str, Any]:
    """Write what decides when nobody asks. A forecast has a timeout of its own each time."""
    has_timeout = spec is not None and spec.policy is not Policy.FORECAST
    has_knob = spec is not None and spec.policy is not Policy.FIXED
    timeout = timeout_of(spec, standing.expected_wake).duration if spec and has_timeout else None
    return {
        "policy": spec.policy.value if spec else None,
        "idle_timeout_seconds": None if timeout is None else _seconds(timeout),
        "delay_cost_seconds": _seconds(spec.delay_cost) if spec and has_knob else None,
    }


def _schedule(schedule: Schedule | None, at: datetime) -> dict[str, Any] | None:
    if schedule is None:
        return None
    return {
        "text": str(schedule),
        "window": _window(schedule.window_at(at)),
        "next": _window(schedule.next_window(at)),
    }


def _window(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    return {"begins_at": _moment(window.begins_at), "ends_at": _moment(window.ends_at)}


def _spent(standing: Standing, spec: Spec | None) -> dict[str, Any]:
    """Write what this month has cost; dollars are an estimate, and known only with a budget."""
    spent, budget = standing.spent, spec.budget if spec else None
    part = None if budget is None else share(spent, budget)
    return {
        "month": spent.month,
        "hours": round(spent.up / timedelta(hours=1), 2),
        "budget": None if budget is None else str(budget),
        "share": None if part is None else round(part, 4),
        "estimate": None if budget is None else words_of_spent(spent, budget, standing.ledger.rate),
    }


def _kept_down(standing: Standing) -> dict[str, Any] | None:
    """Write what keeps it down whoever asks for it."""
    forced = forced_down(standing.ledger, standing.at)
    if forced is None:
        return None
    return {"reason": forced.words, "until": _moment(forced.until)}


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())


def _moment(moment: datetime | None) -> str | None:
    return write_moment(moment) if moment is not None else None
