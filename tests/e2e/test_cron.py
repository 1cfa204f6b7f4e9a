"""Endpoints that are woken or put to sleep by the clock, in a time zone of their own."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.deployments import Deployment, LocalAws

# Ahead of UTC by five hours and three quarters: a minute that is even there is odd in UTC, so with
# a zone that got lost nothing would happen in the minutes that are meant.
ZONE = ZoneInfo("Asia/Kathmandu")
# Deployments that take longer than that wait for two minutes more.
DEPLOYING = timedelta(seconds=40)


@pytest.fixture(scope="module")
def parity() -> int:
    """Whether the clock acts in even or in odd minutes, so that it is soon."""
    return (datetime.now(ZONE) + DEPLOYING + timedelta(minutes=1)).minute % 2


@pytest.fixture(scope="module")
def riser(aws: LocalAws, parity: int) -> Deployment:
    """A stack whose endpoint is asleep and is woken every other minute."""
    return aws.deploy(
        "riser",
        EndpointName="riser",
        WakeCron=f"cron({parity}/2 * * * ? *)",
        WakeFor="2h",
        ScheduleTimezone="Asia/Kathmandu",
    )


@pytest.fixture(scope="module", autouse=True)
def sleeper(aws: LocalAws, parity: int, riser: Deployment) -> Deployment:
    """A stack whose endpoint is held and is put to sleep every other minute."""
    deployed = aws.deploy(
        "sleeper",
        EndpointName="sleeper",
        SleepCron=f"cron({parity}/2 * * * ? *)",
        ScheduleTimezone="Asia/Kathmandu",
    )
    assert deployed.post("hold", {"for": "2h"})["hold_until"] is not None
    return deployed


def noted_at(deployment: Deployment, attribute: str) -> datetime:
    """When something is noted to have happened, by the clock of the zone."""
    return datetime.fromisoformat(deployment.item()[attribute]["S"]).astimezone(ZONE)


def test_it_is_woken_by_the_clock(riser: Deployment, parity: int) -> None:
    """In the minute that is meant, and held for as long as the stack says."""
    riser.wait(
        "up and held",
        lambda standing: (
            standing["status"] == "InService" and standing["decision"]["rule"] == "hold"
        ),
    )

    woken_at = noted_at(riser, "demand_at")
    assert woken_at.minute % 2 == parity
    assert noted_at(riser, "hold_until") - woken_at == timedelta(hours=2)
    actions = [(row["action"], row["rule"]) for row in riser.standing()["decisions"]]
    assert ("start", "hold") in actions


def test_it_is_put_to_sleep_by_the_clock(sleeper: Deployment, parity: int) -> None:
    """In the minute that is meant, though it is held."""
    sleeper.wait(
        "put to sleep",
        lambda standing: (standing["status"], standing["decision"]["rule"]) == (None, "sleep"),
    )

    assert noted_at(sleeper, "slept_at").minute % 2 == parity
    standing = sleeper.standing()
    assert standing["hold_until"] is None
    actions = [(row["action"], row["rule"]) for row in standing["decisions"]]
    assert ("start", "hold") in actions
    # It stops at once where no request can be under way.
    assert {("close", "sleep"), ("stop", "sleep")} & set(actions)
