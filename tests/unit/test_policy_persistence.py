"""A rhythm goes on through a silence that belongs to it, and is over after one that does not."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from dormouse_policy.persistence import Persistence
from dormouse_policy.rhythm import Rhythm
from dormouse_policy.slots import DAY, SLOT, Sums
from tests.unit.histories import MONDAY, job, office_hours, told


def persistence(minutes: Sequence[int]) -> Persistence:
    """That of an endpoint which was asked for in these minutes."""
    rhythm = Rhythm(Sums(told(minutes).days), minutes[0], minutes[-1])
    return Persistence(rhythm, minutes[-1] // SLOT)


def slot(day: int, hour: float) -> int:
    """The one that begins then, days counted from MONDAY."""
    return (MONDAY + day * DAY + int(hour * 60)) // SLOT


def test_a_weekend_is_no_end_of_office_hours() -> None:
    """Nobody is expected in it."""
    known = persistence(office_hours(4))
    assert known.at(slot(28, 9)) > 0.5
    assert known.at(slot(28, 9)) < known.at(slot(26, 9))


def test_a_day_off_is_an_interruption() -> None:
    """While it lasts, nobody is expected; the next day somebody is, though less surely."""
    known = persistence(office_hours(4))
    assert known.at(slot(28, 16)) < 0.05
    assert known.at(slot(28, 16)) < known.at(slot(29, 9)) < known.at(slot(28, 9))


def test_a_job_that_has_not_come_for_a_week_is_over() -> None:
    """Each missed one makes that likelier."""
    known = persistence(job(range(28)))
    next_days = [known.at(slot(day, 9)) for day in range(28, 35)]
    assert next_days[0] > 0.5
    assert next_days == sorted(next_days, reverse=True)
    assert next_days[-1] < 0.3


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(1, 3 * DAY), min_size=1, max_size=100),
    st.lists(st.integers(0, 9 * DAY // SLOT - 1), min_size=1, max_size=10),
)
def test_it_is_a_probability_and_does_not_depend_on_what_was_asked_before(
    pauses: list[int], aheads: list[int]
) -> None:
    """Whoever asks later gets the same answer."""
    minutes = [MONDAY]
    for pause in pauses:
        minutes.append(minutes[-1] + pause)
    slots = [minutes[-1] // SLOT + ahead for ahead in aheads]
    known = persistence(minutes)
    found = [known.at(each) for each in slots]
    assert all(0 <= each <= 1 for each in found)
    assert found == [persistence(minutes).at(each) for each in slots]
