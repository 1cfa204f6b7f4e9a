"""What must not be kept is found in whatever form; what models are fed with stays as it is."""

import json
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dormouse.domain.capture_policy import CapturePolicy, Pattern
from dormouse.domain.redaction import Redacted, redact, redact_text
from tests.fakes.secrets import (
    ADDRESS,
    CARDS,
    EMAILS,
    PHONES,
    WRAPPINGS,
    b64,
    documents,
    grouped,
    views,
)

POLICY = CapturePolicy()
NOTHING = CapturePolicy(patterns=frozenset())


SECRETS = [
    *((Pattern.EMAIL, text) for text in EMAILS),
    *((Pattern.PHONE, text) for text in PHONES),
    *((Pattern.CARD, text) for text in CARDS.values()),
    *((Pattern.CARD, text) for number in CARDS.values() for text in grouped(number)),
    (Pattern.CARD, "4111111111111111.0"),
    (Pattern.CARD, "4.111111111111111e15"),
    (Pattern.CARD, "4.111111111111111E+15"),
]


@pytest.mark.parametrize(("pattern", "secret"), SECRETS, ids=[text for _, text in SECRETS])
def test_a_secret_is_found_wherever_it_stands(pattern: Pattern, secret: str) -> None:
    """By its own pattern alone, too."""
    alone = CapturePolicy(patterns=frozenset({pattern}))
    for around in (
        "{}",
        "call {}",
        "{} is it",
        "so ({})",
        "it is {}.",
        "a,{},b\nc,{},d",
        '"{}"',
        "1: {}; 2: {}",
        "<b>{}</b>",
        "x\t{}\ty",
        "x:{}",
        "Wört {} 語",
    ):
        text = around.replace("{}", secret)
        for policy in (alone, POLICY):
            kept = redact(text.encode(), "text/plain", policy)
            assert kept.body is not None
            assert secret not in kept.body.decode()
            assert kept.found
        assert redact(text.encode(), "text/plain", alone).found == (pattern.value,)
        assert redact(text.encode(), "text/plain", NOTHING) == Redacted(text.encode())


PLAIN = (
    "0.123456789012345678",
    "-4.111111111111111e-05",
    "[0.12345678, 1.5, -3e-07]",
    "+1.23456789 -2.3456789",
    "1700000000",
    "1700000000000",
    "1700000000000000",
    "1700000000000000000",
    "550e8400-e29b-41d4-a716-446655440000",
    "12345678-1234-1234-1234-123456789012",
    "abdcf708-6106-9568-2414-7931de58cdb3",
    "978-3-16-148410-0",
    "9783161484100",
    "192.168.100.200",
    "10.0.0.1:8080",
    "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
    "1.2.3",
    "v10.15.7-20240101",
    "2026-02-14",
    "2026-02-14 17:25:49",
    "2026-02-14T17:25:49.120Z",
    "01/02/2026 12:30",
    "01-02-2026 12:30",
    "01.02.2026 12:30",
    "02/14/26",
    "17:25:49",
    "deadbeef4111111111111111cafe",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "5.1,3.5,1.4,0.2\n4.9,3.0,1.4,0.2",
    "1,0,255,128,64,2023,4111,1111,1111,1111",
    "1 1:0.708333 2:1 3:1 4:-0.320755",
    "+1 1:0.708333 2:1 3:1 4:-0.320755",
    "101 2023 2003 1037 3231 6251 2009 4111 1111 1111 1111 212 555 1234 102",
    "[101, 2023, 4111, 1111, 1111, 1111, 102]",
    "0 1 0 1 1 0 0 1 0 1 1 0 1",
    "01 02 03 04 05 06 07 08 09 10 11 12",
    "@property\ndef f(): ...",
    "hello @john_doe and @jane.doe",
    "user@host",
    "x @ y.T",
    "a @ b",
    "lodash@4.17.21",
    "4111111111111112",
    "1234567890123456",
    "order 2024-00012345",
    "€ 1.234.567,89",
    "1,234,567,890",
    "100 000 000",
    '{"instances": [[1.0, 2.0, 5.0]], "id": 5551234567}',
    "the understanding of internationalization",
    "/home/user/some/very/long/path/name/model.tar.gz",
    "data:text/plain;base64,aGVsbG8gd29ybGQgaGVsbG8=",
)


