"""When demand is folded into the history, up to when, and what counts as demand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.demand_fold import added, counted_since, demand_of, fold_until
from dormouse.domain.demand_history import DemandDay, DemandHistory
from dormouse.domain.latencies import Latencies
from dormouse.domain.ledger import Ledger
from dormouse.domain.usage import MinutePart, Tally
from dormouse.domain.warm_up import WarmUp
from tests.unit.planning import NOW, SPEC, TIMING

LATENCY = Latencies.of(timedelta(milliseconds=20))


def ago(minutes: float) -> datetime:
    """So many minutes before NOW, which is a whole one."""
    return NOW - timedelta(minutes=minutes)


def ledger(
    *, folded: float | None = 30, asked: float | None = None, measured: float | None = None
) -> Ledger:
    """A ledger of so many minutes ago: all before was folded; the proxy, CloudWatch saw a use."""
    return Ledger(
        demand_history=None if folded is None else DemandHistory(ago(folded), "learned"),
        last_request_at=None if asked is None else ago(asked),
        metrics_active_at=None if measured is None else ago(measured),
        serving_since=ago(600),
    )


def due(known: Ledger, *, is_open: bool = True, is_measured: bool = False) -> datetime | None:
    """Say up to when it is to be folded."""
    return fold_until(SPEC, known, TIMING, NOW, is_open=is_open, is_measured=is_measured)


@pytest.mark.parametrize("is_open", [True, False])
def test_a_fold_is_made_when_nobody_has_asked_for_a_while(is_open: bool) -> None:
    """Up to the last whole minute of which all is written: nobody is under way."""
    for asked, until in ((2.5, ago(1)), (2.4, None), (20, ago(1))):
        assert due(ledger(asked=asked), is_open=is_open, is_measured=is_open) == until


def test_what_serves_is_folded_when_it_would_be_stopped_or_has_a_long_pause() -> None:
    """CloudWatch is read when its policy would stop it. The pause counts from the end of what the
    proxy notes as one use.
    """
    assert due(ledger(asked=15.4)) is None
    assert due(ledger(asked=15.4), is_measured=True) == ago(1)
    assert due(ledger(asked=15.5)) == ago(1)


@pytest.mark.parametrize("known", [ledger(), ledger(asked=31), ledger(measured=30)])
def test_what_nobody_has_asked_for_since_costs_nothing(known: Ledger) -> None:
    """Whether it is up or not."""
    for is_open in (True, False):
        assert due(known, is_open=is_open, is_measured=True) is None


def test_while_it_is_used_a_fold_is_made_once_in_an_hour_or_so() -> None:
    """Up to what nobody can be waiting for any more; each endpoint at a time of its own."""
    assert due(ledger(asked=0, folded=15 + 59)) is None
    assert due(ledger(asked=0, folded=15 + 90)) == ago(15)
    assert due(ledger(asked=0, folded=300)) == ago(15)
    pauses = set()
    for number in range(200):
        spec = replace(SPEC, endpoint=f"e{number}")
        pauses |= {
            minutes
            for minutes in range(59, 92)
            if fold_until(
                spec,
                ledger(asked=0, folded=15 + minutes),
                TIMING,
                NOW,
                is_open=True,
                is_measured=False,
            )
            is None
        }
    assert pauses == set(range(59, 90))


def test_while_somebody_waits_for_it_there_is_no_haste() -> None:
    """Whoever is held is counted when he is answered, as having come when he came."""
    waited_for = replace(ledger(asked=10), demand_version=4, met_version=3)

    assert due(waited_for, is_open=False) is None
    assert due(waited_for, is_open=True, is_measured=True) == ago(1)


def test_callers_that_bypass_the_proxy_are_learned_of_once_cloudwatch_is_read() -> None:
    """Up to its lag: what it shows later is learned later."""
    for known in (ledger(measured=8), ledger(asked=10, measured=8)):
        assert due(known) is None
        assert due(known, is_measured=True) == ago(5)
        # Asleep, CloudWatch is not asked.
        assert due(known, is_open=False) == ago(1)


def test_whom_cloudwatch_has_just_seen_is_learned_of_once_in_an_hour_or_so() -> None:
    """He is not done, and CloudWatch is asked again when its policy would stop it again."""
    assert due(ledger(measured=4), is_measured=True) is None
    assert due(ledger(measured=5), is_measured=True) == ago(5)
    assert due(ledger(measured=4, folded=5 + 59), is_measured=True) is None
    assert due(ledger(measured=4, folded=5 + 90), is_measured=True) == ago(5)


def test_what_the_proxy_has_sent_bypasses_nothing() -> None:
    """CloudWatch shows the end of the minute."""
    assert due(ledger(asked=20, measured=18.5)) == ago(1)


def test_what_was_never_learned_of_is_learned_at_once() -> None:
    """Whether it was ever asked for or not; CloudWatch first, where it is the one that knows."""
    for is_open in (True, False):
        assert due(ledger(folded=None), is_open=is_open) == ago(1)
        assert due(ledger(folded=None, asked=0), is_open=is_open) == ago(15)
    assert due(ledger(folded=None, measured=3)) is None


def test_time_never_goes_back() -> None:
    """What was folded further than that, is."""
    assert due(ledger(measured=3, folded=5), is_measured=True) is None


@given(
    st.builds(
        ledger,
        folded=st.none() | st.integers(0, 200),
        asked=st.none() | st.floats(0, 200),
        measured=st.none() | st.integers(0, 200),
    ),
    st.fixed_dictionaries({"is_open": st.booleans(), "is_measured": st.booleans()}),
    st.booleans(),
)
def test_a_fold_is_of_whole_minutes_that_have_ended(
    known: Ledger, how: dict[str, bool], waits: bool
) -> None:
    """And goes on from where the last has ended."""
    until = due(replace(known, demand_version=int(waits)), **how)

    if until is not None:
        assert until <= ago(1)
        assert (until.second, until.microsecond) == (0, 0)
        assert known.demand_history is None or until > known.demand_history.folded_until


# ------------------------------------------------------------------------------------- what counts


def part(minutes_ago: int, *, demand: int = 0, invoked: int = 0) -> MinutePart:
    """Count so many that have come, and so many that SageMaker was asked for."""
    models = {"a": Tally(requests=1, latency=LATENCY)}
    counted = MinutePart("reviews", ago(minutes_ago), f"{minutes_ago}", demand=demand)
    for _ in range(invoked):
        counted = counted.plus("a", models["a"], "jo")
    return counted


def counts(
    *parts: MinutePart, measured: dict[int, int] | None = None, known: Ledger | None = None
) -> dict[int, int]:
    """Count the demand of the last 30 minutes, by how many minutes ago."""
    minutes = {ago(minute): count for minute, count in (measured or {}).items()}
    demand = demand_of(parts, minutes, known or ledger(), since=ago(30), until=ago(1), now=NOW)
    return {int((NOW - minute) / timedelta(minutes=1)): count for minute, count in demand.items()}


def test_parts_of_a_minute_add_up() -> None:
    """In the order of time, with nothing of other minutes."""
    parts = (part(3, demand=2), part(9, demand=1), part(3, demand=4), part(31, demand=1))

    assert list(counts(*parts, part(1, demand=5), part(5)).items()) == [(9, 1), (3, 6)]


def test_whom_the_proxy_has_not_seen_has_come_too() -> None:
    """What it has invoked itself is known already."""
    seen = (part(9, demand=2, invoked=2), part(5, demand=1, invoked=1))

    assert counts(*seen, measured={9: 2, 5: 4, 2: 1}) == {9: 2, 5: 4, 2: 1}


def test_what_had_waited_comes_once() -> None:
    """It came eight minutes before it was invoked; CloudWatch shows the latter."""
    parked = (part(20, demand=3), part(12, invoked=3))

    assert counts(*parked, measured={12: 3}) == {20: 3}


def test_the_edge_of_a_minute_makes_nobody_come_twice() -> None:
    """CloudWatch and the proxy may count one on different sides of it, at either end as well."""
    for own, theirs in ((9, 10), (9, 8), (31, 30), (1, 2)):
        assert counts(part(own, demand=0, invoked=1), measured={theirs: 1}) == {}


def test_dormouse_s_own_warm_up_is_no_demand() -> None:
    """Nor what was invoked before it is known to serve; a caller after it is."""
    warm_up = WarmUp(("a", "b"), frozenset(), began_at=ago(20), until=ago(5), ended_at=ago(15))
    measured = {25: 1, 20: 2, 15: 1, 14: 1}

    warmed = replace(ledger(), serving_since=ago(20), warm_up=warm_up)
    assert counts(measured=measured, known=warmed) == {14: 1}
    warming = replace(warmed, warm_up=replace(warm_up, ended_at=None, until=ago(-5)))
    assert counts(measured=measured, known=warming) == {}
    assert counts(measured=measured, known=replace(warmed, serving_since=None, warm_up=None)) == {}


def test_cloudwatch_is_asked_no_farther_back_than_is_of_use() -> None:
    """Three hours, what was not folded, and what is not Dormouse's own."""
    assert counted_since(ledger(folded=30), NOW) == ago(30)
    assert counted_since(ledger(folded=300), NOW) == ago(180)
    assert counted_since(replace(ledger(), serving_since=ago(10)), NOW) == ago(9)
    assert counted_since(ledger(folded=None), NOW) is None
    assert counted_since(replace(ledger(), serving_since=None), NOW) is None


