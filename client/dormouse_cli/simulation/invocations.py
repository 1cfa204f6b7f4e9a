"""What an endpoint was asked, by CloudWatch: any endpoint, whoever manages it.

Needs `cloudwatch:ListMetrics` and `cloudwatch:GetMetricData`; `sagemaker:DescribeEndpoint` and
`sagemaker:DescribeEndpointConfig` tell its variants and what it runs on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dormouse_cli.aws import explained
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.simulation.traffic import DAY_MINUTES, Workload, minute_of, moment_of

NAMESPACE, METRIC = "AWS/SageMaker", "Invocations"
FINE_DAYS = 15
"""For so long CloudWatch keeps a sum for each minute."""

LONGEST_DAYS = 63
"""For so long it keeps one for five minutes."""

LAG = timedelta(minutes=5)
"""An invocation may be shown so late; what is later than that is not read."""

# What is about to become coarse is not asked for: a reading takes its time.
_MARGIN = timedelta(minutes=10)

_COARSE_MINUTES = 5
_VARIANT = frozenset({"EndpointName", "VariantName"})


@dataclass(frozen=True, slots=True)
class Instances:
    """What one variant of an endpoint runs on."""

    instance_type: str
    count: int


@dataclass(frozen=True, slots=True)
class EndpointSeen:
    """Whose metrics there are, and on what it runs now, as far as that may be known."""

    name: str
    variants: tuple[str, ...]
    instances: tuple[Instances, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """The minutes to read, from `begin` to before `end`; before `fine_from` they come by fives."""

    begin: int
    end: int
    fine_from: int

    @property
    def has_coarse(self) -> bool:
        """Whether some of it is known by five minutes only."""
        return self.begin < self.fine_from


def window_of(days: int, now: datetime) -> Window:
    """Return the last so many days, as far as CloudWatch shows them by now."""
    end = minute_of(now - LAG)
    oldest_fine = minute_of(now - timedelta(days=FINE_DAYS) + _MARGIN)
    oldest_fine += -oldest_fine % _COARSE_MINUTES
    begin = end - days * DAY_MINUTES
    if days <= FINE_DAYS:
        begin = max(begin, oldest_fine)
        return Window(begin, end, begin)
    return Window(begin - begin % _COARSE_MINUTES, end, oldest_fine)


class InvocationCounts:
    """Asks CloudWatch and SageMaker by boto3's clients; its methods raise `CliError`."""

    def __init__(self, cloudwatch: Any, sagemaker: Any, region: str) -> None:
        self._cloudwatch = cloudwatch
        self._sagemaker = sagemaker
        self._region = region

    def find(self, name: str, note: Callable[[str], None]) -> EndpointSeen:
        """Find an endpoint that is there, or that was asked in the last two weeks."""
        with explained(f"listing the metrics of {name}"):
            pages = self._cloudwatch.get_paginator("list_metrics").paginate(
                Namespace=NAMESPACE,
                MetricName=METRIC,
                Dimensions=[{"Name": "EndpointName", "Value": name}],
            )
            listed = [metric for page in pages for metric in page.get("Metrics", ())]
        variants = {
            dimensions["VariantName"]
            for metric in listed
            if (dimensions := _dimensions(metric)).keys() == _VARIANT
        }
        try:
            described = self._described(name)
        except CliError as error:
            described = self._undescribed(name, error, note, is_known=bool(variants))
        variants.update(described.variants)
        return EndpointSeen(name, tuple(sorted(variants)), described.instances)

    def read(
        self, endpoint: EndpointSeen, window: Window, advanced: Callable[[datetime], None]
    ) -> Workload:
        """Add up what all its variants were asked; hears of each day that is read."""
        total: Counter[int] = Counter()
        for begin, end, step in _days(window):
            for minute, count in self._sums(endpoint, begin, end, step):
                total.update(dict(_spread(minute, count, step)))
            advanced(moment_of(end))
        counts = tuple(sorted((minute, count) for minute, count in total.items() if count))
        return Workload(endpoint.name, counts)

    def _sums(
        self, endpoint: EndpointSeen, begin: int, end: int, step: int
    ) -> Iterator[tuple[int, int]]:
        queries = [
            _query(number, endpoint.name, v, step) for number, v in enumerate(endpoint.variants)
        ]
        with explained(f"reading the invocations of {endpoint.name}"):
            pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries,
                StartTime=moment_of(begin),
                EndTime=moment_of(end),
                ScanBy="TimestampAscending",
            )
            results = [result for page in pages for result in page.get("MetricDataResults", ())]
        for result in results:
            if result.get("StatusCode") in ("Forbidden", "InternalError"):
                raise CliError(
                    f"CloudWatch did not give all invocations of {endpoint.name} "
                    f"({result['StatusCode']}). Try again.",
                    ExitCode.UNAVAILABLE,
                )
            for moment, value in zip(result["Timestamps"], result["Values"], strict=True):
                if begin <= (minute := minute_of(moment)) < end and value > 0:
                    yield minute, round(value)

    def _described(self, name: str) -> EndpointSeen:
        with explained(f"describing the endpoint {name}"):
            endpoint = self._sagemaker.describe_endpoint(EndpointName=name)
            config = self._sagemaker.describe_endpoint_config(
                EndpointConfigName=endpoint["EndpointConfigName"]
            )
        variants = tuple(each["VariantName"] for each in endpoint.get("ProductionVariants", ()))
        instances = tuple(
            Instances(each["InstanceType"], each.get("InitialInstanceCount", 1))
            for each in config.get("ProductionVariants", ())
            if "InstanceType" in each
        )
        return EndpointSeen(name, variants, instances)

    def _undescribed(
        self, name: str, error: CliError, note: Callable[[str], None], *, is_known: bool
    ) -> EndpointSeen:
        """Go on with what its metrics tell, if there are any; else say what there is not."""
        if is_known and error.exit_code == ExitCode.NOT_PERMITTED:
            note(f"{error.message} What it runs on is not known, so neither is its price.")
        elif error.exit_code != ExitCode.FAILED:
            raise error
        elif not is_known:
            raise CliError(
                f"There is no endpoint {name!r} in {self._region}, and CloudWatch knows of none "
                "that was asked in the last two weeks. Is it another region, account or name?",
                ExitCode.NOT_FOUND,
            ) from error
        return EndpointSeen(name, ())


def _dimensions(metric: dict[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())}


def _query(number: int, endpoint: str, variant: str, step: int) -> dict[str, Any]:
    dimensions = [
        {"Name": "EndpointName", "Value": endpoint},
        {"Name": "VariantName", "Value": variant},
    ]
    metric = {"Namespace": NAMESPACE, "MetricName": METRIC, "Dimensions": dimensions}
    return {
        "Id": f"v{number}",
        "MetricStat": {"Metric": metric, "Period": step * 60, "Stat": "Sum"},
    }


def _days(window: Window) -> Iterator[tuple[int, int, int]]:
    """Cut it into days at most, each with the minutes of one of its sums."""
    parts = ((window.begin, window.fine_from, _COARSE_MINUTES), (window.fine_from, window.end, 1))
    for begin, end, step in parts:
        for day in range(begin, end, DAY_MINUTES):
            yield day, min(day + DAY_MINUTES, end), step


def _spread(minute: int, count: int, step: int) -> Sequence[tuple[int, int]]:
    """Spread a sum evenly over its minutes: 7 of five minutes are 2, 2, 1, 1, 1."""
    each, rest = divmod(count, step)
    places = step if each else rest
    return [(minute + place * step // places, each + (place < rest)) for place in range(places)]
