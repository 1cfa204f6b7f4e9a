"""At which times an endpoint is asked for: believed where its days show it, and nowhere else."""

from collections.abc import Iterable
from math import exp
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dormouse_policy.forecast_state import HOUR
from dormouse_policy.rhythm import Alike, Rhythm
from dormouse_policy.slots import DAY, SLOT, SLOTS_A_DAY, Sums
from tests.unit.histories import MONDAY, job, office_hours, told


def rhythm(minutes: Iterable[int]) -> Rhythm:
    """That of an endpoint which was asked for in these minutes."""
    state = told(minutes)
    assert state.first is not None
    assert state.last is not None
    return Rhythm(Sums(state.days), state.first, state.last)


def slot(day: int, hour: float) -> int:
    """Name a slot by its hour, some days after MONDAY."""
    return (MONDAY + day * DAY + int(hour * HOUR)) // SLOT


def believed(found: Rhythm) -> Alike:
    """What is believed most."""
    return max(found.beliefs, key=lambda belief: belief.believed).alike


def test_office_hours_are_those_of_working_days() -> None:
    """At ten on a Monday somebody asks, and nobody on a Saturday, nor at night."""
    found = rhythm(office_hours(4))
    assert believed(found) is Alike.WORKING_DAYS
    assert found.chance(slot(28, 10)) > 0.9
    assert found.chance(slot(28, 3)) < 0.05
    assert found.chance(slot(33, 10)) < 0.05
    assert found.lift(slot(28, 10)) > 1
    assert found.lift(slot(28, 3)) < -1


def test_a_daily_job_is_one_of_all_days() -> None:
    """Weekends are like other days."""
    found = rhythm(job(range(20)))
    assert believed(found) is Alike.DAYS
    assert found.chance(slot(20, 9)) > 0.9


def test_a_weekly_job_is_one_of_its_weekday() -> None:
    """After four weeks."""
    found = rhythm(job(range(0, 28, 7)))
    assert believed(found) is Alike.WEEKDAYS
    assert found.chance(slot(28, 9)) > 0.6
    assert found.chance(slot(27, 9)) < 0.05


def test_by_chance_there_is_no_rhythm() -> None:
    """All half hours are as usual."""
    chance = Random(1)
    found = rhythm(sorted(MONDAY + each for each in chance.sample(range(28 * DAY), 400)))
    assert believed(found) is Alike.ALL
    for hour in range(24):
        assert found.chance(slot(28, hour)) == pytest.approx(found.usual, rel=0.1)
        assert found.lift(slot(28, hour)) == pytest.approx(0, abs=0.1)


def test_a_habit_that_ended_a_week_ago_is_over() -> None:
    """Three weeks at nine, and one at three in the afternoon."""
    found = rhythm(job(range(21)) + job(range(21, 28), at=15 * HOUR))
    assert max(found.beliefs, key=lambda belief: belief.believed).days == 7
    assert found.chance(slot(28, 9)) < 0.02
    assert found.chance(slot(28, 15)) > 0.8


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(1, 3 * DAY), min_size=1, max_size=120),
    st.integers(1, 9 * SLOTS_A_DAY),
)
def test_chances_are_some(pauses: list[int], ahead: int) -> None:
    """Whatever the history, at any time that is judged."""
    minutes, minute = [], MONDAY
    for pause in pauses:
        minute += pause
        minutes.append(minute)
    found = rhythm(minutes)
    assert sum(belief.believed for belief in found.beliefs) == pytest.approx(1, abs=1e-3)
    chance = found.chance(minute // SLOT + ahead)
    assert 0 < chance < 1
    assert exp(found.lift(minute // SLOT + ahead)) > 0
