"""What is made of a replay: waits, the week by hour, what is recommended, one endpoint or many."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dormouse_cli.simulation.figures import hours
from dormouse_cli.simulation.recommend import caveats, words
from dormouse_cli.simulation.replay import (
    ALWAYS_ON,
    BREAK_EVEN,
    CLAIRVOYANT,
    FIXED_MINUTES,
    Replayed,
    Terms,
    choose,
    replay,
    steps_of,
)
from dormouse_cli.simulation.report import HourPrice, Report, report_of
from dormouse_cli.simulation.traffic import DAY_MINUTES, Traffic, Workload, minute_of
from dormouse_cli.simulation.week import Hour, week_of

TERMS = Terms(wake=5, delay_cost=15, history=0)
COUNTS = st.dictionaries(st.integers(0, 2999), st.integers(1, 9), max_size=30).map(
    lambda counts: tuple(sorted(counts.items()))
)


def traffic_of(*workloads: tuple[tuple[int, int], ...], end: int = 3000) -> Traffic:
    named = tuple(Workload(f"m{number}", counts) for number, counts in enumerate(workloads))
    return Traffic(named, 0, end, False, "model")


def reported(traffic: Traffic, terms: Terms = TERMS, usd: str | None = None) -> Report:
    price = None if usd is None else HourPrice(Decimal(usd), "--price")
    return report_of(
        "c.csv", traffic, terms, price=price, zone=UTC, notes=(), advanced=lambda _: None
    )


def by_name(traffic: Traffic, terms: Terms = TERMS) -> dict[str, Replayed]:
    return {each.name: each for each in replay(traffic, terms, lambda _: None)}


def test_who_waits_and_for_how_long() -> None:
    """Until it serves; whoever comes when it serves does not."""
    one = by_name(traffic_of(((10, 1), (12, 4), (14, 2), (15, 8), (40, 1))))["fixed-15"]
    assert one.waits == ((1, 2), (3, 4), (5, 2))
    assert one.cold == ((10, 1), (12, 4), (14, 2), (40, 1))
    assert (one.requests, one.cold_requests, one.cold_minutes, one.starts) == (16, 8, 4, 2)
    assert (one.median_wait, one.longest_wait, one.mean_delay) == (3, 5, Fraction(24, 16))
    assert one.cold_share == 0.5
    # 10 to 30, and 40 to 60: the timeout counts from when it was asked last, or could answer.
    assert one.up_minutes == 21 + 21


def test_what_comes_before_the_score_is_history() -> None:
    """An endpoint that is up then is still up, and its requests are not counted."""
    traffic = traffic_of(((10, 1), (22, 1)))
    one = by_name(traffic, Terms(5, 15, 20))["fixed-15"]
    assert (one.requests, one.cold_requests, one.starts) == (1, 0, 0)
    starting = by_name(traffic_of(((18, 1), (20, 2))), Terms(5, 15, 20))["fixed-15"]
    assert (starting.waits, starting.starts) == (((3, 2),), 0)


def test_always_on_is_never_cold_and_the_bound_is_one() -> None:
    """Whatever is asked."""
    found = by_name(traffic_of(((10, 1), (500, 2), (2990, 1))))
    always, bound = found[ALWAYS_ON], found[CLAIRVOYANT]
    assert (always.up_minutes, always.waits, always.starts) == (3000, (), 0)
    assert (always.median_wait, always.longest_wait) == (None, None)
    assert always.mean_delay == 0
    assert bound.waits == ()
    assert all(
        bound.cost(15) <= each.cost(15) for name, each in found.items() if name != CLAIRVOYANT
    )
    assert next(iter(found)) == ALWAYS_ON
    assert list(found)[-1] == CLAIRVOYANT
    assert {f"fixed-{minutes}" for minutes in FIXED_MINUTES} | {BREAK_EVEN} <= set(found)


@given(COUNTS, st.integers(1, 12), st.integers(0, 2000))
def test_what_is_told_of_a_replay_fits_together(
    counts: tuple[tuple[int, int], ...], wake: int, history: int
) -> None:
    """The waits, the cold minutes and the spells are of the same."""
    traffic = traffic_of(counts)
    scored = {minute: count for minute, count in counts if minute >= history}
    for each in replay(traffic, Terms(wake, 15, history), lambda _: None):
        assert each.requests == sum(scored.values())
        assert len(each.cold) == each.cold_minutes
        assert sum(count for _, count in each.cold) == each.cold_requests
        assert set(each.cold) <= set(scored.items())
        assert all(1 <= minutes <= wake for minutes, _ in each.waits)
        if each.name != CLAIRVOYANT:
            up = sum(max(0, until - max(since, history)) for since, until in each.spells)
            assert up == each.up_minutes


@given(COUNTS, COUNTS)
@example(((68, 1),), ((92, 1), (114, 1)))
def test_one_endpoint_is_asked_what_all_are(
    one: tuple[tuple[int, int], ...], other: tuple[tuple[int, int], ...]
) -> None:
    """Under each policy that is compared, and each replay is told of."""
    traffic = traffic_of(one, other)
    told: list[int] = []
    report = report_of(
        "c.csv", traffic, TERMS, price=None, zone=UTC, notes=(), advanced=told.append
    )
    assert report.bundling is not None
    assert report.bundling.number == 2
    labels = [pair.label for pair in report.bundling.pairs]
    assert report.recommended.label in labels
    assert "fixed 30m" in labels
    for pair in report.bundling.pairs:
        assert pair.one.requests == pair.many.requests == traffic.requests
        assert pair.one.name == pair.many.name
        if pair.one.name != "forecast":
            # Whoever has a timeout is up that long after each request, one for all like each of the
            # many. But its starts are not theirs, and each puts the end off by what it takes.
            most = pair.many.up_minutes + TERMS.wake * pair.one.starts
            assert pair.one.up_minutes <= most
    assert sum(told) <= steps_of(traffic)


def test_always_on_for_each_costs_each() -> None:
    """Many endpoints are as many hours."""
    busy = tuple((minute, 1) for minute in range(0, 3000, 12))
    bundling = reported(traffic_of(busy, busy, busy)).bundling
    assert bundling is not None
    one, many = next((pair.one, pair.many) for pair in bundling.pairs if pair.one.is_fixed)
    assert many.up_minutes == 3 * one.up_minutes
    assert reported(traffic_of(busy)).bundling is None


def test_many_endpoints_are_told_in_words() -> None:
    """As the recommendation's last sentence, where there are several."""
    report = reported(traffic_of(OFFICE, OFFICE[::9], end=14 * DAY_MINUTES))
    assert report.bundling is not None
    many = report.bundling.of(report.recommended.name).many
    each = f"With an endpoint for each of the 2 models it would have been {hours(many.up_minutes)}"
    assert each in words(report)
    assert f"and {many.cold_requests:,} requests (" in words(report)
    assert "With an endpoint" not in words(reported(traffic_of(OFFICE, end=14 * DAY_MINUTES)))


