"""SageMaker's own metrics, as PutMetricData takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NAMESPACE = "AWS/SageMaker"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one metric."""

    name: str
    value: float
    unit: str


def metric_data(
    endpoint_name: str, variant_name: str, samples: list[Sample], timestamp: float
) -> dict[str, Any]:
    """Compose a PutMetricData request. Both dimensions, always: a query by EndpointName alone finds
    nothing in AWS.
    """
    dimensions = [
        {"Name": "EndpointName", "Value": endpoint_name},
        {"Name": "VariantName", "Value": variant_name},
    ]
    return {
        "Namespace": NAMESPACE,
        "MetricData": [
            {
                "MetricName": sample.name,
                "Dimensions": dimensions,
                "Timestamp": timestamp,
                "Value": sample.value,
                "Unit": sample.unit,
            }
            for sample in samples
        ],
    }
