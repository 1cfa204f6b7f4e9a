"""An endpoint's standing, and its requests, as JSON: what the HTTP API and direct invocations
answer.
"""

import math
from datetime import datetime
from typing import Any

from dormouse.adapters.moments import write_moment
from dormouse.control import Standing
from dormouse.domain.claims import Refusal
from dormouse.domain.endpoint import Present
from dormouse.domain.ledger import Decision
from dormouse.domain.outlook import state_of, what_next, when_next
from dormouse.domain.parked_request import ParkedRequest
from dormouse.domain.spec import Spec
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
        "endpoint_config": spec.config_name if spec else None,
        "idle_timeout_seconds": int(spec.idle_timeout.total_seconds()) if spec else None,
        "principals": _principals(standing),
        "hold_until": _moment(ledger.hold_until) if held else None,
        "last_request_at": _moment(ledger.last_request_at),
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
        written["decisions"] = [_decision(past.at, past.decision) for past in standing.history]
    return written


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


def _moment(moment: datetime | None) -> str | None:
    return write_moment(moment) if moment is not None else None
