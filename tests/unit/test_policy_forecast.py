"""The forecast over histories of every kind, and the decision that each must lead to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dormouse_policy.break_even import BreakEven
from dormouse_policy.forecast import HISTORY_NEEDED, Forecast
from dormouse_policy.forecast_state import DAY, ForecastState
from dormouse_policy.policy import Situation, Stakes

STAKES = Stakes(5, 60.0)
# A Monday, at midnight.
MONDAY = (4 + 7 * 2900) * DAY


def told(minutes: list[int], count: int = 1) -> ForecastState:
    """One that has seen requests in these minutes."""
    state = ForecastState()
    for minute in minutes:
        state.learn(minute, count)
    return state


def office_hours(weeks: int) -> list[int]:
    """From 9 to 17, on weekdays, every few minutes."""
    return [
        MONDAY + day * DAY + hour * 60 + minute
        for day in range(7 * weeks)
        if day % 7 < 5
        for hour in range(9, 17)
        for minute in range(0, 60, 4)
    ]


def test_of_nothing_it_says_what_break_even_says() -> None:
    """An endpoint that nobody ever asked is stopped, and not started."""
    for is_on in (True, False):
        at = Situation(100, None, is_on)
        advice = Forecast(STAKES).advise(ForecastState(), at)
        assert advice.change_at == BreakEven(STAKES).advise(None, at).change_at
        assert "too little history" in advice.words


def test_a_short_history_is_none() -> None:
    """Two days show no habit."""
    state = told(list(range(MONDAY, MONDAY + 2 * DAY, 7)))
    at = Situation((state.last or 0) + 1, state.last, is_on=True)
    advice = Forecast(STAKES).advise(state, at)
    assert advice.change_at == BreakEven(STAKES).advise(None, at).change_at
    assert advice.review_at == MONDAY + HISTORY_NEEDED


def test_a_single_request_ever_is_no_reason_to_start_again() -> None:
    """Nor to stay up long after it."""
    state = told([MONDAY])
    for days in range(4, 60):
        now = MONDAY + days * DAY
        assert Forecast(STAKES).advise(state, Situation(now, MONDAY, False)).change_at is None
        assert Forecast(STAKES).advise(state, Situation(now, MONDAY, True)).change_at == now


def test_after_office_hours_it_is_stopped() -> None:
    """Soon in the evening; and it stays down on Sunday."""
    state = told(office_hours(3))
    friday_evening = MONDAY + 18 * DAY + 16 * 60 + 56
    assert state.last == friday_evening
    sunday = MONDAY + 20 * DAY + 12 * 60
    forecast = Forecast(STAKES)

    stopped = forecast.advise(state, Situation(friday_evening + 3, friday_evening, True))
    assert stopped.change_at is not None
    assert stopped.change_at <= friday_evening + 60

    assert forecast.advise(state, Situation(sunday, friday_evening, False)).change_at is None


def test_an_absurd_spike_changes_little() -> None:
    """A minute is a minute, however many ask in it."""
    usual, spiked = told(office_hours(3)), ForecastState()
    for minute in office_hours(3):
        spiked.learn(minute, 1_000_000 if minute == MONDAY + 9 * 60 else 1)
    now = MONDAY + 21 * DAY + 2 * 60
    at = Situation(now, usual.last, False)
    assert Forecast(STAKES).advise(spiked, at) == Forecast(STAKES).advise(usual, at)


def test_what_is_not_learned_yet_counts_as_use() -> None:
    """It is asked of a state that has not heard of the last requests."""
    state = told(office_hours(3))
    before = state.write()
    used = MONDAY + 20 * DAY + 600
    advice = Forecast(STAKES).advise(state, Situation(used + 1, used, True))
    assert advice.change_at is None
    assert advice.review_at == used + 3
    assert state.write() == before


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 2 * DAY), min_size=1, max_size=80),
    st.integers(1, 5 * DAY),
    st.booleans(),
    st.sampled_from([1, 5, 13]),
    st.floats(1, 1440),
)
def test_advice_is_repeatable_and_never_of_the_past(
    pauses: list[int], idle: int, is_on: bool, wake: int, delay_cost: float
) -> None:
    """Whatever the history; and it leaves the state as it was."""
    state, minute = ForecastState(), MONDAY
    for pause in pauses:
        minute += pause
        state.learn(minute, 1 + pause % 9)
    before = state.write()
    at = Situation(minute + idle, minute, is_on)
    forecast = Forecast(Stakes(wake, delay_cost))
    advice = forecast.advise(state, at)
    assert forecast.advise(ForecastState.parse(before), at) == advice
    assert state.write() == before
    if advice.change_at is not None:
        assert advice.change_at >= at.now


@pytest.mark.parametrize("weeks", [1, 4, 60])
def test_a_long_silence_ends_in_being_down(weeks: int) -> None:
    """Nobody has come for weeks: it is not started any more."""
    state = told(office_hours(3))
    now = (state.last or 0) + weeks * 7 * DAY + 12 * 60
    advice = Forecast(STAKES).advise(state, Situation(now, state.last, True))
    assert advice.change_at is not None
    if weeks >= 4:
        assert Forecast(STAKES).advise(state, Situation(now, state.last, False)).change_at is None
