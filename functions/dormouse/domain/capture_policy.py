"""The policy of capture: what is kept of an endpoint's requests and responses.

Its parts are words of tags, whose values hold letters, digits, spaces and `_.:/=+-@` alone.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from dormouse.domain.invocation import BODY_LIMIT_BYTES


class Content(StrEnum):
    """Which bodies are kept. Of each sampled request, its metadata is."""

    BOTH = "both"
    INPUT = "input"
    OUTPUT = "output"
    METADATA = "metadata"


class Pattern(StrEnum):
    """What is recognised wherever it stands in a body."""

    EMAIL = "email"
    CARD = "card"
    PHONE = "phone"


# The reference tokens of a JSON pointer. `-` is each element of an array and each member of an
# object: RFC 6901 has it for the element behind the last, at which there is nothing to redact.
Pointer = tuple[str, ...]

EVERY = "-"

# Longer bodies are seldom read again, and looking through one for what is to be redacted takes
# time.
DEFAULT_MAX_BODY = 1_048_576


@dataclass(frozen=True, slots=True)
class CapturePolicy:
    """What is kept.

    `percent` of the requests are sampled. Of a body with more than `max_body` bytes only its size
    is kept. What `patterns` recognise and `pointers` point at is redacted. A body of one of
    `json_types` or `csv_types` (media types in lower case) is kept as text, others as base64.
    """

    percent: Decimal = Decimal(100)
    content: Content = Content.BOTH
    max_body: int = DEFAULT_MAX_BODY
    patterns: frozenset[Pattern] = frozenset(Pattern)
    pointers: tuple[Pointer, ...] = ()
    json_types: tuple[str, ...] = ("application/json", "application/jsonlines")
    csv_types: tuple[str, ...] = ("text/csv",)

    @property
    def redacts(self) -> bool:
        """Whether anything is looked for."""
        return bool(self.patterns or self.pointers)


DEFAULT_CAPTURE = CapturePolicy()

_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?", re.ASCII)
_BYTES = re.compile(r"[0-9]{1,7}", re.ASCII)
# https://www.rfc-editor.org/rfc/rfc6838#section-4.2, as far as a tag can hold it.
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9_.+-]*/[a-z0-9][a-z0-9_.+-]*", re.ASCII)


def parse_percent(text: str) -> Decimal:
    """Read which share is sampled.

    Raises:
        ValueError: it is no number from 0 to 100 with two decimals at the most.
    """
    if _PERCENT.fullmatch(text) is None or Decimal(text) > 100:
        raise ValueError(
            f"{text!r} is no number from 0 to 100 with two decimals at the most, such as 12.5"
        )
    return Decimal(text)


def parse_content(text: str) -> Content:
    """Read which bodies are kept.

    Raises:
        ValueError: it is none of the four words.
    """
    try:
        return Content(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is none of {', '.join(Content)}, as in both") from error


def parse_max_body(text: str) -> int:
    """Read how many bytes a body may have.

    Raises:
        ValueError: it is no whole number up to what SageMaker takes.
    """
    if _BYTES.fullmatch(text) is None or int(text) > BODY_LIMIT_BYTES:
        raise ValueError(
            f"{text!r} is no whole number of bytes from 0 to {BODY_LIMIT_BYTES}, such as 65536"
        )
    return int(text)


def parse_redact(text: str) -> tuple[frozenset[Pattern], tuple[Pointer, ...]]:
    """Read what is redacted: `none`, or patterns and JSON pointers, separated by spaces.

    Raises:
        ValueError: a word is neither, or there is none; the message quotes it.
    """
    example = "such as: email card phone /inputs/-/name"
    words = text.split()
    if not words:
        raise ValueError(f"it names nothing: write none, or patterns and JSON pointers, {example}")
    if words == ["none"]:
        return frozenset(), ()
    patterns: set[Pattern] = set()
    pointers: list[Pointer] = []
    for word in words:
        if word.startswith("/"):
            pointers.append(tuple(word[1:].split("/")))
        elif word in {*Pattern}:
            patterns.add(Pattern(word))
        elif word == "none":
            raise ValueError(f"none stands alone, and not beside {words[1 - words.index(word)]!r}")
        else:
            known = ", ".join(Pattern)
            raise ValueError(
                f"{word!r} is neither a pattern ({known}) nor a JSON pointer, {example}"
            )
    return frozenset(patterns), tuple(dict.fromkeys(pointers))


def parse_media_types(text: str) -> tuple[str, ...]:
    """Read media types, separated by spaces, without parameters; in lower case.

    Raises:
        ValueError: a word is none, or there is none; the message quotes it.
    """
    types = tuple(dict.fromkeys(word.lower() for word in text.split()))
    if not types:
        raise ValueError("it names none: write media types, such as application/json")
    for one in types:
        if _MEDIA_TYPE.fullmatch(one) is None:
            raise ValueError(f"{one!r} is no media type, such as application/json")
    return types