# -------------------------------------------------------------------------------- recommendations


def replayed(name: str, up: int, cold: int = 0) -> Replayed:
    return Replayed(name, name, 100, up, cold, 1, ((5, cold),) if cold else (), (), ())


@pytest.mark.parametrize(
    ("costs", "chosen"),
    [
        ({"always-on": 1000, "break-even": 500, "forecast": 400}, "forecast"),
        ({"always-on": 1000, "break-even": 500, "forecast": 496}, "break-even"),
        ({"always-on": 1000, "break-even": 500, "forecast": 700}, "break-even"),
        ({"always-on": 502, "break-even": 500, "forecast": 600}, "always-on"),
        ({"always-on": 300, "break-even": 500, "forecast": 400}, "always-on"),
        ({"always-on": 1000, "break-even": 500, "fixed-30": 100, "clairvoyant": 50}, "break-even"),
    ],
)
def test_the_cheapest_that_needs_no_tuning(costs: dict[str, int], chosen: str) -> None:
    """What is hardly better is no reason to leave the default, nor is what one knows now."""
    assert choose([replayed(name, up) for name, up in costs.items()], TERMS).name == chosen


def test_delays_count() -> None:
    """Ten cold minutes are worth 150 of the endpoint."""
    sleeping = [replayed(ALWAYS_ON, 600), replayed(BREAK_EVEN, 500, cold=10)]
    assert choose(sleeping, TERMS).name == ALWAYS_ON


OFFICE = tuple(
    (day * DAY_MINUTES + 540 + minute, 2) for day in range(14) for minute in range(0, 480, 7)
)


def test_a_recommendation_is_in_whole_sentences() -> None:
    """What to set, what it costs beside always-on, how many would have waited."""
    traffic = traffic_of(OFFICE, end=14 * DAY_MINUTES)
    report = reported(traffic, Terms(5, 15, 7 * DAY_MINUTES), "0.23")
    said = words(report)
    assert said.startswith(f"Take {report.recommended.label}, by the tags dormouse:policy=")
    assert "dormouse:delay-cost=15m: in the 7 days that are scored it would have been up" in said
    assert "less than always on (168 h, an estimated $38.64)." in said
    assert f"{report.recommended.cold_requests:,} of 966 requests" in said
    assert caveats(report) == ()


