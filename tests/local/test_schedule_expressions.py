"""What the Scheduler takes for an expression, and when a schedule runs, to the minute and by the
clock of its time zone.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.schedule_expressions import (
    InvalidExpressionError,
    Runs,
    next_run,
    parse,
    zone_of,
)

NOW = datetime(2026, 11, 22, 16, 30, 20, tzinfo=UTC)  # a Sunday


@pytest.mark.parametrize(
    "expression",
    [
        "cron(99 * * * ? *)",
        "cron(60 * * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 0 0 * ? *)",
        "cron(0 0 32 * ? *)",
        "cron(0 0 * 13 ? *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 ? * 0 *)",
        "cron(0 0 ? * MO *)",
        "cron(0 0 ? * MON#6 *)",
        "cron(0 0 0W * ? *)",
        "cron(0 0 * * ? 1969)",
        "cron(0 0 * * ? 2200)",
        "cron(30-10 * * * ? *)",
        "cron(*/60 * * * ? *)",
        "cron(*/0 * * * ? *)",
        "cron(-1 * * * ? *)",
        "cron(, * * * ? *)",
        # Exactly one of the two day fields is a question mark, and no other field is one.
        "cron(0 0 * * * *)",
        "cron(0 0 ? * ? *)",
        "cron(? 0 * * ? *)",
        # As a Unix crontab has them, without a year.
        "cron(0 7 * * 1-5)",
        "cron(0 7 * * ? * *)",
        "cron()",
        "cron(0 7 * * ? *",
        "0 7 * * ? *",
        "rate(0 minutes)",
        "rate(1.5 hours)",
        "rate(30 seconds)",
        "rate(5)",
        "rate(5 minutes) ",
        "at(2026-11-22)",
        "at(2026-11-22T25:00:00)",
        "at(2026-11-22T10:00:00Z)",
        "at(2026-11-22 10:00:00)",
        "every day",
        "",
    ],
)
def test_what_is_refused(expression: str) -> None:
    """In the Scheduler's words."""
    with pytest.raises(InvalidExpressionError) as refused:
        parse(expression)
    assert str(refused.value) == f"Invalid Schedule Expression {expression}."


@pytest.mark.parametrize("name", ["Mars/Phobos", "../UTC", "/etc/passwd", "Europe", " "])
def test_which_zone_there_is_not(name: str) -> None:
    """Names that are no zone, and paths."""
    with pytest.raises(InvalidExpressionError, match="Timezone"):
        zone_of(name)


def runs(expression: str, zone: str, after: datetime, count: int) -> list[str]:
    """The next runs, by the clock of the zone."""
    found: list[str] = []
    for _ in range(count):
        run = next_run(parse(expression), zone_of(zone), NOW, after)
        if run is None:
            return [*found, "never"]
        found.append(run.astimezone(zone_of(zone)).strftime("%a %Y-%m-%d %H:%M"))
        after = run
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(* * * * ? *)", ["Sun 2026-11-22 16:31", "Sun 2026-11-22 16:32"]),
        ("cron(0/20 16,18 * * ? *)", ["Sun 2026-11-22 16:40", "Sun 2026-11-22 18:00"]),
        ("cron(*/25 16-17 * * ? *)", ["Sun 2026-11-22 16:50", "Sun 2026-11-22 17:00"]),
        ("cron(10-50/30 16 * * ? *)", ["Sun 2026-11-22 16:40", "Mon 2026-11-23 16:10"]),
        ("cron(0 7 ? * MON-FRI *)", ["Mon 2026-11-23 07:00", "Tue 2026-11-24 07:00"]),
        ("cron(0 7 ? * 2,7 *)", ["Mon 2026-11-23 07:00", "Sat 2026-11-28 07:00"]),
        ("cron(0 7 ? * mon *)", ["Mon 2026-11-23 07:00", "Mon 2026-11-30 07:00"]),
        ("cron(0 7 L * ? *)", ["Mon 2026-11-30 07:00", "Thu 2026-12-31 07:00"]),
        ("cron(0 7 LW * ? *)", ["Mon 2026-11-30 07:00", "Thu 2026-12-31 07:00"]),
        # 1 August 2027 is a Sunday, and July is not August; 31 October 2026 was a Saturday.
        ("cron(0 7 1W 8 ? *)", ["Mon 2027-08-02 07:00", "Tue 2028-08-01 07:00"]),
        ("cron(0 7 31W 10 ? *)", ["Fri 2027-10-29 07:00", "Tue 2028-10-31 07:00"]),
        ("cron(0 7 ? * 6L *)", ["Fri 2026-11-27 07:00", "Fri 2026-12-25 07:00"]),
        ("cron(0 7 ? * L *)", ["Sat 2026-11-28 07:00", "Sat 2026-12-05 07:00"]),
        ("cron(0 7 ? * TUE#2 *)", ["Tue 2026-12-08 07:00", "Tue 2027-01-12 07:00"]),
        ("cron(0 0 29 FEB ? *)", ["Tue 2028-02-29 00:00", "Sun 2032-02-29 00:00"]),
        ("cron(0 0 1 1 ? 2028)", ["Sat 2028-01-01 00:00", "never"]),
        ("cron(0 0 1 1 ? 2025)", ["never"]),
        ("at(2026-12-01T07:30:00)", ["Tue 2026-12-01 07:30", "never"]),
        ("at(2026-11-22T16:30:20)", ["never"]),
        ("rate(1 minute)", ["Sun 2026-11-22 16:31", "Sun 2026-11-22 16:32"]),
        ("rate(2 hours)", ["Sun 2026-11-22 18:30", "Sun 2026-11-22 20:30"]),
        ("rate(7 days)", ["Sun 2026-11-29 16:30", "Sun 2026-12-06 16:30"]),
    ],
)
def test_when_it_runs_next(expression: str, expected: list[str]) -> None:
    """In UTC, the first two times."""
    assert runs(expression, "UTC", NOW, len(expected)) == expected


