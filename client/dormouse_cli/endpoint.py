"""A managed endpoint as the control API describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dormouse_cli.decision import Decision, read_decision
from dormouse_cli.fields import (
    UnreadableAnswer,
    read_list,
    read_moment,
    read_object,
    read_required,
    read_text,
    read_texts,
    read_whole,
)
from dormouse_cli.life import Life, read_life


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How many of the models that were in use have been invoked since the endpoint serves."""

    models: int
    invoked: int
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many accepted requests wait, and since when the oldest does."""

    parked: int
    released: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`document` is the answer as it came, newer fields included, which is what --json prints."""

    name: str
    state: str
    status: str | None
    status_since: datetime | None
    failure_reason: str | None
    endpoint_config: str | None
    policy: str | None
    idle_timeout_seconds: int | None
    delay_cost_seconds: int | None
    principals: tuple[str, ...]
    hold_until: datetime | None
    last_request_at: datetime | None
    warm_up: WarmUp | None
    waiting: Waiting | None
    life: Life
    problem: str | None
    decision: Decision | None
    next: str
    next_at: datetime | None
    expected_wake_seconds: int | None
    decisions: tuple[Decision, ...]
    document: Mapping[str, object]

    @property
    def standing(self) -> str | None:
        """SageMaker's status, and how far the warm-up has come since, where there was one."""
        if self.status is None or self.warm_up is None:
            return self.status
        warm_up = self.warm_up
        return f"{self.status}, {warm_up.invoked} of {warm_up.models} models invoked since"

    @property
    def why(self) -> str:
        """The reason in words: of a refusal, of a failure, or else of the last decision."""
        if self.problem:
            return self.problem
        if self.state == "failed" and self.failure_reason:
            return self.failure_reason
        return self.decision.reason if self.decision else ""


def read_endpoint(answer: object) -> Endpoint:
    """Read one Endpoint. Unknown fields are kept in `document`; what is absent counts as null.

    Raises:
        UnreadableAnswer: a field has a type that it can't have, or `name` or `state` is missing.
    """
    fields = read_object(answer, "the answer")
    decision = fields.get("decision")
    return Endpoint(
        name=read_required(fields, "name"),
        state=read_required(fields, "state"),
        status=read_text(fields, "status"),
        status_since=read_moment(fields, "status_since"),
        failure_reason=read_text(fields, "failure_reason"),
        endpoint_config=read_text(fields, "endpoint_config"),
        policy=read_text(fields, "policy"),
        idle_timeout_seconds=read_whole(fields, "idle_timeout_seconds"),
        delay_cost_seconds=read_whole(fields, "delay_cost_seconds"),
        principals=tuple(read_texts(fields, "principals")),
        hold_until=read_moment(fields, "hold_until"),
        last_request_at=read_moment(fields, "last_request_at"),
        warm_up=_warm_up(fields),
        waiting=_waiting(fields),
        life=read_life(fields),
        problem=read_text(fields, "problem"),
        decision=None if decision is None else read_decision(decision),
        next=read_text(fields, "next") or "",
        next_at=read_moment(fields, "next_at"),
        expected_wake_seconds=read_whole(fields, "expected_wake_seconds"),
        decisions=tuple(read_decision(entry) for entry in read_list(fields, "decisions")),
        document=fields,
    )


def read_endpoints(answer: object) -> tuple[Endpoint, ...]:
    """Read `{"endpoints": [Endpoint, …]}`.

    Raises:
        UnreadableAnswer: as `read_endpoint`, or there is no such list.
    """
    fields = read_object(answer, "the answer")
    if "endpoints" not in fields:
        raise UnreadableAnswer("the answer has no 'endpoints'")
    return tuple(read_endpoint(entry) for entry in read_list(fields, "endpoints"))


def _warm_up(answer: Mapping[str, object]) -> WarmUp | None:
    if answer.get("warm_up") is None:
        return None
    fields = read_object(answer["warm_up"], "'warm_up'")
    return WarmUp(
        models=read_whole(fields, "models") or 0,
        invoked=read_whole(fields, "invoked") or 0,
        ended_at=read_moment(fields, "ended_at"),
    )


def _waiting(answer: Mapping[str, object]) -> Waiting | None:
    if answer.get("waiting") is None:
        return None
    fields = read_object(answer["waiting"], "'waiting'")
    return Waiting(
        parked=read_whole(fields, "parked") or 0,
        released=read_whole(fields, "released") or 0,
        oldest_at=read_moment(fields, "oldest_at"),
    )
