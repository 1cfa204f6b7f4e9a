"""The reconcile benchmark: its arithmetic, the AWS that it simulates, and one small run."""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from benchmarks.artefact import lambda_environment
from benchmarks.environments import ROOT
from benchmarks.reconcile.__main__ import SETTINGS, main, measure
from benchmarks.reconcile.expressions import ExpressionError, Given, condition, project, update
from benchmarks.reconcile.fleet import Fleet
from benchmarks.reconcile.prices import TICKS_A_MONTH, Tick, usd_per_month
from benchmarks.reconcile.refusals import Refusal, UnknownCallError
from benchmarks.reconcile.region import Config, Endpoint, Region
from benchmarks.reconcile.report import (
    WrongTickError,
    calls,
    check,
    forecast_figures,
    forecast_table,
    judge,
    most_read_calls,
    table,
)
from benchmarks.reconcile.stand_ins import Services
from benchmarks.reconcile.tables import PAGE_BYTES, Declaration, Tables, item_bytes
from dormouse.adapters.ledger_item import read_ledger
from dormouse.domain.idle_policy import minute_of
from dormouse.settings import ReconcileSettings
from dormouse_policy.forecast_state import ForecastState

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)

# -------------------------------------------------------------------------------------- the figures


def _tick(**changed: Any) -> dict[str, Any]:
    return {
        "seconds": 2.0,
        "cpu_seconds": 0.0,
        "log_bytes": 0,
        "read_units": 0,
        "write_units": 0,
        "metrics": 0,
        "messages": {},
        "calls": {},
        "unknown": [],
        "peak_mb": 80.0,
        "is_complete": True,
        "looked_at": 10,
        "problems": [],
        "created": ["a"],
        "updated": [],
        "deleted": ["b"],
        "to_start": ["a"],
        "to_stop": ["b"],
    } | changed


@pytest.mark.parametrize(
    ("part", "changed", "usd"),
    [
        # 43,200 ticks of 2 s in half a GB.
        ("lambda", {}, 43_200 * (0.0000133334 + 0.2 / 1e6)),
        ("scheduler", {}, 0.0432),
        ("dynamodb_reads", {"read_units": 100}, 0.54),
        ("dynamodb_writes", {"write_units": 100}, 2.7),
        # $0.43 for one metric that is asked each minute.
        ("metrics", {"metrics": 1}, 0.432),
        ("logs", {"log_bytes": 1000}, 0.0216),
        ("messages", {"messages": {"events": 1, "sqs": 2}}, 43_200 * 1.8 / 1e6),
    ],
)
def test_what_a_month_costs(part: str, changed: Mapping[str, Any], usd: float) -> None:
    """The list price of each part, 43,200 times."""
    assert TICKS_A_MONTH == 43_200
    assert usd_per_month(Tick.of(_tick(**changed)))[part] == pytest.approx(usd)


def test_lambda_gives_half_a_gigabyte_a_third_of_a_processor() -> None:
    """What computes for a second takes 3.5 s there; what waits, no longer than here."""
    tick = Tick.of(_tick(seconds=3.0, cpu_seconds=1.0))
    assert tick.seconds_in_lambda == pytest.approx(2 + 1769 / 512)


def test_calls_that_read_and_calls_that_write() -> None:
    """By their names, as AWS gives them."""
    by_api = {
        "tag:GetResources": 50,
        "sagemaker:ListEndpoints": 10,
        "sagemaker:DescribeEndpoint": 1,
        "dynamodb:BatchGetItem": 2,
        "dynamodb:Scan": 8,
        "dynamodb:Query": 3,
        "dynamodb:UpdateItem": 7,
        "sagemaker:DeleteEndpoint": 4,
        "sqs:SendMessageBatch": 1,
    }
    assert calls(by_api) == (74, 12)


