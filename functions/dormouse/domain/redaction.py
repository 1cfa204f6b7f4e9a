"""Taking out of a body what a capture must not keep, before it leaves the function.

Looked through are texts of UTF-8, of a charset that is named, of UTF-16 and UTF-32; JSON with its
escapes; what strings and words hold in turn (JSON, percent-encoding, `\\u0040` and `\\x40`, and
base64, url-safe or not, in lines that are wrapped at 40 characters or more); and other bytes as
ASCII, UTF-16 and UTF-32. Base64 has 12 bytes at least, or 6 if it is ASCII; and only if it is, a
slash, a hyphen or an underscore may join it to another word. `sensitive` says what is a find and
what is none. What can't be looked through is left out whole: what is compressed, in an unknown
charset, or encoded too often. Where nothing is found, nothing is changed.

Pointers name members of the body itself: not what JSON within a string holds.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from dormouse.domain.capture_policy import CapturePolicy, Pattern, Pointer
from dormouse.domain.json_text import SCALAR, documents, may_be_json, pointed_at
from dormouse.domain.sensitive import find, is_card

REDACTED = "[redacted]"

# What is wrapped deeper is nothing that a model reads.
_DEEPEST = 8
# Each look at a text costs as many characters. A body may be looked at this often, wrapped or not.
_LOOKS = 24
_FEWEST_CHARACTERS = 65_536
# What is found in what is left after a find: two times are one too many already.
_MOST_ROUNDS = 4

_COMPRESSED = (
    b"\x1f\x8b\x08",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x28\xb5\x2f\xfd",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"x\x01",
    b"x\x9c",
    b"x\xda",
)
# Two bytes are those of a tensor too often.
_SHORTEST_MARK = 4

_JSON_TYPE = re.compile(r"[^;]*[/+](?:x-)?(?:json|jsonlines|ndjson|jsonl)\s*(?:;.*)?", re.DOTALL)
_TEXT_TYPE = re.compile(r"text/|application/(?:x-www-form-urlencoded|csv|xml)")
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([\w.:-]+)", re.ASCII)
# Python has more codecs. Some are slow, and in some ASCII stands for something else.
_KNOWN_CHARSET = re.compile(
    r"utf[-_]?(?:8|16|32)(?:[-_]?[bl]e)?(?:[-_]sig)?|(?:us[-_])?ascii|latin[-_]?1"
    r"|iso[-_]8859[-_]\d{1,2}|(?:windows[-_]|cp)125\d|shift[-_]?jis|euc[-_](?:jp|kr)|big5"
    r"|gb(?:k|2312|18030)|koi8[-_][ru]"
)
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Redacted:
    """A body without what must not be kept: None where it is left out, and `why_omitted` says why.

    `found` names what was taken out: patterns, and pointers as they are written.
    """

    body: bytes | None
    why_omitted: str | None = None
    found: tuple[str, ...] = ()


class _UnreadableError(Exception):
    """It can't be looked through; the text says why."""


def redact(body: bytes, content_type: str, policy: CapturePolicy) -> Redacted:
    """Redact a body; never raises, whatever it holds. Redacting once more changes nothing."""
    if not policy.redacts or not body:
        return Redacted(body)
    if body.startswith(_COMPRESSED):
        return Redacted(None, "it is compressed, so it can't be redacted")
    found: dict[str, None] = {}
    try:
        for _ in range(_MOST_ROUNDS):
            redactor = _Redactor(policy.patterns, _LOOKS * len(body) + _FEWEST_CHARACTERS)
            clean = redactor.body(body, content_type.lower(), policy.pointers)
            if clean == body:
                return Redacted(body, found=tuple(found))
            found |= redactor.found
            body = clean
    except _UnreadableError as error:
        return Redacted(None, str(error))
    except RecursionError:
        pass
    return Redacted(None, "it is nested too deeply to be redacted")


def redact_text(text: str, policy: CapturePolicy) -> tuple[str, tuple[str, ...]]:
    """Redact a text that is no body, by the patterns; and name those that were found.

    One that can't be looked through is redacted whole, and none is named.
    """
    clean = redact(
        text.encode("utf-8", "replace"),
        "text/plain",
        CapturePolicy(patterns=policy.patterns, pointers=()),
    )
    if clean.body is None:
        return REDACTED, ()
    return (clean.body.decode() if clean.found else text), clean.found


