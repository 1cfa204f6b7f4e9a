"""Taking out of a body what a capture must not keep, before it leaves the function.

Looked through are texts of any charset that is named or UTF-8, JSON with its escapes and what its
strings hold in turn (JSON, percent-encoding, base64), and other bytes as ASCII, UTF-16 and UTF-32.
What can't be looked through is left out whole. Where nothing is found, nothing is changed.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from urllib.parse import unquote

from dormouse.domain.capture_policy import EVERY, CapturePolicy, Pattern, Pointer
from dormouse.domain.sensitive import find, is_card

REDACTED = "[redacted]"

# What is wrapped deeper is nothing that a model reads.
_DEEPEST = 5

_COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\x00")
_JSON_TYPE = re.compile(r"[^;]*[/+](?:x-)?(?:json|jsonlines|ndjson|jsonl)\s*(?:;.*)?", re.DOTALL)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:-]+)", re.ASCII | re.IGNORECASE)


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
    """Redact a body; never raises, whatever it holds."""
    if not policy.redacts or not body:
        return Redacted(body)
    if body.startswith(_COMPRESSED):
        return Redacted(None, "it is compressed, so it can't be redacted")
    redactor = _Redactor(policy.patterns)
    try:
        clean = redactor.body(body, content_type.lower(), policy.pointers)
    except _UnreadableError as error:
        return Redacted(None, str(error))
    except RecursionError:
        return Redacted(None, "it is nested too deeply to be redacted")
    return Redacted(clean, found=tuple(redactor.found))


def redact_text(text: str, policy: CapturePolicy) -> tuple[str, tuple[str, ...]]:
    """Redact a text that is no body, by the patterns; and name those that were found."""
    if not policy.patterns:
        return text, ()
    redactor = _Redactor(policy.patterns)
    try:
        clean = redactor.text(text)
    except RecursionError:
        return REDACTED, ()
    return clean, tuple(redactor.found)


@dataclass(slots=True)
class _Redactor:
    patterns: Set[Pattern]
    found: dict[str, None] = field(default_factory=dict)
    """What was taken out, in the order in which it was met."""

    # --------------------------------------------------------------------------------------- bodies

    def body(self, body: bytes, content_type: str, pointers: Sequence[Pointer]) -> bytes:
        """Redact a body.

        Raises:
            _UnreadableError, RecursionError: it can't be looked through.
        """
        encoding, text = _decode(body, content_type)
        is_json = _JSON_TYPE.fullmatch(content_type) is not None
        if text is not None and (is_json or text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", '"')):
            documents = _documents(text)
            if documents is not None:
                clean = self._json(text, documents, pointers, depth=0)
                return body if clean == text else clean.encode(encoding, "surrogatepass")
            if is_json and "\\" in text:
                # An escape could stand for anything, and what is no JSON says not where one ends.
                raise _UnreadableError("it is not valid JSON, so it can't be redacted")
        if pointers:
            raise _UnreadableError("it is not JSON, so what JSON pointers name can't be redacted")
        if text is not None:
            clean = self.text(text)
            body = body if clean == text else clean.encode(encoding, "surrogatepass")
        if text is None or (b"\0" in body and encoding == "utf-8"):
            body = self._bytes(body)
        return body

    def _bytes(self, body: bytes) -> bytes:
        """Overwrite what is found, so that everything else stays where it is.

        Of UTF-16 and UTF-32 each second or fourth byte makes up the text, as far as it is ASCII.
        """
        clean = bytearray(body)
        strides = (1, 2, 4) if b"\0" in body else (1,)
        for stride in strides:
            for offset in range(stride):
                for span in find(body[offset::stride].decode("latin-1"), self.patterns):
                    self.found[span.pattern.value] = None
                    for at in range(span.start, span.end):
                        clean[offset + stride * at] = ord("*")
        return bytes(clean)

    # ----------------------------------------------------------------------------------------- text

    def text(self, text: str, depth: int = 0) -> str:
        """Redact a text, and what is encoded in it."""
        if depth > _DEEPEST:
            return REDACTED
        if depth > 0 and text.lstrip()[:1] in ("{", "[", '"'):
            documents = _documents(text)
            if documents is not None:
                return self._json(text, documents, (), depth)
        text = self._words(text, depth)
        spans = find(text, self.patterns)
        for span in spans:
            self.found[span.pattern.value] = None
        return _replace(text, ((span.start, span.end, f"[{span.pattern}]") for span in spans))

    def _words(self, text: str, depth: int) -> str:
        """Redact what is percent-encoded or base64 in a text."""
        text = self._each(_BASE64, text, lambda word: self._base64(word, depth))
        if "%" in text or "+" in text:
            text = self._each(_WORD, text, lambda word: self._percent(word, depth))
        return text

    @staticmethod
    def _each(words: re.Pattern[str], text: str, redact_word: Callable[[str], str | None]) -> str:
        replaced = (
            (match.start(), match.end(), clean)
            for match in words.finditer(text)
            if (clean := redact_word(match[0])) is not None
        )
        return _replace(text, replaced)

    def _percent(self, word: str, depth: int) -> str | None:
        """Redact a word of a URL or a form; None where there is nothing to redact."""
        if "%" not in word and "+" not in word:
            return None
        for plain in {unquote(word): None, unquote(word.replace("+", " ")): None}:
            if plain != word:
                clean = self.text(plain, depth + 1)
                if clean != plain:
                    return clean
        return None

    def _base64(self, word: str, depth: int) -> str | None:
        """Redact a word that is the base64 of something, whole; None where nothing is in it."""
        lines = word.split()
        for one in dict.fromkeys(("".join(lines), *lines)):
            content = _decode_base64(one)
            if content is None:
                continue
            inner = _Redactor(self.patterns)
            try:
                text = content.decode()
            except UnicodeDecodeError:
                inner._bytes(content)
            else:
                inner.text(text, depth + 1)
                if "\0" in text:
                    inner._bytes(content)
            if inner.found:
                self.found |= inner.found
                return "".join(f"[{name}]" for name in inner.found)
        return None

    # ----------------------------------------------------------------------------------------- JSON

    def _json(
        self,
        text: str,
        documents: Sequence[tuple[int, int]],
        pointers: Sequence[Pointer],
        depth: int,
    ) -> str:
        """Redact valid JSON; every character that is not redacted stays as it is."""
        replaced: list[tuple[int, int, str]] = []
        for start, end in documents:
            for span_start, span_end, pointer in _pointed_at(text, start, end, pointers):
                self.found["/" + "/".join(pointer)] = None
                replaced.append((span_start, span_end, json.dumps(REDACTED)))
        if replaced:
            text = _replace(text, sorted(replaced))
        if not self.patterns:
            return text
        return self._each(_SCALAR, text, lambda scalar: self._scalar(scalar, depth))

    def _scalar(self, scalar: str, depth: int) -> str | None:
        """Redact a string or a long number, as it is written; None where nothing is in it."""
        if not scalar.startswith('"'):
            if Pattern.CARD in self.patterns and is_card(scalar.lstrip("-")):
                self.found[Pattern.CARD.value] = None
                return json.dumps(f"[{Pattern.CARD}]")
            return None
        if len(scalar) < _SHORTEST_FIND:
            return None
        text = json.loads(scalar) if "\\" in scalar else scalar[1:-1]
        clean = self.text(text, depth + 1)
        if clean == text:
            return None
        # A half of a surrogate pair has no UTF-8, and is not printable either.
        return json.dumps(clean, ensure_ascii=not clean.isprintable())


# An address of 5 characters, in quotes.
_SHORTEST_FIND = 7

# 12 characters hold 9 bytes. Lines that are as long as MIME's may go on in the next.
_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{12,}(?:\r?\n[A-Za-z0-9+/_-]+)*={0,2}", re.ASCII
)
_WORD = re.compile(r"""[^\s&=;,"'<>]+""")