def _figures(**changed: Any) -> dict[str, Any]:
    return {
        "read_calls": 20,
        "write_calls": 8,
        "seconds": 1.0,
        "seconds_in_lambda": 2.0,
        "cpu_seconds": 0.1,
        "peak_mb": 80.0,
        "start_mb": 60.0,
        "usd_per_month": 1.0,
        "first_tick_calls": 60,
        "quiet_tick": {"usd_per_month": 0.5},
    } | changed


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({}, []),
        ({"read_calls": 21}, ["read_calls"]),
        ({"seconds": 15.1, "seconds_in_lambda": 15.1}, ["seconds"]),
        ({"peak_mb": 513.0}, ["peak_mb"]),
    ],
)
def test_the_limits_of_one_size(changed: Mapping[str, Any], missed: list[str]) -> None:
    """N/25 + 20 calls that read, 15 s, 512 MB; the estimate for Lambda is none."""
    assert (most_read_calls(10), most_read_calls(5000)) == (20.4, 220)
    by_size = {10: _figures(**changed)}
    judge(by_size)
    assert by_size[10]["missed"] == missed


@pytest.mark.parametrize(("usd", "missed"), [(10.0, []), (12.0, ["usd_per_endpoint"])])
def test_the_cost_grows_no_faster_than_the_fleet(usd: float, missed: list[str]) -> None:
    """An endpoint costs no more where there are more of them."""
    by_size = {10: _figures(), 100: _figures(usd_per_month=usd)}
    judge(by_size)
    assert by_size[100]["missed"] == missed
    assert by_size[10]["missed"] == []


def test_the_table_says_what_is_missed() -> None:
    """One line a size, the smallest first."""
    by_size = {1000: _figures(read_calls=61), 10: _figures()}
    judge(by_size)
    head, first, second = table(by_size).splitlines()
    assert head.split()[0] == "endpoints"
    assert (first.split()[0], first.split()[-1]) == ("10", "none")
    assert (second.split()[0], second.split()[-1]) == ("1,000", "read_calls")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"unknown": ["sagemaker:ListModels"]}, "sagemaker:ListModels"),
        ({"is_complete": False}, "all endpoints"),
        ({"problems": ["CreateEndpoint refused"]}, "CreateEndpoint refused"),
        ({"created": []}, r"created 0 endpoints where 1.*\['a'\] are missing"),
        ({"created": ["a", "c"]}, r"\['c'\] too many"),
        ({"created": ["a", "a"]}, "created 2"),
        ({"deleted": []}, "deleted 0"),
        ({"updated": ["a"]}, "updated 1"),
    ],
)
def test_a_tick_that_did_something_else_is_not_measured(
    changed: Mapping[str, Any], words: str
) -> None:
    """Its figures would be of something else."""
    check(_tick(), "measured", changes=True)
    with pytest.raises(WrongTickError, match=words):
        check(_tick(**changed), "measured", changes=True)


def test_only_what_has_the_time_of_lambda_may_be_cut_short() -> None:
    """How many it has left over is a figure then; all else must be as it is to be."""
    check(_tick(is_complete=False), "renewed", changes=True, may_be_cut_short=True)
    with pytest.raises(WrongTickError, match="problems"):
        check(
            _tick(is_complete=False, problems=["no"]),
            "renewed",
            changes=True,
            may_be_cut_short=True,
        )
    quiet = _tick(created=[], deleted=[], to_start=[], to_stop=[])
    measured = {
        "ticks": {
            "renewed": quiet | {"is_complete": False, "looked_at": 7},
            "following": quiet,
        },
        "decisions": [(0.001, 0.003)] * 10,
    }
    found = forecast_figures(10, 100, measured)
    assert [tick["left_over"] for tick in found["new_container_ticks"]] == [3, 0]
    assert found["forecast_read_us"] == {"p50": 1000, "p95": 1000}
    assert found["advise_us"] == {"p50": 3000, "p95": 3000}


