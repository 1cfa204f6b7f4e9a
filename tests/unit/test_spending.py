"""What a month has cost: by UTC months, however a life is cut into pieces; and its budget."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dormouse.domain.spending import (
    LARGEST_HOURS,
    LARGEST_USD,
    Budget,
    Rate,
    Spent,
    dollars,
    is_spent,
    is_warning_due,
    month_end,
    parse_budget,
    runs_out_at,
    settled,
    share,
    spent_by,
    words_of,
    words_of_spent,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
RATE = Rate("c1", Decimal("0.23"), "1 x ml.m5.xlarge at $0.23 an hour, list price of 2026-11-20")
UNKNOWN = Rate("c1", None, "the price is not known: GetProducts refused")
HOUR = timedelta(hours=1)
MICRO_DOLLAR = Decimal("0.000001")

MOMENTS = st.timedeltas(timedelta(0), timedelta(days=2557)).map(
    lambda since: datetime(2024, 1, 1, tzinfo=UTC) + since
)
RATES = st.decimals(Decimal("0.0001"), Decimal(1_000_000), places=4).map(
    lambda usd: Rate("c1", usd, "some price")
)
BUDGETS = st.one_of(
    st.decimals(Decimal("0.01"), LARGEST_HOURS, places=2).map(lambda hours: Budget(hours=hours)),
    st.decimals(Decimal("0.01"), LARGEST_USD, places=2).map(lambda usd: Budget(usd=usd)),
)


def total(lives: list[tuple[datetime, datetime]], rate: Rate | None, now: datetime) -> Spent:
    """Settle one life after another, and say what the month of `now` has cost by then."""
    spent = None
    for began_at, ended_at in lives:
        spent = settled(spent, began_at, ended_at, rate)
    return spent_by(spent, None, rate, now)


def hours_of_month(lives: list[tuple[datetime, datetime]], now: datetime) -> timedelta:
    """The slow, obvious reference: how much of the lives lies in the month of `now`."""
    begin = datetime(now.year, now.month, 1, tzinfo=UTC)
    return sum(
        (max(timedelta(0), ended_at - max(began_at, begin)) for began_at, ended_at in lives),
        timedelta(0),
    )


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("120h", Budget(hours=Decimal(120))),
        ("0.5h", Budget(hours=Decimal("0.5"))),
        ("744h", Budget(hours=Decimal(744))),
        ("80.50USD", Budget(usd=Decimal("80.5"))),
        ("0.01USD", Budget(usd=Decimal("0.01"))),
        ("1000000USD", Budget(usd=Decimal(1_000_000))),
    ],
)
def test_hours_or_dollars(text: str, budget: Budget) -> None:
    """The unit says which."""
    assert parse_budget(text) == budget


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["''", "no unit"]),
        ("120", ["'120'", "no unit"]),
        ("80€", ["'80€'", "no unit"]),
        ("80EUR", ["'EUR' in '80EUR'", "neither h nor USD"]),
        ("80usd", ["'usd'"]),
        ("5d", ["'d'"]),
        ("USD", ["'' in 'USD'", "no number"]),
        ("USD80", ["'USD80' has no unit"]),
        ("80.505USD", ["'80.505' in '80.505USD'", "two decimals"]),
        ("80 USD", ["'80 '", "no number"]),
        ("1e2h", ["'1e2'"]),
        ("-5h", ["'-5'"]),
        ("٣h", ["'٣'"]),
        ("0h", ["'0' in '0h'", "more than 0 and at most 744h"]),
        ("744.01h", ["'744.01'", "at most 744h"]),
        ("1000000.01USD", ["'1000000.01'", "at most 1000000USD"]),
    ],
)
def test_a_bad_part_is_named(text: str, says: list[str]) -> None:
    """With an example of each form."""
    with pytest.raises(ValueError) as refusal:
        parse_budget(text)
    assert all(part in str(refusal.value) for part in (*says, "120h", "80.50USD"))


@given(BUDGETS)
def test_what_is_written_is_read(budget: Budget) -> None:
    """In a form that a tag can hold."""
    assert parse_budget(str(budget)) == budget


@given(st.text() | st.text("0123456789.hUSD "))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No other exception escapes, and what is read is within the bounds."""
    try:
        budget = parse_budget(text)
    except ValueError:
        return
    amount = budget.hours if budget.usd is None else budget.usd
    assert amount is not None
    assert 0 < amount <= LARGEST_USD
    assert parse_budget(str(budget)) == budget