_SCALAR = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|(?<![\d.eE+])-?\d{13,19}(?![\d.eE])', re.DOTALL)


def _decode(body: bytes, content_type: str) -> tuple[str, str | None]:
    """Decode a body by the charset that its type names, or as UTF-8 or what JSON may be written in.

    The text is None where it is in neither.
    """
    named = _CHARSET.search(content_type)
    # UTF-16 and -32 without a mark of their order are not told from other bytes but in JSON.
    for encoding in dict.fromkeys((named[1] if named else "utf-8", "utf-8")):
        try:
            return encoding, body.decode(encoding)
        except (LookupError, ValueError):
            continue
    detected = json.detect_encoding(body)
    if detected != "utf-8":
        try:
            text = body.decode(detected)
        except ValueError:
            return "", None
        if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", '"'):
            return detected, text
    return "", None


def _documents(text: str) -> Sequence[tuple[int, int]] | None:
    """Find the JSON documents of a text: one, or one in each line; None where it is no JSON.

    Raises:
        RecursionError: it is nested too deeply.
    """
    start = 1 if text.startswith("\ufeff") else 0
    if _is_json(text[start:]):
        return ((start, len(text)),)
    documents = []
    for line in text[start:].splitlines(keepends=True):
        if line.strip():
            if not _is_json(line):
                return None
            documents.append((start, start + len(line)))
        start += len(line)
    return documents or None


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except ValueError:
        return False
    return True


