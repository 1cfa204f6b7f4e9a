"""Where an e-mail address, a payment card's number or a phone number stands in a text.

Better one that is none than one that is missed, but for what models are fed with: plain numbers,
times, dates, versions, ids and lists of numbers are left alone.

Found is:
- an address whose domain has a dot, in any script, its local part quoted or not, of 64 characters
  at the most; its `@` may be full-width, HTML's (`&#64;`) or `[at]`, its dots `[dot]`;
- a card's number by issuer, length and Luhn's sum: as 13 to 19 digits, as a float, or in the groups
  that are printed on cards (4-4-4-4 and up to 3 more, 4-6-5, 4-6-4, 4-3-3-3, 6-13), between which
  one sort of gap stands: space, hyphen, dash, dot, plus or underscore;
- a phone number that begins with `+`, with an area code in parentheses, with a 0 and has a gap
  (030 1234567), or is written 212-555-0123 or 138 1234 5678.

Not found is, as nothing tells it from other numbers and words: a phone number of digits alone, or
in national groups without a leading 0 (612 345 678); one that is written as a float, as in
+49.1701234567; what stands among more than ten numbers with spaces between them, but for ungrouped
cards; a grouped number or a phone behind 256 letters without a space; what is glued to other
digits, or a card's number to hexadecimal ones; digits of other scripts or spelled out; an address
of a host without a dot or of an IP address; a text that is cut in pieces, or read backwards.
"""

import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from decimal import Decimal

from dormouse.domain.capture_policy import Pattern


@dataclass(frozen=True, slots=True)
class Span:
    """What was recognised, and where: from `start` to before `end`."""

    start: int
    end: int
    pattern: Pattern


def find(text: str, patterns: Set[Pattern], *, is_text: bool = True) -> list[Span]:
    """Find what the patterns recognise, in order; what overlaps is one. In linear time.

    In what is no text but bytes, shorter addresses come about by chance: there they are ASCII, with
    3 characters before the `@` at least, and a domain that is all in lower or all in upper case.
    """
    found: list[Span] = []
    if Pattern.EMAIL in patterns:
        found.extend(_emails(text) if is_text else _plain_emails(text))
    if patterns & _NUMBERS and _SEVEN_DIGITS.search(text):
        # Most texts have no numbers in groups.
        segments = tuple(_outside_lists(text)) if _GROUPS.search(text) else ()
        for pattern in (Pattern.CARD, Pattern.PHONE):
            if pattern in patterns:
                found.extend(_NUMBER_FINDERS[pattern](text, segments))
    found.sort(key=lambda span: (span.start, -span.end))
    spans: list[Span] = []
    for span in found:
        if spans and span.start < spans[-1].end:
            before = spans.pop()
            spans.append(Span(before.start, max(before.end, span.end), before.pattern))
        else:
            spans.append(span)
    return spans


# -------------------------------------------------------------------------------------------- email

_DOT = r"(?:\.|\u3002|\uff0e| ?[\[({](?:dot|DOT|\.)[\])}] ?)"
# Labels of letters of any script; the last has two letters at least.
_AT_DOMAIN = re.compile(
    r"(?:[@\uff20]|&#0{0,4}64;|&#[xX]0{0,4}40;|&commat;| ?[\[({](?:at|AT|@)[\])}] ?)"
    rf"(?:[^\W_][\w-]{{0,62}}+{_DOT}){{1,10}}(?:xn--[\w-]{{2,59}}|[^\W\d_]{{2,63}})"
)
# Without one of these there is no address.
_ATS = ("@", "\uff20", "&#", "&commat;", "at]", "at)", "at}", "AT]", "AT)", "AT}")
_LONGEST_LOCAL = 64
# A local part, read from its end.
_LACOL = re.compile(rf"""[\w!#$%&'*+./=?^`{{|}}~-]{{1,{_LONGEST_LOCAL}}}|"[^"\r\n]*(?:"|\Z)""")


def _emails(text: str) -> Iterator[Span]:
    if not any(at in text for at in _ATS):
        return
    end = 0
    for domain in _AT_DOMAIN.finditer(text):
        # "a quoted one"@example.com has two characters more.
        floor = max(end, domain.start() - _LONGEST_LOCAL - 2)
        local = _LACOL.match(text[floor : domain.start()][::-1])
        if local is not None:
            end = domain.end()
            yield Span(domain.start() - local.end(), end, Pattern.EMAIL)


_PLAIN_AT_DOMAIN = re.compile(
    r"@(?:[a-z0-9][a-z0-9-]{1,62}\.(?:[a-z0-9-]{1,63}\.){0,8}[a-z]{2,24}"
    r"|[A-Z0-9][A-Z0-9-]{1,62}\.(?:[A-Z0-9-]{1,63}\.){0,8}[A-Z]{2,24})(?![A-Za-z0-9])"
)
_PLAIN_LACOL = re.compile(rf"[A-Za-z0-9._%+-]{{3,{_LONGEST_LOCAL}}}")


