"""A capture's line: what tests/fixtures/captures/ shows, byte for byte, and what it never holds."""

import base64
import hashlib
import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dormouse.domain.capture import is_sampled, write_record
from dormouse.domain.capture_policy import CapturePolicy, Content
from dormouse.domain.exchange import Exchange, Way
from dormouse.domain.invocation import Execution, InvocationResponse
from tests.fakes.secrets import documents, views

GOLDEN = Path(__file__).parent.parent / "fixtures" / "captures"
AT = datetime(2026, 2, 14, 17, 25, 49, 250_000, tzinfo=UTC)
JSON = {"content-type": "application/json", "x-amzn-invoked-production-variant": "AllTraffic"}
CSV = {**JSON, "content-type": "text/csv; charset=utf-8"}
BINARY = {**JSON, "content-type": "application/x-npy"}
EXECUTION = Execution("sentiment.tar.gz", None, timedelta(microseconds=12_345))
PLAIN = Exchange(
    event_id="5e0fd7a4-5a0e-4d0a-b8f2-7d0c2f6f0f4c",
    endpoint="reviews",
    way=Way.DIRECT,
    arrived_at=AT - timedelta(milliseconds=20),
    ended_at=AT,
    principal="arn:aws:iam::123456789012:role/search-api",
    asked_model="sentiment.tar.gz",
    inference_id="review-17",
    custom_attributes="shop=17",
    content_type="application/json",
    body='{"instances": ["Schöner Film", "\\u00e9 so so"]}\n'.encode(),
    response=InvocationResponse(200, JSON, b'{"predictions":[0.98, 1e-3]}', EXECUTION),
    is_cold=False,
)
NO_ANSWER = InvocationResponse(503, {"content-type": "application/json"}, b'{"message":"cold"}')
HUGE = b"0.123456789,\n" * 460_000
ALL = CapturePolicy()
UP_TO_SIX = CapturePolicy(max_body=6_291_456)


def answered(headers: dict[str, str], answer: bytes, **changes: Any) -> Exchange:
    """Build an exchange of another content type, both ways."""
    response = InvocationResponse(200, headers, answer, EXECUTION)
    return replace(
        PLAIN, **{"content_type": headers["content-type"], "response": response, **changes}
    )


CASES: dict[str, tuple[Exchange, CapturePolicy]] = {
    "json": (PLAIN, ALL),
    "csv": (answered(CSV, b"0.98\r\n0.02\r\n", body='1,"Zürich ""Süd""",2.5\r\n'.encode()), ALL),
    "binary": (answered(BINARY, b"\x93NUMPY\x01\0\xff", body=bytes(range(256))), ALL),
    "empty": (answered(JSON, b"", body=b""), ALL),
    "huge": (answered(CSV, b"1", body=HUGE), UP_TO_SIX),
    "not-utf-8": (answered(CSV, b"\xff\xfe1", body="größe,1\n".encode("latin-1")), ALL),
    "model-error": (
        replace(
            PLAIN,
            response=InvocationResponse(
                424, JSON, b'{"ErrorCode":"CLIENT_ERROR_FROM_MODEL"}', EXECUTION
            ),
            error="ModelError: the model answered 500",
        ),
        ALL,
    ),
    "cold": (
        replace(PLAIN, response=NO_ANSWER, is_cold=True, error="the endpoint is asleep"),
        ALL,
    ),
    "timeout": (
        replace(
            PLAIN,
            ended_at=AT + timedelta(seconds=60),
            way=Way.HELD,
            is_cold=True,
            waited=timedelta(seconds=41.5),
            response=InvocationResponse(
                504,
                {"content-type": "application/json"},
                b'{"message":"timeout"}',
                replace(EXECUTION, latency=timedelta(seconds=18.5)),
            ),
            error="SageMaker did not answer in time",
        ),
        ALL,
    ),
    "parked": (
        replace(PLAIN, way=Way.PARKED, is_cold=True, waited=timedelta(minutes=4, seconds=2)),
        ALL,
    ),
    "async": (
        replace(
            PLAIN,
            way=Way.ASYNC,
            waited=timedelta(milliseconds=640),
            asked_model=None,
            inference_id=None,
            custom_attributes=None,
            response=replace(PLAIN.response, execution=replace(EXECUTION, target_model=None)),
        ),
        ALL,
    ),
    "metadata-only": (PLAIN, CapturePolicy(content=Content.METADATA)),
    "input-only": (PLAIN, CapturePolicy(content=Content.INPUT)),
    "output-only": (PLAIN, CapturePolicy(content=Content.OUTPUT)),
    "redacted": (
        replace(
            PLAIN,
            body=b'{"from": "Ann <ann@example.com>", "name": {"first": "Ann"}, '
            b'"note": "card 4111 1111 1111 1111, tel +49 170 1234567"}',
            custom_attributes="for=ann@example.com",
            error="no such user: ann@example.com",
        ),
        CapturePolicy(pointers=(("name", "first"),)),
    ),
    "alias": (
        replace(
            PLAIN,
            asked_model="sentiment@live",
            response=replace(PLAIN.response, execution=replace(EXECUTION, alias="sentiment@live")),
        ),
        ALL,
    ),
    "too-large": (PLAIN, CapturePolicy(max_body=30)),
    "body-missing": (
        replace(PLAIN, way=Way.PARKED, body=b"", body_missing="it is gone from the bucket"),
        ALL,
    ),
    "by-model": (
        replace(
            PLAIN,
            response=replace(
                PLAIN.response, execution=replace(EXECUTION, target_model="team/größe 1.tar.gz")
            ),
        ),
        ALL,
    ),
    "by-no-model": (
        replace(PLAIN, asked_model=None, response=NO_ANSWER, error="the endpoint is asleep"),
        ALL,
    ),
}


