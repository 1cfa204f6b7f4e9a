"""`dormouse simulate`: its options, what it prints for people and programs, and how it ends."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.client.conftest import OpenScreen, Run
from tests.client.fake_aws import REGION
from tests.client.sample_traffic import COUNTS, sample

MINUTES = "minute,count\n0,0\n" + "".join(f"{600 * n + 5},2\n" for n in range(30)) + "20159,0\n"
PACKED = gzip.compress(MINUTES.encode(), mtime=0)


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    """Two weeks of minutes."""
    file = tmp_path / "counts.csv"
    file.write_text(MINUTES)
    return file


def test_what_people_see(run: Run) -> None:
    """What was read, the terms, each policy, one endpoint or many, the week, and advice."""
    ran = run("simulate", COUNTS, "--price", "0.23")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("counts.csv: ")
    assert "requests of 3 models as of one endpoint in 14 days, 2026-11-02 00:00 to " in ran.out
    assert "The first 7 days are history, 7 days are scored." in ran.out
    assert "A start takes 5 min (--wake); a delayed minute is worth 15 min" in ran.out
    assert "Money is an estimate, at $0.23 an hour (--price)." in ran.out
    for label in ("always on", "fixed 30m", "break-even (20m)", "forecast", "clairvoyant"):
        assert f" {label} " in ran.out
    assert "One multi-model endpoint, or one for each" in ran.out
    assert "\nMon " in ran.out
    assert "\nRecommended: " in ran.out
    assert "\x1b" not in ran.out


def test_what_programs_see(run: Run) -> None:
    """One object; its figures are those that people see."""
    ran = run("simulate", COUNTS, "--price", "0.23", "--json")
    assert (ran.code, ran.err) == (0, "")
    found = ran.document
    assert sorted(found) == [
        "begin", "bundling", "delay_cost_minutes", "end", "history_minutes", "minutes", "notes",
        "policies", "price", "recommendation", "requests", "scored_from", "scored_minutes",
        "source", "wake_minutes", "week", "workloads",
    ]  # fmt: skip
    assert (found["begin"], found["end"]) == ("2026-11-02T00:00:00Z", "2026-11-16T00:00:00Z")
    assert found["scored_from"] == "2026-11-09T00:00:00Z"
    assert (found["wake_minutes"], found["delay_cost_minutes"]) == (5, 15)
    assert found["price"] == {"usd_an_hour": 0.23, "source": "--price", "is_estimate": True}
    policies = {each["policy"]: each for each in found["policies"]}
    assert len(policies) == len(found["policies"]) == 17 + 4
    assert policies["always-on"]["usd"] == 38.64
    assert sorted(policies["fixed-30"]) == [
        "cold_minutes", "cold_requests", "cold_share", "cost_minutes", "label",
        "longest_wait_minutes", "mean_delay_seconds", "median_wait_minutes", "policy", "requests",
        "starts", "up_hours", "up_minutes", "usd",
    ]  # fmt: skip
    assert found["recommendation"]["policy"] in policies
    assert found["bundling"]["endpoints"] == len(found["workloads"]) == 3
    assert len(found["week"]["days"]) == 7
    assert all(len(day["hours"]) == 24 for day in found["week"]["days"])


def test_the_same_is_always_printed_the_same(run: Run) -> None:
    """Sorted."""
    out = run("simulate", COUNTS, "--json").out
    assert out == json.dumps(json.loads(out), indent=2, sort_keys=True) + "\n"
    assert out == run("simulate", COUNTS, "--json").out


def test_minutes_have_no_clock(run: Run, counts: Path) -> None:
    """Nor has the week."""
    found = run("simulate", counts, "--json").document
    assert (found["begin"], found["end"], found["scored_from"]) == (0, 20160, 10080)
    assert (found["week"]["zone"], found["week"]["days"][0]["day"]) == (None, "d 1")
    assert (found["price"], found["bundling"], found["workloads"]) == (None, None, [])
    out = run("simulate", counts).out
    assert out.startswith("counts.csv: 60 requests in 14 days. The first 7 days are history")
    assert "$" not in out
    assert "\nd 1 " in out


def test_its_options(run: Run, counts: Path) -> None:
    """Each changes what it is for."""
    options = ["--wake", "10m", "--delay-cost", "1h", "--history", "0.5", "--timezone", "UTC"]
    found = run("simulate", counts, *options, "--json").document
    assert (found["wake_minutes"], found["delay_cost_minutes"]) == (10, 60)
    assert (found["history_minutes"], found["scored_minutes"]) == (720, 20160 - 720)
    (break_even,) = (each for each in found["policies"] if each["policy"] == "break-even")
    assert break_even["label"] == "break-even (70m)"
    assert break_even["longest_wait_minutes"] == 10


def test_time_stamps_without_a_zone(run: Run, tmp_path: Path) -> None:
    """UTC is assumed and that is said, unless a zone is given."""
    file = tmp_path / "c.csv"
    file.write_text("timestamp,count\n2026-11-23T18:00,1\n2026-11-23T20:00,1\n")
    ran = run("simulate", file)
    assert ran.err == (
        "Note: the time stamps have no zone: UTC is assumed. --timezone names another.\n"
    )
    found = run("simulate", file, "--json").document
    assert found["begin"] == "2026-11-23T18:00:00Z"
    assert "UTC is assumed" in found["notes"][0]
    ran = run("simulate", file, "--timezone", "Europe/Berlin", "--json")
    assert (ran.document["begin"], ran.document["notes"]) == ("2026-11-23T17:00:00Z", [])
    assert ran.document["week"]["zone"] == "Europe/Berlin"


def test_packed_files_and_standard_input(
    run: Run, counts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is packed is told by its content."""
    packed = tmp_path / "counts.csv.gz"
    packed.write_bytes(PACKED)
    plain = run("simulate", counts, "--json").document
    assert {**run("simulate", packed, "--json").document, "source": "counts.csv"} == plain
    for content in (MINUTES.encode(), packed.read_bytes()):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        found = run("simulate", "-", "--json").document
        assert found["source"] == "standard input"
        assert {**found, "source": "counts.csv"} == plain


