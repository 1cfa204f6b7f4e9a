"""An endpoint that is woken and put to sleep by the clock, in a time zone of its own."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.deployments import Deployment, LocalAws

# Ahead of UTC by five hours and three quarters: a minute that is even there is odd in UTC, so a
# zone that got lost would exchange the two crons.
ZONE = ZoneInfo("Asia/Kathmandu")
# A deployment that takes longer is put to sleep first, which does nothing, and woken thereafter.
DEPLOYING = timedelta(seconds=30)


@pytest.fixture(scope="module")
def woken_in() -> int:
    """Whether it is woken in even or in odd minutes, so that it is soon; in the others it is put to
    sleep."""
    return (datetime.now(ZONE) + DEPLOYING + timedelta(minutes=1)).minute % 2


@pytest.fixture(scope="module")
def clockwork(aws: LocalAws, woken_in: int) -> Deployment:
    """A stack with both crons."""
    return aws.deploy(
        "clockwork",
        EndpointName="clockwork",
        WakeCron=f"cron({woken_in}/2 * * * ? *)",
        WakeFor="2h",
        SleepCron=f"cron({1 - woken_in}/2 * * * ? *)",
        ScheduleTimezone="Asia/Kathmandu",
    )


def noted_at(deployment: Deployment, attribute: str) -> datetime:
    """When something is noted to have happened, by the clock of the zone."""
    return datetime.fromisoformat(deployment.item()[attribute]["S"]).astimezone(ZONE)


def test_it_is_woken_by_the_clock_and_held(clockwork: Deployment, woken_in: int) -> None:
    """In the minute that is meant, for as long as the stack says."""
    standing = clockwork.wait_for_status("InService")

    woken_at = noted_at(clockwork, "demand_at")
    assert woken_at.minute % 2 == woken_in
    assert noted_at(clockwork, "hold_until") - woken_at == timedelta(hours=2)
    assert standing["hold_until"] is not None
    assert "start" in [decision["action"] for decision in standing["decisions"]]


def test_it_is_put_to_sleep_by_the_clock(clockwork: Deployment, woken_in: int) -> None:
    """In the minute that is meant, though it is held."""
    standing = clockwork.wait_for_status(None)

    slept_at = noted_at(clockwork, "slept_at")
    assert slept_at.minute % 2 == 1 - woken_in
    assert slept_at > noted_at(clockwork, "demand_at")
    assert standing["hold_until"] is None
    stops = [row["rule"] for row in standing["decisions"] if row["action"] == "stop"]
    assert stops == ["sleep"]
