"""Where an e-mail address, a payment card's number or a phone number stands in a text.

Better one that is none than one that is missed, but for what models are fed with: plain numbers,
times, dates, versions and ids are left alone.
"""

import re
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass

from dormouse.domain.capture_policy import Pattern


@dataclass(frozen=True, slots=True)
class Span:
    """What was recognised, and where: from `start` to before `end`."""

    start: int
    end: int
    pattern: Pattern


def find(text: str, patterns: Set[Pattern]) -> Sequence[Span]:
    """Find what the patterns recognise, in order; what overlaps is one. In linear time."""
    found = sorted(
        (span for pattern in sorted(patterns) for span in _FINDERS[pattern](text)),
        key=lambda span: (span.start, -span.end),
    )
    spans: list[Span] = []
    for span in found:
        if spans and span.start < spans[-1].end:
            before = spans.pop()
            spans.append(Span(before.start, max(before.end, span.end), before.pattern))
        else:
            spans.append(span)
    return spans


# -------------------------------------------------------------------------------------------- email

# As it is, in a URL, in HTML, and full-width.
_AT = re.compile(r"@|%40|&#0{0,4}64;|&#[xX]0{0,4}40;|\uff20")
_LOCAL = frozenset("!#$%&'*+-./=?^_`{|}~")
_LONGEST_LOCAL = 64
_DOT = r"(?:\.|%2[eE]|\u3002)"
# Labels of letters of any script; the last has two letters at least.
_DOMAIN = re.compile(
    rf"(?:[^\W_][\w-]{{0,62}}{_DOT}){{1,10}}(?:xn--[\w-]{{2,59}}|[^\W\d_]{{2,63}})"
)


def _emails(text: str) -> Iterator[Span]:
    end = 0
    for at in _AT.finditer(text):
        domain = _DOMAIN.match(text, at.end())
        if domain is None:
            continue
        start = at.start()
        floor = max(end, start - _LONGEST_LOCAL)
        while start > floor and (text[start - 1].isalnum() or text[start - 1] in _LOCAL):
            start -= 1
        if start == at.start() and start > 0 and text[start - 1] == '"':
            # "a quoted one"@example.com
            opening = text.rfind('"', floor, start - 1)
            start = opening if opening >= 0 else start
        if start < at.start():
            end = domain.end()
            yield Span(start, end, Pattern.EMAIL)


# --------------------------------------------------------------------------------------------- card

_GAP = "[ \\-\u00a0\u2010\u2011\u2013\u202f]"
# No digits behind a decimal point.
_MANY_DIGITS = re.compile(rf"(?<!\d)(?<!\d\.)(?:\d{_GAP}?){{12,}}\d", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
_FRACTION = re.compile(r"\.\d", re.ASCII)
_SHORTEST_CARD, _LONGEST_CARD = 13, 19

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


def _cards(text: str) -> Iterator[Span]:
    for run in _MANY_DIGITS.finditer(text):
        if _FRACTION.match(text, run.end()):
            continue
        groups = [match.span() for match in _DIGITS.finditer(text, run.start(), run.end())]
        first = 0
        while first < len(groups):
            last = _last_of_card(text, groups, first)
            if last is None:
                first += 1
            else:
                yield Span(groups[first][0], groups[last][1], Pattern.CARD)
                first = last + 1


def _last_of_card(text: str, groups: Sequence[tuple[int, int]], first: int) -> int | None:
    """Find with which group a card's number ends that begins with one; the longest counts."""
    number, found = "", None
    for index in range(first, len(groups)):
        number += text[slice(*groups[index])]
        if len(number) > _LONGEST_CARD:
            break
        if is_card(number):
            found = index
    return found


def is_card(number: str) -> bool:
    """Whether these digits can be the number of a payment card: by issuer, length and Luhn's sum.

    https://www.iso.org/standard/70484.html, annex B
    """
    if not _SHORTEST_CARD <= len(number) <= _LONGEST_CARD or _ISSUED.fullmatch(number) is None:
        return False
    digits = [int(digit) for digit in reversed(number)]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + doubled) % 10 == 0


# -------------------------------------------------------------------------------------------- phone

_PHONE_GAP = "[ .()/\\-\u00a0\u2010\u2011\u2013\u202f]"
_ALONE = r"(?<![\w.+-])"
_ENDS = r"(?![\w-]*\d)(?!\.\d)"
_PHONES = (
    # +49 (0)170 123 45 67: E.164 has 15 digits at the most.
    re.compile(
        rf"(?<![\w+])\+{_PHONE_GAP}?[1-9](?:{_PHONE_GAP}{{0,3}}\d){{6,14}}{_ENDS}", re.ASCII
    ),
    # (212) 555-0123, 1-212-555-0123, 212.555.0123
    re.compile(
        rf"{_ALONE}(?:1[ .-])?(?:\([2-9]\d\d\)[ -]?|[2-9]\d\d([ .-]))\d{{3}}[ .-]\d{{4}}{_ENDS}",
        re.ASCII,
    ),
    # 030 1234567, (0170) 12 34 567, 01 23 45 67 89, 0044 20 7946 0018; no date.
    re.compile(
        rf"{_ALONE}(?!\d\d[/-]\d\d[/-]\d{{4}})\(?0\d{{1,5}}\)?"
        rf"(?:(?: ?[/-] ?| |\u00a0)\d{{2,9}}){{1,5}}{_ENDS}",
        re.ASCII,
    ),
)
_FEWEST_DIGITS, _MOST_DIGITS = 8, 15


def _phones(text: str) -> Iterator[Span]:
    for phone in _PHONES:
        for match in phone.finditer(text):
            digits = sum(map(str.isdigit, match[0]))
            # A date and a number behind it are none, and neither is an area code alone.
            if _FEWEST_DIGITS <= digits <= _MOST_DIGITS:
                yield Span(match.start(), match.end(), Pattern.PHONE)


_FINDERS: dict[Pattern, Callable[[str], Iterator[Span]]] = {
    Pattern.EMAIL: _emails,
    Pattern.CARD: _cards,
    Pattern.PHONE: _phones,
}
