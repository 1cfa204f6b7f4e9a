"""What Dormouse would do with an endpoint, as the control API answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dormouse_cli.fields import (
    UnreadableAnswer,
    read_flag,
    read_list,
    read_moment,
    read_object,
    read_required,
    read_text,
    read_texts,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says; `changes_at` is when it begins to apply, or ceases to."""

    rule: str
    applies: bool
    reason: str
    changes_at: datetime | None


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would be done at a moment, and what each rule says of it, the strongest first."""

    at: datetime
    action: str
    rule: str
    reason: str
    next_look_at: datetime | None
    rules: tuple[Finding, ...]
    notes: tuple[str, ...]
    document: Mapping[str, object]


def read_dry_run(answer: object) -> DryRun:
    """Read it; unknown fields are kept in `document`.

    Raises:
        UnreadableAnswer: a field has a type that it can't have, or is missing.
    """
    fields = read_object(answer, "the answer")
    at = read_moment(fields, "at")
    if at is None:
        raise UnreadableAnswer("the answer has no 'at'")
    return DryRun(
        at=at,
        action=read_required(fields, "action"),
        rule=read_required(fields, "rule"),
        reason=read_required(fields, "reason"),
        next_look_at=read_moment(fields, "next_look_at"),
        rules=tuple(_finding(entry) for entry in read_list(fields, "rules")),
        notes=tuple(read_texts(fields, "notes")),
        document=fields,
    )


def _finding(answer: object) -> Finding:
    fields = read_object(answer, "one of 'rules'")
    return Finding(
        rule=read_required(fields, "rule"),
        applies=read_flag(fields, "applies"),
        reason=read_text(fields, "reason") or "",
        changes_at=read_moment(fields, "changes_at"),
    )
