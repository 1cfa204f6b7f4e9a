"""Counts in a file: what a row may hold, and what is said of one that can't be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse_cli.simulation.counts_csv import (
    LONGEST_DAYS,
    MOST_REQUESTS,
    BadCounts,
    ReadCounts,
    read_counts,
    write_counts,
)
from dormouse_cli.simulation.traffic import DAY_MINUTES, Traffic, Workload, minute_of

BERLIN = ZoneInfo("Europe/Berlin")
# 2026-11-23T18:00Z
SIX = minute_of(datetime(2026, 11, 23, 18, tzinfo=UTC))


def read(text: str, zone: ZoneInfo | None = None) -> ReadCounts:
    return read_counts(text.encode().splitlines(keepends=True), zone)


def only(text: str, zone: ZoneInfo | None = None) -> Traffic:
    return read(text, zone).traffic


def test_minutes_and_counts() -> None:
    """Zeros tell how long it is, and are no more than that."""
    traffic = only("minute,count\n5,0\n7,2\n9,1\n20,0\n")
    assert traffic == Traffic((Workload("", ((7, 2), (9, 1))),), 5, 21, has_clock=False)
    assert (traffic.minutes, traffic.requests) == (16, 3)


def test_time_stamps() -> None:
    """With zones of any kind; seconds may be written."""
    found = read(
        "timestamp,count\n2026-11-23T18:00Z,1\n2026-11-23T19:01:00+01:00,2\n"
        "2026-11-23 14:02-04:00,3\n2026-11-23T18:03:00.000+0000,4\n"
    )
    assert not found.is_zone_assumed
    assert found.traffic.has_clock
    assert found.traffic.workloads[0].counts == tuple((SIX + n, n + 1) for n in range(4))


def test_time_stamps_without_a_zone_are_utc_and_that_is_told() -> None:
    """Unless a zone is given."""
    text = "timestamp,count\n2026-11-23 18:00,1\n"
    assert read(text).is_zone_assumed
    assert only(text).begin == SIX
    assert only(text, BERLIN).begin == SIX - 60


def test_an_hour_that_comes_twice_goes_on() -> None:
    """02:30 is the first one, and the second where it follows the first."""
    rows = ("02:00", "02:30", "02:00", "02:30", "03:00")
    text = "timestamp,count\n" + "".join(f"2026-10-25T{row},1\n" for row in rows)
    begin = minute_of(datetime(2026, 10, 25, 0, tzinfo=UTC))
    assert [minute - begin for minute, _ in only(text, BERLIN).workloads[0].counts] == [
        0, 30, 60, 90, 120,
    ]  # fmt: skip


def test_several_workloads() -> None:
    """Each in its own order, whatever stands between; by name, over the same minutes."""
    traffic = only("model,minute,count\nb,5,1\na,2,1\nb,6,2\na,9,0\n")
    assert traffic == Traffic(
        (Workload("a", ((2, 1),)), Workload("b", ((5, 1), (6, 2)))), 2, 10, False, "model"
    )
    assert traffic.bundled() == Workload("", ((2, 1), (5, 1), (6, 2)))


def test_what_spreadsheets_write() -> None:
    """A BOM, quotes, CRLF, spaces, capitals, empty lines, a name with a comma and a line's end."""
    text = '\ufeff"Endpoint", Minute,"Count"\r\n\r\n"a,""b""\nc", 1 ,"2"\r\nd,3,4'
    traffic = only(text)
    assert traffic.kind == "endpoint"
    assert [workload.name for workload in traffic.workloads] == ['a,"b"\nc', "d"]


