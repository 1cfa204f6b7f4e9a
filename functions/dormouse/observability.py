"""The logger and the counters of every function, by Powertools.

Metrics carry no endpoint, model or principal as a dimension, since each would cost $0.30 a month;
those are fields of the log.
"""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger()
metrics = Metrics()


def count(name: str, value: int = 1) -> None:
    """Add to the counter of this name, which is flushed when the invocation ends."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
