"""What is read of CloudWatch, for any endpoint, and what an hour of it costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from dormouse_cli.aws import AwsSession
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.options import CommonOptions
from dormouse_cli.simulation.invocations import (
    EndpointSeen,
    Instances,
    InvocationCounts,
    Window,
    window_of,
)
from dormouse_cli.simulation.list_price import list_price, read_prices
from dormouse_cli.simulation.traffic import DAY_MINUTES, minute_of, moment_of
from tests.client.fake_aws import REGION
from tests.fakes.price_documents import product

NOW = datetime(2026, 11, 23, 18, 0, 30, tzinfo=UTC)
END = minute_of(NOW) - 5
SOURCE = {"region_name": REGION, "aws_access_key_id": "test", "aws_secret_access_key": "test"}


class Clients:
    """CloudWatch and SageMaker of moto, and what is told of a reading."""

    def __init__(self) -> None:
        self.cloudwatch = boto3.client("cloudwatch", **SOURCE)  # type: ignore[call-overload] # a mapping
        self.sagemaker = boto3.client("sagemaker", **SOURCE)  # type: ignore[call-overload] # a mapping
        self.notes: list[str] = []
        self.reached: list[datetime] = []
        self.counts = InvocationCounts(self.cloudwatch, self.sagemaker, REGION)

    def asked(self, minute: int, count: float, variant: str = "AllTraffic") -> None:
        """Have an endpoint be asked, as SageMaker tells CloudWatch."""
        dimensions = {"EndpointName": "reviews", "VariantName": variant}
        self.cloudwatch.put_metric_data(
            Namespace="AWS/SageMaker",
            MetricData=[
                {
                    "MetricName": "Invocations",
                    "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
                    "Timestamp": moment_of(minute) + timedelta(seconds=20),
                    "Value": count,
                }
            ],
        )

    def create(self, name: str) -> None:
        """Create an endpoint with two variants."""
        self.sagemaker.create_model(
            ModelName="m",
            PrimaryContainer={"Image": "image"},
            ExecutionRoleArn="arn:aws:iam::123456789012:role/runs",
        )
        self.sagemaker.create_endpoint_config(
            EndpointConfigName="c",
            ProductionVariants=[
                {
                    "VariantName": variant,
                    "ModelName": "m",
                    "InstanceType": "ml.m5.xlarge",
                    "InitialInstanceCount": count,
                    "InitialVariantWeight": 1,
                }
                for variant, count in (("a", 1), ("b", 2))
            ],
        )
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="c")

    def find(self, name: str = "reviews") -> EndpointSeen:
        """Find it, and keep what is noted."""
        return self.counts.find(name, self.notes.append)

    def read(self, window: Window) -> tuple[tuple[int, int], ...]:
        """Read what it was asked."""
        return self.counts.read(self.find(), window, self.reached.append).counts


@pytest.fixture
def clients() -> Iterator[Clients]:
    """Of an account in which nothing is."""
    with mock_aws():
        yield Clients()


def test_the_last_days_end_where_cloudwatch_is_complete() -> None:
    """By the minute."""
    window = window_of(14, NOW)
    assert window == Window(END - 14 * DAY_MINUTES, END, END - 14 * DAY_MINUTES)
    assert not window.has_coarse


def test_fifteen_days_are_as_many_as_there_are_minutes_of() -> None:
    """A little less, since a reading takes its time."""
    window = window_of(15, NOW)
    assert not window.has_coarse
    assert 0 < window.begin - minute_of(NOW - timedelta(days=15)) <= 15


@given(st.integers(16, 63), st.integers(0, 100_000))
def test_what_is_older_comes_by_fives(days: int, later: int) -> None:
    """Both parts begin where five minutes do."""
    window = window_of(days, NOW + timedelta(minutes=later))
    assert window.has_coarse
    assert (window.begin % 5, window.fine_from % 5) == (0, 0)
    assert days * DAY_MINUTES <= window.end - window.begin < days * DAY_MINUTES + 5
    assert window.fine_from > minute_of(NOW + timedelta(minutes=later)) - 15 * DAY_MINUTES


def test_all_variants_are_added_up(clients: Clients) -> None:
    """Minute by minute, over the days; what lies outside is not read."""
    window = Window(END - 2 * DAY_MINUTES, END, END - 2 * DAY_MINUTES)
    for variant in ("blue", "green"):
        clients.asked(END - 3000, 7, variant)
        clients.asked(END - 2000, 2, variant)
        clients.asked(END - 10, 1, variant)
        clients.asked(END, 9, variant)
    clients.asked(END - 10, 3, "green")
    clients.asked(END - 5, 0, "green")
    assert clients.find() == EndpointSeen("reviews", ("blue", "green"))
    assert clients.read(window) == ((END - 2000, 4), (END - 10, 5))
    assert clients.reached == [moment_of(END - DAY_MINUTES), moment_of(END)]


def test_an_endpoint_that_was_never_asked_is_found(clients: Clients) -> None:
    """With what it runs on; it need not be managed by anybody."""
    clients.create("reviews")
    assert clients.find() == EndpointSeen(
        "reviews", ("a", "b"), (Instances("ml.m5.xlarge", 1), Instances("ml.m5.xlarge", 2))
    )
    assert clients.read(Window(END - 60, END, END - 60)) == ()


def test_sums_of_five_minutes_are_spread(clients: Clients) -> None:
    """Evenly, and none is lost."""
    begin = END - END % 5 - 100
    for minute, count in ((begin, 7), (begin + 11, 2), (begin + 50, 1)):
        clients.asked(minute, count)
    assert clients.read(Window(begin, END, begin + 50)) == (
        (begin, 2), (begin + 1, 2), (begin + 2, 1), (begin + 3, 1), (begin + 4, 1),
        (begin + 10, 1), (begin + 12, 1),
        (begin + 50, 1),
    )  # fmt: skip


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=5))
def test_no_request_is_lost_in_a_spread(counts: list[int]) -> None:
    """Nor does one leave its five minutes."""
    sums = [
        {"Timestamps": [moment_of(10 * n)], "Values": [float(count)], "StatusCode": "Complete"}
        for n, count in enumerate(counts)
    ]
    pages = _Pages([{"MetricDataResults": sums}])
    counted = InvocationCounts(pages, None, REGION)
    workload = counted.read(EndpointSeen("e", ("v",)), Window(0, 50, 50), lambda _: None)
    for n, count in enumerate(counts):
        found = [each for minute, each in workload.counts if 10 * n <= minute < 10 * n + 5]
        assert sum(found) == count
        assert max(found) - min(found) <= 1
    assert workload.requests == sum(counts)


class _Pages:
    """A client whose every paginator gives these pages."""

    def __init__(self, pages: list[dict[str, Any]]) -> None:
        self._pages = pages

    def get_paginator(self, _: str) -> _Pages:
        return self

    def paginate(self, **_: object) -> list[dict[str, Any]]:
        return self._pages


def test_what_there_is_not_is_said(clients: Clients) -> None:
    """With the region, which is wrong most often."""
    with pytest.raises(CliError, match="no endpoint 'nobody' in us-east-1, and CloudWatch") as said:
        clients.find("nobody")
    assert said.value.exit_code == ExitCode.NOT_FOUND


def test_who_may_not_describe_reads_the_metrics_alone(clients: Clients) -> None:
    """And is told what is not known then; without metrics it is an error."""
    clients.asked(END - 10, 1)
    with Stubber(clients.sagemaker) as denied:
        denied.add_client_error("describe_endpoint", "AccessDeniedException", "no", 400)
        denied.add_client_error("describe_endpoint", "AccessDeniedException", "no", 400)
        assert clients.find() == EndpointSeen("reviews", ("AllTraffic",))
        assert "AccessDeniedException: no. What it runs on is not known" in clients.notes[0]
        with pytest.raises(CliError) as said:
            clients.find("nobody")
    assert said.value.exit_code == ExitCode.NOT_PERMITTED


def test_a_failure_of_sagemaker_is_not_taken_for_an_absence(clients: Clients) -> None:
    """Whatever CloudWatch knows."""
    clients.asked(END - 10, 1)
    with Stubber(clients.sagemaker) as failing:
        failing.add_client_error("describe_endpoint", "ServiceUnavailable", "later", 503)
        with pytest.raises(CliError) as said:
            clients.find()
    assert said.value.exit_code == ExitCode.UNAVAILABLE


def test_an_incomplete_reading_is_none(clients: Clients) -> None:
    """What is missing would look like nobody asking."""
    answer = {
        "MetricDataResults": [
            {"Id": "v0", "StatusCode": "InternalError", "Timestamps": [], "Values": []}
        ]
    }
    with Stubber(clients.cloudwatch) as failing:
        failing.add_response("get_metric_data", answer)
        with pytest.raises(CliError, match=r"all invocations of e \(InternalError\)") as said:
            clients.counts.read(EndpointSeen("e", ("v",)), Window(0, 9, 0), lambda _: None)
    assert said.value.exit_code == ExitCode.UNAVAILABLE


# ------------------------------------------------------------------------------------------- prices


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> AwsSession:
    """A session in Frankfurt."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return AwsSession(CommonOptions(region="eu-west-1"))