def test_its_words() -> None:
    """Dollars are an estimate."""
    assert words_of(parse_budget("120.00h")) == "120h"
    assert words_of(parse_budget("80.5USD")) == "80.50 USD, estimated"


def test_former_lives_and_the_present_one() -> None:
    """At the price of the present one."""
    former = Spent("2026-11", 10 * HOUR, Decimal("2.30"))
    assert spent_by(former, NOW - 2 * HOUR, RATE, NOW) == Spent(
        "2026-11", 12 * HOUR, Decimal("2.76")
    )


def test_nothing_is_known_and_nothing_is_up() -> None:
    """A month that has cost nothing."""
    assert spent_by(None, None, None, NOW) == Spent("2026-11")


def test_a_month_begins_anew() -> None:
    """What came before does not count, nor the warning; a life that goes on is cut."""
    now = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)
    former = Spent("2026-11", 700 * HOUR, Decimal(161), warned=True)
    assert spent_by(former, now - 50 * HOUR, RATE, now) == Spent(
        "2026-12", 3 * HOUR, Decimal("0.69")
    )


def test_months_are_those_of_utc() -> None:
    """Wherever the moment is written."""
    tokyo = timezone(9 * HOUR)
    now = datetime(2026, 12, 1, 8, 0, tzinfo=tokyo)
    assert spent_by(None, now - HOUR, RATE, now).month == "2026-11"
    assert month_end(now) == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, 999999, UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
def test_the_end_of_a_month(now: datetime, end: datetime) -> None:
    """Its last moment belongs to it, its end to the next."""
    assert month_end(now) == end


def test_what_has_no_price_is_counted_by_itself() -> None:
    """The dollars leave it out, whatever comes after."""
    former = settled(None, NOW - 3 * HOUR, NOW - HOUR, UNKNOWN)
    assert former == Spent("2026-11", 2 * HOUR, unpriced=2 * HOUR)
    assert spent_by(former, NOW - HOUR, RATE, NOW) == Spent(
        "2026-11", 3 * HOUR, Decimal("0.23"), unpriced=2 * HOUR
    )
    assert spent_by(None, NOW - HOUR, None, NOW) == Spent("2026-11", HOUR, unpriced=HOUR)


def test_a_life_that_begins_later_costs_nothing_yet() -> None:
    """Another machine's clock is ahead."""
    former = Spent("2026-11", HOUR, Decimal("0.23"))
    assert spent_by(former, NOW + HOUR, RATE, NOW) == former
    assert spent_by(former, NOW + HOUR, UNKNOWN, NOW) == former


def test_a_clock_that_is_behind_brings_no_month_back() -> None:
    """The total of the later month stays."""
    december = Spent("2026-12", HOUR, Decimal("0.23"))
    assert spent_by(december, NOW - HOUR, RATE, NOW) == december


@given(MOMENTS, st.lists(MOMENTS, max_size=8), MOMENTS, RATES)
def test_a_life_can_be_split_at_any_instants(
    began_at: datetime, cuts: list[datetime], now: datetime, rate: Rate
) -> None:
    """The pieces sum up to the same: the hours exactly, the dollars to a digit each."""
    assume(began_at <= now)
    edges = [began_at, *sorted(cut for cut in cuts if began_at < cut < now), now]
    pieces = list(pairwise(edges))

    whole, summed = spent_by(None, began_at, rate, now), total(pieces, rate, now)

    assert (whole.month, whole.up) == (summed.month, summed.up)
    assert abs(whole.usd - summed.usd) <= MICRO_DOLLAR * len(pieces)


