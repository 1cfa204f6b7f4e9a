"""Histories of demand that the policies are asked about."""

from collections.abc import Iterable
from typing import Any

from dormouse_policy.forecast_state import ForecastState
from dormouse_policy.policy import Policy, Stakes
from dormouse_policy.simulation import Demand, simulate
from dormouse_policy.slots import DAY

STAKES = Stakes(5, 60.0)
# A Monday, at midnight.
MONDAY = (4 + 7 * 2900) * DAY


def told(minutes: Iterable[int]) -> ForecastState:
    """What a forecast remembers that has seen a request in each of these minutes, and has reckoned
    nothing yet.
    """
    state = ForecastState()
    for minute in minutes:
        state.learn(minute, 1)
    return state


def office_hours(weeks: int, opens: int = 9) -> list[int]:
    """Every few minutes, for eight hours of each weekday."""
    return [
        MONDAY + day * DAY + hour * 60 + minute
        for day in range(7 * weeks)
        if day % 7 < 5
        for hour in range(opens, opens + 8)
        for minute in range(0, 60, 4)
    ]


def job(days: Iterable[int], at: int = 9 * 60) -> list[int]:
    """Three minutes on each of these days, counted from MONDAY."""
    return [MONDAY + day * DAY + at + minute for day in days for minute in range(3)]


def cost(policy: Policy[Any], minutes: Iterable[int], end: int, stakes: Stakes) -> float:
    """What a policy costs over requests in these minutes, of the endpoint's minutes."""
    counts = tuple((minute, 1) for minute in minutes)
    demand = Demand(counts, counts[0][0], end)
    outcome = simulate(demand, policy, stakes.wake, demand.begin)
    return outcome.endpoint_minutes + stakes.delay_cost * outcome.cold_minutes
