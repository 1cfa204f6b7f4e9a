"""Four weeks of demand as an endpoint may have had them, drawn by chance but the same in each run,
and what a forecast has learned of them.

Nothing is known here of what a forecast remembers, or how it writes that: it learns minute by
minute, as it does in AWS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from dormouse.domain.demand_history import MINUTES_A_DAY, DemandDay, DemandHistory
from dormouse.domain.idle_policy import beginning_of, minute_of
from dormouse_policy.forecast_state import ForecastState

_DAYS = 28
_MOST_A_MINUTE = 5


@dataclass(frozen=True, slots=True)
class Habit:
    """On how many days of a week it is asked for, for how many minutes, and in what share of these;
    always from the same time of the day on.
    """

    days_a_week: int
    minutes: int
    share: float


OFFICE = Habit(days_a_week=5, minutes=8 * 60, share=0.2)
BATCH = Habit(days_a_week=7, minutes=40, share=1.0)
RARE = Habit(days_a_week=2, minutes=15, share=0.5)
BUSY = Habit(days_a_week=7, minutes=3 * 60, share=1.0)


def past(
    seed: int, habit: Habit, began_at: datetime, until: datetime
) -> tuple[Sequence[DemandDay], DemandHistory]:
    """Draw the demand before a moment, by day, with what was learned of it. It has just been asked
    for since `began_at`; on other days it was from that time on, as is its habit.
    """
    chance = Random(seed)
    began, ended = minute_of(began_at), minute_of(until)
    state, by_day = ForecastState(), dict[int, dict[int, int]]()
    for ago in range(_DAYS - 1, -1, -1):
        if ago % 7 >= habit.days_a_week:
            continue
        begin = began - ago * MINUTES_A_DAY
        for minute in range(begin, begin + habit.minutes if ago else ended):
            # Its first minute always, since it would not have begun otherwise.
            if minute == begin or chance.random() < habit.share:
                count = chance.randint(1, _MOST_A_MINUTE)
                state.learn(minute, count)
                day, of_day = divmod(minute, MINUTES_A_DAY)
                by_day.setdefault(day, {})[of_day] = count
    days = [
        DemandDay(
            beginning_of(day * MINUTES_A_DAY).date(),
            beginning_of(min((day + 1) * MINUTES_A_DAY, ended)),
            counts,
        )
        for day, counts in by_day.items()
    ]
    return days, DemandHistory(beginning_of(ended), state.write())