@given(st.lists(MOMENTS, min_size=2, max_size=10, unique=True).map(sorted), RATES)
def test_lives_are_summed_as_an_obvious_reference_does(moments: list[datetime], rate: Rate) -> None:
    """Over rollovers of months and years, with pauses in between."""
    lives = list(zip(moments[::2], moments[1::2], strict=False))
    now = moments[-1]
    assert total(lives, rate, now).up == hours_of_month(lives, now)


@given(
    st.none() | st.builds(Spent, st.sampled_from(["2025-12", "2026-01", "2026-02"])),
    st.none() | MOMENTS,
    st.none() | st.just(UNKNOWN) | RATES,
    MOMENTS,
    st.timedeltas(timedelta(0), timedelta(days=40)),
)
def test_it_is_never_negative_and_grows_with_time(
    former: Spent | None,
    up_since: datetime | None,
    rate: Rate | None,
    now: datetime,
    later_by: timedelta,
) -> None:
    """Within a month, whatever was known before; a month is no longer than it is."""
    last = month_end(now) - timedelta(microseconds=1)
    spent = spent_by(former, up_since, rate, now)
    later = spent_by(former, up_since, rate, min(now + later_by, last))
    assert timedelta(0) <= spent.unpriced <= spent.up <= timedelta(days=31)
    assert spent.usd >= 0
    assert spent.month == later.month
    assert spent.up <= later.up
    assert spent.usd <= later.usd
    assert spent.unpriced <= later.unpriced


@pytest.mark.parametrize(
    ("spent", "budget", "part"),
    [
        (Spent("2026-11", 96 * HOUR), "120h", 0.8),
        (Spent("2026-11", 120 * HOUR), "120h", 1.0),
        (Spent("2026-11", HOUR, Decimal(20)), "80USD", 0.25),
        (Spent("2026-11"), "80USD", 0.0),
        (Spent("2026-11", HOUR, Decimal(96)), "80USD", 1.2),
        # The hours of what has no price are known all the same.
        (Spent("2026-11", 12 * HOUR, unpriced=12 * HOUR), "120h", 0.1),
        # At the least.
        (Spent("2026-11", 12 * HOUR, Decimal(40), unpriced=HOUR), "80USD", 0.5),
        (Spent("2026-11", 12 * HOUR, unpriced=12 * HOUR), "80USD", None),
    ],
)
def test_a_share(spent: Spent, budget: str, part: float | None) -> None:
    """None where nothing of it has a price."""
    assert share(spent, parse_budget(budget)) == part


def test_a_budget_that_cannot_be_judged_is_not_spent() -> None:
    """Nor is its owner warned of it."""
    spent = Spent("2026-11", 700 * HOUR, unpriced=700 * HOUR)
    budget = parse_budget("1USD")
    assert not is_spent(spent, budget)
    assert not is_warning_due(spent, budget)
    assert runs_out_at(budget, spent, UNKNOWN, NOW, is_up=True) is None


def test_its_owner_is_warned_once_a_month() -> None:
    """At 80 %, and not before."""
    budget = parse_budget("100h")
    assert not is_warning_due(Spent("2026-11", 79.99 * HOUR), budget)
    assert is_warning_due(Spent("2026-11", 80 * HOUR), budget)
    assert not is_warning_due(Spent("2026-11", 90 * HOUR, warned=True), budget)


@pytest.mark.parametrize(
    ("budget", "hours", "at"),
    [
        ("120h", 119, NOW + HOUR),
        ("120h", 120, NOW),
        ("120h", 130, NOW),
        # The month ends in 252 hours, and then there is a new one.
        ("744h", 491, None),
        ("744h", 492, None),
        ("744h", 493, NOW + 251 * HOUR),
        ("46USD", 199, NOW + HOUR),
        ("46USD", 200, NOW),
        ("1000USD", 200, None),
        ("57.96USD", 0, None),
    ],
)
def test_when_it_runs_out(budget: str, hours: float, at: datetime | None) -> None:
    """While the endpoint is up, and within the month."""
    spent = Spent("2026-11", hours * HOUR, Decimal("0.23") * Decimal(hours))
    assert runs_out_at(parse_budget(budget), spent, RATE, NOW, is_up=True) == at


