"""Ground truth: what is taken, what of it is written, and how."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.capture import is_sampled
from dormouse.domain.capture_policy import CapturePolicy
from dormouse.domain.ground_truth import (
    LONGEST_TRUTH,
    MOST_RECORDS,
    GroundTruth,
    GroundTruthError,
    key_of,
    read_ground_truth,
    sampled_among,
    write_ground_truth,
)

NOW = datetime(2026, 2, 14, 17, 25, 49, tzinfo=UTC)


def body(*records: object) -> dict[str, Any]:
    """Put records into the body of a request."""
    return {"records": list(records)}


def test_records_are_read() -> None:
    """By either id; CSV unless another encoding is said."""
    assert read_ground_truth(
        body(
            {"inference_id": "review-1", "data": "1"},
            {"event_id": "e", "data": '{"a": 1}', "encoding": "JSON"},
            {"inference_id": "x" * 64, "data": "AQI=", "encoding": "BASE64"},
            {"event_id": "empty", "data": ""},
        )
    ) == [
        GroundTruth("review-1", True, "1", "CSV"),
        GroundTruth("e", False, '{"a": 1}', "JSON"),
        GroundTruth("x" * 64, True, "AQI=", "BASE64"),
        GroundTruth("empty", False, "", "CSV"),
    ]


GOOD = {"inference_id": "a", "data": "1"}


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ([], "the body must be a JSON object, not list"),
        ({}, '"records" must be a list of 1 to 10000 records'),
        (body(), '"records" must be a list of 1 to 10000 records'),
        (body(*[GOOD] * (MOST_RECORDS + 1)), '"records" must be a list of 1 to 10000 records'),
        ({"records": [GOOD], "record": []}, "'record' is not known here: records is"),
        (body(GOOD, "x"), r"records\[1\] must be a JSON object, not str"),
        (body(GOOD, {**GOOD, "dat": ""}), r"records\[1\]: 'dat' is not known here: inference_id, "),
        (body({"data": "1"}), r'records\[0\] must have either "inference_id" or "event_id"'),
        (body({**GOOD, "event_id": "b"}), r'records\[0\] must have either "inference_id" or'),
        (
            body({"inference_id": "", "data": ""}),
            '"inference_id" must be a text of 1',
        ),
        (body({"inference_id": 7, "data": ""}), r'records\[0\]: "inference_id" must be .* not 7'),
        (body({"inference_id": "x" * 65, "data": ""}), "must be a text of 1 to 64 printable"),
        (body({"event_id": "x" * 257, "data": ""}), "must be a text of 1 to 256 printable"),
        (body({"event_id": "a\nb", "data": ""}), r'"event_id" must be a text of .* not .a\\nb.'),
        (body(GOOD, GOOD, {"event_id": "e"}), r'records\[2\]: "data" must be a text, not NoneType'),
        (body({"event_id": "e", "data": 1}), r'records\[0\]: "data" must be a text, not int'),
        (body({"event_id": "e", "data": "x" * (LONGEST_TRUTH + 1)}), "has 262145 characters"),
        (
            body({**GOOD, "encoding": "XML"}),
            '"encoding" must be one of CSV, JSON, BASE64, not',
        ),
        (body({**GOOD, "encoding": ["CSV"]}), '"encoding" must be one of'),
        (body({**GOOD, "data": "{", "encoding": "JSON"}), r'records\[0\]: "data" is not JSON: '),
        (body({**GOOD, "data": "[" * 9999, "encoding": "JSON"}), '"data" is not JSON: '),
        (body({**GOOD, "data": "A", "encoding": "BASE64"}), '"data" is not BASE64: '),
        (body({**GOOD, "data": "é===", "encoding": "BASE64"}), '"data" is not BASE64: '),
    ],
)
def test_a_bad_record_is_named_by_its_index(sent: object, why: str) -> None:
    """With its part; nothing is taken of the rest."""
    with pytest.raises(GroundTruthError, match=why):
        read_ground_truth(sent)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
members = st.fixed_dictionaries(
    {},
    optional={
        "inference_id": json_values,
        "event_id": json_values,
        "data": json_values,
        "encoding": st.sampled_from(["CSV", "JSON", "BASE64"]) | json_values,
    },
)


@given(json_values | st.fixed_dictionaries({"records": st.lists(members | json_values)}))
def test_any_body_is_taken_whole_or_refused_with_a_clear_error(sent: object) -> None:
    """Nothing else is raised."""
    try:
        truths = read_ground_truth(sent)
    except GroundTruthError as error:
        assert str(error)
    else:
        assert isinstance(sent, dict)
        assert len(truths) == len(sent["records"])
        write_ground_truth(truths)


# ------------------------------------------------------------------------------------ what is kept

ids = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1)


@given(st.lists(ids, max_size=30), st.decimals(0, 100, places=2))
def test_those_are_kept_whose_requests_are_captured(names: list[str], percent: Decimal) -> None:
    """By the inference id, as the capture has it."""
    policy = CapturePolicy(percent=percent)
    truths = [GroundTruth(name, True, "1", "CSV") for name in names]
    kept = [truth.event_id for truth in sampled_among(truths, policy)]
    assert kept == [name for name in names if is_sampled(policy, name)]


@pytest.mark.parametrize(("percent", "kept"), [("0", 0), ("0.01", 200), ("100", 200)])
def test_who_knows_an_event_id_knows_a_capture(percent: str, kept: int) -> None:
    """It may have been sampled by its inference id; where nothing is captured, nothing is kept."""
    truths = [GroundTruth(str(number), False, "1", "CSV") for number in range(200)]
    assert len(sampled_among(truths, CapturePolicy(percent=Decimal(percent)))) == kept


def test_the_layout_is_sagemakers() -> None:
    """A JSON object in each line, whatever stands in it."""
    truths = [
        GroundTruth("a", True, "1", "CSV"),
        GroundTruth("b", False, '{"é":\n"\u2028"}', "JSON"),
    ]
    written = write_ground_truth(truths)
    assert written.splitlines(keepends=True)[0] == (
        b'{"groundTruthData":{"data":"1","encoding":"CSV"},"eventMetadata":{"eventId":"a"},'
        b'"eventVersion":"0"}\n'
    )
    records = [json.loads(line) for line in written.decode().splitlines()]
    assert [record["groundTruthData"]["data"] for record in records] == ["1", truths[1].truth]


def test_the_key_tells_endpoint_and_hour_and_is_the_same_for_the_same() -> None:
    """In UTC. So a repetition writes the same object again."""
    written = write_ground_truth([GroundTruth("a", True, "1", "CSV")])
    key = key_of("reviews", written, NOW)
    prefix, name = key.rsplit("/", 1)
    assert prefix == "ground-truth/reviews/2026/02/14/17"
    assert name.endswith(".jsonl")
    elsewhere = NOW.astimezone(timezone(timedelta(hours=9)))
    assert key_of("reviews", written, elsewhere + timedelta(minutes=30)) == key
    other = write_ground_truth([GroundTruth("a", True, "2", "CSV")])
    assert key_of("reviews", other, NOW) != key
    assert key_of("reviews", written, NOW + timedelta(hours=1)) != key


def test_base64_is_read_back() -> None:
    """As the very bytes."""
    sent = base64.b64encode(bytes(range(256))).decode()
    (truth,) = read_ground_truth(body({**GOOD, "data": sent, "encoding": "BASE64"}))
    (line,) = write_ground_truth([truth]).splitlines()
    assert base64.b64decode(json.loads(line)["groundTruthData"]["data"]) == bytes(range(256))
