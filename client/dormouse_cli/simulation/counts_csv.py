"""Requests a minute as CSV: `timestamp,count` or `minute,count`, and who was asked if one likes.

A header, then a row for each minute; a minute without a row is one without requests. Rows of one
endpoint or model are in the order of time, and no minute comes twice.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from dormouse_cli.simulation.traffic import (
    DAY_MINUTES,
    Traffic,
    Workload,
    minute_of,
    moment_of,
)

KINDS = ("endpoint", "model", "workload")
EXAMPLE = "timestamp,count, and below it 2026-11-23T18:00Z,12"
LONGEST_DAYS = 400
"""Whatever is longer has a slip of the pen in a year."""

MOST_REQUESTS = 1_000_000_000
"""Of one minute."""

_COLUMNS = ("timestamp", "minute", "count", *KINDS)
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
_MINUTE = re.compile(r"[0-9]{1,9}", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,12}", re.ASCII)
_NEGATIVE = re.compile(r"-[0-9.]+", re.ASCII)
_FRACTION = re.compile(r"[0-9]*\.[0-9]*", re.ASCII)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class BadCounts(ValueError):
    """What is no such CSV; the message names the line, what was found there, and an example."""


@dataclass(frozen=True, slots=True)
class ReadCounts:
    """What a file said, and whether its time stamps had no zone, so that one was assumed."""

    traffic: Traffic
    is_zone_assumed: bool


def read_counts(lines: Iterable[bytes], zone: tzinfo | None = None) -> ReadCounts:
    """Read a file; empty lines are passed over, a BOM is no matter.

    Time stamps without a zone are of `zone`, or of UTC if that is None. Where a clock is put back
    and an hour comes twice, a stamp is of the first one, unless it would then not follow the one
    before it.

    Raises:
        BadCounts: it has another form, or no row.
    """
    rows = csv.reader(_decoded(lines), strict=True)
    try:
        header = next((row for row in rows if row), None)
        if header is None:
            raise BadCounts(f"it is empty: its first line has to be a header, as in {EXAMPLE}")
        table = _Table.under(header, zone)
        for row in rows:
            if row:
                table.read(row, rows.line_num)
    except csv.Error as error:
        # csv counts a line when it has read it, whole or not.
        raise BadCounts(f"line {max(rows.line_num, 1)}: it is no CSV ({error})") from error
    except _BadPart as error:
        raise BadCounts(f"line {rows.line_num}: {error}") from error
    return table.counts()


def write_counts(traffic: Traffic) -> Iterator[str]:
    """Write traffic that has a clock, so that `read_counts` reads the same; line by line.

    The first and the last minute have a row whatever was asked in them, since nothing else tells
    how long nobody asked.
    """
    names = ["timestamp"] if traffic.kind is None else ["timestamp", traffic.kind]
    yield ",".join([*names, "count"]) + "\n"
    for workload in traffic.workloads:
        counts = {traffic.begin: 0, traffic.end - 1: 0, **dict(workload.counts)}
        middle = "" if traffic.kind is None else f"{_quoted(workload.name)},"
        for minute, count in sorted(counts.items()):
            yield f"{moment_of(minute):%Y-%m-%dT%H:%MZ},{middle}{count}\n"


class _BadPart(ValueError):
    """A row that can't be read; the message knows no line."""


@dataclass(slots=True)
class _Counted:
    """One workload, as far as it has been read."""

    counts: list[tuple[int, int]] = field(default_factory=list)
    last: int | None = None
    last_line: int = 0