# Whether a look is worth its while, in a few nanoseconds for each character.
_SUSPECT = re.compile(
    r"[@\uff20\\%&]|[\[({](?:at|AT)[\])}]|\d(?:\D{0,3}\d){6}"
    r"|[A-Za-z0-9+/_-]{16}"
    r"|(?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589-][A-Za-z0-9+/_-]){2}",
    re.ASCII,
)
_SUSPECT_BYTES = re.compile(rb"@|\d(?:\D{0,3}\d){6}")

# 8 characters hold 6 bytes. Lines that are as long as MIME's may go on in the next.
_ALPHABET = "[A-Za-z0-9+/_-]"
# In source text it is an escape.
_LINE_END = r"(?:\r?\n|(?:\\+r)?\\+n)"
_LINE_ENDS = re.compile(_LINE_END)
_BASE64 = re.compile(
    rf"(?<!{_ALPHABET})(?=[\d-]*+{_ALPHABET})"
    rf"(?:{_ALPHABET}{{40,}}+(?:{_LINE_END}{_ALPHABET}{{40,}}+)*+(?:{_LINE_END}{_ALPHABET}++)?"
    rf"|{_ALPHABET}{{8,}}+)",
    re.ASCII,
)
# The base64 of ASCII, of any length: each byte begins with a bit that is 0. Between the slashes of
# a path, too.
_QUARTET = "[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589]"
_ASCII_BASE64 = re.compile(
    rf"(?<![A-Za-z0-9])(?:{_QUARTET}[A-Za-z0-9+/_-]){{2,}}(?:{_QUARTET}|[A-Za-f][A-HQ-Xg-nw-z0-3])?"
    r"(?![A-Za-z0-9])"
)
_SHORTEST_BASE64 = 16
_URL_SAFE = str.maketrans("-_", "+/")

_ENCODED_WORD = re.compile(r"""(?<![^\s&=;,"'<>])[^\s&=;,"'<>%\\]*+[%\\][^\s&=;,"'<>]*""")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
# %252540 is %40, encoded twice more.
_PERCENT_OF_PERCENT = re.compile(r"%(?:25)+(?=[0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"\\+(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))")