@pytest.mark.parametrize(
    ("zone", "after", "expression", "expected"),
    [
        # By the clock on the wall, whatever UTC says.
        ("Asia/Kolkata", NOW, "cron(0 7 ? * MON *)", "Mon 2026-11-23 07:00"),
        ("America/New_York", NOW, "cron(0 7 ? * SUN *)", "Sun 2026-11-29 07:00"),
        ("Pacific/Kiritimati", NOW, "at(2026-11-23T07:00:00)", "Mon 2026-11-23 07:00"),
        # Spring forward in Berlin: 02:30 is not there on 28 March 2027, and it is skipped.
        (
            "Europe/Berlin",
            datetime(2027, 3, 27, 12, tzinfo=UTC),
            "cron(30 2 * * ? *)",
            "Mon 2027-03-29 02:30",
        ),
    ],
)
def test_by_the_clock_of_a_zone(zone: str, after: datetime, expression: str, expected: str) -> None:
    """The same words mean another moment elsewhere."""
    assert runs(expression, zone, after, 1) == [expected]


def test_an_hour_that_is_there_twice_counts_once() -> None:
    """Fall back in Berlin: 02:30 on 25 October 2026 comes at 00:30 and at 01:30 UTC."""
    schedule, zone = parse("cron(30 2 * * ? *)"), zone_of("Europe/Berlin")
    first = next_run(schedule, zone, NOW, datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert next_run(schedule, zone, NOW, first) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def schedule(expression: str, zone: str = "UTC", **more: Any) -> dict[str, Any]:
    return {
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": zone,
        "State": "ENABLED",
        "LastModificationDate": NOW.timestamp(),
        **more,
    }


def due(seconds: range, *versions: dict[str, Any]) -> list[int]:
    """The seconds at which a schedule that is looked at each second is run; each version of it
    holds for an equal share of them.
    """
    remembered = Runs()
    found = []
    for number, second in enumerate(seconds):
        version = versions[number * len(versions) // len(seconds)]
        if remembered.is_due("key", version, NOW + timedelta(seconds=second)):
            found.append(second)
    return found


def test_it_runs_once_each_time() -> None:
    """At the full minute, though it is looked at each second."""
    assert due(range(180), schedule("cron(* * * * ? *)")) == [40, 100, 160]
    assert due(range(180), schedule("rate(1 minute)")) == [60, 120]
    assert due(range(180), schedule("at(2026-11-22T22:01:00)", "Asia/Kolkata")) == [40]


def test_what_was_missed_is_made_up_for_once() -> None:
    """The machine slept for ten minutes: one run, and then as planned."""
    assert due(range(600, 661), schedule("rate(1 minute)")) == [600, 660]


def test_when_it_does_not_run() -> None:
    """Disabled, before its start, after its end, which a template writes as text."""
    every = "cron(* * * * ? *)"
    assert due(range(180), schedule(every, State="DISABLED")) == []
    assert due(range(180), schedule(every, StartDate="2026-11-22T16:32:30Z")) == [160]
    assert due(range(180), schedule(every, EndDate=NOW.timestamp() + 50)) == [40]


def test_a_changed_one_begins_anew() -> None:
    """What was due by the former expression is not run any more."""
    before = schedule("cron(32 * * * ? *)")
    changed = NOW.timestamp() + 90
    after = schedule("cron(33 * * * ? *)", LastModificationDate=changed)
    assert due(range(180), before, after) == [160]
