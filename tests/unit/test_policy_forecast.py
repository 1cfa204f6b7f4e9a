"""The forecast over histories of every kind, and the decision that each must lead to."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dormouse_policy.break_even import BreakEven
from dormouse_policy.forecast import Forecast
from dormouse_policy.forecast_state import ForecastState
from dormouse_policy.outlook import OUTLOOK, OUTLOOKS
from dormouse_policy.policy import Advice, Policy, Situation, Stakes
from dormouse_policy.slots import DAY
from tests.unit.histories import MONDAY, STAKES, cost, job, office_hours, told


def asked(state: ForecastState, now: int, *, is_on: bool, stakes: Stakes = STAKES) -> Advice:
    """What the forecast says if nobody has asked since."""
    return Forecast(stakes).advise(state, Situation(now, state.last, is_on))


def next_start(state: ForecastState, now: int, until: int, stakes: Stakes = STAKES) -> int | None:
    """When it is started next, if nobody asks, being asked as often as it wants to be."""
    while now < until:
        advice = asked(state, now, is_on=False, stakes=stakes)
        review_at = until if advice.review_at is None else max(advice.review_at, now + 1)
        if advice.change_at is not None and advice.change_at < min(review_at, until):
            return advice.change_at
        now = review_at
    return None


def test_of_nothing_it_says_what_break_even_says() -> None:
    """An endpoint that nobody ever asked is stopped, and not started."""
    for is_on in (True, False):
        at = Situation(100, None, is_on)
        advice = Forecast(STAKES).advise(ForecastState(), at)
        assert advice.change_at == BreakEven(STAKES).advise(None, at).change_at
        assert "too little history" in advice.words


def test_a_short_history_is_none() -> None:
    """A day shows no habit."""
    state = told(range(MONDAY, MONDAY + DAY, 7))
    at = Situation((state.last or 0) + 1, state.last, is_on=True)
    advice = Forecast(STAKES).advise(state, at)
    assert advice.change_at == BreakEven(STAKES).advise(None, at).change_at


def test_a_single_request_ever_is_no_reason_to_start_again() -> None:
    """Nor to stay up long after it."""
    state = told([MONDAY])
    for days in range(4, 60):
        now = MONDAY + days * DAY
        assert asked(state, now, is_on=False).change_at is None
        assert asked(state, now, is_on=True).change_at == now


def test_after_office_hours_it_is_stopped() -> None:
    """Soon in the evening; and it stays down on Sunday."""
    state = told(office_hours(3))
    friday_evening = MONDAY + 18 * DAY + 16 * 60 + 56
    assert state.last == friday_evening
    stopped = asked(state, friday_evening + 3, is_on=True)
    assert stopped.change_at is not None
    assert stopped.change_at <= friday_evening + 60
    sunday = MONDAY + 20 * DAY
    assert next_start(state, sunday, sunday + DAY - 60) is None


@pytest.mark.parametrize("weeks", [2, 3, 4])
def test_office_hours_are_awaited(weeks: int) -> None:
    """It answers at nine on a Tuesday, and was not up all night for that."""
    nine = MONDAY + (7 * weeks - 6) * DAY + 9 * 60
    monday = [each for each in office_hours(weeks) if each < nine - 9 * 60]
    start = next_start(told(monday), nine - 9 * 60, nine + 60)
    assert start is not None
    assert nine - 20 <= start <= nine - STAKES.wake


def test_office_hours_are_awaited_on_a_monday() -> None:
    """After a weekend, in which nobody asked."""
    nine = MONDAY + 28 * DAY + 9 * 60
    start = next_start(told(office_hours(4)), nine - 9 * 60, nine + 60)
    assert start is not None
    assert nine - 20 <= start <= nine - STAKES.wake


@pytest.mark.parametrize("days", [7, 14, 28])
def test_a_daily_job_is_awaited(days: int) -> None:
    """After a week already; and it is stopped soon after it."""
    state = told(job(range(days)))
    nine = MONDAY + days * DAY + 9 * 60
    start = next_start(state, nine - DAY + 60, nine + 60)
    assert start is not None
    assert nine - 20 <= start <= nine - STAKES.wake
    stop = asked(state, (state.last or 0) + 3, is_on=True).change_at
    assert stop is not None
    assert stop <= (state.last or 0) + 30


def test_a_habit_with_gaps_is_still_one() -> None:
    """Of three weeks of days, five are missing, two of them the last but one and the one before."""
    state = told(job(day for day in range(21) if day not in {3, 4, 11, 18, 19}))
    nine = MONDAY + 21 * DAY + 9 * 60
    start = next_start(state, nine - 120, nine + 60)
    assert start is not None
    assert nine - 30 <= start <= nine - STAKES.wake


def test_after_a_clock_change_it_learns_the_new_hour() -> None:
    """A job that comes an hour earlier by UTC: two weeks later it is awaited then, and after four
    not at the former hour any more.
    """
    state = told([*job(range(21)), *job(range(21, 35), at=8 * 60)])
    eight = MONDAY + 35 * DAY + 8 * 60
    start = next_start(state, eight - 120, eight + 60)
    assert start is not None
    assert eight - 30 <= start <= eight - STAKES.wake
    state = told([*job(range(21)), *job(range(21, 50), at=8 * 60)])
    eight = MONDAY + 49 * DAY + 8 * 60
    assert next_start(state, eight + 30, eight + 180) is None


def test_a_habit_that_changed_yesterday_costs_little() -> None:
    """The job comes in the afternoon from one day on. In the week after that the forecast costs no
    more than break-even and a start that nobody wanted on each of its days.
    """
    before, after = job(range(28)), job(range(28, 35), at=15 * 60)
    end = MONDAY + 35 * DAY
    policies: tuple[Policy[Any], ...] = (Forecast(STAKES), BreakEven(STAKES))
    costs = [
        cost(policy, [*before, *after], end, STAKES)
        - cost(policy, before, MONDAY + 28 * DAY, STAKES)
        for policy in policies
    ]
    assert costs[0] <= costs[1] + 7 * (STAKES.wake + 60)


def test_an_absurd_spike_changes_little() -> None:
    """A minute is a minute, however many ask in it."""
    usual, spiked = told(office_hours(3)), ForecastState()
    for minute in office_hours(3):
        spiked.learn(minute, 1_000_000 if minute == MONDAY + 9 * 60 else 1)
    now = MONDAY + 21 * DAY + 2 * 60
    assert asked(spiked, now, is_on=False) == asked(usual, now, is_on=False)


def test_what_is_not_learned_yet_counts_as_use() -> None:
    """It is asked of a state that has not heard of the last requests."""
    state = told(office_hours(3))
    before = state.write()
    used = MONDAY + 20 * DAY + 600
    advice = Forecast(STAKES).advise(state, Situation(used + 1, used, True))
    assert advice.change_at is None
    assert advice.review_at == used + 3
    assert state.write() == before


def test_what_somebody_else_has_started_is_not_stopped_at_once() -> None:
    """It is in office hours, and just up again."""
    nine = MONDAY + 22 * DAY + 9 * 60
    state = told(each for each in office_hours(4) if each < nine - DAY // 2)
    advice = asked(state, nine - 4, is_on=True, stakes=Stakes(5, 240.0))
    assert advice.change_at is None or advice.change_at > nine


def test_each_decision_is_a_sentence() -> None:
    """With the chance that it went by, and both costs."""
    state = told(office_hours(3))
    said = asked(state, (state.last or 0) + 3, is_on=True).words
    assert re.fullmatch(
        r"(once idle for \d+ min, )?P\(request within 30 min\) = \d+%; staying up costs \d+ min, "
        r"expected delay costs \d+ min: stop",
        said,
    )


@pytest.mark.parametrize("idle", [3, 60, 13 * 60, 15 * 60 + 50, 16 * 60 + 30])
@pytest.mark.parametrize("is_on", [True, False])
def test_the_sentence_shows_why(idle: int, is_on: bool) -> None:
    """What is to be up costs less than the delay in it, as far as the sentence speaks of it."""
    state = told(office_hours(4))
    stakes = Stakes(5, 240.0)
    said = asked(state, (state.last or 0) + idle, is_on=is_on, stakes=stakes).words
    found = re.search(r"staying up costs (\d+) min, expected delay costs (\d+) min: (.*)", said)
    assert found is not None
    staying, delay = int(found[1]), int(found[2])
    assert staying <= delay if found[3] in ("start", "stay up") else staying >= delay


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 2 * DAY), min_size=1, max_size=80),
    st.integers(1, 12 * DAY),
    st.booleans(),
    st.sampled_from([1, 5, 13]),
    st.floats(1, 1440),
)
def test_advice_is_repeatable_and_never_of_the_past(
    pauses: list[int], idle: int, is_on: bool, wake: int, delay_cost: float
) -> None:
    """Whatever the history; and it leaves the state as it was."""
    forecast = Forecast(Stakes(wake, delay_cost))
    state, minute = forecast.begin(), MONDAY
    for pause in pauses:
        minute += pause
        state = forecast.learn(state, minute, 1 + pause % 9)
    before = state.write()
    at = Situation(minute + idle, minute, is_on)
    advice = forecast.advise(state, at)
    assert forecast.advise(ForecastState.parse(before), at) == advice
    assert state.write() == before
    if advice.change_at is not None:
        assert advice.change_at >= at.now


def test_a_long_silence_ends_in_being_down() -> None:
    """Nobody has come for longer than it looks ahead: it is not started any more."""
    state = told(office_hours(3))
    now = (state.last or 0) + OUTLOOKS * OUTLOOK
    assert asked(state, now, is_on=True) == Advice(now, None, "nobody has asked for 8 days")
    assert asked(state, now, is_on=False).change_at is None
