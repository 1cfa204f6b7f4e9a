"""What Dormouse decided for an endpoint, and pages of that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dormouse_cli.fields import UnreadableAnswer, read_list, read_moment, read_object, read_text


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and why."""

    at: datetime | None
    action: str
    rule: str
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """Some decisions, newest first. `before` is where the next page begins; None after the last.
    `documents` are the decisions as they came.
    """

    decisions: tuple[Decision, ...]
    before: datetime | None
    documents: tuple[object, ...]


def read_decision(answer: object) -> Decision:
    """Read one.

    Raises:
        UnreadableAnswer: a field has a type that it can't have.
    """
    fields = read_object(answer, "a decision")
    return Decision(
        at=read_moment(fields, "at"),
        action=read_text(fields, "action") or "",
        rule=read_text(fields, "rule") or "",
        reason=read_text(fields, "reason") or "",
        until=read_moment(fields, "until"),
    )


def read_decision_page(answer: object) -> DecisionPage:
    """Read `{"decisions": [Decision, …], "before": …}`.

    Raises:
        UnreadableAnswer: as `read_decision`, or there is no such list.
    """
    fields = read_object(answer, "the answer")
    if "decisions" not in fields:
        raise UnreadableAnswer("the answer has no 'decisions'")
    documents = tuple(read_list(fields, "decisions"))
    decisions = tuple(read_decision(entry) for entry in documents)
    return DecisionPage(decisions, read_moment(fields, "before"), documents)