@pytest.mark.parametrize("suffix", ["svg", "html"])
def test_a_picture(run: Run, counts: Path, tmp_path: Path, suffix: str) -> None:
    """Beside what is printed."""
    picture = tmp_path / f"p.{suffix}"
    ran = run("simulate", counts, "--picture", picture)
    assert (ran.code, ran.err) == (0, "")
    assert "counts.csv: idle policies compared" in picture.read_text(encoding="utf-8")
    assert "<svg " in picture.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "COUNTS: give a CSV of counts, or --endpoint NAME to read CloudWatch"),
        (["counts.csv", "--endpoint", "e"], "--endpoint: it does not go with a CSV"),
        (["counts.csv", "--days", "3"], "--days: it does not go with a CSV"),
        (["counts.csv", "--csv-out", "x.csv"], "--csv-out: it does not go with a CSV"),
        (["--endpoint", "e", "--days", "64"], "--days"),
        (["counts.csv", "--wake", "5"], "--wake: '5' is not a duration"),
        (["counts.csv", "--wake", "90s"], "--wake: '90s' is no whole minute, as 5m is"),
        (["counts.csv", "--wake", "2h"], "--wake: '2h' is out of range"),
        (["counts.csv", "--delay-cost", "30s"], "--delay-cost: '30s' is out of range"),
        (["counts.csv", "--history", "14"], "--history: 14 days leave nothing to score: there"),
        (["counts.csv", "--history", "-1"], "--history"),
        (["counts.csv", "--history", "inf"], "--history: inf days leave nothing to score"),
        (["counts.csv", "--price", "cheap"], "--price: 'cheap' is no price: write the dollars"),
        (["counts.csv", "--price", "0"], "--price: '0' is no price"),
        (["counts.csv", "--price", "1", "--instance-type", "ml.m5.xlarge"], "go with --price"),
        (["counts.csv", "--instance-type", "m5"], "'m5' is no instance type, as ml.m5.xlarge"),
        (["counts.csv", "--timezone", "Mars"], "--timezone: 'Mars' is no time zone"),
        (["counts.csv", "--timezone", "../etc"], "--timezone: '../etc' is no time zone"),
        (["counts.csv", "--picture", "p.png"], "--picture: 'p.png' has to end with .svg or .html"),
        (["counts.csv", "--picture", "no/p.svg"], "p.svg: No such file or directory."),
        (["none.csv"], "none.csv: No such file or directory."),
        (["."], "Is a directory"),
    ],
)
def test_a_wrong_command_line(
    run: Run, counts: Path, aws: Any, options: list[str], why: str
) -> None:
    """Said with the option; AWS is not asked."""
    ran = run("simulate", *options, "--json")
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.error["message"].replace("Invalid value for ", "")
    assert aws.world.requests == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "counts.csv, it is empty: its first line has to be a header"),
        (b"minute,count\n1,1\n1,1\n", "counts.csv, line 3: '1' comes twice, in line 2, too"),
        (b"minute,count\n1,-1\n", "counts.csv, line 2: the count '-1' is negative: a whole"),
        (PACKED[:-20], "counts.csv: it is packed by gzip, but damaged"),
        (PACKED[:10] + b"x" * 90, "counts.csv: it is packed by gzip, but damaged"),
    ],
)
def test_a_wrong_file(run: Run, counts: Path, content: bytes, why: str) -> None:
    """Said with the line."""
    counts.write_bytes(content)
    ran = run("simulate", counts)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("dormouse: ")
    assert why in ran.err


