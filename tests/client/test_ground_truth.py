"""Ground truth in a file: what a line may hold, and how many fit into a call."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse_cli.ground_truth import (
    ENCODINGS,
    MOST_BYTES,
    MOST_RECORDS,
    BadGroundTruth,
    GroundTruth,
    in_calls,
    read_ground_truth,
)


def read(*lines: str | bytes) -> list[GroundTruth]:
    return list(
        read_ground_truth(line if isinstance(line, bytes) else line.encode() for line in lines)
    )


def test_a_line() -> None:
    """By the inference id or by the id of the capture; empty lines are none, a BOM is no matter."""
    found = read(
        '\ufeff{"inference_id": "order-17", "data": "1"}\n',
        "\n",
        '{"event_id": "e", "data": "[1]", "encoding": "JSON"}\r\n',
        '{"event_id": "e", "data": "AAE=", "encoding": "BASE64", "inference_id": null}',
    )
    assert [(record.line, record.document()) for record in found] == [
        (1, {"inference_id": "order-17", "data": "1"}),
        (3, {"event_id": "e", "data": "[1]", "encoding": "JSON"}),
        (4, {"event_id": "e", "data": "AAE=", "encoding": "BASE64"}),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"\xff", "it is no UTF-8"),
        ("order-17,1", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ('["order-17", "1"]', "it must be an object such as .*, not list"),
        ('{"inferenceId": "a", "data": "1"}', "'inferenceId' is not known here: data, encoding"),
        ('{"data": "1"}', 'either "inference_id" or "event_id"'),
        ('{"inference_id": "a", "event_id": "b", "data": "1"}', "either"),
        ('{"inference_id": "", "data": "1"}', "either"),
        ('{"inference_id": 17, "data": "1"}', '"inference_id" must be a string, not 17'),
        ('{"inference_id": "a", "data": 1}', '"data" must be a string, not 1'),
        ('{"inference_id": "a"}', 'it has no "data"'),
        (
            '{"event_id": "a", "data": "1", "encoding": "XML"}',
            "one of CSV, JSON, BASE64, not 'XML'",
        ),
        ('{"event_id": "a", "data": "{", "encoding": "JSON"}', '"data" is no JSON'),
        ('{"event_id": "a", "data": "ä", "encoding": "BASE64"}', '"data" is no BASE64'),
    ],
)
def test_what_is_none_is_named_by_its_line(line: str | bytes, why: str) -> None:
    """And by the part that is wrong."""
    with pytest.raises(BadGroundTruth, match=f"^line 3: .*{why}"):
        read('{"event_id": "e", "data": ""}', "", line)


RECORDS = st.fixed_dictionaries(
    {"data": st.text()},
    optional={"encoding": st.sampled_from([*ENCODINGS, None])},
)


@given(RECORDS, st.sampled_from(["inference_id", "event_id"]), st.text(min_size=1))
def test_a_line_is_read_as_it_was_written(record: dict[str, Any], by: str, name: str) -> None:
    """Or refused, where data is not what its encoding says."""
    fields = {**record, by: name}
    try:
        (found,) = read(json.dumps(fields))
    except BadGroundTruth as error:
        assert '"data" is no ' in str(error)
        return
    assert found.document() == {key: text for key, text in fields.items() if text is not None}


@given(st.binary() | st.text().map(str.encode))
def test_any_line_is_read_or_refused(line: bytes) -> None:
    """There is no third way."""
    try:
        found = read(line)
    except BadGroundTruth:
        return
    assert found == [] or found[0].data is not None


@given(st.lists(st.integers(0, MOST_BYTES // 2), max_size=6), st.integers(0, MOST_RECORDS * 2))
def test_a_call_is_no_larger_than_it_may_be(sizes: list[int], more: int) -> None:
    """And all arrive, in their order."""
    records = [
        GroundTruth(number, None, "e", "1" * size, None)
        for number, size in enumerate([*sizes, *[1] * more])
    ]
    calls = list(in_calls(records))
    assert [record for call in calls for record in call] == records
    for call in calls:
        assert 0 < len(call) <= MOST_RECORDS
        body = json.dumps({"records": [record.document() for record in call]})
        assert len(body) <= MOST_BYTES + len('{"records": []}')


def test_what_is_too_large_for_any_call_goes_alone() -> None:
    """The control API says what it thinks of it."""
    small, huge = (GroundTruth(1, None, "e", "1" * size, None) for size in (1, MOST_BYTES * 2))
    assert list(in_calls([small, huge, small])) == [[small], [huge], [small]]
