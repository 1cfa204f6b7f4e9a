"""CloudWatch's answers: a reading is complete, or it is none."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from dormouse.adapters.metrics import InvocationMetrics
from dormouse.domain.activity import Measured, Unreadable
from dormouse.ports import Window

UNTIL = datetime(2026, 2, 16, 9, 20, 30, tzinfo=UTC)
SINCE = UNTIL - timedelta(minutes=15)
MINUTE = datetime(2026, 2, 16, 9, 10, tzinfo=UTC)


CLIENT = boto3.client("cloudwatch", region_name="us-east-1")


@pytest.fixture
def stub() -> Iterator[Stubber]:
    """Every call of the client is expected."""
    with Stubber(CLIENT) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def read(*variants: str) -> Measured | Unreadable:
    """Ask for the window."""
    names = variants or ("AllTraffic",)
    window = Window("reviews", names, SINCE)
    return InvocationMetrics(CLIENT).last_activity([window], UNTIL)["reviews"]


def measured(end: int | None, **counts: int) -> Measured:
    """Say what was measured: the end of the latest minute, and counts as in `result`."""
    minutes = {MINUTE.replace(minute=int(name[1:])): count for name, count in counts.items()}
    return Measured(None if end is None else MINUTE.replace(minute=end), minutes)


def result(number: int = 0, status: str = "Complete", **counts: float) -> dict[str, Any]:
    """Build the result of one query: counts by minute of the hour, as `m10=2.0`."""
    return {
        "Id": f"invocations{number}",
        "StatusCode": status,
        "Timestamps": [MINUTE.replace(minute=int(name[1:])) for name in counts],
        "Values": list(counts.values()),
    }


def test_both_dimensions_are_asked_for_by_the_minute(stub: Stubber) -> None:
    """Without VariantName the answer would be empty, and an endpoint in use would look idle."""
    query = {
        "Id": "invocations0",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/SageMaker",
                "MetricName": "Invocations",
                "Dimensions": [
                    {"Name": "EndpointName", "Value": "reviews"},
                    {"Name": "VariantName", "Value": "AllTraffic"},
                ],
            },
            "Period": 60,
            "Stat": "Sum",
        },
    }
    stub.add_response(
        "get_metric_data",
        {"MetricDataResults": [result()]},
        {
            "MetricDataQueries": [query],
            "StartTime": datetime(2026, 2, 16, 9, 5, tzinfo=UTC),
            "EndTime": UNTIL,
        },
    )

    assert read() == Measured(None)


def test_the_end_of_the_latest_minute_with_an_invocation_counts(stub: Stubber) -> None:
    """In whatever order they come, over all variants; a minute of 0 is no use."""
    results = [result(0, m8=1.0, m12=3.0, m19=0.0), result(1, m10=1.0, m12=2.0)]
    stub.add_response("get_metric_data", {"MetricDataResults": results})

    assert read("AllTraffic", "Other") == measured(13, m8=1, m10=1, m12=5)


def test_minutes_are_counted_farther_back_than_activity_is_looked_for(stub: Stubber) -> None:
    """By the same call. What was before has been known before, and is no reason to stay up."""
    windows = [
        Window("a", ("AllTraffic",), MINUTE, MINUTE.replace(minute=2)),
        Window("b", ("AllTraffic",), MINUTE, MINUTE.replace(minute=12)),
        Window("c", ("AllTraffic",), MINUTE),
    ]
    results = [result(number, m1=1.0, m3=2.0, m11=4.0) for number in range(3)]
    stub.add_response(
        "get_metric_data",
        {"MetricDataResults": results},
        {"MetricDataQueries": ANY, "StartTime": MINUTE.replace(minute=2), "EndTime": UNTIL},
    )

    answers = InvocationMetrics(CLIENT).last_activity(windows, UNTIL)

    assert answers["a"] == measured(12, m3=2, m11=4)
    assert answers["b"] == answers["c"] == measured(12, m11=4)


def test_what_nobody_has_used_lately_has_no_last_activity(stub: Stubber) -> None:
    """Though it was used in the time that is counted."""
    stub.add_response("get_metric_data", {"MetricDataResults": [result(0, m3=2.0)]})
    window = Window("reviews", ("AllTraffic",), MINUTE, MINUTE.replace(minute=2))

    answers = InvocationMetrics(CLIENT).last_activity([window], UNTIL)

    assert answers["reviews"] == measured(None, m3=2)


def test_pages_are_read_to_the_end(stub: Stubber) -> None:
    """PartialData is followed by the rest."""
    first = {"MetricDataResults": [result(0, "PartialData", m8=1.0)], "NextToken": "more"}
    stub.add_response("get_metric_data", first)
    stub.add_response(
        "get_metric_data",
        {"MetricDataResults": [result(0, m14=1.0)]},
        {"MetricDataQueries": ANY, "StartTime": ANY, "EndTime": ANY, "NextToken": "more"},
    )

    assert read() == measured(15, m8=1, m14=1)


@pytest.mark.parametrize(
    "results",
    [
        [],
        [result(0, "PartialData", m8=1.0)],
        [result(0, "InternalError")],
        [result(0, "Forbidden")],
        [result(1)],
    ],
)
def test_an_answer_that_is_not_whole_is_none(stub: Stubber, results: list[dict[str, Any]]) -> None:
    """It must never be taken for idleness."""
    stub.add_response("get_metric_data", {"MetricDataResults": results})

    assert isinstance(read(), Unreadable)


def test_a_refusal_is_unreadable_and_says_why(stub: Stubber) -> None:
    """No exception: the plan decides what follows."""
    stub.add_client_error("get_metric_data", "Throttling", "Rate exceeded")

    assert read() == Unreadable("GetMetricData refused: Throttling: Rate exceeded")


def test_an_endpoint_without_variants_is_unreadable() -> None:
    """There is nothing to ask for, which is no evidence of anything."""
    metrics = InvocationMetrics(CLIENT)

    answers = metrics.last_activity([Window("reviews", (), SINCE)], UNTIL)
    assert isinstance(answers["reviews"], Unreadable)


def test_many_endpoints_share_a_call(stub: Stubber) -> None:
    """500 variants in each, and each endpoint gets its own answer."""
    windows = [Window(f"e{number}", ("AllTraffic",), SINCE) for number in range(501)]
    for size in (500, 1):
        results = [result(n, m10=1.0) if n == 7 else result(n) for n in range(size)]
        stub.add_response("get_metric_data", {"MetricDataResults": results})

    answers = InvocationMetrics(CLIENT).last_activity(windows, UNTIL)

    assert len(answers) == 501
    assert answers["e7"] == measured(11, m10=1)
    assert answers["e8"] == Measured(None)


def test_one_that_cannot_be_read_spoils_no_other(stub: Stubber) -> None:
    """Nor does a minute from before its own window count for one that asks for less."""
    windows = [
        Window("a", ("AllTraffic",), SINCE),
        Window("b", ("AllTraffic",), SINCE),
        Window("c", ("AllTraffic",), MINUTE.replace(minute=15)),
    ]
    results = [result(0, "InternalError"), result(1, m8=1.0), result(2, m8=1.0)]
    stub.add_response("get_metric_data", {"MetricDataResults": results})

    answers = InvocationMetrics(CLIENT).last_activity(windows, UNTIL)

    assert isinstance(answers["a"], Unreadable)
    assert answers["b"] == measured(9, m8=1)
    assert answers["c"] == Measured(None)
