"""CloudWatch's count of an endpoint's invocations, whoever made them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dormouse.adapters.calls import aws_call
from dormouse.domain.activity import Measured, Unreadable
from dormouse.errors import AwsError
from dormouse.ports import Window

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

_PERIOD = timedelta(minutes=1)
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
_QUERIES_A_CALL = 500


@dataclass(frozen=True, slots=True)
class InvocationMetrics:
    """Implements Metrics, by GetMetricData on AWS/SageMaker Invocations.

    https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    """

    client: "CloudWatchClient"

    def last_activity(
        self, windows: Sequence[Window], until: datetime
    ) -> Mapping[str, Measured | Unreadable]:
        """Find, by its name, the end of the latest minute in which each endpoint was invoked; never
        raises. 500 variants are asked for in one call.

        The metric has both dimensions: asked for without VariantName, CloudWatch answers nothing,
        which would look like idleness. So an endpoint without variants is Unreadable.
        """
        found: dict[str, Measured | Unreadable] = {
            window.endpoint: Unreadable("DescribeEndpoint names no ProductionVariant to ask for")
            for window in windows
            if not window.variant_names
        }
        asked = [window for window in windows if window.variant_names]
        # Those of one window share a call: its times are those of the call.
        for batch in _batches(sorted(asked, key=_asked_since)):
            found |= self._ask(batch, until)
        return found

    def _ask(self, batch: Sequence[Window], until: datetime) -> Mapping[str, Measured | Unreadable]:
        since = min(map(_asked_since, batch)).replace(second=0, microsecond=0)
        try:
            with aws_call("GetMetricData"):
                minutes = self._read(batch, since, until)
        except AwsError as error:
            return {window.endpoint: Unreadable(str(error)) for window in batch}
        return {window.endpoint: _judge(window, minutes) for window in batch}

    def _read(
        self, batch: Sequence[Window], since: datetime, until: datetime
    ) -> "Mapping[tuple[str, str], Mapping[datetime, int] | str]":
        """Read the invocations of each variant by minutes; or why they can't be read."""
        keys = [(window.endpoint, name) for window in batch for name in window.variant_names]
        queries = [_query(number, *key) for number, key in enumerate(keys)]
        by_id = {query["Id"]: key for query, key in zip(queries, keys, strict=True)}
        pages = self.client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=since, EndTime=until
        )
        active: dict[tuple[str, str], dict[datetime, int]] = {key: {} for key in keys}
        unread: dict[tuple[str, str], str] = dict.fromkeys(
            keys, "GetMetricData did not answer in full"
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                key = by_id.get(result["Id"])
                if key is None:
                    continue
                # PartialData is followed by a page with the rest, and Complete by none.
                if result["StatusCode"] == "Complete":
                    unread.pop(key, None)
                elif result["StatusCode"] != "PartialData":
                    unread[key] = f"GetMetricData answered {result['StatusCode']}"
                active[key] |= {
                    minute: int(count)
                    for minute, count in zip(result["Timestamps"], result["Values"], strict=True)
                    if count > 0
                }
        return {**active, **unread}


def _judge(
    window: Window, minutes: "Mapping[tuple[str, str], Mapping[datetime, int] | str]"
) -> Measured | Unreadable:
    """Put the variants of an endpoint together; minutes before its own window don't count."""
    since = window.since.replace(second=0, microsecond=0)
    counted_since = _asked_since(window).replace(second=0, microsecond=0)
    counts = Counter[datetime]()
    for name in window.variant_names:
        active = minutes[window.endpoint, name]
        if isinstance(active, str):
            return Unreadable(active)
        counts.update(active)
    latest = max((minute for minute in counts if minute >= since), default=None)
    counted = {minute: counts[minute] for minute in sorted(counts) if minute >= counted_since}
    return Measured(None if latest is None else latest + _PERIOD, counted)


def _asked_since(window: Window) -> datetime:
    return window.since if window.counted_since is None else min(window.since, window.counted_since)


def _batches(windows: Sequence[Window]) -> Iterator[Sequence[Window]]:
    """Divide them so that each part fits into one call."""
    batch: list[Window] = []
    size = 0
    for window in windows:
        if batch and size + len(window.variant_names) > _QUERIES_A_CALL:
            yield batch
            batch, size = [], 0
        batch.append(window)
        size += len(window.variant_names)
    if batch:
        yield batch


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
