"""What an HTTP error says, whoever wrote it."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dormouse_cli.problem import Problem, printable, read_problem

PROBLEM = "application/problem+json"


def test_problem_json_says_its_detail() -> None:
    """Whatever else its type says."""
    body = b'{"title": "Not Found", "detail": "No such endpoint.", "status": 404}'
    assert read_problem(404, f"{PROBLEM}; charset=utf-8", body) == Problem(
        404, "No such endpoint.", from_gateway=False
    )


def test_problem_json_without_detail_says_its_title() -> None:
    """Which RFC 9457 allows."""
    assert read_problem(409, PROBLEM, b'{"title": "Conflict"}').detail == "Conflict"


def test_api_gateway_says_message() -> None:
    """It never reached Dormouse."""
    assert read_problem(403, "application/json", b'{"message": "Forbidden"}') == Problem(
        403, "Forbidden", from_gateway=True
    )


@pytest.mark.parametrize(
    ("status", "body", "detail"),
    [
        (502, b"<html>", "Bad Gateway"),
        (504, b"", "Gateway Timeout"),
        (599, b"[]", "HTTP status 599"),
        (500, b'{"message": 5}', "Internal Server Error"),
        (500, b"[" * 100_000, "Internal Server Error"),
    ],
)
def test_whoever_says_nothing_has_a_status(status: int, body: bytes, detail: str) -> None:
    """Proxies and load balancers answer as they like."""
    assert read_problem(status, "text/html", body).detail == detail


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(
    st.integers(),
    st.sampled_from([PROBLEM, "application/json", "", "APPLICATION/PROBLEM+JSON;x"]),
    st.one_of(
        st.binary(),
        st.fixed_dictionaries({}, optional={"detail": JSON, "title": JSON, "message": JSON}).map(
            lambda document: json.dumps(document).encode()
        ),
    ),
)
@example(500, PROBLEM, b'{"detail": "\\u001b[2J"}')
@example(500, PROBLEM, b'{"detail": "\\ud800"}')
def test_whatever_comes_there_is_one_printable_line(
    status: int, content_type: str, body: bytes
) -> None:
    """It can be shown as it is: nothing in it steers a terminal."""
    detail = read_problem(status, content_type, body).detail
    assert detail
    assert detail.isprintable()
    assert len(detail) <= 500
    detail.encode()


@given(st.text())
def test_printable_text_stays_on_its_line(text: str) -> None:
    """And keeps its words."""
    line = printable(text)
    assert line.isprintable()
    assert printable(line) == line