def test_without_a_price_there_is_no_money() -> None:
    """Hours are told."""
    assert "$" not in words(reported(traffic_of(OFFICE, end=14 * DAY_MINUTES)))


def test_what_is_never_idle_is_left_on() -> None:
    """It is said what sleeping would have brought."""
    busy = tuple((minute, 3) for minute in range(0, 3000, 12))
    said = words(reported(traffic_of(busy)))
    assert said.startswith("Leave it on: with a delayed minute worth 15 min of the endpoint, no")
    assert choose([replayed(ALWAYS_ON, 500), replayed(BREAK_EVEN, 499)], TERMS).name == ALWAYS_ON
    assert "would have been up for 50.0 h instead of 50.0 h. 3 of 750 requests" in said


def test_nobody_asked() -> None:
    """Then there is nothing to choose by."""
    report = reported(traffic_of(()), usd="1")
    assert words(report) == (
        "Nobody asked in the 2.1 days that are scored: whatever sleeps costs nothing here, and "
        "always on costs 50.0 h, an estimated $50.00."
    )
    assert "Only 2.1 days are scored" in caveats(report)[0]


def test_few_requests_are_told() -> None:
    """As are few days."""
    said = " ".join(caveats(reported(traffic_of(((10, 1), (600, 1))))))
    assert "Requests came in 2 minutes of what is scored: with so few, chance decides" in said
    assert "in one minute" in " ".join(caveats(reported(traffic_of(((10, 1),)))))


def test_hindsight_is_told_where_it_is_much_better() -> None:
    """With why it is no advice."""
    # A pair of requests 8 minutes apart, each few hours: a short timeout wastes least.
    pairs = tuple((minute + gap, 1) for minute in range(0, 60_000, 600) for gap in (0, 8))
    report = reported(traffic_of(pairs, end=60_000))
    if report.best_fixed.cost(15) < 0.95 * report.recommended.cost(15):
        assert "In hindsight fixed" in words(report)
    else:
        assert "In hindsight" not in words(report)


# ---------------------------------------------------------------------------------------- the week

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = minute_of(datetime(2026, 11, 23, tzinfo=UTC))


def test_a_week_is_as_the_clock_shows_it() -> None:
    """What falls on the same hour of two weeks is one."""
    week = week_of(
        [(MONDAY + 60, 3), (MONDAY + 7 * DAY_MINUTES + 119, 5), (MONDAY - 1, 100)],
        up=[(MONDAY - 10, MONDAY + 30), (MONDAY + 50, MONDAY + 90)],
        cold=[(MONDAY + 60, 2)],
        begin=MONDAY,
        end=MONDAY + 8 * DAY_MINUTES,
        zone=BERLIN,
    )
    assert (week.days[0], week.zone_name) == ("Mon", "Europe/Berlin")
    monday = week.hours[0]
    assert monday[2] == Hour(minutes=120, requests=8, up_minutes=30, cold_requests=2)
    assert monday[1] == Hour(minutes=120, requests=0, up_minutes=40, cold_requests=0)
    assert monday[0] == Hour(minutes=60, requests=0, up_minutes=0, cold_requests=0)
    assert week.hours[6][23].minutes == 60
    assert (monday[2].hourly_requests, monday[2].up_share) == (4.0, 0.25)


def test_without_a_clock_days_are_numbered() -> None:
    """From minute 0; what was never seen is not taken for idle."""
    week = week_of([(61, 1)], up=[], cold=[], begin=60, end=120, zone=None)
    assert (week.days[0], week.zone_name) == ("d 1", None)
    assert [hour.is_seen for hour in week.hours[0]] == [False, True] + [False] * 22
    assert (week.hours[0][0].hourly_requests, week.hours[0][0].up_share) == (0.0, 0.0)


@given(
    COUNTS,
    st.integers(0, 1500),
    st.integers(1501, 3000),
    st.sampled_from([None, BERLIN, ZoneInfo("Asia/Kathmandu")]),
)
def test_nothing_is_lost_in_a_week(
    counts: tuple[tuple[int, int], ...], begin: int, end: int, zone: ZoneInfo | None
) -> None:
    """Nor counted twice, in any zone."""
    up = [(minute, minute + 7) for minute in range(3, 3100, 40)]
    week = week_of(counts, up=up, cold=counts, begin=begin, end=end, zone=zone)
    inside = sum(count for minute, count in counts if begin <= minute < end)
    assert sum(hour.minutes for hour in week.all_hours) == end - begin
    assert sum(hour.requests for hour in week.all_hours) == inside
    assert sum(hour.cold_requests for hour in week.all_hours) == inside
    assert sum(hour.up_minutes for hour in week.all_hours) == sum(
        max(0, min(until, end) - max(since, begin)) for since, until in up
    )