def test_it_is_spent_at_that_very_moment() -> None:
    """A fleet so dear that a microsecond counts: $0.01 is 51.4 of them."""
    budget, dear = parse_budget("0.01USD"), Rate("c1", Decimal(700_000), "some price")
    at = runs_out_at(budget, Spent("2026-11"), dear, NOW, is_up=True)
    assert at == NOW + timedelta(microseconds=52)
    assert is_spent(spent_by(None, NOW, dear, at), budget)
    assert not is_spent(spent_by(None, NOW, dear, at - timedelta(microseconds=1)), budget)


def test_what_is_down_spends_nothing() -> None:
    """What is spent stays spent."""
    budget = parse_budget("10h")
    spent = Spent("2026-11", 9 * HOUR)
    assert runs_out_at(budget, spent, None, NOW, is_up=False) is None
    empty = Spent("2026-11", 10 * HOUR)
    assert runs_out_at(budget, empty, None, NOW, is_up=False) == NOW


@given(BUDGETS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=31)), RATES)
def test_it_is_spent_when_it_runs_out_and_not_before(
    budget: Budget, now: datetime, up: timedelta, rate: Rate
) -> None:
    """As the estimate goes on from now, to its last digit."""
    up_since = now - up
    spent = spent_by(None, up_since, rate, now)
    at = runs_out_at(budget, spent, rate, now, is_up=True)
    last = month_end(now) - timedelta(microseconds=1)
    if at is None:
        assert not is_spent(spent_by(None, up_since, rate, last), budget)
        return
    assert now <= at <= last
    assert is_spent(spent_by(None, up_since, rate, at), budget)
    # A millionth of a dollar takes the cheapest rate 36 seconds.
    before = at - timedelta(seconds=40)
    if before >= now:
        assert not is_spent(spent_by(None, up_since, rate, before), budget)


@pytest.mark.parametrize(
    ("spent", "budget", "words"),
    [
        (
            Spent("2026-11", 54 * HOUR, Decimal("12.40")),
            "50USD",
            "estimated $12.40 of $50.00 in 2026-11",
        ),
        (
            Spent("2026-11", 54 * HOUR, Decimal("12.404999")),
            "120h",
            "54.0h of 120h in 2026-11, estimated $12.40",
        ),
        (
            Spent("2026-11", 1.26 * HOUR, Decimal("0.29")),
            None,
            "1.3h in 2026-11, estimated $0.29",
        ),
        (
            Spent("2026-11", 3 * HOUR, unpriced=3 * HOUR),
            "50USD",
            "estimated $0.00 of $50.00 in 2026-11, without 3.0h that have no known price, so "
            "that the budget can't be judged in full",
        ),
        (
            Spent("2026-11", 3 * HOUR, unpriced=2 * HOUR),
            "120h",
            "3.0h of 120h in 2026-11, estimated $0.00, without 2.0h that have no known price",
        ),
    ],
)
def test_what_is_spent(spent: Spent, budget: str | None, words: str) -> None:
    """With the price that the present life is valued at, where there is one."""
    of = None if budget is None else parse_budget(budget)
    assert words_of_spent(spent, of) == words
    assert words_of_spent(spent, of, RATE) == f"{words} ({RATE.words})"


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0.2300000000", "$0.23"),
        ("0.7364", "$0.7364"),
        ("1", "$1.00"),
        ("37.6880000000", "$37.688"),
        ("100", "$100.00"),
        ("1E+2", "$100.00"),
        ("0.5", "$0.50"),
    ],
)
def test_dollars(amount: str, written: str) -> None:
    """All decimals of a price, and two at least."""
    assert dollars(Decimal(amount)) == written
