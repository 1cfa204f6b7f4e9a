"""The rules of an endpoint's life, as the control API tells how it stands with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dormouse_cli.fields import (
    read_flag,
    read_list,
    read_moment,
    read_number,
    read_object,
    read_required,
    read_text,
    read_texts,
    read_whole,
)
from dormouse_cli.moments import told


@dataclass(frozen=True, slots=True)
class Window:
    """A time from one moment to another."""

    begins_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Windows as the tag writes them, the one that it is now, and the next one."""

    text: str
    window: Window | None
    next: Window | None


@dataclass(frozen=True, slots=True)
class Spent:
    """What this month has cost. `estimate` says it in words, as the estimate that it is; None where
    there is no budget.
    """

    month: str
    hours: float
    budget: str | None
    share: float | None
    estimate: str | None


@dataclass(frozen=True, slots=True)
class KeptDown:
    """What keeps it down whoever asks for it; `until` is None where somebody has to end that."""

    reason: str
    until: datetime | None

    def told(self, now: datetime) -> str:
        """Say it for people: the words name the end as the server has it."""
        return self.reason if self.until is None else f"{self.reason} ({told(self.until, now)})"


@dataclass(frozen=True, slots=True)
class Failure:
    """How often an EndpointConfig has failed in a row; `retry_at` is None where it is given up."""

    endpoint_config: str
    count: int
    reason: str
    at: datetime | None
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Life:
    """How it stands with each rule; what is absent is not asked for, or not known."""

    suspended_at: datetime | None
    suspended_by: str | None
    kept_down: KeptDown | None
    demand_by: str | None
    schedule: Schedule | None
    blackout: Schedule | None
    min_up_seconds: int | None
    max_up_seconds: int | None
    spent: Spent | None
    owner: str | None
    fall_backs: tuple[str, ...]
    running_config: str | None
    is_fallen_back: bool
    failures: tuple[Failure, ...]


def read_life(fields: Mapping[str, object]) -> Life:
    """Read it off the fields of an Endpoint.

    Raises:
        UnreadableAnswer: a field has a type that it can't have.
    """
    return Life(
        suspended_at=read_moment(fields, "suspended_at"),
        suspended_by=read_text(fields, "suspended_by"),
        kept_down=_kept_down(fields),
        demand_by=read_text(fields, "demand_by"),
        schedule=_schedule(fields, "schedule"),
        blackout=_schedule(fields, "blackout"),
        min_up_seconds=read_whole(fields, "min_up_seconds"),
        max_up_seconds=read_whole(fields, "max_up_seconds"),
        spent=_spent(fields),
        owner=read_text(fields, "owner"),
        fall_backs=tuple(read_texts(fields, "fall_backs")),
        running_config=read_text(fields, "running_config"),
        is_fallen_back=read_flag(fields, "is_fallen_back"),
        failures=tuple(_failure(entry) for entry in read_list(fields, "failures")),
    )


def _kept_down(answer: Mapping[str, object]) -> KeptDown | None:
    fields = _part(answer, "kept_down")
    if fields is None:
        return None
    return KeptDown(read_required(fields, "reason"), read_moment(fields, "until"))


def _schedule(answer: Mapping[str, object], name: str) -> Schedule | None:
    fields = _part(answer, name)
    if fields is None:
        return None
    return Schedule(
        read_required(fields, "text"), _window(fields, "window"), _window(fields, "next")
    )


def _window(answer: Mapping[str, object], name: str) -> Window | None:
    fields = _part(answer, name)
    if fields is None:
        return None
    return Window(read_moment(fields, "begins_at"), read_moment(fields, "ends_at"))


def _spent(answer: Mapping[str, object]) -> Spent | None:
    fields = _part(answer, "spent")
    if fields is None:
        return None
    return Spent(
        month=read_required(fields, "month"),
        hours=read_number(fields, "hours") or 0.0,
        budget=read_text(fields, "budget"),
        share=read_number(fields, "share"),
        estimate=read_text(fields, "estimate"),
    )


def _failure(answer: object) -> Failure:
    fields = read_object(answer, "one of 'failures'")
    return Failure(
        endpoint_config=read_required(fields, "endpoint_config"),
        count=read_whole(fields, "count") or 1,
        reason=read_text(fields, "reason") or "",
        at=read_moment(fields, "at"),
        retry_at=read_moment(fields, "retry_at"),
    )


def _part(answer: Mapping[str, object], name: str) -> Mapping[str, object] | None:
    value = answer.get(name)
    return None if value is None else read_object(value, repr(name))