@pytest.mark.parametrize("percent", ["", "x", "-1", "101", "5.5", "²"])
def test_a_percentage_that_is_none(percent: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message says what was written and how it is meant."""
    with pytest.raises(SystemExit, match="2"):
        main([f"--forecast={percent}"])
    assert f"{percent!r} is no percentage from 0 to 100" in capsys.readouterr().err


def test_a_quiet_tick_that_starts_something_is_not_measured() -> None:
    """Nothing gives it a reason."""
    check(_tick(created=[], deleted=[]), "quiet", changes=False)
    with pytest.raises(WrongTickError, match="quiet"):
        check(_tick(), "quiet", changes=False)


@pytest.mark.parametrize("sizes", ["", "x", "9", "10,x", "10,,100", "-10"])
def test_sizes_that_are_none(sizes: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message says what was written and how it is meant."""
    with pytest.raises(SystemExit, match="2"):
        main([f"--sizes={sizes}"])
    assert f"{sizes!r} is no list of numbers from 10 on, as in 10,100" in capsys.readouterr().err


def test_the_settings_are_all_that_the_function_wants() -> None:
    """Or the benchmark would end where it begins."""
    environment = lambda_environment(Path("artefact"), "reconcile", SETTINGS, None)
    assert ReconcileSettings.from_env(environment).deployment.stack_name == "dormouse"


# ------------------------------------------------------------------------------------- expressions

ITEM: dict[str, Any] = {
    "endpoint": {"S": "reviews"},
    "version": {"N": "4"},
    "asked_at": {"S": "2026-02-16T09:00:00.000Z"},
    "closing": {"M": {"version": {"N": "4"}, "is_forced": {"BOOL": False}}},
    "models": {"SS": ["a", "b"]},
    "wakes": {"L": [{"N": "400.0"}]},
}
NAMES = {"#models": "models", "#closing": "closing", "#v": "version"}
VALUES: dict[str, Any] = {
    ":three": {"N": "3"},
    ":four": {"N": "4.0"},
    ":text": {"S": "4"},
    ":before": {"S": "2026-02-16T08"},
    ":false": {"BOOL": False},
    ":models": {"SS": ["c", "b"]},
    ":all": {"SS": ["a", "b", "c"]},
    ":wakes": {"L": [{"N": "500"}]},
    ":empty": {"M": {}},
}

CONDITIONS = [
    "attribute_exists(version)",
    "attribute_not_exists(version)",
    "attribute_exists(closing.version)",
    "attribute_not_exists(closing.gone)",
    "attribute_exists(gone.version)",
    "version = :four",
    "version = :text",
    "version <> :three",
    "version <> :text",
    "gone <> :three",
    "gone = :three",
    "version > :three AND version <= :four",
    "asked_at > :before",
    "asked_at < :before OR closing.is_forced = :false",
    "NOT version = :four",
    "NOT (version = :three OR version = :four) OR asked_at > :before",
    "version = closing.version",
    "#closing.#v = version",
    "version BETWEEN :three AND :four AND asked_at BETWEEN :before AND asked_at",
    "version IN (:three, :text)",
    "version IN (:three, :four)",
    "begins_with(asked_at, :before)",
    "begins_with(version, :before)",
    "size(#models) < :three",
    "size(wakes) > :three",
    "#models = :models",
]

UPDATES = [
    "SET version = :three",
    "SET version = version + :three, asked_at = :before REMOVE wakes",
    "SET version = version - :three",
    "SET fresh = if_not_exists(fresh, :three), version = if_not_exists(version, :three)",
    "SET closing.is_forced = :false, closing.asked_at = asked_at",
    "SET closing.version = version REMOVE closing.is_forced",
    "REMOVE closing, gone, closing.gone",
    "REMOVE gone.version",
    "SET gone.version = :three",
    "SET version = gone",
    "SET wakes = list_append(wakes, :wakes)",
    "ADD version :three",
    "ADD uses :three",
    "ADD #models :models",
    "ADD fresh :models",
    "ADD asked_at :three",
    "DELETE #models :models",
    "DELETE #models :all",
    "DELETE fresh :models",
    "DELETE version :models",
    "DELETE version :three",
    "SET aliases = :empty ADD version :three",
]


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Any:
    """moto's DynamoDB, with the item in a table."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client: Any = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="endpoints",
            AttributeDefinitions=[{"AttributeName": "endpoint", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "endpoint", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client.put_item(TableName="endpoints", Item=ITEM)
        yield client


def _used(text: str) -> dict[str, Any]:
    """The request's names and values, of which DynamoDB wants those alone that are used."""
    names = {name: held for name, held in NAMES.items() if name in text}
    values = {name: held for name, held in VALUES.items() if name in text}
    return ({"ExpressionAttributeNames": names} if names else {}) | (
        {"ExpressionAttributeValues": values} if values else {}
    )


@pytest.mark.parametrize("text", CONDITIONS)
def test_conditions_hold_where_moto_says_so(text: str, dynamodb: Any) -> None:
    """Each form that the adapters use, and how missing attributes and other types compare."""
    found = dynamodb.scan(TableName="endpoints", FilterExpression=text, **_used(text))
    assert condition(text)(ITEM, Given(NAMES, VALUES)) == (found["Count"] == 1)


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">="])
def test_a_number_is_neither_less_nor_more_than_a_text(sign: str) -> None:
    """As DynamoDB compares; moto raises."""
    assert not condition(f"version {sign} :text")(ITEM, Given(NAMES, VALUES))


