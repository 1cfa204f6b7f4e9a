"""From outcomes to a table, and to the sentences that say what is wrong."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.chaos.callers import End, Outcome
from benchmarks.chaos.questions import Kind

_HEAD = ("kind", "sent", "answered", "failed", "expired", "lost", "wait p50", "wait p99")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen beside the outcomes.

    `statuses` are those of the accepted requests' records, by their ids; `executions` how often
    the model answered each question, by its InferenceId.
    """

    statuses: Mapping[str, str]
    executions: Mapping[str, int]
    wakes: int
    sleeps: int
    kills: Mapping[str, int]
    seconds: float


FINAL = frozenset({"answered", "failed", "expired", "cancelled"})


def problems(outcomes: Sequence[Outcome], seen: Seen) -> list[str]:
    """Say in sentences what must not be; none if nothing was lost and nothing answered twice."""
    found = []
    for outcome in outcomes:
        found += _problems_of(outcome, seen)
    found += [
        f"request {name} is still {status}"
        for name, status in seen.statuses.items()
        if status not in FINAL
    ]
    if not seen.kills and (twice := ran_again(seen)):
        found.append(f"nothing was killed, and the model ran more than once for {twice} questions")
    return found


def _problems_of(outcome: Outcome, seen: Seen) -> list[str]:
    name, found = outcome.question.inference_id, []
    if outcome.end is End.LOST:
        found.append(f"{name} ({outcome.question.kind}) is lost: {outcome.reason}")
    if outcome.end is End.FAILED and not outcome.reason:
        found.append(f"{name} failed without a reason")
    if outcome.end is End.ANSWERED and not outcome.question.is_answered_by(outcome.body):
        found.append(f"{name} has the answer of another question: {outcome.body[:100]!r}")
    if outcome.end is End.ANSWERED and outcome.again not in {None, outcome.body}:
        found.append(f"{name} was answered once more, and otherwise: {outcome.again!r:.100}")
    if len(outcome.request_ids) > 1:
        found.append(f"{name} was sent twice and became two: {sorted(outcome.request_ids)}")
    for request_id in outcome.request_ids:
        status = seen.statuses.get(request_id, "not there")
        if status != str(outcome.end):
            found.append(f"{name} is {outcome.end} for its caller, and its record is {status}")
    return found


def ran_again(seen: Seen) -> int:
    """Count the questions for which the model answered more than once."""
    return sum(1 for times in seen.executions.values() if times > 1)


def summary(outcomes: Sequence[Outcome], seen: Seen) -> dict[str, Any]:
    """Write it as an object of JSON."""
    found = problems(outcomes, seen)
    reasons = Counter(o.reason for o in outcomes if o.end in {End.FAILED, End.EXPIRED})
    return {
        "requests": len(outcomes),
        "wakes": seen.wakes,
        "sleeps": seen.sleeps,
        "kills": dict(seen.kills),
        "kinds": {str(kind): row for kind in Kind if (row := _row(outcomes, kind))},
        "reasons": dict(reasons.most_common()),
        "lost": sum(1 for outcome in outcomes if outcome.end is End.LOST),
        "model_ran_again": ran_again(seen),
        "seconds": round(seen.seconds),
        "problems": found,
    }


def _row(outcomes: Sequence[Outcome], kind: Kind) -> dict[str, Any]:
    mine = [outcome for outcome in outcomes if outcome.question.kind is kind]
    if not mine:
        return {}
    ends = Counter(outcome.end for outcome in mine)
    waits = sorted(outcome.waited_seconds for outcome in mine)
    return {
        "sent": len(mine),
        **{str(end): ends[end] for end in End},
        "wait_p50_s": round(_percentile(waits, 50), 1),
        "wait_p99_s": round(_percentile(waits, 99), 1),
    }


def _percentile(ranked: Sequence[float], percent: int) -> float:
    return ranked[math.ceil(len(ranked) * percent / 100) - 1]


def table(told: Mapping[str, Any]) -> str:
    """Write it for people."""
    rows = [_HEAD]
    for kind, row in told["kinds"].items():
        rows.append((kind, *(str(value) for value in row.values())))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    kills = ", ".join(f"{whom} {times}" for whom, times in told["kills"].items()) or "none"
    lines += [
        "",
        f"{told['requests']} requests, {told['sleeps']} sleeps, {told['wakes']} wakes, "
        f"{told['seconds']} s; killed: {kills}",
        f"for {told['model_ran_again']} questions the model ran more than once; "
        f"lost: {told['lost']}",
    ]
    lines += [f"{times} x {reason}" for reason, times in told["reasons"].items()]
    lines += [f"PROBLEM: {sentence}" for sentence in told["problems"]]
    return "\n".join(lines)