@dataclass(slots=True)
class _Redactor:
    """Looks through one body, and spends no more than so many characters on it."""

    patterns: Set[Pattern]
    left: int
    found: dict[str, None] = field(default_factory=dict)
    """What was taken out, in the order in which it was met."""

    # --------------------------------------------------------------------------------------- bodies

    def body(
        self, body: bytes, content_type: str, pointers: Sequence[Pointer], depth: int = 0
    ) -> bytes:
        """Redact a body.

        Raises:
            _UnreadableError, RecursionError: it can't be looked through.
        """
        is_json = _JSON_TYPE.fullmatch(content_type) is not None
        is_seen = False
        for encoding in _encodings(body, content_type, is_json=is_json):
            try:
                text = body.decode(encoding)
            except ValueError:
                continue
            clean = self._body_text(text, pointers, depth, is_json=is_json)
            if clean != text:
                try:
                    body = clean.encode(encoding)
                except ValueError as error:
                    raise _UnreadableError(
                        "without what is redacted it can't be written in its charset"
                    ) from error
            is_seen = is_seen or encoding != "latin-1"
        if pointers and not is_seen:
            raise _UnreadableError("it is no text, so what JSON pointers name can't be redacted")
        if not is_seen or b"\0" in body:
            body = self._bytes(body)
        return body

    def _body_text(
        self, text: str, pointers: Sequence[Pointer], depth: int, *, is_json: bool
    ) -> str:
        if is_json or may_be_json(text):
            found = documents(text)
            if found is not None:
                return self._json(text, found, pointers, depth)
            if is_json and "\\" in text:
                # An escape could stand for anything, and what is no JSON says not where one ends.
                raise _UnreadableError("it is not valid JSON, so it can't be redacted")
        if pointers:
            raise _UnreadableError("it is not JSON, so what JSON pointers name can't be redacted")
        return self._words_and_finds(text, depth)

    def _bytes(self, body: bytes) -> bytes:
        """Overwrite what is found, so that everything else stays where it is.

        Of UTF-16 and UTF-32 each second or fourth byte makes up the text, as far as it is ASCII.
        """
        if _SUSPECT_BYTES.search(body) is None:
            return body
        self._spend(3 * len(body))
        clean = bytearray(body)
        for stride in (1, 2, 4) if b"\0" in body else (1,):
            for offset in range(stride):
                view = body[offset::stride].decode("latin-1")
                for span in find(view, self.patterns, is_text=False):
                    self.found[span.pattern.value] = None
                    for at in range(span.start, span.end):
                        clean[offset + stride * at] = ord("*")
        return bytes(clean)

    # ----------------------------------------------------------------------------------------- text

    def _text(self, text: str, depth: int) -> str:
        """Redact a text that stands in another."""
        if not self.patterns or _SUSPECT.search(text) is None:
            return text
        if depth > _DEEPEST:
            raise _UnreadableError("it is encoded too often to be redacted")
        if may_be_json(text):
            found = documents(text)
            if found is not None:
                return self._json(text, found, (), depth)
        return self._words_and_finds(text, depth)

    def _words_and_finds(self, text: str, depth: int) -> str:
        if not self.patterns:
            return text
        self._spend(len(text))
        text = _replace(text, self._base64_words(text, depth))
        if self._may_hide(text, depth):
            text = _replace(text, self._encoded_words(text, depth))
        return _replace(text, self._finds(text))

    def _finds(self, text: str) -> Iterable[tuple[int, int, str]]:
        for span in find(text, self.patterns):
            self.found[span.pattern.value] = None
            yield span.start, span.end, f"[{span.pattern}]"

    def _may_hide(self, text: str, depth: int) -> bool:
        """Whether a word may hold something behind its escapes: they are decoded all at once."""
        plain = _unquote(text) if "%" in text else text
        plain = _unescape(plain)
        if plain == text:
            return False
        probe = _Redactor(self.patterns, self.left)
        return probe._text(plain, depth + 1) != plain

    def _encoded_words(self, text: str, depth: int) -> Iterable[tuple[int, int, str]]:
        """Redact the words of a URL, a form or source text that hold escapes."""
        for match in _ENCODED_WORD.finditer(text):
            word = match[0]
            if _PERCENT.search(word):
                plain = _unquote(word)
                clean = self._text(plain, depth + 1)
                if clean != plain:
                    # Half of a surrogate pair, which JSON's escapes can write, has no encoding.
                    written = quote(clean, safe="[]/:+@?#", errors="replace")
                    yield match.start(), match.end(), written
                    continue
            if _ESCAPE.search(word):
                plain = _unescape(word)
                clean = self._text(plain, depth + 1)
                if clean != plain:
                    yield match.start(), match.end(), json.dumps(clean)[1:-1]

    def _base64_words(self, text: str, depth: int) -> Iterable[tuple[int, int, str]]:
        """Redact the words that are the base64 of something, whole, with the `=` behind them."""
        for match in _BASE64.finditer(text):
            word = match[0]
            names = self._in_base64(word, depth)
            if names:
                self.found |= names
                end = match.end()
                while text[end : end + 1] == "=":
                    end += 1
                yield match.start(), end, "".join(f"[{name}]" for name in names)

    def _in_base64(self, word: str, depth: int) -> dict[str, None]:
        lines = _LINE_ENDS.split(word)
        if len(lines) > 1:
            for one in ("".join(lines), *lines):
                names = self._in_base64(one, depth)
                if names:
                    return names
            return {}
        whole = {word: None} if len(word) >= _SHORTEST_BASE64 else {}
        # Some of the signs of base64 stand between words, too, above all in a path.
        for part in whole | dict.fromkeys(_ASCII_BASE64.findall(word)):
            names = self._in_content(part, depth)
            if names:
                return names
        return {}

    def _in_content(self, word: str, depth: int) -> dict[str, None]:
        """Name what the content of a word of base64 holds."""
        content = _decode_base64(word)
        if content is None:
            return {}
        if content.startswith(_COMPRESSED[:_SHORTEST_MARK]):
            raise _UnreadableError("it holds what is compressed, so it can't be redacted")
        self._spend(len(word))
        if depth >= _DEEPEST and content.isascii():
            raise _UnreadableError("it is encoded too often to be redacted")
        inner = _Redactor(self.patterns, self.left)
        try:
            text = content.decode()
        except UnicodeDecodeError:
            if content.startswith((b"\xff\xfe", b"\xfe\xff")):
                inner.body(content, "", (), depth + 1)
            else:
                inner._bytes(content)
        else:
            inner._text(text, depth + 1)
            if "\0" in text:
                inner._bytes(content)
        self.left = inner.left
        return inner.found

    def _spend(self, characters: int) -> None:
        self.left -= characters
        if self.left < 0:
            raise _UnreadableError("it is encoded too often to be redacted")

    # ----------------------------------------------------------------------------------------- JSON

    def _json(
        self,
        text: str,
        found: Sequence[tuple[int, int]],
        pointers: Sequence[Pointer],
        depth: int,
    ) -> str:
        """Redact valid JSON; every character that is not redacted stays as it is."""
        instead = json.dumps(REDACTED)
        replaced: list[tuple[int, int, str]] = []
        for start, end in found:
            for value_start, value_end, pointer in pointed_at(text, start, end, pointers):
                if text[value_start:value_end] != instead:
                    self.found["/" + "/".join(pointer)] = None
                    replaced.append((value_start, value_end, instead))
        text = _replace(text, replaced)
        if not self.patterns or self._is_plain(text, depth):
            return text
        self._spend(len(text))
        return _replace(text, self._scalars(text, depth))

    def _is_plain(self, text: str, depth: int) -> bool:
        """Whether JSON without escapes holds nothing: its strings are looked at all at once."""
        if "\\" in text:
            return False
        probe = _Redactor(self.patterns, self.left)
        return probe._words_and_finds(text, depth) == text

    def _scalars(self, text: str, depth: int) -> Iterable[tuple[int, int, str]]:
        """Redact strings and long numbers, as they are written."""
        for match in SCALAR.finditer(text):
            written = match[0]
            if not written.startswith('"'):
                if Pattern.CARD in self.patterns and is_card(written.lstrip("-")):
                    self.found[Pattern.CARD.value] = None
                    yield match.start(), match.end(), json.dumps(f"[{Pattern.CARD}]")
            elif _SUSPECT.search(written):
                plain = json.loads(written) if "\\" in written else written[1:-1]
                clean = self._text(plain, depth + 1)
                if clean != plain:
                    # What was escaped may have no other form, such as half of a surrogate pair.
                    yield (
                        match.start(),
                        match.end(),
                        json.dumps(clean, ensure_ascii="\\" in written),
                    )


