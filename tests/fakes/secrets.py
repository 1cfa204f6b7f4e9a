"""Secrets in documents of many forms, and what a reader sees of them."""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

from hypothesis import strategies as st

from dormouse.domain.sensitive import is_card

ADDRESS = "ann.lee+1@example.co.uk"


def b64(text: str | bytes) -> str:
    """Encode."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


CARDS = {
    "visa": "4111111111111111",
    "visa of 13": "4222222222222",
    "visa of 19": "4000000000000000006",
    "mastercard": "5555555555554444",
    "mastercard, new": "2223003122003222",
    "amex": "378282246310005",
    "diners": "30569309025904",
    "discover": "6011111111111117",
    "jcb": "3530111333300000",
    "unionpay": "6200000000000005",
    "maestro": "6759649826438453",
    "mir": "2200000000000004",
    "troy": "9792000000000003",
}
PHONES = (
    "+49 (0)170 123 45 67",
    "+49 170 1234567",
    "+491701234567",
    "+1 212 555 0123",
    "+1-212-555-0123",
    "+1 (212) 555-0123",
    "(212) 555-0123",
    "(212)555-0123",
    "212-555-0123",
    "212.555.0123",
    "1-800-555-0123",
    "212 555 0123",
    "+44 20 7946 0018",
    "020 7946 0018",
    "0044 20 7946 0018",
    "+33 1 23 45 67 89",
    "01 23 45 67 89",
    "01-23-45-67-89",
    "030 1234567",
    "030/1234567",
    "030 / 1234567",
    "(030) 1234567",
    "0170-1234567",
    "+39 06 1234 5678",
    "+34 612 345 678",
    "+55 11 91234-5678",
    "(11) 91234-5678",
    "+91 98765 43210",
    "+86 138 1234 5678",
    "138 1234 5678",
    "+81 3-1234-5678",
    "03-1234-5678",
    "+61 2 1234 5678",
    "+27 11 123 4567",
    "+353 1 234 5678",
    "212-555-0123 x45",
    "+49\u00a0170\u00a01234567",
    "+49\u2011170\u20111234567",
)
EMAILS = (
    "a@b.co",
    "john.doe@example.com",
    "john_doe-1@sub.example-site.org",
    ADDRESS,
    "o'neil@example.com",
    '"john doe"@example.com',
    "jürgen@müller.de",
    "用户@例子.公司",
    "x@xn--mller-kva.de",
    "john\uff20example.com",
    "john&#64;example.com",
    "john&#x40;example.com",
    "john [at] example [dot] com",
    "john(at)example.com",
    "John.Doe@EXAMPLE.COM",
    "a" * 64 + "@example.com",
)


def grouped(number: str) -> list[str]:
    """Write a card's number as it is printed."""
    sizes = {15: (4, 6, 5), 14: (4, 6, 4), 13: (4, 3, 3, 3)}.get(len(number), (4, 4, 4, 4, 3))
    parts, rest = [], number
    for size in sizes:
        parts.append(rest[:size])
        rest = rest[size:]
    return [gap.join(part for part in parts if part) for gap in (" ", "-", "  ", " - ", ".", "+")]


# Each writes a text in another form.
WRAPPINGS: dict[str, Callable[[str], str]] = {
    "JSON": lambda text: json.dumps({"a": [1, {"b": text}]}),
    "JSON without escapes": lambda text: json.dumps([text], ensure_ascii=False),
    "JSON, all escaped": lambda text: '"' + "".join(f"\\u{ord(c):04x}" for c in text) + '"',
    "a member's name": lambda text: json.dumps({text: 1.5}),
    "percent-encoding": lambda text: "q=" + quote(text, safe=""),
    "percent-encoding of all": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "base64": b64,
    "base64 in a path": lambda text: "/x/" + b64(text.encode("ascii", "backslashreplace")),
    "base64 in JSON": lambda text: json.dumps({"b64": b64(f"this is what stands here: {text}")}),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(
        b"\xc3\xbf?>" + text.encode()
    ).decode(),
    "base64 without its end": lambda text: b64(text).rstrip("="),
    "wrapped base64": lambda text: base64.encodebytes(("longer " * 12 + text).encode()).decode(),
    "a data: URL": lambda text: "data:text/plain;base64," + b64(f"it is {text}"),
    "base64 of UTF-16": lambda text: b64(f"it is {text}".encode("utf-16")),
    "source text": lambda text: "x = '" + "".join(f"\\u{ord(c):04x}" for c in text) + "'",
}


LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=9).filter(
    lambda label: not label.isdigit()
)


@st.composite
def cards(draw: st.DrawFn) -> str:
    """Draw a number that an issuer may have given, grouped or not."""
    start, length = draw(
        st.sampled_from(
            [
                *(("4", 13), ("4", 16), ("4", 19), ("51", 16), ("2221", 16), ("34", 15)),
                *(("37", 15), ("300", 14), ("36", 14), ("3528", 16), ("6011", 16), ("62", 16)),
                *(("62", 19), ("2200", 16), ("9792", 16), ("5018", 16), ("65", 16)),
            ]
        )
    )
    size = length - len(start) - 1
    number = start + draw(st.text("0123456789", min_size=size, max_size=size))
    number = next(number + last for last in "0123456789" if is_card(number + last))
    return draw(st.sampled_from([number, *grouped(number)]))


ADDRESSES = st.builds(
    "{}@{}.{}".format,
    st.text("abcdefghijklmnopqrstuvwxyzABC0123456789._+-", min_size=1, max_size=30),
    st.lists(LABELS, min_size=1, max_size=3).map(".".join),
    st.sampled_from(["com", "org", "de", "co.uk", "museum", "io"]),
)
PLANTED = st.one_of(ADDRESSES, cards(), st.sampled_from(PHONES + EMAILS))
# Around a secret stand words: what is glued to it would be part of it.
TEXTS = st.text("abc XYZ.,;:!?\n\t'äß語😀", max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, str, bytes]:
    """Draw a secret, its bare form, and a document that holds it somewhere."""
    secret = draw(PLANTED)
    text = f"{draw(TEXTS)} {secret} {draw(TEXTS)}"
    kind = draw(st.sampled_from(["tree", "name", "csv", "text", *WRAPPINGS]))
    if kind == "tree":
        value: object = text
        for _ in range(draw(st.integers(0, 5))):
            other = draw(TREES)
            value = draw(st.sampled_from([[other, value], [value], {"a": value, "b": other}]))
        written = json.dumps(value, ensure_ascii=draw(st.booleans()))
    elif kind == "name":
        written = json.dumps({text: draw(TREES)})
    elif kind == "csv":
        written = f'1.5,"{text.replace(chr(34), chr(34) * 2)}",3\n0.25,x,4\n'
    elif kind == "text":
        written = text
    else:
        # Halves of surrogate pairs make no escapes of four digits.
        written = WRAPPINGS[kind](text.replace("😀", ""))
    for _ in range(draw(st.integers(0, 2))):
        written = WRAPPINGS[draw(st.sampled_from(["JSON", "base64 in JSON", "percent-encoding"]))](
            written
        )
    charset = draw(st.sampled_from(["utf-8", "utf-8", "utf-16"]))
    return secret, kind, written.encode(charset)


def views(body: bytes) -> list[str]:
    """Read a body in the ways in which a reader of captures would: unwrapped, as far as it goes."""
    seen, left = [], [body.decode("utf-8", "replace"), body.decode("utf-16", "replace")]
    for _ in range(4):
        wider: list[str] = []
        for text in left:
            seen.append(text)
            wider.extend(_unwrapped(text))
        left = wider
    return seen


def _unwrapped(text: str) -> list[str]:
    def strings(value: object) -> list[str]:
        if isinstance(value, str):
            return [value]
        if isinstance(value, dict):
            return [one for pair in value.items() for part in pair for one in strings(part)]
        return [one for part in value for one in strings(part)] if isinstance(value, list) else []

    found = []
    with suppress(ValueError):
        found += strings(json.loads(text))
    for word in {text, *text.split()}:
        try:
            found.append(base64.b64decode(word, validate=True).decode())
        except ValueError:
            continue
    return [one for one in found if one != text]