def priced(monkeypatch: pytest.MonkeyPatch, aws: AwsSession, *documents: Any) -> Stubber:
    """Have the list answer with documents, asked as it has to be."""
    client = aws.client("pricing", region="eu-central-1")

    def only(_: AwsSession, service: str, *, region: str) -> Any:
        assert (service, region) == ("pricing", "eu-central-1")
        return client

    monkeypatch.setattr(AwsSession, "client", only)
    stub = Stubber(client)
    fields = {"regionCode": "eu-west-1", "instanceName": "ml.m5.xlarge", "component": "Hosting"}
    stub.add_response(
        "get_products",
        {"PriceList": [json.dumps(document) for document in documents]},
        {
            "ServiceCode": "AmazonSageMaker",
            "Filters": [
                {"Type": "TERM_MATCH", "Field": field, "Value": value}
                for field, value in fields.items()
            ],
            "FormatVersion": "aws_v1",
        },
    )
    stub.activate()
    return stub


def test_the_list_price(monkeypatch: pytest.MonkeyPatch, aws: AwsSession) -> None:
    """Asked in the region of the API that is nearest; a free tier is no price."""
    with priced(monkeypatch, aws, product(), product("0.0000000000")):
        assert list_price(aws, "ml.m5.xlarge") == Decimal("0.23")