@pytest.mark.parametrize("plain", PLAIN)
def test_what_models_are_fed_with_stays_as_it_is(plain: str) -> None:
    """In text, in CSV, in a string of JSON."""
    for content_type in ("text/plain", "text/csv", "application/octet-stream"):
        assert redact(plain.encode(), content_type, POLICY) == Redacted(plain.encode())
    body = json.dumps({"a": [plain, plain]}).encode()
    assert redact(body, "application/json", POLICY) == Redacted(body)


@pytest.mark.parametrize("outer", WRAPPINGS)
@pytest.mark.parametrize("inner", WRAPPINGS)
@pytest.mark.parametrize("secret", [ADDRESS, "4111111111111111", "+49 170 1234567"])
def test_a_secret_is_found_in_what_is_encoded_twice(secret: str, inner: str, outer: str) -> None:
    """Neither the secret nor its encoded form is kept."""
    once = WRAPPINGS[inner](secret)
    body = WRAPPINGS[outer](once)

    kept = redact(body.encode(), "text/plain", POLICY)

    assert kept.found
    assert kept.body is not None
    assert secret not in kept.body.decode()
    assert once.removeprefix("q=") not in kept.body.decode()


@pytest.mark.parametrize("levels", range(1, 7))
def test_json_in_strings_is_looked_through(levels: int) -> None:
    """And it is still JSON."""
    text = ADDRESS
    for _ in range(levels):
        text = json.dumps([text, 1])

    kept = redact(text.encode(), "application/json", POLICY)

    assert kept.body is not None
    read = kept.body.decode()
    for _ in range(levels):
        read = json.loads(read)[0]
    assert read == "[email]"


CHARSETS = (
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-32-le",
    "utf-32-be",
    "latin-1",
    "cp1252",
    "shift_jis",
)


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("named", ["", "; charset={}", '; CHARSET="{}"', "; charset=utf-16"])
@pytest.mark.parametrize("media_type", ["text/plain", "application/json", "application/x-bytes"])
@pytest.mark.parametrize("text", [f"mail {ADDRESS} now", json.dumps({"a": ADDRESS, "b": 1})])
def test_a_secret_is_found_in_each_charset(
    text: str, media_type: str, named: str, charset: str
) -> None:
    """Whether it is named, not named, or another one is."""
    body = text.encode(charset)

    kept = redact(body, media_type + named.format(charset), POLICY)

    assert kept.found == ("email",)
    assert kept.body is not None
    assert (
        ADDRESS.encode(charset).removeprefix(b"\xff\xfe\0\0").removeprefix(b"\xff\xfe")
        not in kept.body
    )


@pytest.mark.parametrize(
    "body", ["grüße an jürgen@example.de".encode("latin-1"), b"\xff" + b"tel 212-555-0123\xe9"]
)
def test_text_of_no_charset_that_is_known_is_read_as_latin_1(body: bytes) -> None:
    """What is not redacted stays as it is."""
    kept = redact(body, "text/csv", POLICY)
    assert kept.body is not None
    assert kept.body in (b"gr\xfc\xdfe an [email]", b"\xfftel [phone]\xe9")


def test_tensors_of_small_integers_stay_as_they_are() -> None:
    """Though they are valid UTF-32, and dense in letters."""
    chance = random.Random(77)
    for _ in range(40):
        body = b"".join(chance.randrange(200).to_bytes(4, "little") for _ in range(20_000))
        assert redact(body, "application/x-npy", POLICY) == Redacted(body)