def is_by_model(case: str) -> bool:
    """Whether the stack of this case has CaptureByModel."""
    return case.startswith("by-")


def line_of(case: str) -> bytes:
    """Write the record of a case; its data as a hash, where that is long."""
    exchange, policy = CASES[case]
    line = write_record(exchange, policy, by_model=is_by_model(case)).line
    if len(line) > 100_000:
        record = json.loads(line)
        side = record["captureData"]["endpointInput"]
        side["data"] = "sha256:" + hashlib.sha256(side["data"].encode()).hexdigest()
        line = (json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
    return line


def test_each_golden_file_has_a_case() -> None:
    """And the other way round; and each stands in the table beside them."""
    assert {path.stem for path in GOLDEN.glob("*.jsonl")} == CASES.keys()
    table = (GOLDEN / "README.md").read_text("utf-8")
    assert all(f"`{case}.jsonl`" in table for case in CASES)


@pytest.mark.parametrize("case", CASES)
def test_a_record_is_written_as_it_is_documented(case: str) -> None:
    """Byte for byte."""
    assert line_of(case) == (GOLDEN / f"{case}.jsonl").read_bytes()


def read_body(side: dict[str, str]) -> bytes:
    """Read a body back, as a reader of captures does."""
    if side["encoding"] == "BASE64":
        return base64.b64decode(side["data"], validate=True)
    return side["data"].encode()


@pytest.mark.parametrize("case", sorted(CASES.keys() - {"redacted"}))
def test_a_body_is_read_back_by_its_encoding(case: str) -> None:
    """The very bytes; or it is said why it is not kept, or the policy does not keep it."""
    exchange, policy = CASES[case]

    record = json.loads(write_record(exchange, policy, by_model=is_by_model(case)).line)

    sides = {"input": exchange.body, "output": exchange.response.body}
    for name, body in sides.items():
        side = record["captureData"].get(f"endpoint{name.capitalize()}")
        why = record["eventMetadata"].get(f"{name}Omitted")
        is_wanted = policy.content in (Content.BOTH, Content(name))
        assert (side is not None) + (why is not None) == is_wanted
        assert record["eventMetadata"][f"{name}Bytes"] == len(body)
        if side is not None:
            assert side["mode"] == name.upper()
            assert read_body(side) == body


def test_of_what_is_redacted_nothing_is_left_and_the_rest_is() -> None:
    """In each of the places where a caller may have written it."""
    line = write_record(*CASES["redacted"], by_model=False).line.decode()

    assert not any(secret in line for secret in ("ann@", "4111", "170", '"first": "Ann"'))
    assert json.loads(line)["eventMetadata"]["redacted"] == [
        "/name/first",
        "email",
        "card",
        "phone",
    ]


@pytest.mark.parametrize(
    ("case", "prefix"),
    [
        ("json", "captures/reviews/AllTraffic/2026/02/14/17/"),
        ("cold", "captures/reviews/no-variant/2026/02/14/17/"),
        (
            "by-model",
            "captures/reviews/AllTraffic/model=team%2Fgr%C3%B6%C3%9Fe%201.tar.gz/2026/02/14/17/",
        ),
        ("by-no-model", "captures/reviews/no-variant/model=no-model/2026/02/14/17/"),
    ],
)
def test_captures_of_an_hour_lie_together(case: str, prefix: str) -> None:
    """In UTC, wherever the clock stands."""
    exchange, policy = CASES[case]
    east = exchange.ended_at.astimezone(timezone(timedelta(hours=9)))
    for at in (exchange.ended_at, east):
        record = write_record(replace(exchange, ended_at=at), policy, by_model=is_by_model(case))
        assert (record.key_prefix, record.event_id) == (prefix, exchange.event_id)


@pytest.mark.parametrize("name", ["a/" * 500, "\u00df" * 500, "\ud800" * 9])
def test_any_name_of_a_model_makes_a_key_that_s3_takes(name: str) -> None:
    """Of 1,024 bytes, of which Firehose's own name for an object has some 150."""
    exchange, policy = CASES["by-model"]
    assert exchange.response.execution is not None
    execution = replace(exchange.response.execution, target_model=name)
    exchange = replace(exchange, response=replace(exchange.response, execution=execution))

    record = write_record(exchange, policy, by_model=True)

    assert len(record.key_prefix.encode()) <= 800
    partition = json.loads(record.line)["eventMetadata"]["modelPartition"]
    assert f"/model={partition}/" in record.key_prefix


def test_a_name_that_nobody_has_verified_has_no_part_of_its_own() -> None:
    """Callers may make up as many as they like, and Firehose fills 500 folders at once."""
    exchange, policy = CASES["by-model"]
    invented = replace(exchange, response=replace(exchange.response, status=400))

    record = write_record(invented, policy, by_model=True)

    assert "/model=no-model/" in record.key_prefix
    assert json.loads(record.line)["eventMetadata"]["targetModel"] == exchange.target_model


NOTHING_SOUGHT = CapturePolicy(patterns=frozenset())
CONTENT_TYPES = st.text(max_size=20) | st.sampled_from(["application/json", "text/csv", ""])


@given(st.binary(max_size=200) | st.text(max_size=99).map(str.encode), CONTENT_TYPES, st.text())
def test_any_exchange_has_one_line_and_its_body_is_read_back(
    body: bytes, content_type: str, name: str
) -> None:
    """Whatever stands in it."""
    exchange = answered(JSON, body, body=body, content_type=content_type, asked_model=name)
    exchange = replace(
        exchange, response=replace(exchange.response, execution=None), custom_attributes=name
    )

    line = write_record(exchange, NOTHING_SOUGHT, by_model=True).line

    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    for side in json.loads(line)["captureData"].values():
        assert read_body(side) == body


POLICIES = st.builds(
    CapturePolicy,
    percent=st.sampled_from([Decimal(0), Decimal("12.5"), Decimal(100)]),
    content=st.sampled_from(Content),
    pointers=st.sampled_from([(), (("a",),), (("-",),)]),
)


@settings(max_examples=150, deadline=None)
@given(
    documents(),
    st.sampled_from(["application/json", "text/csv", "text/plain", "application/octet-stream"]),
    POLICIES,
    st.booleans(),
)
def test_no_secret_is_in_a_line(
    planted: tuple[str, str, bytes], content_type: str, policy: CapturePolicy, is_by: bool
) -> None:
    """Nor in what a reader makes of it, whatever is kept; sampling changes no record."""
    secret, _, body = planted
    headers = {**JSON, "content-type": content_type}
    exchange = answered(headers, body, body=body, custom_attributes=f"for {secret}")

    line = write_record(exchange, policy, by_model=is_by).line

    record = json.loads(line)
    texts = [record["eventMetadata"]["customAttributes"][0]]
    for side in record["captureData"].values():
        texts += [side["data"], *views(read_body(side))]
    assert not any(secret in text for text in texts)
    assert record["eventMetadata"]["redacted"]


# ----------------------------------------------------------------------------------------- sampling

IDS = [str(uuid.UUID(int=number * 0x9E3779B97F4A7C15 % 2**128)) for number in range(10_000)]


@pytest.mark.parametrize("percent", [0, 1, 12.5, 50, 99, 100])
def test_so_many_percent_are_sampled(percent: float) -> None:
    """Of ten thousand ids, within two."""
    policy = CapturePolicy(percent=Decimal(str(percent)))
    share = sum(is_sampled(policy, one) for one in IDS) / len(IDS) * 100
    assert share == percent if percent in (0, 100) else abs(share - percent) < 2


PERCENTS = st.integers(0, 10_000).map(lambda hundredths: Decimal(hundredths) / 100)


@given(st.text(), PERCENTS, PERCENTS)
def test_what_is_sampled_stays_sampled_at_more(identifier: str, one: Decimal, two: Decimal) -> None:
    """And the same each time it is asked; even for half of a surrogate pair."""
    less, more = (CapturePolicy(percent=percent) for percent in sorted((one, two)))
    for text in (identifier, identifier + "\ud800"):
        assert is_sampled(less, text) <= is_sampled(more, text)
        assert is_sampled(less, text) == is_sampled(less, text)
