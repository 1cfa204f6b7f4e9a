"""How long a wake takes: learned from the endpoint's own recent ones."""

import math
import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta

# Of how many wakes the median is taken; older ones were of another image, or another instance type.
REMEMBERED_WAKES = 9

# Whoever comes back at once finds nothing new.
SHORTEST_RETRY = timedelta(seconds=5)


def expected_wake(wakes: Sequence[timedelta], prior: timedelta) -> timedelta:
    """Say how long a wake is expected to take: the median of recent ones, or the prior."""
    if not wakes:
        return prior
    return timedelta(seconds=statistics.median(wake.total_seconds() for wake in wakes))


def retry_after_seconds(
    wakes: Sequence[timedelta], prior: timedelta, started_at: datetime | None, now: datetime
) -> int:
    """Say in how many seconds it is worth while to come again, at least 5.

    `started_at` is when its creation was asked for, if that is under way. A wake that takes longer
    than expected is expected to take a tenth of that more.
    """
    whole = expected_wake(wakes, prior)
    left = whole if started_at is None else started_at + whole - now
    if left <= timedelta(0):
        left = whole / 10
    return math.ceil(max(left, min(SHORTEST_RETRY, whole)).total_seconds())