def test_bytes_are_overwritten_in_their_place() -> None:
    """What stands behind is read by its offset."""
    body = b"\x93NUMPY\x01\x00\xff\xfe\xfd jo.doe@example.com \x00\x01 4111-1111-1111-1111 \xff"

    kept = redact(body, "application/x-npy", POLICY)

    assert kept.body is not None
    assert len(kept.body) == len(body)
    assert kept.body.count(b"*") == len("jo.doe@example.com4111-1111-1111-1111")
    assert kept.found == ("email", "card")


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (b"\x1f\x8b\x08\x00abc", "application/json", "compressed"),
        (b"PK\x03\x04abc", "application/x-npz", "compressed"),
        (b"x\x9cabc", "application/octet-stream", "compressed"),
        (json.dumps([b64(b"\x1f\x8b\x08\x00" + b"abc" * 9)]).encode(), "", "compressed"),
        (b"[" * 200_000, "application/json", "nested too deeply"),
        (b'{"a": "\\u0040', "application/json", "not valid JSON"),
        (b"abc", "text/plain; charset=utf-7", "charset utf-7"),
        (b"abc", "text/plain; charset=cp037", "charset cp037"),
        (b"abc", "text/plain; charset=punycode", "charset punycode"),
    ],
)
def test_what_cannot_be_looked_through_is_left_out(
    body: bytes, content_type: str, why: str
) -> None:
    """And it is said why; but nothing is, where nothing is looked for."""
    kept = redact(body, content_type, POLICY)

    assert kept.body is None
    assert why in (kept.why_omitted or "")
    assert kept.found == ()
    assert redact(body, content_type, NOTHING).body == body


def test_what_is_encoded_too_often_is_left_out() -> None:
    """Each time it gets shorter, so a short one may be looked at more often."""
    text = ADDRESS
    for _ in range(12):
        text = b64(text)

    assert redact(text.encode(), "", POLICY).why_omitted == (
        "it is encoded too often to be redacted"
    )


@pytest.mark.parametrize(
    ("pointers", "body", "kept", "found"),
    [
        ("/a", '{"a":1,"b":2}', '{"a":"[redacted]","b":2}', ("/a",)),
        ("/a/-/n", '{"a":[{"n":[1,[2]]},{"m":3}]}', '{"a":[{"n":"[redacted]"},{"m":3}]}', ...),
        ("/a/1", '{"a": [1, 2 ,3]}', '{"a": [1, "[redacted]" ,3]}', ("/a/1",)),
        ("/-", '{"a":{"b":1}, "c":null}', '{"a":"[redacted]", "c":"[redacted]"}', ("/-",)),
        ("/a /a/b", '{"a":{"b":1}}', '{"a":"[redacted]"}', ("/a",)),
        ("/a", '{"\\u0061":1,"a":2}', '{"\\u0061":"[redacted]","a":"[redacted]"}', ("/a",)),
        ("/a", '{"a":1}\n\n{"a":2}\n', '{"a":"[redacted]"}\n\n{"a":"[redacted]"}\n', ("/a",)),
        ("/b", '{"a":1}', '{"a":1}', ()),
        ("/a/b", '{"a":"b"}', '{"a":"b"}', ()),
        ("/0", "[]", "[]", ()),
    ],
)
def test_what_pointers_name_is_redacted_whole(
    pointers: str, body: str, kept: str, found: object
) -> None:
    """And nothing else is touched."""
    names = tuple(tuple(one[1:].split("/")) for one in pointers.split())
    policy = CapturePolicy(patterns=frozenset(), pointers=names)

    redacted = redact(body.encode(), "application/json", policy)

    assert redacted.body == kept.encode()
    assert found is ... or redacted.found == found
    assert redact(kept.encode(), "application/json", policy) == Redacted(kept.encode())


@pytest.mark.parametrize("body", [b"a=1", b"\xff\xfe\xfd\x00\xd8", b"1,2\n3"])
def test_pointers_into_what_is_no_json_leave_it_out(body: bytes) -> None:
    """There is nothing that could be pointed at, so nothing says what may be kept."""
    policy = CapturePolicy(patterns=frozenset(), pointers=(("a",),))
    assert redact(body, "text/csv", policy).body is None


def test_a_header_is_redacted() -> None:
    """One that can't be looked through, whole."""
    assert redact_text(f"for {ADDRESS}", POLICY) == ("for [email]", ("email",))
    assert redact_text("trace 17", POLICY) == ("trace 17", ())
    assert redact_text("x\ud800", POLICY) == ("x\ud800", ())
    assert redact_text(f"for {ADDRESS}", NOTHING) == (f"for {ADDRESS}", ())
    assert redact_text("PK\x03\x04", POLICY) == ("[redacted]", ())


# --------------------------------------------------------------------------------------------- fuzz

CONTENT_TYPES = st.sampled_from(
    ["application/json", "application/jsonlines", "text/csv", "text/plain; charset=utf-8", ""]
)