HEAD = "timestamp,count\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty: its first line has to be a header, as in timestamp,count"),
        ("\n\r\n", "it is empty"),
        ("timestamp,count\n", "no row: below it belongs 2026-11-23T18:00Z,12"),
        ("model,minute,count\n", "no row: below it belongs my-model,17,12"),
        ("minute;count\n1;2\n", "line 1: 'minute;count' has no comma"),
        ("time,count\n", "line 1: the column 'time' is not known here: .* of timestamp, minute"),
        ("17,12\n", "line 1: the column '17' is not known here"),
        ("minute,requests\n", "line 1: the column 'requests' is not known"),
        ("minute\n", "line 1: the header has no column 'count'"),
        ("count,model\n", "line 1: the header has no column 'timestamp' or 'minute'"),
        ("minute,timestamp,count\n", "line 1: the header has 'timestamp' and 'minute'"),
        ("minute,model,endpoint,count\n", "line 1: the header has 'endpoint' and 'model'"),
        ("minute,count,count\n", "line 1: the header has 'count' twice"),
        ("\nminute,count\n1,2,3\n", r"line 3: it has 3 fields, .* has 2 \(minute,count\)"),
        ("minute,count\n1\n", "line 2: it has 1 field"),
        ("minute,count\n1,-3\n", "line 2: the count '-3' is negative: a whole number .* as in 12"),
        ("minute,count\n1,2.5\n", "line 2: the count '2.5' has a fraction"),
        ("minute,count\n1,\n", "line 2: the count is missing"),
        ("minute,count\n1,many\n", "line 2: the count 'many' is no number"),
        ("minute,count\n1,1e3\n", "line 2: the count '1e3' is no number"),
        ("minute,count\n1,\u0663\n", "is no number"),
        (f"minute,count\n1,{MOST_REQUESTS + 1}\n", "line 2: the count '1000000001' is more than"),
        ("minute,count\n1.5,2\n", "line 2: the minute is '1.5': a whole number is wanted"),
        ("minute,count\n-1,2\n", "line 2: the minute is '-1'"),
        ("minute,count\n1,1\n2,1\n2,1\n", "line 4: '2' comes twice, in line 3, too: add the two"),
        ("minute,count\n1,1\n3,1\n2,1\n", "line 4: '2' lies before line 3: sort the rows by time"),
        ("model,minute,count\na,1,1\nb,1,1\na,1,1\n", "line 4: '1' of 'a' comes twice, in line 2"),
        ("model,minute,count\n ,1,1\n", "line 2: the model is empty: it needs a name"),
        (f"{HEAD}yesterday,1\n", "line 2: the time stamp 'yesterday' can't be read: .* as 2026-"),
        (f"{HEAD}2026-02-30T18:00Z,1\n", "line 2: the time stamp '2026-02-30T18:00Z' can't be"),
        (f"{HEAD}2026-11-23,1\n", "line 2: the time stamp '2026-11-23' can't be read"),
        (f"{HEAD}1795456800,1\n", "can't be read"),
        (f"{HEAD}2026-11-23T18:00:30Z,1\n", "line 2: '2026-11-23T18:00:30Z' is no whole minute"),
        (
            f"{HEAD}2026-11-23T18:00Z,1\n2026-11-23T18:01,1\n",
            "line 3: '2026-11-23T18:01' has no zone, but the time stamp of line 2 has one",
        ),
        (
            f"{HEAD}2026-11-23T18:00,1\n2026-11-23T18:01Z,1\n",
            "line 3: '2026-11-23T18:01Z' has a zone, but the time stamp of line 2 has none",
        ),
        (f"{HEAD}2006-11-23T18:00Z,1\n2026-11-23T18:01Z,1\n", "line 3: .* more than 400 days"),
        ('minute,count\n1,"2\n', "line 3?2?: it is no CSV"),
        ('minute,count\n1,"2"x\n', "line 2: it is no CSV"),
        ("minute,count\n1,2\r3,4\n", "line 2: it is no CSV"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, why: str) -> None:
    """And with an example of what would be right."""
    with pytest.raises(BadCounts, match=why):
        read_counts(_lines(text))


def _lines(text: str) -> list[bytes]:
    """As a file has them: a line ends with its line feed alone."""
    return [line + b"\n" for line in text.encode().split(b"\n")]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([b"minute,count\n", b"1,1\n", b"2,\xff\n"], r"line 3: it is no UTF-8 \(byte 3 is ff\)"),
        (["minute,count\n1,2\n".encode("utf-16")], "line 1: it is UTF-16: save it as UTF-8"),
        ([b"minute,count\n", b"1," + b"1" * 200_000], "line 2: it is no CSV .*larger than"),
    ],
)
def test_what_is_no_text(lines: list[bytes], why: str) -> None:
    """Neither is a field without an end."""
    with pytest.raises(BadCounts, match=why):
        read_counts(lines)


def test_a_time_that_the_clock_leaves_out() -> None:
    """Whoever wrote it meant another zone."""
    text = f"{HEAD}2026-03-29T01:59,1\n2026-03-29T02:30,1\n"
    with pytest.raises(BadCounts, match="line 3: '2026-03-29T02:30' is no time in Europe/Berlin"):
        read(text, BERLIN)