def _plain_emails(text: str) -> Iterator[Span]:
    for domain in _PLAIN_AT_DOMAIN.finditer(text):
        at = domain.start()
        local = _PLAIN_LACOL.match(text[max(0, at - _LONGEST_LOCAL) : at][::-1])
        if local is not None:
            yield Span(at - local.end(), domain.end(), Pattern.EMAIL)


# ------------------------------------------------------------------------------------------ numbers

_NUMBERS = frozenset({Pattern.CARD, Pattern.PHONE})
# The shortest phone number has more.
_DASH = "\\-\u2010\u2011\u2012\u2013"
_SEVEN_DIGITS = re.compile(rf"\d(?:[ .()/+_\u00a0\u2009\u202f{_DASH}]{{0,3}}\d){{6}}", re.ASCII)
# More than ten numbers; or base64, in which a plus stands between digits too.
_LIST = re.compile(
    r"(?<![\w.+(/-])(?:-?\d{1,7}(?: {1,2}-?\d{1,7}(?![^\s,;\])}\"])){10,}+"
    r"|[A-Za-z0-9+/_-]{256,}+)",
    re.ASCII,
)
_GROUPS = re.compile(
    rf"[+\uff0b(] ?\d|\d\)?[ /+_\u00a0\u2009\u202f{_DASH}]{{1,3}}\(?\d|\d{{3}}\.\d{{3,6}}\.\d{{3}}",
    re.ASCII,
)

Segment = tuple[int, int]


def _outside_lists(text: str) -> Iterator[Segment]:
    """Say what lies between the lists of numbers, such as the ids of tokens."""
    start = 0
    for numbers in _LIST.finditer(text):
        yield start, numbers.start()
        start = numbers.end()
    yield start, len(text)


# --------------------------------------------------------------------------------------------- card

_SHORTEST_CARD, _LONGEST_CARD = 13, 19
_GAP = f"( | ?[{_DASH}]|[.+_\u00a0\u2009\u202f]) ?"
# No digits behind a decimal point; .5 is a number too.
_STARTS = r"\d(?<!\d\d)(?<!\d\.\d)(?<![\s,;\[(:-]\.\d)(?<!\A\.\d)"
_UNGROUPED = re.compile(
    rf"{_STARTS}(?:\d{{12,18}}(?:\.0+)?|\.\d{{9,18}}[eE]\+?1[2-8])(?!\d)(?!\.\d)", re.ASCII
)
# Each start is tried, as a year may stand before a number.
_GROUPED = re.compile(
    rf"{_STARTS}(?=("
    rf"\d{{3}}{_GAP}(?:\d{{4}}\2 ?\d{{4}}\2 ?\d{{4}}(?:\2 ?\d{{1,3}})?|\d{{6}}\2 ?\d{{4,5}}"
    rf"|\d{{3}}\2 ?\d{{3}}\2 ?\d{{3}})"
    rf"|\d{{5}}{_GAP}\d{{13}}"
    r")(?!\d))",
    re.ASCII,
)
_WRITTEN_AS_FLOAT = re.compile(r"\d{1,19}\.\d+(?:[eE]\+?\d{1,2})?", re.ASCII)
_LAST_GROUP = re.compile(r"\D+\d+\Z", re.ASCII)
_NO_DIGITS = re.compile(r"\D+", re.ASCII)
_WORD_BEFORE = re.compile(r"[0-9A-Za-z]{0,40}")
_HEX = re.compile(r"[0-9A-Fa-f]*")

# Of the networks: the leading digits and the lengths of a number.
# https://en.wikipedia.org/wiki/Payment_card_number#Issuer_identification_number_(IIN)
_ISSUED = re.compile(
    r"4(\d{12}|\d{15}|\d{18})"  # Visa
    r"|(5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(0[0-59]|[689]\d)\d{11,16}"  # Diners Club
    r"|35(2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|(6\d{3}|50\d\d|5[6-9]\d\d)\d{9,15}"  # Discover, UnionPay, Maestro, RuPay
    r"|220[0-4]\d{12,15}|9792\d{12}",  # Mir, Troy
    re.ASCII,
)


