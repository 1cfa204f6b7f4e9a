"""What is added up of the days that are remembered."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dormouse_policy.forecast_state import ForecastState
from dormouse_policy.slots import BEGAN, DAY, DAYS_KEPT, SLOT, SLOTS_A_DAY, Sums
from tests.unit.histories import MONDAY


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 3 * DAY), min_size=1, max_size=120),
    st.integers(-20 * SLOTS_A_DAY, 9 * SLOTS_A_DAY),
    st.integers(0, DAYS_KEPT),
)
def test_all_slots_at_once_are_as_one_by_one(pauses: list[int], ahead: int, days: int) -> None:
    """What is added up of the days is what counting comes to."""
    state, minute = ForecastState(), MONDAY
    for pause in pauses:
        minute += pause
        state.learn(minute, 1)
    sums, here = Sums(state.days), minute // SLOT + ahead
    newest = minute // DAY

    def slots(begin: int, end: int) -> list[int]:
        days = ((each // SLOTS_A_DAY, each % SLOTS_A_DAY) for each in range(begin, end))
        return [
            state.days[day][at] if day in state.days and day >= newest - DAYS_KEPT else 0
            for day, at in days
        ]

    place = sums.place_of(here)
    near, wide = slots(here - 1, here + 2), slots(here - 4, here + 5)
    assert sums.near[place] == sum(each % BEGAN for each in near)
    assert sums.began_near[place] == any(each >= BEGAN for each in near)
    assert sums.began_wide[place] == any(each >= BEGAN for each in wide)
    before = slots(here - SLOTS_A_DAY, here)
    assert sums.asked(here - SLOTS_A_DAY, here) == sum(each % BEGAN for each in before)
    assert sums.began(here - SLOTS_A_DAY, here) == sum(each >= BEGAN for each in before)
    days = min(days, here // SLOTS_A_DAY - newest + DAYS_KEPT + 1)
    assert list(sums.on_days(sums.near_any, here, days)) == [
        any(each % BEGAN for each in slots(at - 1, at + 2))
        for at in range(here, here - days * SLOTS_A_DAY, -SLOTS_A_DAY)
    ]
