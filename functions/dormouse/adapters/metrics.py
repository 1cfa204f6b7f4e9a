"""CloudWatch's count of an endpoint's invocations, whoever made them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dormouse.adapters.calls import aws_call
from dormouse.domain.activity import Measured, Unreadable
from dormouse.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

_PERIOD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class InvocationMetrics:
    """Implements Metrics, by GetMetricData on AWS/SageMaker Invocations.

    https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    """

    client: "CloudWatchClient"

    def last_activity(
        self, endpoint: str, variant_names: Sequence[str], since: datetime, until: datetime
    ) -> Measured | Unreadable:
        """Find the end of the latest minute with an invocation in a window; never raises.

        The metric has both dimensions: asked for without VariantName, CloudWatch answers nothing,
        which would look like idleness. So an endpoint without variants is Unreadable.
        """
        if not variant_names:
            return Unreadable("DescribeEndpoint names no ProductionVariant to ask for")
        queries = [_query(i, endpoint, name) for i, name in enumerate(variant_names)]
        try:
            with aws_call("GetMetricData"):
                return self._read(queries, since.replace(second=0, microsecond=0), until)
        except AwsError as error:
            return Unreadable(str(error))

    def _read(
        self, queries: Sequence["MetricDataQueryTypeDef"], since: datetime, until: datetime
    ) -> Measured | Unreadable:
        pages = self.client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=since, EndTime=until
        )
        unread = {query["Id"] for query in queries}
        active: list[datetime] = []
        for page in pages:
            for result in page["MetricDataResults"]:
                # PartialData is followed by a page with the rest, and Complete by none.
                if result["StatusCode"] == "Complete":
                    unread.discard(result["Id"])
                elif result["StatusCode"] != "PartialData":
                    return Unreadable(f"GetMetricData answered {result['StatusCode']}")
                active += [
                    minute
                    for minute, count in zip(result["Timestamps"], result["Values"], strict=True)
                    if count > 0
                ]
        if unread:
            return Unreadable("GetMetricData did not answer in full")
        return Measured(max(active) + _PERIOD if active else None)


def _query(number: int, endpoint: str, variant_name: str) -> "MetricDataQueryTypeDef":
    return {
        "Id": f"invocations{number}",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/SageMaker",
                "MetricName": "Invocations",
                "Dimensions": [
                    {"Name": "EndpointName", "Value": endpoint},
                    {"Name": "VariantName", "Value": variant_name},
                ],
            },
            "Period": int(_PERIOD.total_seconds()),
            "Stat": "Sum",
        },
    }