def is_card(number: str) -> bool:
    """Whether these digits can be the number of a payment card: by issuer, length and Luhn's sum.

    A number may be written as a float, with or without an exponent.

    https://www.iso.org/standard/70484.html, annex B
    """
    if "." in number:
        # A greater exponent would make a number of as many digits.
        if _WRITTEN_AS_FLOAT.fullmatch(number) is None:
            return False
        value = Decimal(number)
        number = str(int(value)) if value == value.to_integral_value() else ""
    if not _SHORTEST_CARD <= len(number) <= _LONGEST_CARD or _ISSUED.fullmatch(number) is None:
        return False
    backwards = number[::-1]
    return sum(map(int, backwards[::2] + backwards[1::2].translate(_DOUBLED))) % 10 == 0


# Twice a digit, its digits added.
_DOUBLED = str.maketrans("0123456789", "0246813579")


def _cards(text: str, segments: tuple[Segment, ...]) -> Iterator[Span]:
    for match in _UNGROUPED.finditer(text):
        if is_card(match[0]) and not _is_in_hex(text, match.start(), match.end()):
            yield Span(match.start(), match.end(), Pattern.CARD)
    for start, end in segments:
        for match in _GROUPED.finditer(text, start, end):
            written = match[0] + match[1]
            for candidate in (written, _LAST_GROUP.sub("", written)):
                if is_card(_NO_DIGITS.sub("", candidate)):
                    last = match.start() + len(candidate)
                    if not _is_in_hex(text, match.start(), last):
                        yield Span(match.start(), last, Pattern.CARD)
                    break


def _is_in_hex(text: str, start: int, end: int) -> bool:
    """Whether hexadecimal digits stand around a number."""
    before = _WORD_BEFORE.match(text[max(0, start - 40) : start][::-1])
    behind = _WORD_BEFORE.match(text, end)
    around = (before[0] if before else "") + (behind[0] if behind else "")
    return bool(around) and _HEX.fullmatch(around) is not None


# -------------------------------------------------------------------------------------------- phone

_ALONE = r"(?<![\w.+-])(?<!\d[:/])"
_ENDS = r"(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![\w-]{0,20}\d)(?!\.\d)(?!:\d)"
_DATE = r"[0-3]?\d[/.-][0-3]?\d[/.-](?:\d\d){1,2}(?!\d|[/.-]\d)"
_PHONE_GAP = f"[ .()/{_DASH}\u00a0\u202f]"
_PHONES = (
    # +49 (0)170 123 45 67, +49+170+1234567 in a form, no +1.2345678: E.164 has 15 digits at most.
    re.compile(
        rf"(?<![\w+])(?:\+|\uff0b)(?!\d{{1,7}}\.\d+(?![.\d])){_PHONE_GAP}?[1-9]"
        rf"(?:(?:{_PHONE_GAP}{{0,3}}|\+)\d){{6,14}}{_ENDS}",
        re.ASCII,
    ),
    # (212) 555-0123, 1-212-555-0123, 212.555.0123
    re.compile(
        rf"{_ALONE}(?:1[ .+{_DASH}])?(?:\([2-9]\d\d\)[ +{_DASH}]?|[2-9]\d\d([ .+{_DASH}]))"
        rf"[2-9]\d\d[ .+{_DASH}]\d{{4}}{_ENDS}",
        re.ASCII,
    ),
    # (11) 91234-5678, 138 1234 5678
    re.compile(
        rf"{_ALONE}(?:\(\d{{2,5}}\)[ +]?\d{{3,5}}[ +{_DASH}]?\d{{3,5}}"
        rf"|1[3-9]\d([ +{_DASH}])\d{{4}}\1\d{{4}}){_ENDS}",
        re.ASCII,
    ),
    # 030 1234567, (0170) 12 34 567, 01 23 45 67 89, 0044 20 7946 0018; no date.
    re.compile(
        rf"{_ALONE}(?!{_DATE})\(?0\d{{1,5}}\)?"
        rf"(?:(?: ?[/{_DASH}] ?|[ .+\u00a0\u202f])\d{{2,9}}){{1,5}}{_ENDS}",
        re.ASCII,
    ),
)
# The most that E.164 has, and those of an extension.
_FEWEST_DIGITS, _MOST_DIGITS = 8, 15 + 6
_FLOAT = re.compile(r"\d+\.\d+", re.ASCII)


def _phones(text: str, segments: tuple[Segment, ...]) -> Iterator[Span]:
    for start, end in segments:
        for phone in _PHONES:
            for match in phone.finditer(text, start, end):
                digits = sum(map(str.isdigit, match[0]))
                if _FEWEST_DIGITS <= digits <= _MOST_DIGITS and not _FLOAT.fullmatch(match[0]):
                    yield Span(match.start(), match.end(), Pattern.PHONE)


_NUMBER_FINDERS: dict[Pattern, Callable[[str, tuple[Segment, ...]], Iterator[Span]]] = {
    Pattern.CARD: _cards,
    Pattern.PHONE: _phones,
}
