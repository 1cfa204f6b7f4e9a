"""A spec, ledgers, observations and a moment that the tests of the plan share."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dormouse.domain import idle_policy
from dormouse.domain.activity import Activity, Measured
from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.endpoint import Absent, EndpointStatus, Observation, Present
from dormouse.domain.ledger import Ledger
from dormouse.domain.plan import Plan, decide
from dormouse.domain.spec import Policy, Spec
from dormouse.domain.timing import Timing
from tests.fakes.forecast import ScriptedForecast, ScriptedState

MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)  # a Monday
SPEC = Spec("reviews", "reviews-config", idle_timeout=timedelta(minutes=15), policy=Policy.FIXED)
TIMING = Timing(
    metric_lag=timedelta(minutes=5),
    ledger_interval=timedelta(seconds=30),
    demand_patience=timedelta(hours=1),
    # Longer than what is observed here has lasted, unless a test is about it.
    stuck_after=timedelta(days=1),
)
FORECAST = replace(SPEC, idle_timeout=None, policy=Policy.FORECAST)
IDLE = Ledger(demand_version=3, met_version=3)
DEMAND = Ledger(
    demand_version=4,
    met_version=3,
    demand_at=NOW - timedelta(minutes=2),
    last_request_at=NOW - timedelta(minutes=2),
)
SLEEPING = Ledger(
    demand_version=4, met_version=4, slept_version=4, slept_at=NOW - timedelta(minutes=1)
)

ABSENT = None
STATUSES: tuple[EndpointStatus | None, ...] = (ABSENT, *EndpointStatus)


def seen(
    status: EndpointStatus,
    *,
    for_: timedelta = timedelta(hours=3),
    config_name: str = "reviews-config",
    failure_reason: str | None = None,
) -> Present:
    """Observe an endpoint that has had this status for so long."""
    arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/reviews"
    return Present(arn, status, config_name, ("AllTraffic",), NOW - for_, failure_reason)


def observed(status: EndpointStatus | None) -> Observation:
    """Observe one that has had this status for three hours, or none."""
    return Absent() if status is None else seen(status)


def plan(
    ledger: Ledger, observation: Observation, activity: Activity | None = None, spec: Spec = SPEC
) -> Plan:
    """Decide at NOW; CloudWatch shows nothing unless told."""
    return decide(spec, ledger, observation, activity or Measured(None), timing=TIMING, now=NOW)


def script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the forecast be the one that is scripted."""
    monkeypatch.setattr(idle_policy, "Forecast", ScriptedForecast)
    monkeypatch.setattr(idle_policy, "ForecastState", ScriptedState)


def foreseen(*, stop: timedelta | None = None, start: timedelta | None = None) -> DemandHistory:
    """Know a script: to stop what is up so long after NOW, and to start what is down."""
    now = idle_policy.minute_of(NOW)
    state = ScriptedState(
        stop=None if stop is None else now + stop // MINUTE - 1,
        start=None if start is None else now + start // MINUTE,
    )
    return DemandHistory(NOW - timedelta(hours=1), state.write())
