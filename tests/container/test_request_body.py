"""Parsing the body of an invocation: what is accepted, and what a refusal says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.handler.json_body import JSON_TYPES, BadRequest, UnsupportedContentType
from container.handler.request_body import LINES_TYPES, MAX_TEXTS, parse

# Whatever JSON can spell and UTF-8 can carry: no half surrogate pairs.
texts = st.text(st.characters(exclude_categories=["Cs"]))
keys = st.sampled_from(["inputs", "input_text"])
documents = st.tuples(keys, texts | st.lists(texts, min_size=1, max_size=5))


def as_tuple(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@given(documents, st.sampled_from(sorted(JSON_TYPES)), st.booleans())
def test_json_gives_back_its_texts(
    document: tuple[str, str | list[str]], content_type: str, ascii_only: bool
) -> None:
    """One text or many, under either key, escaped or not."""
    key, value = document
    body = json.dumps({key: value}, ensure_ascii=ascii_only).encode()
    request = parse(body, content_type)
    assert request.documents == (as_tuple(value),)
    assert request.texts == list(as_tuple(value))
    assert not request.lines


@given(
    st.lists(documents, min_size=1, max_size=5),
    st.sampled_from(sorted(LINES_TYPES)),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_json_lines_give_back_a_document_for_each_line(
    lines: list[tuple[str, str | list[str]]], content_type: str, newline: str, final: bool
) -> None:
    """Also where a text holds a character that Unicode, but not JSON lines, ends a line with."""
    body = newline.join(json.dumps({key: value}, ensure_ascii=False) for key, value in lines)
    request = parse((body + newline * final).encode(), content_type)
    assert request.documents == tuple(as_tuple(value) for _, value in lines)
    assert request.lines


@given(st.binary(), st.sampled_from([None, "application/json", "application/jsonlines"]))
def test_any_bytes_are_either_read_or_refused(body: bytes, content_type: str | None) -> None:
    """Nothing but BadRequest, which becomes a 400, may come out of a caller's bytes."""
    try:
        request = parse(body, content_type)
    except BadRequest as error:
        assert str(error).endswith(".")
    else:
        assert request.texts


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(json_values | st.dictionaries(keys, json_values, max_size=2))
def test_any_json_is_either_read_or_refused(value: object) -> None:
    """As above, past the JSON parser."""
    try:
        request = parse(json.dumps(value).encode(), None)
    except BadRequest as error:
        assert str(error).endswith(".")
    else:
        assert all(isinstance(text, str) for text in request.texts)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", 'The body is empty; send {"inputs": "some text"}.'),
        (b" \n ", 'The body is empty; send {"inputs": "some text"}.'),
        (b'{"inputs": "\xff"}', "The body is not UTF-8 at byte 12: invalid start byte."),
        (
            b'{"inputs":\n "a" "b"}',
            "Not valid JSON at line 2, character 6: Expecting ',' delimiter.",
        ),
        (b'{"inputs": "a"', "Not valid JSON at line 1, character 15: Expecting ',' delimiter."),
        (b'{"inputs": "a"}\n{}', "Not valid JSON at line 2, character 1: Extra data."),
        (b"[" * 100_000, "The JSON is nested too deeply."),
        (b'["a"]', "Expected a JSON object, got a list."),
        (b'"a"', "Expected a JSON object, got a string."),
        (b"null", "Expected a JSON object, got null."),
        (b"{}", 'Expected one key, "inputs" or "input_text"; found none.'),
        (
            b'{"inputs": "a", "input_text": "b"}',
            'Expected one key, "inputs" or "input_text"; found both.',
        ),
        (b'{"text": "a"}', 'Unknown key "text"; the key is "inputs" or "input_text".'),
        (
            b'{"inputs": "a", "parameters": {}}',
            'Unknown key "parameters"; the key is "inputs" or "input_text".',
        ),
        (b'{"inputs": "a", "inputs": "b"}', 'The key "inputs" occurs twice.'),
        (b'{"inputs": 1}', '"inputs" must be a string or a list of strings, got a number.'),
        (b'{"inputs": {}}', '"inputs" must be a string or a list of strings, got an object.'),
        (b'{"input_text": []}', '"input_text" is an empty list.'),
        (b'{"inputs": ["a", true]}', '"inputs"[1] must be a string, got a boolean.'),
        (b'{"inputs": [["a"]]}', '"inputs"[0] must be a string, got a list.'),
        (b'{"inputs": "ab\\ud800"}', '"inputs" has half a surrogate pair at character 3.'),
    ],
)
def test_a_refusal_says_what_is_wrong_and_where(body: bytes, message: str) -> None:
    """The words are part of the contract: clients show them."""
    with pytest.raises(BadRequest) as refusal:
        parse(body, "application/json")
    assert str(refusal.value) == message
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"inputs": "a"}\n\n{"inputs": "b"}', "Line 2: The line is empty; "),
        (b'{"inputs": "a"}\n{"inputs"}\n', "Line 2: Not valid JSON at character 10: "),
        (b'{"inputs": "a"}\n{"inputs": []}', 'Line 2: "inputs" is an empty list.'),
        (b'{"inputs": "a"}\n{"inputs": [3]}', 'Line 2: "inputs"[0] must be a string, '),
        (b"7", "Line 1: Expected a JSON object, got a number."),
    ],
)
def test_a_refusal_of_json_lines_names_the_line(body: bytes, message: str) -> None:
    """Lines are counted from 1, as editors do."""
    with pytest.raises(BadRequest) as refusal:
        parse(body, "application/jsonlines")
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "text/csv", "application/x-npy", "application/json; charset=latin-1"],
)
def test_other_content_types_are_refused_as_such(content_type: str) -> None:
    """415: the body may be fine, it is not looked at."""
    with pytest.raises(UnsupportedContentType) as refusal:
        parse(b'{"inputs": "a"}', content_type)
    assert refusal.value.status == 415


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "Application/JSON; charset=UTF-8",
        'application/json;charset="utf-8"',
    ],
)
def test_json_content_types(content_type: str | None) -> None:
    """As clients spell them; a missing one is JSON too."""
    assert parse(b'{"inputs": "a"}', content_type).texts == ["a"]


def test_a_byte_order_mark_is_ignored() -> None:
    """Editors on Windows write one; RFC 8259 lets us."""
    assert parse(b'\xef\xbb\xbf{"inputs": "a"}', None).texts == ["a"]


def test_texts_are_limited_in_number() -> None:
    """The limit itself passes, one more does not, in one list or over lines."""
    assert len(parse(json.dumps({"inputs": ["a"] * MAX_TEXTS}).encode(), None).texts) == MAX_TEXTS
    line = json.dumps({"inputs": ["a"] * (MAX_TEXTS // 2 + 1)}).encode()
    with pytest.raises(BadRequest, match=f"has {MAX_TEXTS + 2} texts"):
        parse(line + b"\n" + line, "application/jsonlines")