def test_the_longest_is_read() -> None:
    """From its first to its last minute."""
    last = LONGEST_DAYS * DAY_MINUTES
    assert only(f"minute,count\n0,1\n{last - 1},1\n").minutes == last
    with pytest.raises(BadCounts, match=f"line 3: '{last}' lies more than 400 days"):
        read(f"minute,count\n0,1\n{last},1\n")


# --------------------------------------------------------------------------------------- properties

NAMES = (
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool)
)
COUNTS = st.dictionaries(
    st.integers(SIX, SIX + 3 * DAY_MINUTES), st.integers(1, MOST_REQUESTS), max_size=8
).map(lambda counts: tuple(sorted(counts.items())))


@st.composite
def traffics(draw: st.DrawFn) -> Traffic:
    kind = draw(st.sampled_from([None, "endpoint", "model", "workload"]))
    names = {""} if kind is None else draw(st.sets(NAMES, min_size=1, max_size=4))
    workloads = tuple(Workload(name, draw(COUNTS)) for name in sorted(names))
    return Traffic(workloads, SIX - 5, SIX + 3 * DAY_MINUTES + 1, True, kind)


@given(traffics())
def test_what_is_written_reads_back(traffic: Traffic) -> None:
    """All of it, whatever the names are."""
    text = "".join(write_counts(traffic))
    assert read_counts(_lines(text.removesuffix("\n"))) == ReadCounts(traffic, False)


@given(traffics())
def test_rows_of_several_may_be_mixed(traffic: Traffic) -> None:
    """Sorted by time, as well as by name."""
    header, *rows = write_counts(traffic)
    mixed = sorted(rows, key=lambda row: row[: len("2026-11-23T18:00Z")])
    text = "".join([header, *mixed])
    assert read_counts(_lines(text.removesuffix("\n"))).traffic == traffic


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_any_bytes_are_counts_or_are_refused(lines: list[bytes]) -> None:
    """There is no third way."""
    _reads_or_refuses([line + b"\n" for line in lines])


FIELD = st.one_of(
    st.sampled_from(["1", "2", "0", "-1", "1.0", "", '"3"', '"', "a", "2026-11-23T18:00Z"]),
    st.sampled_from(["2026-11-23T18:01", "0001-01-01T00:00+23:59", "9999-12-31T23:59"]),
    st.text(max_size=5),
)


@given(
    st.permutations(["timestamp", "minute", "count", "model"]),
    st.integers(1, 4),
    st.lists(st.lists(FIELD, min_size=1, max_size=4), max_size=4),
    st.sampled_from([None, BERLIN]),
)
def test_any_rows_are_counts_or_are_refused(
    header: list[str], columns: int, rows: list[list[str]], zone: ZoneInfo | None
) -> None:
    """Near to what is right, too; what is refused has its line, or is empty."""
    table = [header[:columns], *rows]
    _reads_or_refuses(_lines("\n".join(",".join(row) for row in table)), zone)


def _reads_or_refuses(lines: list[bytes], zone: ZoneInfo | None = None) -> None:
    try:
        traffic = read_counts(lines, zone).traffic
    except BadCounts as error:
        assert str(error).startswith(("line ", "it is empty", "it has a header and no row"))
        return
    assert traffic.begin < traffic.end
    for workload in traffic.workloads:
        minutes = [minute for minute, _ in workload.counts]
        assert minutes == sorted(set(minutes))
        assert all(traffic.begin <= minute < traffic.end for minute in minutes)
        assert all(0 < count <= MOST_REQUESTS for _, count in workload.counts)


@given(st.integers(0, 20_000), st.sampled_from([BERLIN, ZoneInfo("Australia/Lord_Howe")]))
def test_each_minute_of_a_year_is_read_in_its_zone(offset: int, zone: ZoneInfo) -> None:
    """Also when the clock is changed, since the minute before stands there."""
    begin = datetime(2026, 10, 1, tzinfo=UTC)
    later = begin + timedelta(minutes=offset * 3)
    pair = [moment.astimezone(zone) for moment in (later, later + timedelta(hours=1))]
    text = HEAD + "".join(f"{moment:%Y-%m-%dT%H:%M},1\n" for moment in pair)
    if pair[0].fold and not pair[1].fold:
        # Nothing tells that this was the second time.
        return
    first, second = only(text, zone).workloads[0].counts
    assert (first[0], second[0]) == (minute_of(pair[0]), minute_of(pair[1]))
