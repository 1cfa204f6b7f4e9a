"""Requests minute by minute, as they were."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class Workload:
    """What one endpoint or model was asked: minutes in order, each once, with a count above 0."""

    name: str
    counts: tuple[tuple[int, int], ...]

    @property
    def requests(self) -> int:
        """How many there were in all."""
        return sum(count for _, count in self.counts)


@dataclass(frozen=True, slots=True)
class Traffic:
    """All workloads of one source over the minutes from `begin` to before `end`, by their names.

    With a clock minutes count from 1970 in UTC; without one, from a beginning that nobody told.
    `kind` is what a workload is: `endpoint`, `model` or `workload`; None where there is but one,
    which has no name.
    """

    workloads: tuple[Workload, ...]
    begin: int
    end: int
    has_clock: bool
    kind: str | None = None

    @property
    def minutes(self) -> int:
        """How long it is."""
        return self.end - self.begin

    @property
    def requests(self) -> int:
        """How many there were in all."""
        return sum(workload.requests for workload in self.workloads)

    def bundled(self) -> Workload:
        """Return all of it as if it were asked of one endpoint."""
        if len(self.workloads) == 1:
            return self.workloads[0]
        total: Counter[int] = Counter()
        for workload in self.workloads:
            total.update(dict(workload.counts))
        return Workload("", tuple(sorted(total.items())))


def minute_of(moment: datetime) -> int:
    """Return the minute since 1970 in which a moment lies."""
    return (moment - EPOCH) // MINUTE


def moment_of(minute: int) -> datetime:
    """Return when a minute since 1970 begins, in UTC."""
    return EPOCH + minute * MINUTE