def test_the_sample_is_what_it_is_made_by() -> None:
    """Whoever changes it writes it anew."""
    assert COUNTS.read_text(encoding="utf-8") == sample()


def test_on_a_terminal_it_fits_into_80_columns(screen: OpenScreen, environment: Any) -> None:
    """No row of a table or map is folded; the bar is gone at the end."""
    terminal = screen("simulate", COUNTS, "--price", "0.23")
    assert terminal.end() == 0
    assert "Replaying" not in terminal.text
    assert terminal.has_cursor
    maps = [line for line in terminal.text.splitlines() if line[:4] in ("Mon ", "Sun ")]
    assert [len(line) for line in maps] == [4 + 3 * 24 + 2] * 2
    assert "Recommended: " in terminal.text


# -------------------------------------------------------------------------------------- CloudWatch


@pytest.fixture
def account(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An account whose CloudWatch knows of two endpoints, reviews and ads, for a day."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        cloudwatch = boto3.client("cloudwatch", region_name=REGION)
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        for name, gap in (("reviews", 60), ("ads", 240)):
            cloudwatch.put_metric_data(
                Namespace="AWS/SageMaker",
                MetricData=[
                    {
                        "MetricName": "Invocations",
                        "Dimensions": [
                            {"Name": "EndpointName", "Value": name},
                            {"Name": "VariantName", "Value": "AllTraffic"},
                        ],
                        "Timestamp": now - timedelta(minutes=minutes),
                        "Value": 2.0,
                    }
                    for minutes in range(30, 1440, gap)
                ],
            )
        yield boto3.client("sagemaker", region_name=REGION)


def test_an_endpoint_by_cloudwatch(account: Any, run: Run, tmp_path: Path) -> None:
    """It need not be Dormouse's; what was read is kept if one likes, and reads the same."""
    kept = tmp_path / "kept.csv.gz"
    ran = run("simulate", "--endpoint", "reviews", "--days", "2", "--csv-out", kept, "--json")
    assert (ran.code, ran.err) == (0, "")
    found = ran.document
    assert (found["source"], found["workloads"], found["minutes"]) == ("reviews", ["reviews"], 2880)
    assert (found["requests"], found["price"], found["bundling"]) == (48, None, None)
    again = run("simulate", kept, "--json").document
    assert {**again, "source": "reviews"} == found


def test_several_endpoints_as_one(account: Any, run: Run) -> None:
    """Named once each."""
    names = ["--endpoint", "reviews", "--endpoint", "ads", "--endpoint", "reviews"]
    found = run("simulate", *names, "--days", "2", "--json").document
    assert (found["source"], found["workloads"]) == ("reviews, ads", ["ads", "reviews"])
    assert found["requests"] == 48 + 12
    assert found["bundling"]["endpoints"] == 2
    out = run("simulate", *names, "--days", "2").out
    assert "60 requests of 2 endpoints as of one endpoint in 2 days" in out


def test_older_days_are_told_to_be_coarse(account: Any, run: Run) -> None:
    """To whom it may mislead."""
    ran = run("simulate", "--endpoint", "reviews", "--days", "20")
    assert ran.code == 0
    assert "CloudWatch has sums of five minutes only" in ran.err


def test_an_endpoint_that_there_is_not(account: Any, run: Run) -> None:
    """No stack is looked for."""
    ran = run("simulate", "--endpoint", "nobody", "--json")
    assert (ran.code, ran.out) == (4, "")
    assert "There is no endpoint 'nobody' in us-east-1" in ran.error["message"]


@pytest.fixture
def instances(account: Any) -> None:
    """Endpoints of one and of two instances."""
    account.create_model(
        ModelName="m",
        PrimaryContainer={"Image": "image"},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/runs",
    )
    for name, count in (("reviews", 1), ("ads", 2)):
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": "m",
            "InstanceType": "ml.m5.xlarge",
            "InitialInstanceCount": count,
            "InitialVariantWeight": 1,
        }
        account.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        account.create_endpoint(EndpointName=name, EndpointConfigName=name)