def _settled(item: Any) -> Any:
    """Sets have no order."""
    return {name: {"SS": sorted(v["SS"])} if "SS" in v else v for name, v in item.items()}


@pytest.mark.parametrize("text", UPDATES)
def test_updates_do_what_moto_does(text: str, dynamodb: Any) -> None:
    """Also those that are refused."""
    before = json.dumps(ITEM)
    try:
        answer = dynamodb.update_item(
            TableName="endpoints",
            Key={"endpoint": {"S": "reviews"}},
            UpdateExpression=text,
            ReturnValues="ALL_NEW",
            **_used(text),
        )
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ValidationException"
        with pytest.raises(ExpressionError):
            update(text).apply(ITEM, Given(NAMES, VALUES))
    else:
        after = update(text).apply(ITEM, Given(NAMES, VALUES))
        assert _settled(after) == _settled(answer["Attributes"])
    assert json.dumps(ITEM) == before


@pytest.mark.parametrize(
    "text", ["", "version", "version =", "version = :three)", "SET", "version ! :three", "= :three"]
)
def test_what_is_no_condition(text: str) -> None:
    """No request is answered by a guess."""
    with pytest.raises(ExpressionError):
        condition(text)(ITEM, Given(NAMES, VALUES))


@pytest.mark.parametrize("text", ["version = :three", "SET version", "DELETE #models"])
def test_what_is_no_update(text: str) -> None:
    """No request is answered by a guess."""
    with pytest.raises(ExpressionError):
        update(text)


def test_a_projection_leaves_what_it_names() -> None:
    """Members of maps, too; what is not there is left out."""
    left = project(ITEM, "#closing.#v, asked_at, gone, gone.version", Given(NAMES))
    assert left == {"closing": {"M": {"version": {"N": "4"}}}, "asked_at": ITEM["asked_at"]}


# ------------------------------------------------------------------------------------------ tables


def _tables(count: int = 0, length: int = 1000) -> Tables:
    tables = Tables(
        {
            "endpoints": Declaration(("endpoint",), {}),
            "requests": Declaration(("endpoint", "id"), {"queue": "queue"}),
        }
    )
    for number in range(count):
        item = {"endpoint": {"S": f"{number:06}"}, "text": {"S": "x" * (length - 18)}}
        tables.answer("PutItem", {"TableName": "endpoints", "Item": item})
    return tables


def _ask(tables: Tables, operation: str, **request: Any) -> Any:
    return json.loads(tables.answer(operation, request))


