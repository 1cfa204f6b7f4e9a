"""The history of demand: when an endpoint was asked for, and what a policy makes of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

MINUTES_A_DAY = 1440

# "540=3,1 600=1": 3 requests in the minute 540 of the day, 1 in the next, and 1 in minute 600.
_COUNT = r"[1-9][0-9]{0,17}"
_RUN = re.compile(rf"(?P<first>0|[1-9][0-9]{{0,3}})=(?P<counts>{_COUNT}(?:,{_COUNT})*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class DemandHistory:
    """What an idle policy has learned of an endpoint, in the policy's own writing, which is text:
    all demand before `folded_until`, a whole minute, and nothing later.
    """

    folded_until: datetime
    forecast: str


@dataclass(frozen=True, slots=True)
class DemandDay:
    """The demand of a day in UTC: how many requests have come in each minute that had any, by the
    minute's number in the day.

    All that came before `until`, a minute of that day or its end, is counted. `version` is how
    often it was written, 0 for a day that never was.
    """

    day: date
    until: datetime
    counts: Mapping[int, int] = field(default_factory=dict)
    version: int = 0

    def minutes(self) -> dict[datetime, int]:
        """Say how many came in each minute, in order."""
        began_at = beginning_of_day(self.day)
        return {
            began_at + timedelta(minutes=minute): self.counts[minute]
            for minute in sorted(self.counts)
        }


def beginning_of_day(day: date) -> datetime:
    """Say when a day begins, in UTC."""
    return datetime.combine(day, time(), UTC)


def write_counts(counts: Mapping[int, int]) -> str:
    """Write how many came in each minute of a day, at least 1, as in `540=3,1 600=1`.

    A request a minute takes 3 KB a day; one now and then takes 6 bytes each.
    """
    runs: list[str] = []
    before = -2
    for minute in sorted(counts):
        if minute == before + 1:
            runs[-1] += f",{counts[minute]}"
        else:
            runs.append(f"{minute}={counts[minute]}")
        before = minute
    return " ".join(runs)


def parse_counts(text: str) -> dict[int, int]:
    """Read what `write_counts` wrote.

    Raises:
        ValueError: it is something else; the message quotes the part that is.
    """
    counts: dict[int, int] = {}
    free_from = 0
    for word in text.split():
        match = _RUN.fullmatch(word)
        if match is None:
            raise ValueError(f"{word[:80]!r} is no run of minutes and their counts, as 540=3,1 is")
        first, run = int(match["first"]), match["counts"].split(",")
        if first < free_from:
            raise ValueError(f"{word[:80]!r} begins before the run ahead of it has ended")
        free_from = first + len(run)
        if free_from > MINUTES_A_DAY:
            raise ValueError(f"{word[:80]!r} goes beyond the {MINUTES_A_DAY} minutes of a day")
        counts |= {first + number: int(count) for number, count in enumerate(run)}
    return counts
