"""What follows from what is remembered."""

from datetime import UTC, datetime, timedelta

import pytest

from dormouse.domain.activity import Measured
from dormouse.domain.ledger import Ledger

NOW = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("demand", "met", "unmet"), [(0, 0, False), (1, 0, True), (1, 1, False), (1, 2, False)]
)
def test_demand_is_unmet_while_it_is_newer(demand: int, met: int, unmet: bool) -> None:
    """By versions: the clocks of two functions don't have to agree."""
    assert Ledger(demand_version=demand, met_version=met).has_unmet_demand is unmet


@pytest.mark.parametrize(
    ("demand", "slept", "asleep"),
    [(0, None, False), (3, None, False), (0, 0, True), (3, 3, True), (2, 3, True), (4, 3, False)],
)
def test_a_sleep_lasts_until_newer_demand(demand: int, slept: int | None, asleep: bool) -> None:
    """One that nobody ever asked for can be put to sleep too."""
    ledger = Ledger(demand_version=demand, slept_version=slept)

    assert ledger.is_put_to_sleep is asleep


@pytest.mark.parametrize(
    ("known", "measured", "result"),
    [
        (None, None, None),
        (None, NOW, NOW),
        (NOW, None, NOW),
        (NOW, NOW - timedelta(minutes=1), NOW),
        (NOW - timedelta(minutes=1), NOW, NOW),
    ],
)
def test_a_reading_makes_activity_only_more_recent(
    known: datetime | None, measured: datetime | None, result: datetime | None
) -> None:
    """CloudWatch may answer less than it did."""
    ledger = Ledger(metrics_active_at=known).with_metrics(Measured(measured))

    assert ledger.metrics_active_at == result