@pytest.mark.usefixtures("instances")
def test_the_price_of_an_endpoint(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what it runs on and the price list; if that can't be read, hours are shown."""
    without = run("simulate", "--endpoint", "ads", "--days", "1")
    assert without.code == 0
    assert "Note: no money is shown: Reading the list price of ml.m5.xlarge failed" in without.err
    assert "Give the dollars of an hour by --price." in without.err

    asked: list[str] = []

    def price(_: object, instance_type: str) -> Decimal:
        asked.append(instance_type)
        return Decimal("0.23")

    monkeypatch.setattr("dormouse_cli.commands.simulate.list_price", price)
    found = run("simulate", "--endpoint", "ads", "--days", "1", "--json").document
    assert found["price"]["usd_an_hour"] == 0.46
    assert found["price"]["source"] == "list price of 2 of ml.m5.xlarge in us-east-1"
    both = ["--endpoint", "ads", "--endpoint", "reviews", "--days", "1"]
    ran = run("simulate", *both)
    assert "the endpoints cost differently. Give --price for one of them." in ran.err
    assert "$" not in ran.out
    found = run("simulate", *both, "--price", "1", "--json").document
    assert found["price"]["usd_an_hour"] == 1
    found = run("simulate", COUNTS, "--instance-type", "ml.g5.xlarge", "--json").document
    assert found["price"]["source"] == "list price of ml.g5.xlarge in us-east-1"
    assert asked == ["ml.m5.xlarge"] * 2 + ["ml.g5.xlarge"]


def test_a_list_price_that_was_asked_for_has_to_be_there(account: Any, run: Run) -> None:
    """Whoever names a type wants money."""
    ran = run("simulate", COUNTS, "--instance-type", "ml.m5.xlarge")
    assert (ran.code, ran.out) == (1, "")
    assert "Give the dollars of an hour by --price." in ran.err
