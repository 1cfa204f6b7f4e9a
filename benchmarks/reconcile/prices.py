"""What it costs to watch for a month: list prices, and the arithmetic.

Prices of us-east-1 on demand, in dollars, as the services' pages of prices list them in November
2026, without free tiers. They change seldom; DynamoDB's were halved in November 2024.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# https://aws.amazon.com/lambda/pricing/, arm64
LAMBDA_GB_SECOND = 0.0000133334
LAMBDA_REQUEST = 0.20 / 1e6
# https://aws.amazon.com/eventbridge/pricing/: the Scheduler's invocations, and events of one's own
SCHEDULER_INVOCATION = 1.00 / 1e6
EVENT = 1.00 / 1e6
# https://aws.amazon.com/dynamodb/pricing/on-demand/
READ_UNIT = 0.125 / 1e6
WRITE_UNIT = 0.625 / 1e6
# https://aws.amazon.com/cloudwatch/pricing/: GetMetricData, by the metric; logs, by the GB taken in
METRIC_ASKED = 0.01 / 1000
LOG_BYTE = 0.50 / 1e9
# https://aws.amazon.com/sns/pricing/ and https://aws.amazon.com/sqs/pricing/
PUBLISHED = 0.50 / 1e6
QUEUE_REQUEST = 0.40 / 1e6

# One a minute, for 30 days.
TICKS_A_MONTH = 60 * 24 * 30
MEMORY_MB = 512
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: one vCPU at 1,769 MB, and
# in proportion below.
_ONE_CPU_MB = 1769

_MESSAGES = {"events": EVENT, "sns": PUBLISHED, "sqs": QUEUE_REQUEST}


@dataclass(frozen=True, slots=True)
class Tick:
    """What one tick has taken. Calls of SageMaker, tagging and the like cost nothing."""

    seconds: float
    cpu_seconds: float
    log_bytes: int
    read_units: float
    write_units: float
    metrics: int
    messages: Mapping[str, int]

    @classmethod
    def of(cls, measured: Mapping[str, Any]) -> "Tick":
        """Pick it out of what was measured of a tick."""
        return cls(**{name: measured[name] for name in cls.__slots__})

    @property
    def seconds_in_lambda(self) -> float:
        """Estimate how long it takes with the share of a processor that 512 MB come with.

        As if nothing was computed while something else is waited for, so it is rather too long.
        """
        return in_lambda(self.seconds, self.cpu_seconds)


def in_lambda(seconds: float, cpu_seconds: float) -> float:
    """Say how long that is there, as `Tick.seconds_in_lambda` estimates it."""
    return seconds + cpu_seconds * (_ONE_CPU_MB / MEMORY_MB - 1)


def usd_per_month(tick: Tick) -> dict[str, float]:
    """Say what each part costs if every tick of a month is like this one."""
    one = {
        "lambda": tick.seconds_in_lambda * MEMORY_MB / 1024 * LAMBDA_GB_SECOND + LAMBDA_REQUEST,
        "scheduler": SCHEDULER_INVOCATION,
        "dynamodb_reads": tick.read_units * READ_UNIT,
        "dynamodb_writes": tick.write_units * WRITE_UNIT,
        "metrics": tick.metrics * METRIC_ASKED,
        "logs": tick.log_bytes * LOG_BYTE,
        "messages": sum(_MESSAGES[kind] * count for kind, count in tick.messages.items()),
    }
    return {part: usd * TICKS_A_MONTH for part, usd in one.items()}