def test_a_scan_has_pages_of_one_megabyte() -> None:
    """And is billed by what it reads: 4 KB a unit, or two if it is eventually consistent."""
    tables = _tables(2500)
    assert item_bytes(tables.items("endpoints")[0]) == 1000
    tables.units.read = 0

    names: list[str] = []
    pages = []
    start: dict[str, Any] = {}
    while True:
        page = _ask(tables, "Scan", TableName="endpoints", ConsistentRead=True, **start)
        pages.append(page["Count"])
        names += [item["endpoint"]["S"] for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    a_page = PAGE_BYTES // 1000 + 1
    assert pages == [a_page, a_page, 2500 - 2 * a_page]
    assert names == [f"{number:06}" for number in range(2500)]
    assert tables.units.read == 2 * 257 + 99


def test_an_eventually_consistent_read_is_half_a_unit() -> None:
    """Of an item, and of nothing."""
    tables = _tables(1)
    for name, there in (("000000", True), ("gone", False)):
        key = {"endpoint": {"S": name}}
        assert ("Item" in _ask(tables, "GetItem", TableName="endpoints", Key=key)) is there
    assert tables.units.read == 1
    _ask(tables, "GetItem", TableName="endpoints", Key=key, ConsistentRead=True)
    assert tables.units.read == 2


def test_the_segments_of_a_scan_are_all_of_it_together() -> None:
    """And no item is in two."""
    tables = _tables(50)
    segments = [
        _ask(tables, "Scan", TableName="endpoints", Segment=segment, TotalSegments=4)["Items"]
        for segment in range(4)
    ]
    assert all(segments)
    found = [item["endpoint"]["S"] for items in segments for item in items]
    assert sorted(found) == [f"{number:06}" for number in range(50)]


def test_a_filter_saves_no_units() -> None:
    """What is read is billed; what is left of it travels."""
    tables = _tables(100)
    tables.units.read = 0
    page = _ask(
        tables,
        "Scan",
        TableName="endpoints",
        FilterExpression="endpoint = :name",
        ExpressionAttributeValues={":name": {"S": "000007"}},
        ProjectionExpression="endpoint",
    )
    assert page == {"Items": [{"endpoint": {"S": "000007"}}], "Count": 1, "ScannedCount": 100}
    assert tables.units.read == 12.5


def test_a_write_whose_condition_does_not_hold_is_refused_and_billed() -> None:
    """And shows what stands there, if that is asked for."""
    tables = _tables(1, length=1500)
    tables.units.write = 0
    request = {
        "TableName": "endpoints",
        "Key": {"endpoint": {"S": "000000"}},
        "UpdateExpression": "SET seen = :seen",
        "ConditionExpression": "attribute_not_exists(#text)",
        "ExpressionAttributeNames": {"#text": "text"},
        "ExpressionAttributeValues": {":seen": {"BOOL": True}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    with pytest.raises(Refusal) as refused:
        _ask(tables, "UpdateItem", **request)
    assert refused.value.code == "ConditionalCheckFailedException"
    assert refused.value.more["Item"]["endpoint"] == {"S": "000000"}
    assert tables.units.write == 2

    other = {**request, "Key": {"endpoint": {"S": "new"}}, "ReturnValues": "ALL_NEW"}
    answer = _ask(tables, "UpdateItem", **other)
    assert answer == {"Attributes": {"endpoint": {"S": "new"}, "seen": {"BOOL": True}}}
    assert tables.units.write == 3


def test_a_query_follows_an_index_page_by_page() -> None:
    """In its order; what lacks the index's attribute is not in it."""
    tables = _tables()
    for number, queue in enumerate(["p#3", "p#1", "r#2", "p#2", None]):
        item: dict[str, Any] = {"endpoint": {"S": "reviews"}, "id": {"S": str(number)}}
        if queue is not None:
            item["queue"] = {"S": queue}
        _ask(tables, "PutItem", TableName="requests", Item=item)
    query = {
        "TableName": "requests",
        "IndexName": "queue",
        "KeyConditionExpression": "endpoint = :endpoint AND begins_with(#queue, :from)",
        "ExpressionAttributeNames": {"#queue": "queue"},
        "ExpressionAttributeValues": {":endpoint": {"S": "reviews"}, ":from": {"S": "p#"}},
        "Limit": 2,
    }
    first = _ask(tables, "Query", **query)
    assert [item["id"]["S"] for item in first["Items"]] == ["1", "3"]
    last = _ask(tables, "Query", **query, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert [item["id"]["S"] for item in last["Items"]] == ["0"]
    assert "LastEvaluatedKey" not in last
    backwards = _ask(tables, "Query", **query, ScanIndexForward=False, Select="COUNT")
    assert backwards["Count"] == 2
    assert "Items" not in backwards


@pytest.mark.parametrize(
    ("item", "length"),
    [
        ({"name": {"S": "é"}}, 6),
        ({"n": {"N": "-12345.5"}}, 5),
        ({"b": {"BOOL": True}}, 2),
        ({"l": {"L": [{"S": "ab"}, {"S": "c"}]}}, 1 + 3 + 3 + 2),
        ({"m": {"M": {"k": {"S": "ab"}}}}, 1 + 3 + 1 + 3),
        ({"s": {"SS": ["ab", "c"]}}, 4),
    ],
)
def test_how_long_an_item_is(item: Any, length: int) -> None:
    """By the rules by which DynamoDB bills."""
    assert item_bytes(item) == length


def test_operations_that_nobody_has_simulated_are_said() -> None:
    """The figures would be of something else."""
    with pytest.raises(UnknownCallError, match="dynamodb:TransactWriteItems"):
        _tables().answer("TransactWriteItems", {})


# ------------------------------------------------------------------------------------- the region


@pytest.fixture
def region() -> Region:
    """250 configs, and an endpoint of each."""
    names = [f"e-{number:03}" for number in range(250)]
    return Region(
        [Config(name, "ml.m5.xlarge", {"dormouse:endpoint": name}, NOW) for name in names],
        [Endpoint(name, name, {"dormouse:stack": "dormouse"}, NOW, NOW) for name in names],
    )


CONFIGS = {
    "TagFilters": [{"Key": "dormouse:endpoint"}],
    "ResourceTypeFilters": ["sagemaker:endpoint-config"],
}


def _pages(region: Region, operation: str, asked: Mapping[str, Any], token: str) -> list[int]:
    """How many each page has; of the answer's two members the one that is no token is the list."""
    found: list[int] = []
    more: dict[str, Any] = {}
    while True:
        answer = region.answer(operation, {**asked, **more})
        more = {token: answer.pop(token, "")}
        (listed,) = answer.values()
        found.append(len(listed))
        if not more[token]:
            return found


def test_lists_have_pages_of_one_hundred(region: Region) -> None:
    """At the most; ListEndpoints ten, unless more are asked for."""
    assert _pages(region, "tagging:GetResources", CONFIGS, "PaginationToken") == [100, 100, 50]
    endpoints = "sagemaker:ListEndpoints"
    assert _pages(region, endpoints, {"MaxResults": 100}, "NextToken") == [100, 100, 50]
    assert _pages(region, endpoints, {"NameContains": "E-01"}, "NextToken") == [10]


def test_more_than_a_page_is_refused(region: Region) -> None:
    """As AWS does."""
    with pytest.raises(Refusal, match="ValidationException"):
        region.answer("sagemaker:ListEndpoints", {"MaxResults": 101})


def _query(number: int, endpoint: str, **more: str) -> dict[str, Any]:
    dimensions = {"EndpointName": endpoint, **more}
    return {
        "Id": f"m{number}",
        "MetricStat": {
            "Metric": {
                "MetricName": "Invocations",
                "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
            }
        },
    }


def test_metrics_are_asked_for_by_500_and_with_both_dimensions(region: Region) -> None:
    """Each query is billed; without the variant there is nothing."""
    region.endpoints["e-007"].used_at = [NOW]
    window = {"StartTime": NOW.timestamp() - 60, "EndTime": NOW.timestamp() + 60}
    queries = [
        _query(0, "e-007", VariantName="AllTraffic"),
        _query(1, "e-007"),
        _query(2, "e-008", VariantName="AllTraffic"),
    ]
    answer = region.answer("monitoring:GetMetricData", {"MetricDataQueries": queries, **window})
    assert [result["Values"] for result in answer["MetricDataResults"]] == [[3.0], [], []]
    assert region.metrics_asked == 3
    with pytest.raises(Refusal, match="500"):
        region.answer(
            "monitoring:GetMetricData",
            {"MetricDataQueries": [_query(n, "e-007") for n in range(501)], **window},
        )


def test_an_endpoint_from_its_creation_to_its_deletion(region: Region) -> None:
    """Told apart from what is not there, and what is under way, by SageMaker's words."""
    name = {"EndpointName": "new"}
    with pytest.raises(Refusal, match='Could not find endpoint "'):
        region.answer("sagemaker:DescribeEndpoint", name)
    region.answer("sagemaker:CreateEndpoint", {**name, "EndpointConfigName": "e-001", "Tags": []})
    assert region.answer("sagemaker:DescribeEndpoint", name)["EndpointStatus"] == "Creating"
    with pytest.raises(Refusal, match="Cannot create already existing endpoint"):
        region.answer("sagemaker:CreateEndpoint", {**name, "EndpointConfigName": "e-001"})
    with pytest.raises(Refusal, match="Cannot update in-progress endpoint"):
        region.answer("sagemaker:DeleteEndpoint", name)
    region.answer("sagemaker:DeleteEndpoint", {"EndpointName": "E-001"})
    assert (region.created, region.deleted) == (["new"], ["e-001"])


def test_what_is_asked_beside_is_answered_in_its_own_protocol() -> None:
    """XML where the service speaks that; an error where there is nothing."""
    services = Services(Fleet(10))
    published = services.answer("sns", "", b"Action=Publish&Message=m")
    assert b"text/xml" in published
    assert b"<MessageId>" in published
    missing = services.answer("ssm", "AmazonSSM.GetParameter", b'{"Name": "/schedules"}')
    assert missing.startswith(b"HTTP/1.1 400 ")
    assert b'"__type": "ParameterNotFound"' in missing
    unknown = services.answer("sagemaker", "SageMaker.ListModels", b"{}")
    assert unknown.startswith(b"HTTP/1.1 400 ")
    read = services.steer("read")
    assert read["calls"] == {
        "sns:Publish": 1,
        "ssm:GetParameter": 1,
        "sagemaker:ListModels": 1,
    }
    assert read["unknown"] == ["sagemaker:ListModels"]
    assert services.steer("read")["calls"] == {}


# --------------------------------------------------------------------------------------- the fleet


def test_a_fifth_serves_and_one_in_a_hundred_changes() -> None:
    """Half of what changes is to be started, half to be stopped; at least one of each."""
    fleet = Fleet(300)
    assert len(fleet.region.endpoints) == 60
    assert (len(fleet.to_start), len(fleet.to_stop)) == (1, 2)
    assert not set(fleet.to_start) & set(fleet.serving)
    assert set(fleet.to_stop) <= set(fleet.serving)
    small = Fleet(10)
    assert (len(small.to_start), len(small.to_stop)) == (1, 1)


def _item(fleet: Fleet, name: str) -> Any:
    """What is remembered of an endpoint."""
    (item,) = [i for i in fleet.tables.items("endpoints") if i["endpoint"]["S"] == name]
    return item


def test_a_minute_passes_by_the_fleet_s_clock() -> None:
    """What has happened stays as it is written; who is used is used again."""
    fleet = Fleet(10)
    asleep, used = _item(fleet, fleet.names[1]), _item(fleet, fleet.proxied[0])
    fleet.minute()
    assert timedelta(0) < fleet.now() - datetime.now(UTC) <= fleet.ahead == timedelta(minutes=1)
    assert _item(fleet, fleet.names[1]) == asleep
    again = _item(fleet, fleet.proxied[0])
    assert again["last_request_at"]["S"] > used["last_request_at"]["S"]


def test_what_is_moved_back_is_so_in_items_and_sentences() -> None:
    """Nothing but moments changes: by three hours, for those that nobody has used for long."""
    fleet = Fleet(10)
    (name,) = fleet.to_stop
    before = _item(fleet, name)
    fleet.change()
    after = _item(fleet, name)
    assert before["decision"] != after["decision"]
    assert before["decided_at"]["S"] > after["decided_at"]["S"]
    assert before["decided_at"]["S"][17:] == after["decided_at"]["S"][17:]
    changed = {name for name in before if before[name] != after[name]}
    assert before.keys() == after.keys()
    assert "wakes" not in changed
    assert "warm_set" not in changed


def test_a_share_goes_by_the_forecast() -> None:
    """As many of those that serve as of the others; all but those that are to be stopped."""
    fleet = Fleet(300, 50)
    assert 140 <= len(fleet.forecast) <= 150
    assert 25 <= len(fleet.forecast & set(fleet.serving)) <= 30
    assert not fleet.forecast & set(fleet.to_stop)
    everyone = Fleet(10, 100)
    assert everyone.forecast == set(everyone.names) - set(everyone.to_stop)
    assert Fleet(10).forecast == frozenset()


def test_those_that_go_by_the_forecast_have_learned_four_weeks() -> None:
    """Of the past alone, in what is read of an item as it is in AWS."""
    fleet = Fleet(10, 100)
    for name in fleet.forecast:
        history = read_ledger(_item(fleet, name)).demand_history
        assert history is not None
        state = ForecastState.parse(history.forecast)
        assert state.first is not None
        assert state.last is not None
        assert state.last - state.first > 20 * 24 * 60
        assert state.last < minute_of(history.folded_until) < minute_of(fleet.now())
        assert _item(fleet, name)["endpoint"]["S"] == name


def test_of_those_that_are_used_half_are_each_third_minute() -> None:
    """Not all of these in the same one."""
    fleet = Fleet(80, 100)
    names = [name for name in fleet.proxied if name in fleet.forecast]
    uses = Counter[str]()
    per_minute = []
    for _ in range(6):
        before = {name: _item(fleet, name)["last_request_at"] for name in names}
        fleet.minute()
        used = [name for name in names if _item(fleet, name)["last_request_at"] != before[name]]
        uses.update(used)
        per_minute.append(len(used))
    assert set(uses.values()) == {2, 6}
    assert max(per_minute) < len(names)


# -------------------------------------------------------------------------------------- a small run


def test_ten_endpoints_are_watched(tmp_path: Path) -> None:
    """End to end, with the function as it lies here; and only what changed is acted upon."""
    found = measure(10, Path(sys.executable), ROOT / "functions", tmp_path, latency_ms=1)
    judge({10: found})
    assert (found["started"], found["stopped"]) == (1, 1)
    assert found["calls_by_api"]["sagemaker:CreateEndpoint"] == 1
    assert found["calls_by_api"]["sagemaker:DeleteEndpoint"] == 1
    assert found["read_calls"] + found["write_calls"] == sum(found["calls_by_api"].values())
    assert found["usd_per_month"] == pytest.approx(
        sum(found["usd_per_month_parts"].values()), abs=0.01
    )
    assert found["peak_mb"] >= found["start_mb"] > 0
    assert found["log_bytes"] > 0


def test_ten_endpoints_are_watched_by_the_forecast(tmp_path: Path) -> None:
    """End to end, and by a new container, whose ticks have the time of Lambda."""
    found = measure(
        10,
        Path(sys.executable),
        ROOT / "functions",
        tmp_path,
        latency_ms=1,
        forecast_percent=100,
    )
    assert (found["started"], found["stopped"], found["forecast_percent"]) == (1, 1, 100)
    assert len(found["new_container_ticks"]) == 3
    for what in ("forecast_read_us", "advise_us"):
        assert 0 < found[what]["p50"] <= found[what]["p95"]
    judge({10: found})
    head, *rows = forecast_table({10: found}).splitlines()
    assert head.split()[-2:] == ["left", "over"]
    assert [row.split()[1] for row in rows] == ["quiet", "1.", "2.", "3."]