def _encodings(body: bytes, content_type: str, *, is_json: bool) -> Iterable[str]:
    """Name in what a body may be written: it is looked at in each, as a charset may be wrong.

    Raises:
        _UnreadableError: the charset that is named is not known.
    """
    marked = next((encoding for mark, encoding in _MARKS if body.startswith(mark)), None)
    if marked is not None:
        return (marked,)
    encodings = ["utf-8"]
    named = _CHARSET.search(content_type)
    if named is not None:
        if _KNOWN_CHARSET.fullmatch(named[1]) is None:
            raise _UnreadableError(f"its charset {named[1]} can't be looked through")
        encodings.append(named[1])
    detected = json.detect_encoding(body)
    if detected != "utf-8" and _is_printable(body, detected):
        encodings.append(detected)
    if (is_json or _TEXT_TYPE.match(content_type)) and b"\0" not in body and not _is_utf8(body):
        encodings.append("latin-1")
    return dict.fromkeys(encodings)


def _is_printable(body: bytes, encoding: str) -> bool:
    """Whether bytes are a text: small integers of 32 bits are UTF-32, too."""
    try:
        text = body.decode(encoding)
    except ValueError:
        return False
    return "".join(text.split()).isprintable()


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unquote(word: str) -> str:
    """Decode percent-encoding, and what was encoded more than once.

    Raises:
        _UnreadableError: it was too often.
    """
    word = _PERCENT_OF_PERCENT.sub("%", word)
    for _ in range(_DEEPEST):
        plain = unquote(word)
        if plain == word:
            return plain
        word = plain
    raise _UnreadableError("it is encoded too often to be redacted")


def _unescape(text: str) -> str:
    """Decode the escapes of source text."""
    if "\\u" not in text and "\\x" not in text:
        return text
    return _ESCAPE.sub(lambda escape: chr(int(escape[1] or escape[2], 16)), text)


def _decode_base64(word: str) -> bytes | None:
    padded = word.translate(_URL_SAFE)
    padded = padded[: len(padded) - (len(padded) % 4 == 1)]
    try:
        return base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except binascii.Error:
        return None


def _replace(text: str, replaced: Iterable[tuple[int, int, str]]) -> str:
    """Put texts in the place of what stands from one index to before another; in order."""
    parts: list[str] = []
    done = 0
    for start, end, instead in replaced:
        parts += (text[done:start], instead)
        done = end
    if not parts:
        return text
    return "".join((*parts, text[done:]))
