"""A managed endpoint as the control API describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dormouse_cli.moments import parse_moment
from dormouse_cli.problem import printable


class UnreadableAnswer(ValueError):
    """The control API answered something else than it promises; the message says what."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What Dormouse decided for an endpoint, and why."""

    at: datetime | None
    action: str
    rule: str
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`document` is the answer as it came, newer fields included, which is what --json prints."""

    name: str
    state: str
    status: str | None
    status_since: datetime | None
    failure_reason: str | None
    endpoint_config: str | None
    idle_timeout_seconds: int | None
    principals: tuple[str, ...]
    hold_until: datetime | None
    last_request_at: datetime | None
    problem: str | None
    decision: Decision | None
    next: str
    next_at: datetime | None
    expected_wake_seconds: int | None
    decisions: tuple[Decision, ...]
    document: Mapping[str, object]

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
    fields = _object(answer, "the answer")
    decision = fields.get("decision")
    return Endpoint(
        name=_required(fields, "name"),
        state=_required(fields, "state"),
        status=_text(fields, "status"),
        status_since=_moment(fields, "status_since"),
        failure_reason=_text(fields, "failure_reason"),
        endpoint_config=_text(fields, "endpoint_config"),
        idle_timeout_seconds=_whole(fields, "idle_timeout_seconds"),
        principals=tuple(_texts(fields, "principals")),
        hold_until=_moment(fields, "hold_until"),
        last_request_at=_moment(fields, "last_request_at"),
        problem=_text(fields, "problem"),
        decision=None if decision is None else _decision(decision),
        next=_text(fields, "next") or "",
        next_at=_moment(fields, "next_at"),
        expected_wake_seconds=_whole(fields, "expected_wake_seconds"),
        decisions=tuple(_decision(entry) for entry in _list(fields, "decisions")),
        document=fields,
    )


def read_endpoints(answer: object) -> tuple[Endpoint, ...]:
    """Read `{"endpoints": [Endpoint, …]}`.

    Raises:
        UnreadableAnswer: as `read_endpoint`, or there is no such list.
    """
    fields = _object(answer, "the answer")
    if "endpoints" not in fields:
        raise UnreadableAnswer("the answer has no 'endpoints'")
    return tuple(read_endpoint(entry) for entry in _list(fields, "endpoints"))


def _decision(answer: object) -> Decision:
    fields = _object(answer, "a decision")
    return Decision(
        at=_moment(fields, "at"),
        action=_text(fields, "action") or "",
        rule=_text(fields, "rule") or "",
        reason=_text(fields, "reason") or "",
        until=_moment(fields, "until"),
    )


def _object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise UnreadableAnswer(f"{what} is no JSON object")
    return value


def _required(fields: Mapping[str, object], name: str) -> str:
    value = _text(fields, name)
    if not value:
        raise UnreadableAnswer(f"the answer has no {name!r}")
    return value


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise UnreadableAnswer(f"{name!r} is no text")
    return printable(value)


def _whole(fields: Mapping[str, object], name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    # JSON has no integers; and True is one for Python.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**9:
        raise UnreadableAnswer(f"{name!r} is no number of seconds")
    return int(value)


def _moment(fields: Mapping[str, object], name: str) -> datetime | None:
    value = _text(fields, name)
    if value is None:
        return None
    try:
        return parse_moment(value)
    except ValueError:
        raise UnreadableAnswer(f"{name!r} is no time") from None


def _list(fields: Mapping[str, object], name: str) -> list[object]:
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnreadableAnswer(f"{name!r} is no list")
    return value


def _texts(fields: Mapping[str, object], name: str) -> list[str]:
    texts: list[str] = []
    for entry in _list(fields, name):
        if not isinstance(entry, str):
            raise UnreadableAnswer(f"{name!r} holds something else than text")
        texts.append(printable(entry))
    return texts
