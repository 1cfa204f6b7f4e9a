"""The usage table: counts of minutes that add up whatever is tried again, and last uses."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from dormouse.adapters import usage as adapter
from dormouse.adapters.usage import UsageTable
from dormouse.domain.latencies import Latencies
from dormouse.domain.usage import NO_MODEL, OTHERS, LastUse, MinutePart, Tally, Usage
from dormouse.errors import AwsError
from dormouse.tallying import Tallying
from tests.fakes.answers import refusal, will_answer
from tests.fakes.clock import FakeClock
from tests.fakes.exchanges import exchange
from tests.fakes.request_tables import usage_table

MINUTE = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
LATENCIES = Latencies(dict.fromkeys(range(89), 10**6))
MANY, LONG = 10**15, timedelta(days=10**4)
BIGGEST = Tally(MANY, MANY, MANY, MANY, LONG, MANY, MANY, LATENCIES)


@pytest.fixture(scope="module")
def ledger() -> Iterator[UsageTable]:
    """The table, which the tests share: each has endpoints of its own."""
    with mock_aws():
        yield usage_table(boto3.client("dynamodb"))


@pytest.fixture
def fresh(ledger: UsageTable) -> UsageTable:
    """The same table by a client of its own, whose answers may be changed."""
    return replace(ledger, client=boto3.client("dynamodb"))


@pytest.fixture
def endpoint() -> str:
    """An endpoint that nobody has used."""
    return f"reviews-{uuid4().hex}"


def after(minutes: float) -> datetime:
    """So many minutes after MINUTE."""
    return MINUTE + timedelta(minutes=minutes)


def hour(ledger: UsageTable, endpoint: str) -> Usage:
    """Read the usage of an hour."""
    return ledger.usage(endpoint, MINUTE, after(60))


def part(endpoint: str, uses: dict[str, int], minute: datetime = MINUTE) -> MinutePart:
    """Count uses in a container of its own."""
    models = {model: Tally(requests=count) for model, count in uses.items()}
    return MinutePart(endpoint, minute, uuid4().hex, models, {"jo": sum(uses.values())})


def test_what_had_arrived_is_read_as_it_was_kept(ledger: UsageTable, endpoint: str) -> None:
    """Also nothing; of a version that did not count it, what had ended stands in."""
    counted = replace(part(endpoint, {"a": 5}), demand=2)
    held = replace(part(endpoint, {"a": 1}, after(1)), demand=0)
    old = part(endpoint, {"a": 3, "b": 4}, after(2))
    ledger.record([counted, held, old], [])
    ledger.client.update_item(
        TableName=ledger.table_name,
        Key={"endpoint": {"S": endpoint}, "item": {"S": f"minute#2026-02-16T09:02Z#{old.name}"}},
        UpdateExpression="REMOVE demand",
    )

    parts, _ = ledger.parts_of(endpoint, MINUTE, after(60))

    assert [one.demand for one in parts] == [2, 0, 7]


def test_of_too_many_parts_the_oldest_whole_minutes_are_read(
    fresh: UsageTable, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is read with the next call, which begins where this has ended."""
    monkeypatch.setattr(adapter, "_PARTS_PAGES", 1)
    fresh.record([part(endpoint, {"a": 1}, after(minute)) for minute in (0, 0, 1, 1, 2)], [])
    query = fresh.client.query

    def in_pages(**request: Any) -> Any:
        return query(**request, Limit=3)

    monkeypatch.setattr(fresh.client, "query", in_pages)
    read: list[tuple[list[datetime], datetime]] = []
    since = MINUTE
    while since < after(60):
        parts, since = fresh.parts_of(endpoint, since, after(60))
        read.append(([one.minute for one in parts], since))

    assert read == [
        ([MINUTE, MINUTE], after(1)),
        ([after(1), after(1), after(2)], after(60)),
    ]