@settings(max_examples=300, deadline=None)
@given(documents(), CONTENT_TYPES)
def test_what_was_planted_is_not_kept(planted: tuple[str, str, bytes], content_type: str) -> None:
    """Nor is it in what a reader gets by decoding; redacting again finds nothing."""
    secret, _, body = planted

    kept = redact(body, content_type, POLICY)

    if kept.body is None:
        assert kept.why_omitted
        return
    assert kept.found
    assert not any(secret in view for view in views(kept.body))
    assert redact(kept.body, content_type, POLICY) == Redacted(kept.body)


TYPES = st.text(max_size=30) | st.sampled_from(
    ["application/json", "text/csv", "application/json; charset=utf-16", "text/x; charset=big5"]
)
FRAGMENTS = st.sampled_from(
    [
        *(text.encode() for text in ("a@b.co", "%40", "\\u0040", "[", "{", '"', "\\", "4111", " ")),
        *(b64(text).encode() for text in EMAILS[:3]),
        *(text.encode() for text in PHONES[:5]),
        *("ab@cd.example".encode(charset) for charset in CHARSETS[:6]),
    ]
)
BODIES = st.binary(max_size=200) | st.lists(FRAGMENTS | st.binary(max_size=4)).map(b"".join)
POINTERS = st.sampled_from(["", "/a", "/-", "/0/-"])


@settings(max_examples=600, deadline=None)
@given(BODIES, TYPES, POINTERS)
@example(b"x%E2%82%ACann%40example.com", "text/plain; charset=latin-1", "")
@example(b"[email]@example.com", "text/plain", "")
def test_any_body_is_taken(body: bytes, content_type: str, pointer: str) -> None:
    """It never raises; found is what was changed; and once more changes nothing."""
    pointers = (tuple(pointer[1:].split("/")),) if pointer else ()
    policy = CapturePolicy(pointers=pointers)

    kept = redact(body, content_type, policy)

    assert (kept.body is None) == (kept.why_omitted is not None)
    if kept.body is not None:
        assert bool(kept.found) == (kept.body != body)
        again = redact(kept.body, content_type, policy)
        assert again.found == ()
        assert again.body in (kept.body, None)


# -------------------------------------------------------------------------------------------- speed

CHANCE = random.Random(1)
MEBIBYTE = 1 << 20
ADVERSE = {
    text: (text * (MEBIBYTE // len(text))).encode()
    for text in (
        *("1 ", "+1 ", "0 ", "01 ", "a@", "%41", "4-", "a.", "(0", "4111 ", "[", '"', "\\u", "A"),
        *("%2525", "+1-", "a+%25 ", "@a.", "1\n", "x" * 63 + "@", "[at]", " 212 555"),
    )
}
ORDINARY = {
    "floats": json.dumps([CHANCE.random() for _ in range(52_000)]).encode(),
    "bytes": CHANCE.randbytes(MEBIBYTE),
    "an image in base64": json.dumps({"b64": b64(CHANCE.randbytes(786_000))}).encode(),
    "tokens": " ".join(str(CHANCE.randrange(30_000)) for _ in range(180_000)).encode(),
}


@pytest.mark.parametrize("name", [*ADVERSE, *ORDINARY])
def test_a_mebibyte_is_looked_through_in_time(name: str) -> None:
    """In linear time that is less than a second; else it is cut off like any test that hangs."""
    body = ADVERSE.get(name) or ORDINARY[name]

    kept = redact(body, "text/plain", POLICY)

    assert (kept.body is None) == (kept.why_omitted is not None)
    if name in ORDINARY:
        assert kept == Redacted(body)


@pytest.mark.parametrize("exponent", ["999", "5999", "9999999999", "9" * 30, "-" + "9" * 30])
def test_a_number_of_any_size_is_read_at_once(exponent: str) -> None:
    # Its escape makes each number be looked at by itself.
    body = f'{{"text":"\\n","number":4.111111111111111e{exponent}}}'.encode()

    assert redact(body, "application/json", POLICY) == Redacted(body)


def test_a_secret_beside_half_of_a_surrogate_pair_is_found() -> None:
    body = rb'{"text":"\ud800ann%40example.com"}'

    redacted = redact(body, "application/json", POLICY)

    assert redacted == Redacted(b'{"text":"?[email]"}', found=("email",))
