"""The settings of time that a decision depends on."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Timing:
    """`metric_lag` is how late CloudWatch may show an invocation. `ledger_interval` is how much
    older than the last request `Ledger.last_request_at` may be. `demand_patience` is how long an
    unmet demand counts: whoever still waits asks again within it.

    `expected_wake` is how long a wake takes of which nothing is known. `stuck_after` is how long
    SageMaker may take for a change before somebody is told. `bills_creation` says whether an
    endpoint is paid for from CreateEndpoint on, rather than from InService on.

    `advice_stands` is how old what a forecast says may be, in whole minutes, while nothing that it
    has named has come: to ask it for each of thousands of endpoints takes longer than a tick has.
    """

    metric_lag: timedelta
    ledger_interval: timedelta
    demand_patience: timedelta
    expected_wake: timedelta = timedelta(minutes=8)
    stuck_after: timedelta = timedelta(hours=1)
    bills_creation: bool = True
    advice_stands: timedelta = timedelta(hours=1)