@dataclass(slots=True)
class _Table:
    header: Sequence[str]
    zone: tzinfo | None
    time_column: int
    count_column: int
    kind_column: int | None
    workloads: dict[str, _Counted] = field(default_factory=dict)
    first: int | None = None
    last: int | None = None
    # Whether the first time stamp had a zone, and its line.
    zoned: bool | None = None
    zoned_line: int = 0

    @classmethod
    def under(cls, row: Sequence[str], zone: tzinfo | None) -> _Table:
        """Read a header."""
        header = [name.strip().lower() for name in row]
        _check_header(row, header)
        time = "timestamp" if "timestamp" in header else "minute"
        kind = next((name for name in header if name in KINDS), None)
        return cls(
            header,
            zone,
            header.index(time),
            header.index("count"),
            None if kind is None else header.index(kind),
        )

    def read(self, row: Sequence[str], line: int) -> None:
        """Take a row."""
        if len(row) != len(self.header):
            raise _BadPart(
                f"it has {_fields(len(row))}, but the header has {len(self.header)} "
                f"({','.join(self.header)})"
            )
        count = _count(row[self.count_column])
        name = "" if self.kind_column is None else row[self.kind_column].strip()
        if self.kind_column is not None and not name:
            raise _BadPart(f"the {self.header[self.kind_column]} is empty: it needs a name")
        workload = self.workloads.setdefault(name, _Counted())
        minute = self._minute(row[self.time_column], workload.last, line)
        self._follow(workload, minute, row[self.time_column].strip(), name)
        workload.last, workload.last_line = minute, line
        if count:
            workload.counts.append((minute, count))
        self.first = minute if self.first is None else min(self.first, minute)
        self.last = minute if self.last is None else max(self.last, minute)
        if self.last - self.first >= LONGEST_DAYS * DAY_MINUTES:
            raise _BadPart(
                f"{row[self.time_column].strip()!r} lies more than {LONGEST_DAYS} days from the "
                "other rows: is it mistyped?"
            )

    def counts(self) -> ReadCounts:
        """Return what all rows said."""
        if self.first is None or self.last is None:
            raise BadCounts(f"it has a header and no row: below it belongs {self._example()}")
        workloads = tuple(
            Workload(name, tuple(counted.counts))
            for name, counted in sorted(self.workloads.items())
        )
        kind = None if self.kind_column is None else self.header[self.kind_column]
        has_clock = self.header[self.time_column] == "timestamp"
        traffic = Traffic(workloads, self.first, self.last + 1, has_clock, kind)
        return ReadCounts(traffic, is_zone_assumed=self.zoned is False)

    def _minute(self, text: str, last: int | None, line: int) -> int:
        text = text.strip()
        if self.header[self.time_column] == "minute":
            if _MINUTE.fullmatch(text) is None:
                raise _BadPart(f"the minute is {text!r}: a whole number is wanted, as in 17")
            return int(text)
        moment = _moment(text)
        is_zoned = moment.tzinfo is not None
        if self.zoned is None:
            self.zoned, self.zoned_line = is_zoned, line
        elif self.zoned is not is_zoned:
            has, had = ("a", "none") if is_zoned else ("no", "one")
            raise _BadPart(
                f"{text!r} has {has} zone, but the time stamp of line {self.zoned_line} has {had}: "
                "write all of them with one, as 2026-11-23T18:00Z, or all without"
            )
        return minute_of(moment) if is_zoned else self._in_zone(moment, text, last)

    def _in_zone(self, wall: datetime, text: str, last: int | None) -> int:
        if self.zone is None:
            return minute_of(wall.replace(tzinfo=UTC))
        try:
            first, second = (
                wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1)
            )
            is_there = first.astimezone(self.zone).replace(tzinfo=None) == wall
        except (OverflowError, ValueError):
            raise _BadPart(f"{text!r} is out of range") from None
        if not is_there:
            raise _BadPart(f"{text!r} is no time in {self.zone}: the clock is put forward there")
        minute = minute_of(first)
        return minute if last is None or minute > last else minute_of(second)

    def _follow(self, workload: _Counted, minute: int, text: str, name: str) -> None:
        if workload.last is None or minute > workload.last:
            return
        whose = f" of {name!r}" if name else ""
        if minute == workload.last:
            raise _BadPart(
                f"{text!r}{whose} comes twice, in line {workload.last_line}, too: "
                "add the two counts up"
            )
        raise _BadPart(
            f"{text!r}{whose} lies before line {workload.last_line}: sort the rows by time"
        )

    def _example(self) -> str:
        time = "2026-11-23T18:00Z" if self.header[self.time_column] == "timestamp" else "17"
        values = {"count": "12", self.header[self.time_column]: time}
        return ",".join(values.get(name, "my-model") for name in self.header)


def _check_header(row: Sequence[str], header: Sequence[str]) -> None:
    if len(row) == 1 and re.search(r"[;\t]", row[0]):
        raise _BadPart(f"{row[0]!r:.80} has no comma: columns are separated by commas here")
    for name, written in zip(header, row, strict=True):
        if name not in _COLUMNS:
            raise _BadPart(
                f"the column {written.strip()!r:.60} is not known here: the first line is a header "
                f"of {', '.join(_COLUMNS)}, as in {EXAMPLE}"
            )
        if header.count(name) > 1:
            raise _BadPart(f"the header has {name!r} twice")
    if "count" not in header:
        raise _BadPart(f"the header has no column 'count', as in {EXAMPLE}")
    for several in (("timestamp", "minute"), KINDS):
        found = [name for name in several if name in header]
        if len(found) > 1:
            raise _BadPart(f"the header has {found[0]!r} and {found[1]!r}: one of them is wanted")
    if "timestamp" not in header and "minute" not in header:
        raise _BadPart(f"the header has no column 'timestamp' or 'minute', as in {EXAMPLE}")


def _count(text: str) -> int:
    text = text.strip()
    if _COUNT.fullmatch(text) is None:
        if _NEGATIVE.fullmatch(text):
            what = "is negative"
        elif _FRACTION.fullmatch(text):
            what = "has a fraction"
        else:
            what = "is no number" if text else "is missing"
        found = f"the count {text!r:.60} {what}" if text else f"the count {what}"
        raise _BadPart(f"{found}: a whole number from 0 on is wanted, as in 12")
    if int(text) > MOST_REQUESTS:
        raise _BadPart(f"the count {text!r} is more than {MOST_REQUESTS}: no minute has so many")
    return int(text)


def _moment(text: str) -> datetime:
    moment = _written(text)
    if moment is None:
        raise _BadPart(
            f"the time stamp {text!r:.60} can't be read: it is written as 2026-11-23T18:00Z, "
            "2026-11-23T18:00+01:00 or 2026-11-23 18:00"
        )
    if moment.second or moment.microsecond:
        raise _BadPart(f"{text!r} is no whole minute: write when it begins, as 2026-11-23T18:00Z")
    return moment


def _written(text: str) -> datetime | None:
    if _TIMESTAMP.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if number == 1 and line.startswith(_UTF_16):
            raise BadCounts("line 1: it is UTF-16: save it as UTF-8")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            found = error.object[error.start : error.start + 1].hex()
            raise BadCounts(
                f"line {number}: it is no UTF-8 (byte {error.start + 1} is {found}): save it as "
                "UTF-8"
            ) from error


def _fields(number: int) -> str:
    return "1 field" if number == 1 else f"{number} fields"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if re.search(r'[",\r\n]', name) else name
