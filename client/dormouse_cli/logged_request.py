"""A request as the functions `invoke` and `drain` log it, and which of them are asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from dormouse_cli.moments import format_instant
from dormouse_cli.problem import printable
from dormouse_cli.status_codes import StatusRange

# CloudWatch takes no longer pattern; what is left out of one is filtered here alone.
_LONGEST_PATTERN = 1024
# What stands for itself between the quotes of a pattern. An asterisk does not, and how a quote or
# a backslash would be written there is not said.
_PLAIN = re.compile(r"[A-Za-z0-9_./=@:+-]*", re.ASCII)
_PROBLEM = "ERROR"


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """`document` is the line as it was logged, with the time `at`, which is what --json prints.

    `latency_ms` is SageMaker's, or else the function's own; `waited_seconds` is for how long the
    request was held or kept, None where it was not.
    """

    at: datetime
    endpoint: str
    status: int
    model: str | None
    alias: str | None
    latency_ms: float | None
    is_cold: bool
    way: str | None
    waited_seconds: float | None
    principal: str | None
    error: str | None
    document: Mapping[str, object]

    @property
    def caller(self) -> str | None:
        """The principal's short name: of a role's session the role and the session, else the last
        part of the ARN.
        """
        if self.principal is None:
            return None
        _, is_session, session = self.principal.partition(":assumed-role/")
        return session if is_session else self.principal.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which requests are asked for; None asks for all.

    `model` is a model's name or an alias. `principal` is an ARN, or the name in one: of a user, of
    a role, or of a role's session.
    """

    endpoint: str
    model: str | None = None
    statuses: tuple[StatusRange, ...] = ()
    principal: str | None = None

    def pattern(self) -> str:
        """Write it as a filter pattern of CloudWatch Logs, which lets through all that `matches`
        does, and may let through more.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax-for-Metric-Filters.html
        """
        pattern = ""
        for clause in self._clauses():
            longer = f"{pattern} && {clause}" if pattern else clause
            # With the braces and the spaces around it.
            if len(longer) + 4 <= _LONGEST_PATTERN:
                pattern = longer
        return f"{{ {pattern} }}"

    def matches(self, request: LoggedRequest) -> bool:
        """Whether this request is asked for."""
        return (
            request.endpoint == self.endpoint
            and (self.model is None or self.model in (request.model, request.alias))
            and (not self.statuses or any(request.status in part for part in self.statuses))
            and (self.principal is None or _is_named(self.principal, request.principal))
        )

    def _clauses(self) -> Iterator[str]:
        yield f'($.level != "{_PROBLEM}")'
        yield _any_of(
            [f"$.status >= {part.first} && $.status <= {part.last}" for part in self._parts]
        )
        if endpoint := _equals("endpoint", self.endpoint):
            yield _any_of([endpoint])
        if self.model is not None:
            either = [_equals("target_model", self.model), _equals("alias", self.model)]
            if all(either):
                yield _any_of([clause for clause in either if clause])
        if self.principal and _PLAIN.fullmatch(self.principal):
            yield f'($.principal = "*{self.principal}*")'

    @property
    def _parts(self) -> tuple[StatusRange, ...]:
        return self.statuses or (StatusRange(100, 599),)


def _any_of(conditions: list[str]) -> str:
    if len(conditions) == 1:
        return f"({conditions[0]})"
    return f"({' || '.join(f'({condition})' for condition in conditions)})"


def _equals(name: str, text: str) -> str | None:
    """Compare with as much of the text as can be written; None where nothing can."""
    plain = _PLAIN.match(text)
    if plain is None or not plain[0]:
        return None
    return f'$.{name} = "{plain[0]}{"" if plain[0] == text else "*"}"'


def _is_named(asked: str, principal: str | None) -> bool:
    return principal is not None and (asked == principal or asked in principal.split("/"))


def read_line(message: str, at: datetime) -> LoggedRequest | None:
    """Read a line of the log; None where it tells of no request.

    Logs hold much else: what Lambda says of itself, problems beside a request, lines of other
    versions. So nothing is an error here.
    """
    try:
        fields: object = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or fields.get("level") == _PROBLEM:
        return None
    endpoint, status = _text(fields, "endpoint"), _number(fields, "status")
    if endpoint is None or status is None or not 100 <= status <= 599:
        return None
    return LoggedRequest(
        at=at,
        endpoint=endpoint,
        status=int(status),
        model=_text(fields, "target_model"),
        alias=_text(fields, "alias"),
        latency_ms=_number(fields, "latency_ms"),
        is_cold=fields.get("cold") is True,
        way=_text(fields, "way"),
        waited_seconds=_number(fields, "held_seconds") or _number(fields, "waited_seconds"),
        principal=_text(fields, "principal"),
        # Of one that was answered in the end, a reason is that of an earlier try.
        error=_text(fields, "error") or (_text(fields, "reason") if status >= 400 else None),
        document={**fields, "at": format_instant(at)},
    )


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    return printable(value) or None if isinstance(value, str) else None


def _number(fields: Mapping[str, object], name: str) -> float | None:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Python reads NaN and 1e999 where JSON has none.
    return float(value) if 0 <= value < 1e15 else None