@pytest.mark.parametrize(
    ("documents", "found", "code"),
    [
        ([], "has none. Is the type written as", ExitCode.NOT_FOUND),
        ([product(), product("0.25")], "has 0.2300000000, 0.25.", ExitCode.FAILED),
    ],
)
def test_no_guess_is_made(
    monkeypatch: pytest.MonkeyPatch,
    aws: AwsSession,
    documents: list[Any],
    found: str,
    code: ExitCode,
) -> None:
    """It is said how to go on."""
    with (
        priced(monkeypatch, aws, *documents),
        pytest.raises(CliError, match=found) as said,
    ):
        list_price(aws, "ml.m5.xlarge")
    assert said.value.exit_code == code
    assert said.value.message.endswith("give the dollars by --price.")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["terms", "OnDemand", "priceDimensions", "pricePerUnit", "USD", "x"]),
            inner,
        )
    ),
)


@given(st.lists(st.text() | JSON.map(json.dumps)))
def test_any_documents_have_prices_or_none(documents: list[str]) -> None:
    """Nothing else comes of them."""
    assert all(price > 0 for price in read_prices(documents))


@given(st.text() | st.sampled_from(["NaN", "Infinity", "1e999999", "-1", "0.23"]))
def test_any_amount_is_a_price_or_none(usd: str) -> None:
    """One that can be reckoned with."""
    for price in read_prices([json.dumps(product(usd))]):
        assert 0 < price < 1_000_000
