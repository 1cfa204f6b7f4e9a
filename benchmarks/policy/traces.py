"""The traces: minutes with requests of many workloads, and which of them are scored.

A trace is a file of CSV, packed by gzip: `workload,minute,count`, then a row for each minute with
requests, counted from the beginning of the trace. Of two traces whole weeks are known, and they are
scored from the eighth day on; the third is of one day, of which the second half is scored.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from dormouse_policy.simulation import Demand

DAY = 24 * 60
HISTORY = 7 * DAY
HALF_DAY = DAY // 2
ONE_DAY = "one-day"
GROUPS = ("gentd-mme", "gentd-model", "gentd-tenant", "servegen")
LEAST_SCORED_MINUTES = 5
"""A workload with fewer active minutes in what is scored says nothing, and is left out."""
LEAST_MINUTES_OF_HALF_A_DAY = 3

FILES: Mapping[str, int] = {
    "gentd26.csv.gz": 23 * DAY,
    "servegen.csv.gz": 14 * DAY,
    "azure2019_1day.csv.gz": DAY,
}
"""Their names, and the minute with which each ends; what comes later is passed over."""

_HEADER = ["workload", "minute", "count"]
_EXAMPLE = "workload,minute,count and below it model-1,1017,2"
_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)

Counts: TypeAlias = dict[str, dict[int, int]]
"""Requests by minute, by workload."""


class TracesError(Exception):
    """The traces can't be read; the message says which part, and how it has to be."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What was asked of one endpoint; it is scored from `scored_from` on."""

    group: str
    name: str
    demand: Demand
    scored_from: int


def read_traces(folder: Path) -> Sequence[Workload]:
    """Read the three files of a folder; groups in their order, then workloads by name.

    Raises:
        TracesError: a file is missing, is no such CSV, or none has a workload to score.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        what = "no such folder" if not folder.is_dir() else f"it lacks {', '.join(missing)}"
        raise TracesError(
            f"{folder}: {what}. The traces are three files in one folder, {', '.join(FILES)}, "
            "each a CSV of `workload,minute,count`, packed by gzip."
        )
    workloads: list[Workload] = []
    for name, end in FILES.items():
        workloads.extend(_scored(name, _read(folder / name), end))
    if not workloads:
        raise TracesError(f"{folder}: no workload of these traces has enough requests to be scored")
    order = [*GROUPS, ONE_DAY]
    return sorted(workloads, key=lambda each: (order.index(each.group), each.name))


def read_rows(lines: Iterable[str]) -> Counts:
    """Read a trace; its rows may be in any order.

    Raises:
        TracesError: it has another form; the message names the line.
    """
    rows = csv.reader(lines, strict=True)
    found: Counts = {}
    try:
        if next(rows, None) != _HEADER:
            raise TracesError(f"line 1: it has to begin as in {_EXAMPLE}")
        for row in rows:
            if len(row) != len(_HEADER):
                raise TracesError(f"line {rows.line_num}: {row!r} has to be as in {_EXAMPLE}")
            workload, minute, count = row
            if not (workload and _NUMBER.fullmatch(minute) and _NUMBER.fullmatch(count)):
                raise TracesError(
                    f"line {rows.line_num}: {row!r} needs a name and two whole numbers, "
                    f"as in {_EXAMPLE}"
                )
            counts = found.setdefault(workload, {})
            if int(minute) in counts:
                raise TracesError(
                    f"line {rows.line_num}: minute {minute} of {workload} comes twice"
                )
            counts[int(minute)] = int(count)
    except csv.Error as error:
        raise TracesError(f"line {rows.line_num}: it is no CSV ({error})") from error
    return found


def _read(path: Path) -> Counts:
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            return read_rows(lines)
    except TracesError as error:
        raise TracesError(f"{path}: {error}") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise TracesError(f"{path}: it is no text that was packed by gzip ({error})") from error


def _scored(file: str, traces: Counts, end: int) -> Iterator[Workload]:
    for name, counts in sorted(traces.items()):
        asked = sorted((at, count) for at, count in counts.items() if count and at < end)
        group = _group_of(file, name)
        scored_from = HALF_DAY if group == ONE_DAY else HISTORY
        after = sum(at >= scored_from for at, _ in asked)
        if group == ONE_DAY:
            before = len(asked) - after
            is_scored = min(before, after) >= LEAST_MINUTES_OF_HALF_A_DAY and len(asked) < end / 2
        else:
            is_scored = after >= LEAST_SCORED_MINUTES
        if is_scored:
            yield Workload(group, name, Demand(tuple(asked), 0, end), scored_from)


def _group_of(file: str, workload: str) -> str:
    if file.startswith("azure"):
        return ONE_DAY
    if file.startswith("servegen"):
        return "servegen"
    if workload == "all" or workload.startswith("mme-"):
        return "gentd-mme"
    return "gentd-model" if workload.startswith("model-") else "gentd-tenant"
