"""Lines of the log: which are requests, what they say, and which are asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dormouse_cli.logged_request import LogFilter, read_line
from dormouse_cli.status_codes import StatusRange, parse_statuses
from dormouse_cli.view import logged
from tests.client.filter_pattern import lets_through

AT = datetime(2026, 11, 22, 16, 25, 49, 120000, tzinfo=UTC)
JO = "arn:aws:iam::111122223333:user/team/jo"
BOT = "arn:aws:sts::111122223333:assumed-role/bot/nightly"
LINE = {
    "level": "INFO",
    "message": "forwarded",
    "endpoint": "dormouse",
    "target_model": "sentiment-v2.tar.gz",
    "alias": "sentiment@live",
    "status": 200,
    "latency_ms": 12.34,
    "cold": False,
    "way": "direct",
    "principal": JO,
    "event_id": "e",
}


def line(**fields: Any) -> dict[str, Any]:
    return {**LINE, **fields}


def text_of(**fields: Any) -> str:
    request = read_line(json.dumps(line(**fields)), AT)
    assert request is not None
    return logged(request).plain


def test_a_line_as_people_see_it() -> None:
    """When, status, model, how long, what it waited for, who, and the error."""
    assert text_of().split("  ")[1:3] == ["200", "sentiment@live → sentiment-v2.tar.gz"]
    assert text_of().split()[-3:] == ["12", "ms", "jo"]
    assert text_of(alias=None).split()[3:4] == ["sentiment-v2.tar.gz"]
    assert text_of(cold=True).split()[-2:] == ["cold", "jo"]
    assert text_of(way="held", held_seconds=45.2).split()[-4:] == ["held", "45", "s", "jo"]
    assert text_of(way="parked", waited_seconds=185).split()[-4:] == ["kept", "3", "min", "jo"]
    assert text_of(latency_ms=1500, principal=BOT).split()[-3:] == ["1.5", "s", "bot/nightly"]
    failed = text_of(status=424, error="the body\nis bad", target_model=None, alias=None)
    assert failed.endswith("jo  the body is bad")
    assert failed.split()[2:4] == ["424", "-"]
    assert text_of(status=503, reason="no room").endswith("jo  no room")
    assert text_of(reason="of an earlier try").endswith("jo")
    assert text_of(latency_ms=None, principal=None).split()[-2:] == ["-", "-"]


@pytest.mark.parametrize(
    ("status", "style"), [(200, "green"), (202, "green"), (424, "yellow"), (503, "red")]
)
def test_the_status_is_coloured(status: int, style: str) -> None:
    """By what it means."""
    request = read_line(json.dumps(line(status=status)), AT)
    assert request is not None
    assert [span.style for span in logged(request).spans] == [style]


def test_the_document_is_the_line_with_its_time() -> None:
    """As it was logged, newer fields included."""
    request = read_line(json.dumps(line(new="field")), AT)
    assert request is not None
    assert request.document == {**LINE, "new": "field", "at": "2026-11-22T16:25:49.120Z"}


@pytest.mark.parametrize(
    "message",
    [
        "",
        "START RequestId: 1 Version: $LATEST",
        "[1]",
        "null",
        "{",
        "[" * 100_000,
        json.dumps({"type": "platform.report", "record": {}}),
        json.dumps(line(level="ERROR")),
        json.dumps(line(endpoint=None)),
        json.dumps(line(endpoint="")),
        json.dumps(line(status="200")),
        json.dumps(line(status=True)),
        json.dumps(line(status=99)),
        json.dumps(line(status=float("nan"))),
    ],
)
def test_what_is_no_request_is_passed_over(message: str) -> None:
    """Lambda's own lines, and problems beside a request, which would be it a second time."""
    assert read_line(message, AT) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(LINE, JSON)))
def test_any_line_is_read_and_shown_on_one_line(fields: dict[str, Any]) -> None:
    """Whatever a field holds, nothing breaks, and nothing steers a terminal."""
    request = read_line(json.dumps(line(**fields)), AT)
    if request is not None:
        assert logged(request).plain.isprintable()


@given(st.text())
def test_any_text_is_read(message: str) -> None:
    """A log is written by others, too."""
    read_line(message, AT)


@pytest.mark.parametrize(
    ("wanted", "is_asked_for"),
    [
        (LogFilter("dormouse"), True),
        (LogFilter("other"), False),
        (LogFilter("dormouse", model="sentiment-v2.tar.gz"), True),
        (LogFilter("dormouse", model="sentiment@live"), True),
        (LogFilter("dormouse", model="sentiment"), False),
        (LogFilter("dormouse", statuses=parse_statuses("5xx,200")), True),
        (LogFilter("dormouse", statuses=parse_statuses("4xx,500")), False),
        (LogFilter("dormouse", principal="jo"), True),
        (LogFilter("dormouse", principal=JO), True),
        (LogFilter("dormouse", principal="o"), False),
    ],
)
def test_what_is_asked_for(wanted: LogFilter, is_asked_for: bool) -> None:
    """On the server, and here once more."""
    request = read_line(json.dumps(LINE), AT)
    assert request is not None
    assert wanted.matches(request) == is_asked_for
    # An ARN has more names in it than those that are asked for.
    assert lets_through(wanted.pattern(), LINE) == (is_asked_for or wanted.principal == "o")


def test_a_pattern() -> None:
    """All at once."""
    wanted = LogFilter(
        "dormouse", model="m@live", statuses=parse_statuses("5xx,424"), principal="jo"
    )
    assert wanted.pattern() == (
        '{ ($.level != "ERROR") && (($.status >= 500 && $.status <= 599) || '
        '($.status >= 424 && $.status <= 424)) && ($.endpoint = "dormouse") && '
        '(($.target_model = "m@live") || ($.alias = "m@live")) && ($.principal = "*jo*") }'
    )


def test_a_session_is_found_by_its_role_and_by_its_name() -> None:
    """Whichever one knows."""
    request = read_line(json.dumps(line(principal=BOT)), AT)
    assert request is not None
    for name in ("bot", "nightly", BOT):
        assert LogFilter("dormouse", principal=name).matches(request)


NAMES = st.text(max_size=40) | st.text(alphabet='ab"\\*. /', max_size=8) | st.just("a" * 1100)
RANGES = st.tuples(st.integers(100, 599), st.integers(100, 599)).map(
    lambda bounds: StatusRange(min(bounds), max(bounds))
)


@given(
    st.builds(
        LogFilter,
        st.from_regex(r"[a-z]([a-z-]{0,61}[a-z])?", fullmatch=True),
        model=st.none() | NAMES,
        statuses=st.lists(RANGES, max_size=30).map(tuple),
        principal=st.none() | NAMES,
    ),
    st.integers(100, 599),
    st.booleans(),
)
@example(LogFilter("dormouse", model='a"b'), 200, False)
@example(LogFilter("dormouse", principal='a" || ($.level = "*'), 200, False)
def test_the_server_leaves_out_nothing_that_is_asked_for(
    wanted: LogFilter, status: int, is_alias: bool
) -> None:
    """Whatever a name holds, the pattern is one, and wide enough."""
    fields = line(endpoint=wanted.endpoint, status=status)
    if wanted.model is not None:
        fields["alias" if is_alias else "target_model"] = wanted.model
    if wanted.principal is not None:
        fields["principal"] = f"arn:aws:iam::111122223333:user/{wanted.principal}"
    is_let_through = lets_through(wanted.pattern(), fields)
    request = read_line(json.dumps(fields), AT)
    assert request is not None
    assert is_let_through or not wanted.matches(request)
