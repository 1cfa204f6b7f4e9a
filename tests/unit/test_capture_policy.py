"""The words of the capture's tags: read as they are written, or refused with the bad part named."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.capture_policy import (
    CapturePolicy,
    Content,
    Pattern,
    parse_content,
    parse_max_body,
    parse_media_types,
    parse_percent,
    parse_redact,
)

ALL = frozenset(Pattern)


@pytest.mark.parametrize(
    ("text", "percent"),
    [("0", "0"), ("100", "100"), ("12.5", "12.5"), ("0.01", "0.01"), ("100.00", "100")],
)
def test_a_percentage_is_read(text: str, percent: str) -> None:
    """Exactly, as floats are not."""
    assert parse_percent(text) == Decimal(percent)


@given(st.integers(0, 10_000))
def test_each_hundredth_of_a_percent_is_read(hundredths: int) -> None:
    """From none to all."""
    assert parse_percent(f"{hundredths / 100:.2f}") * 100 == hundredths


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("none", (frozenset(), ())),
        ("email card phone", (ALL, ())),
        ("  phone ", (frozenset({Pattern.PHONE}), ())),
        ("/a", (frozenset(), (("a",),))),
        ("card /a/-/0 /b /a/-/0", (frozenset({Pattern.CARD}), (("a", "-", "0"), ("b",)))),
        ("/", (frozenset(), (("",),))),
    ],
)
def test_what_is_redacted_is_read(text: str, read: object) -> None:
    """Patterns in any order, pointers once each."""
    assert parse_redact(text) == read


TOKENS = st.text("abcXYZ019_.:=+-@", min_size=1, max_size=8)


@given(
    st.sets(st.sampled_from(Pattern)),
    st.lists(st.lists(TOKENS, min_size=1, max_size=4), max_size=4),
)
def test_what_is_written_is_read(patterns: set[Pattern], pointers: list[list[str]]) -> None:
    """Each pointer that a tag can hold."""
    words = [*(pattern.value for pattern in patterns), *("/" + "/".join(one) for one in pointers)]

    read = parse_redact(" ".join(words) or "none")

    assert read == (frozenset(patterns), tuple(dict.fromkeys(map(tuple, pointers))))


def test_media_types_are_read() -> None:
    """In lower case, each once."""
    assert parse_media_types("Application/JSON  application/vnd.x+json application/json") == (
        "application/json",
        "application/vnd.x+json",
    )


PARSERS: list[Callable[[str], object]] = [
    parse_percent,
    parse_content,
    parse_max_body,
    parse_redact,
    parse_media_types,
]


@pytest.mark.parametrize(
    ("parse", "text", "says"),
    [
        *((parse_percent, bad, [repr(bad), "0 to 100", "12.5"]) for bad in ("", "101", "1.234")),
        *((parse_percent, bad, [repr(bad)]) for bad in ("-1", "1e1", "100.01", "NaN", "٣", "5 ")),
        *(
            (parse_content, bad, [repr(bad), "both, input, output, metadata"])
            for bad in ("", "all", "BOTH", "input output")
        ),
        *(
            (parse_max_body, bad, [repr(bad), "0 to 6291456", "65536"])
            for bad in ("", "-1", "6291457", "1.5", "1MB", "٣")
        ),
        (parse_redact, "", ["names nothing", "none", "email card phone /inputs/-/name"]),
        (parse_redact, "email iban", ["'iban'", "email, card, phone", "/inputs/-/name"]),
        (parse_redact, "none email", ["none stands alone", "'email'"]),
        (parse_redact, "/a none", ["none stands alone", "'/a'"]),
        (parse_redact, "email card none", ["none stands alone"]),
        (parse_redact, "none none", ["none stands alone"]),
        (parse_redact, "Email", ["'Email'"]),
        (parse_media_types, " ", ["names none", "application/json"]),
        (parse_media_types, "text/csv json", ["'json'", "application/json"]),
        (parse_media_types, "text/*", ["'text/*'"]),
        (parse_media_types, "text/csv;charset=utf-8", ["'text/csv;charset=utf-8'"]),
    ],
)
def test_a_bad_value_is_named(parse: Callable[[str], object], text: str, says: list[str]) -> None:
    """With what there is instead."""
    with pytest.raises(ValueError) as refusal:
        parse(text)
    assert all(part in str(refusal.value) for part in says)


@given(st.text() | st.text("email card phone none /-a0.+%"), st.sampled_from(PARSERS))
def test_any_text_is_read_or_refused(text: str, parse: Callable[[str], object]) -> None:
    """No other exception escapes."""
    try:
        read = parse(text)
    except ValueError:
        return
    assert read is not None


def test_unless_tags_say_more_all_is_kept_and_redacted() -> None:
    """Up to a mebibyte."""
    assert CapturePolicy() == CapturePolicy(
        Decimal(100),
        Content.BOTH,
        1 << 20,
        ALL,
        (),
        ("application/json", "application/jsonlines"),
        ("text/csv",),
    )
    assert CapturePolicy().redacts
    assert not CapturePolicy(patterns=frozenset()).redacts
    assert CapturePolicy(patterns=frozenset(), pointers=(("a",),)).redacts
