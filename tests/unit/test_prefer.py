"""RFC 7240's Prefer: what it means, and what is no Prefer at all."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.prefer import Preferences, PreferError, parse_prefer

TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789!#$%&'*+-.^_`|~", min_size=1)
QUOTABLE = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x2FF, exclude_characters="\x7f")
)


@pytest.mark.parametrize(
    ("header", "wait", "respond_async"),
    [
        ("", None, False),
        ("wait=10", 10, False),
        ("respond-async", None, True),
        ("respond-async, wait=10", 10, True),
        ("wait=10,respond-async", 10, True),
        ("Wait=0; foo; bar=baz", 0, False),
        ('RESPOND-ASYNC;x="a,b;c", wait="5"', 5, True),
        ('handling=lenient, return="minimal" ;y = 1 , wait = 7', 7, False),
        ("wait=3, wait=9, wait=soon", 3, False),
        (' , ,wait=1,, \t,respond-async="" ;', 1, True),
        ("respond-async=later", None, False),
        ("wait=007", 7, False),
        ("wait=" + "9" * 5000, 10**9, False),
        (r'note="a \"quoted\" word, wait=9", wait=2', 2, False),
    ],
)
def test_what_is_preferred(header: str, wait: int | None, respond_async: bool) -> None:
    """Names have no case, the first counts, and what is not known is left alone."""
    seconds = None if wait is None else timedelta(seconds=wait)

    assert parse_prefer(header) == Preferences(seconds, respond_async)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("wait", "''"),
        ("wait=", "where it ends"),
        ("wait=-1", "'-1'"),
        ("wait=1.5", "'1.5'"),
        ("wait=soon", "'soon'"),
        ("wait=\uff11", "can't be read at"),
        ('wait="1', "can't be read at"),
        ("wait=10 respond-async", "'respond-async'"),
        ("=5", "'=5'"),
        ("wait=10; =x", "'=x'"),
        ('"wait"=10', "can't be read at"),
    ],
)
def test_what_cannot_be_read_is_quoted(header: str, says: str) -> None:
    """The caller meant something, and would not get it."""
    with pytest.raises(PreferError) as refusal:
        parse_prefer(header)
    assert says in str(refusal.value)


@given(st.text())
def test_any_header_is_read_or_refused(header: str) -> None:
    """No other exception escapes."""
    try:
        preferences = parse_prefer(header)
    except PreferError:
        return
    assert preferences.wait is None or preferences.wait >= timedelta(0)


def written(text: str) -> str:
    """Write a quoted string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@given(
    st.lists(st.tuples(TOKENS, QUOTABLE, st.lists(st.tuples(TOKENS, QUOTABLE)))),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_whatever_stands_around_them_the_known_ones_are_found(
    others: list[tuple[str, str, list[tuple[str, str]]]], seconds: int, respond_async: bool
) -> None:
    """Other preferences, with any parameters and anything that can be quoted."""
    header = ", ".join(
        "; ".join([f"{name}={written(value)}", *(f"{p}={written(v)}" for p, v in parameters)])
        for name, value, parameters in others
        if name.lower() not in ("wait", "respond-async")
    )
    header = f"{header}, Wait={seconds}{', respond-ASYNC' if respond_async else ''}"

    assert parse_prefer(header) == Preferences(timedelta(seconds=seconds), respond_async)