# ---------------------------------------------------------------------------------------- the days

MIDNIGHT = datetime(2026, 2, 16, tzinfo=UTC)


def later(hours: float) -> datetime:
    """So many hours after midnight."""
    return MIDNIGHT + timedelta(hours=hours)


def test_minutes_are_added_to_the_day_that_is_kept() -> None:
    """And a day that nobody has asked on is not written."""
    kept = DemandDay(date(2026, 2, 16), later(9), {60: 1}, version=4)

    days, until = added([kept], {later(10): 2, later(48): 3}, later(49))

    assert until == later(49)
    assert days == [
        DemandDay(date(2026, 2, 16), later(24), {60: 1, 600: 2}, version=4),
        DemandDay(date(2026, 2, 18), later(49), {0: 3}),
    ]
    assert added([kept], {}, later(49)) == ([], later(49))


def test_many_days_are_written_bit_by_bit() -> None:
    """The oldest first; the rest is for the next tick."""
    demand = {later(24 * day): 1 for day in range(10)}

    days, until = added([], demand, later(240))

    assert [day.day.day for day in days] == list(range(16, 23))
    assert until == later(24 * 7)


@given(st.dictionaries(st.integers(0, 20 * 1440), st.integers(1, 9), max_size=30))
def test_what_is_written_bit_by_bit_is_all(demand: dict[int, int]) -> None:
    """Each minute once."""
    minutes = {MIDNIGHT + timedelta(minutes=each): demand[each] for each in sorted(demand)}
    kept: dict[date, DemandDay] = {}
    since, end = MIDNIGHT, later(24 * 21)
    while since < end:
        left = {minute: count for minute, count in minutes.items() if minute >= since}
        days, since = added(list(kept.values()), left, end)
        kept |= {day.day: day for day in days}

    read: dict[datetime, int] = {}
    for day in kept.values():
        assert all(minute < day.until for minute in day.minutes())
        read |= day.minutes()
    assert read == minutes