def test_a_minute_of_too_many_parts_does_not_stop_the_reading(
    fresh: UsageTable, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts as read with what was."""
    monkeypatch.setattr(adapter, "_PARTS_PAGES", 1)
    fresh.record([part(endpoint, {"a": 1}) for _ in range(3)], [])
    query = fresh.client.query
    monkeypatch.setattr(fresh.client, "query", lambda **request: query(**request, Limit=2))

    parts, until = fresh.parts_of(endpoint, MINUTE, after(60))

    assert (len(parts), until) == (2, after(1))


def test_minutes_and_writers_add_up(ledger: UsageTable, endpoint: str) -> None:
    """Those of the window alone."""
    ledger.record(
        [
            part(endpoint, {"a": 100}, after(-1)),
            part(endpoint, {"a": 1, "b": 2}),
            part(endpoint, {"a": 4}),
            part(endpoint, {"a": 8, NO_MODEL: 16}, after(59)),
            part(endpoint, {"a": 100}, after(60)),
        ],
        [],
    )
    usage = hour(ledger, endpoint)
    assert (usage.since, usage.until) == (MINUTE, after(60))
    assert {model: tally.requests for model, tally in usage.models.items()} == {
        "a": 13,
        "b": 2,
        NO_MODEL: 16,
    }
    assert usage.callers == {"jo": 31}


def test_a_window_is_widened_to_whole_minutes(ledger: UsageTable, endpoint: str) -> None:
    """Whatever zone it is told in; so the minute that has just begun is in it."""
    ledger.record([part(endpoint, {"a": 1}), part(endpoint, {"a": 1}, after(1))], [])
    usage = ledger.usage(endpoint, after(0.9).astimezone(), after(1.1))
    assert (usage.since, usage.until) == (MINUTE, after(2))
    assert usage.models["a"].requests == 2
    assert ledger.usage(endpoint, after(2), after(3)).models == {}


def test_a_write_in_the_place_of_another_counts_once(ledger: UsageTable, endpoint: str) -> None:
    """It has all that was there before."""
    first = part(endpoint, {"a": 3})
    ledger.record([first], [])
    ledger.record([first], [])
    ledger.record([replace(first, models={"a": Tally(5), "b": Tally(1)})], [])
    assert hour(ledger, endpoint).models == {"a": Tally(5), "b": Tally(1)}


def test_two_containers_and_lost_answers_count_nothing_twice(
    ledger: UsageTable, endpoint: str
) -> None:
    """Of two that write the same minute, one of which does not hear that its writes were done."""
    deaf = replace(ledger, client=boto3.client("dynamodb"))
    clock = FakeClock(MINUTE)
    one, two = Tallying(deaf, clock, "one"), Tallying(ledger, clock, "two")
    batch = deaf.client.batch_write_item
    lost: list[bool] = []

    def unheard(**request: Any) -> Any:
        answer = batch(**request)
        lost.append(len(lost) % 2 == 0)
        return {"UnprocessedItems": request["RequestItems"]} if lost[-1] else answer

    deaf.client.batch_write_item = unheard  # type: ignore[method-assign]  # of this client
    for _ in range(10):
        for tallying in (one, two):
            tallying.note(exchange("a", endpoint=endpoint, at=clock()))
        clock.advance(seconds=5)
    assert True in lost
    usage = hour(ledger, endpoint)
    assert usage.models["a"].requests == 20
    assert sum(usage.callers.values()) == 20


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
        | st.sampled_from(["endpoint", "item", "models", "#0", ":0", "a.b[0]", "a#b", "no_model"]),
        st.builds(
            Tally,
            requests=st.integers(0, 10**12),
            errors_4xx=st.integers(0, 3),
            errors_5xx=st.integers(0, 3),
            cold=st.integers(0, 3),
            waited=st.integers(0, 10**9).map(lambda ms: timedelta(milliseconds=ms)),
            bytes_in=st.integers(0, 10**15),
            bytes_out=st.integers(0, 10**15),
            latency=st.dictionaries(st.integers(0, 88), st.integers(1, 10**9)).map(Latencies),
        ),
        max_size=5,
    ),
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(1)),
)
def test_what_is_written_is_read(
    ledger: UsageTable, models: dict[str, Tally], callers: dict[str, int]
) -> None:
    """Every count, under any name."""
    endpoint = uuid4().hex
    callers = {caller: count % 10**12 for caller, count in callers.items()}
    ledger.record([MinutePart(endpoint, MINUTE, "w-1", models, callers)], [])
    usage = hour(ledger, endpoint)
    assert (usage.models, usage.callers) == (models, callers)


def test_how_it_is_written(ledger: UsageTable, endpoint: str) -> None:
    """As documented; what is 0 is left out, and DynamoDB deletes it after four weeks."""
    tally = Tally(2, 1, 0, 1, timedelta(seconds=1.5), 10, 20, Latencies({41: 2}))
    models = {"a": tally, NO_MODEL: Tally(1)}
    ledger.record([MinutePart(endpoint, MINUTE, "w-1", models, {"jo": 3}, demand=2)], [])
    key = {"endpoint": {"S": endpoint}, "item": {"S": "minute#2026-02-16T09:00Z#w-1"}}
    item = ledger.client.get_item(TableName=ledger.table_name, Key=key)["Item"]
    counts = {"requests": 2, "errors_4xx": 1, "cold": 1, "waited_ms": 1500, "in": 10, "out": 20}
    attributes: dict[str, Any] = {name: {"N": str(count)} for name, count in counts.items()}
    assert item == {
        **key,
        "expires_at": {"N": str(int((MINUTE + timedelta(days=28)).timestamp()))},
        "models": {"M": {"a": {"M": {**attributes, "latency": {"S": "41:2"}}}}},
        "no_model": {"M": {"requests": {"N": "1"}}},
        "callers": {"M": {"jo": {"N": "3"}}},
        "demand": {"N": "2"},
    }


def test_last_uses(ledger: UsageTable, endpoint: str) -> None:
    """By model, without the minutes; kept for longer than those."""
    uses = [LastUse(endpoint, "a", MINUTE), LastUse(endpoint, "b#c/é", after(1))]
    ledger.record([part(endpoint, {"a": 1})], uses)
    ledger.record([], [LastUse(endpoint, "a", after(2))])
    assert ledger.last_uses(endpoint) == {"a": after(2), "b#c/é": after(1)}
    assert ledger.last_uses(f"{endpoint}-2") == {}
    key = {"endpoint": {"S": endpoint}, "item": {"S": "model#a"}}
    item = ledger.client.get_item(TableName=ledger.table_name, Key=key)["Item"]
    assert item["expires_at"] == {"N": str(int((after(2) + timedelta(days=400)).timestamp()))}


def test_the_most_used_come_first(ledger: UsageTable, endpoint: str) -> None:
    """Since the beginning of that minute."""
    parts = [
        part(endpoint, {"before": 9}, after(-1)),
        part(endpoint, {"a": 1, "b": 3, "early": 2}),
        part(endpoint, {"a": 4, "late": 2, NO_MODEL: 9}, after(5)),
    ]
    ledger.record(parts, [LastUse(endpoint, "unused", MINUTE)])
    assert ledger.hot_models(endpoint, after(0.9), 10) == ["a", "b", "late", "early"]
    assert ledger.hot_models(endpoint, MINUTE, 1) == ["a"]
    assert ledger.hot_models(endpoint, after(-1).astimezone(), 1) == ["before"]


def test_a_thousand_models_and_callers(ledger: UsageTable, endpoint: str) -> None:
    """More than DynamoDB takes in one item or one call; none is lost."""
    clock = FakeClock(MINUTE)
    tallying = Tallying(ledger, clock, uuid4().hex)
    for number in range(1000):
        model, caller = f"{number:04}".ljust(1000, "x"), f"{number:04}".ljust(640, "y")
        assert tallying.note(exchange(model, endpoint=endpoint, principal=caller, at=clock())) == ()
    clock.advance(seconds=5)
    assert tallying.note(exchange("last", endpoint=endpoint, at=clock())) == ()
    # A batch each, until all is written.
    while tallying._unwritten or tallying._last_uses:
        clock.advance(seconds=5)
        assert tallying.note(exchange("", endpoint=f"{endpoint}-2", at=clock())) == ()
    usage = hour(ledger, endpoint)
    assert sum(tally.requests for tally in usage.models.values()) == 1001
    assert len(usage.models) == 1001
    assert len(usage.callers) == 51
    assert usage.callers[OTHERS] == 951
    assert len(ledger.last_uses(endpoint)) == 1000


def test_the_biggest_part_is_far_below_what_an_item_may_have(
    fresh: UsageTable, endpoint: str
) -> None:
    """400 KB, and 16 MB for the 25 of a call."""
    requests: list[Any] = []
    will_answer(fresh.client, "dynamodb.BatchWriteItem", {}, {})
    fresh.client.meta.events.register(
        "provide-client-params.dynamodb.BatchWriteItem",
        lambda params, **_: requests.append(params),
    )
    models = {f"{number:02}".ljust(1000, "x"): BIGGEST for number in range(25)}
    callers = {f"{number:02}".ljust(640, "y"): 10**9 for number in range(50)}
    biggest = MinutePart(endpoint, MINUTE, "w" * 40, {**models, NO_MODEL: BIGGEST}, callers)
    fresh.record([replace(biggest, name=f"w-{number}") for number in range(26)], [])
    batches = [request["RequestItems"][fresh.table_name] for request in requests]
    assert [len(batch) for batch in batches] == [25, 1]
    assert len(str(batches[1]).encode()) < 100_000


def test_what_dynamodb_leaves_is_written_again(fresh: UsageTable, endpoint: str) -> None:
    """That alone, and not for ever: what is left then comes with the next write."""
    parts = [part(endpoint, {"a": 1}), part(endpoint, {"b": 1})]
    left = {"UnprocessedItems": {fresh.table_name: [_put(endpoint, "model#x")]}}
    calls = will_answer(fresh.client, "dynamodb.BatchWriteItem", left, left, None)
    fresh.record(parts, [])
    assert len(calls) == 3
    calls = will_answer(fresh.client, "dynamodb.BatchWriteItem", left, left, left, left)
    with pytest.raises(AwsError, match="BatchWriteItem left 1 of 2 items unwritten"):
        fresh.record(parts, [])
    assert len(calls) == 3


def _put(endpoint: str, item: str) -> dict[str, Any]:
    moment = {"S": "2026-02-16T09:00:00.000Z"}
    return {
        "PutRequest": {
            "Item": {"endpoint": {"S": endpoint}, "item": {"S": item}, "last_used_at": moment}
        }
    }


def test_nothing_to_write_asks_for_nothing(fresh: UsageTable) -> None:
    """DynamoDB refuses an empty batch."""
    calls = will_answer(fresh.client, "dynamodb.BatchWriteItem", {})
    fresh.record([], [])
    assert calls == []


def test_pages_are_read_to_the_bound(
    fresh: UsageTable, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest first: what is told then is since the first minute that was read whole."""
    fresh.record([part(endpoint, {"a": 1}, after(number // 2)) for number in range(12)], [])
    monkeypatch.setattr(adapter, "_USAGE_PAGES", 3)
    fresh.client.meta.events.register(
        "provide-client-params.dynamodb.Query", lambda params, **_: params.update(Limit=3)
    )
    usage = hour(fresh, endpoint)
    # Nine parts were read, of which the oldest has a fellow that was not.
    assert usage.since == after(2)
    assert usage.models["a"].requests == 8
    monkeypatch.setattr(adapter, "_USAGE_PAGES", 5)
    usage = hour(fresh, endpoint)
    assert usage.since == MINUTE
    assert usage.models["a"].requests == 12


@pytest.mark.parametrize(
    "item",
    [
        {"models": {"M": {}}},
        {"models": {"M": {"a": {"M": {"latency": {"S": "x"}}}}}, "callers": {"M": {}}},
        {"models": {"M": {"a": {"M": {"requests": {"N": "1.5"}}}}}, "callers": {"M": {}}},
    ],
)
def test_an_item_that_can_t_be_read_is_an_error(
    ledger: UsageTable, endpoint: str, item: dict[str, Any]
) -> None:
    """Which whoever stops an endpoint can do without."""
    key = {"endpoint": {"S": endpoint}, "item": {"S": "minute#2026-02-16T09:00Z#w-1"}}
    ledger.client.put_item(TableName=ledger.table_name, Item={**key, **item})
    with pytest.raises(AwsError, match="an item that can't be read"):
        hour(ledger, endpoint)
    with pytest.raises(AwsError, match="an item that can't be read"):
        ledger.hot_models(endpoint, MINUTE, 1)


def test_a_missing_table_is_an_error_that_names_the_call(ledger: UsageTable, endpoint: str) -> None:
    """Not a botocore exception, which only adapters know."""
    missing = replace(ledger, table_name="nowhere")
    with pytest.raises(AwsError, match="BatchWriteItem refused: ResourceNotFoundException"):
        missing.record([part(endpoint, {"a": 1})], [])
    for read in (
        lambda: hour(missing, endpoint),
        lambda: missing.last_uses(endpoint),
        lambda: missing.hot_models(endpoint, MINUTE, 1),
    ):
        with pytest.raises(AwsError, match="Query refused: ResourceNotFoundException"):
            read()


def test_a_refused_write_is_an_error(fresh: UsageTable, endpoint: str) -> None:
    """Whoever counts tries again with the next."""
    will_answer(fresh.client, "dynamodb.BatchWriteItem", refusal("ThrottlingException"))
    with pytest.raises(AwsError, match="BatchWriteItem refused: ThrottlingException"):
        fresh.record([part(endpoint, {"a": 1})], [])