_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],]|[^\s{}\[\],:"]+', re.DOTALL)


@dataclass(slots=True)
class _Level:
    """An array or object that is open, and what of the pointers is left within it."""

    is_object: bool
    left: Sequence[tuple[Pointer, Pointer]]
    index: int = 0
    key: str | None = None

    def next_left(self) -> Sequence[tuple[Pointer, Pointer]]:
        """Say what is left of the pointers for the value that comes now."""
        token = self.key if self.is_object else str(self.index)
        return [
            (pointer, left[1:]) for pointer, left in self.left if left and left[0] in (token, EVERY)
        ]


def _pointed_at(
    text: str, start: int, end: int, pointers: Sequence[Pointer]
) -> Iterator[tuple[int, int, Pointer]]:
    """Find the outermost values of one document that the pointers point at."""
    if not pointers:
        return
    levels: list[_Level] = []
    hidden: tuple[int, int, Pointer] | None = None
    for match in _TOKEN.finditer(text, start, end):
        token = match[0]
        if token in ("}", "]"):
            levels.pop()
            if hidden is not None and hidden[0] == len(levels):
                yield hidden[1], match.end(), hidden[2]
                hidden = None
            continue
        if token == ",":
            levels[-1].index += 1
            levels[-1].key = None
            continue
        if levels and levels[-1].is_object and levels[-1].key is None:
            levels[-1].key = json.loads(token)
            continue
        left = levels[-1].next_left() if levels else [(pointer, pointer) for pointer in pointers]
        reached = next((pointer for pointer, rest in left if not rest), None)
        if token in ("{", "["):
            if reached is not None and hidden is None:
                hidden = (len(levels), match.start(), reached)
            levels.append(_Level(token == "{", [] if hidden is not None else left))
        elif reached is not None and hidden is None:
            yield match.start(), match.end(), reached


def _decode_base64(word: str) -> bytes | None:
    padded = word.rstrip("=").translate(_URL_SAFE)
    padded = padded[: len(padded) - (len(padded) % 4 == 1)]
    try:
        return base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except binascii.Error:
        return None


_URL_SAFE = str.maketrans("-_", "+/")


def _replace(
    text: str, replaced: Iterator[tuple[int, int, str]] | Sequence[tuple[int, int, str]]
) -> str:
    """Put texts in the place of what stands from one index to before another; in order."""
    parts: list[str] = []
    done = 0
    for start, end, instead in replaced:
        parts += (text[done:start], instead)
        done = end
    if not parts:
        return text
    return "".join((*parts, text[done:]))
