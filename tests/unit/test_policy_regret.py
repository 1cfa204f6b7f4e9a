"""What the forecast costs at most, compared with break-even, whoever comes and whenever."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dormouse_policy.break_even import BreakEven
from dormouse_policy.forecast import SLACK, Forecast
from dormouse_policy.policy import Situation, Stakes
from dormouse_policy.slots import DAY
from tests.unit.histories import MONDAY, cost, job, office_hours

stakes = st.builds(Stakes, st.sampled_from([1, 5, 12]), st.sampled_from([1.0, 15.0, 60.0, 240.0]))


def assert_bounded(minutes: list[int], end: int, at_stakes: Stakes) -> None:
    """(1 + SLACK) times what break-even costs, and `at_risk`."""
    forecast = Forecast(at_stakes)
    even = cost(BreakEven(at_stakes), minutes, end, at_stakes)
    # Of the last silence nothing is reckoned yet: what it may take is part of what is at risk.
    assert cost(forecast, minutes, end, at_stakes) <= (1 + SLACK) * even + forecast.at_risk


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.one_of(st.integers(1, 90), st.integers(1, 3 * DAY)), min_size=2, max_size=40),
    st.integers(0, 9 * DAY),
    stakes,
)
def test_over_any_demand(pauses: list[int], silence: int, at_stakes: Stakes) -> None:
    """Of any pauses."""
    minutes = [MONDAY]
    for pause in pauses:
        minutes.append(minutes[-1] + pause)
    assert_bounded(minutes, minutes[-1] + 1 + silence, at_stakes)


def just_after_it_stops(at_stakes: Stakes, number: int) -> list[int]:
    """The worst enemy asks in the first minute in which it is off, or a little later."""
    forecast, draw = Forecast(at_stakes), Random(7)
    minutes = [MONDAY + pause for pause in range(0, 4 * DAY, 97)]
    state = forecast.begin()
    for minute in minutes:
        state = forecast.learn(state, minute, 1)
    ready = minutes[-1] + at_stakes.wake
    for _ in range(number):
        last = minutes[-1]
        now = max(last + 1, ready)
        for _ in range(20):
            advice = forecast.advise(state, Situation(now, max(last, ready), is_on=True))
            review_at = DAY**3 if advice.review_at is None else advice.review_at
            if advice.change_at is not None and advice.change_at <= review_at:
                now = advice.change_at
                break
            now = review_at
        minutes.append(now + draw.choice((1, 1, 1, 2, 400)))
        ready = minutes[-1] + at_stakes.wake
        state = forecast.learn(state, minutes[-1], 1)
    return minutes


@pytest.mark.parametrize("delay_cost", [15.0, 60.0, 240.0])
def test_against_an_enemy_that_knows_its_plans(delay_cost: float) -> None:
    """Which asks for as long as it takes to use up all that may be lost."""
    at_stakes = Stakes(5, delay_cost)
    minutes = just_after_it_stops(at_stakes, 120)
    assert_bounded(minutes, minutes[-1] + 1, at_stakes)


def feigned_job(draw: Random) -> list[int]:
    """Weeks of a habit, then somebody who comes at any time but that."""
    pauses = [draw.randrange(30, 2000) for _ in range(120)]
    minutes = job(range(28))
    for pause in pauses:
        minutes.append(minutes[-1] + pause)
    return minutes


def feigned_office(draw: Random) -> list[int]:
    """Two weeks of office hours, then nights."""
    return [
        *office_hours(2)[::3],
        *(each + 12 * 60 + 14 * DAY for each in office_hours(1)[::3]),
    ]


@pytest.mark.parametrize("demand", [feigned_job, feigned_office])
@pytest.mark.parametrize("delay_cost", [15.0, 240.0])
def test_against_habits_that_are_feigned(
    demand: Callable[[Random], list[int]], delay_cost: float
) -> None:
    """What it has gained while they were kept is not lost without limit afterwards."""
    minutes = demand(Random(3))
    assert_bounded(minutes, minutes[-1] + 9 * DAY, Stakes(5, delay_cost))


def test_once_it_has_lost_too_much_it_is_break_even() -> None:
    """And says why; and its account is what a state keeps."""
    forecast = Forecast(Stakes(5, 15.0))
    state = forecast.begin()
    for minute in job(range(7)):
        state = forecast.learn(state, minute, 1)
    state.account.left = 0.0
    last = state.last or 0
    at = Situation(last + 4, last, is_on=True)
    advice = forecast.advise(state, at)
    assert advice.change_at == BreakEven(forecast.stakes).advise(None, at).change_at
    assert advice.words.startswith("the forecast has cost more than break-even would have; ")
