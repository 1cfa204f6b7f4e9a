"""RFC 7240's `Prefer`: what a caller would like to become of a request that can't be answered yet.

https://www.rfc-editor.org/rfc/rfc7240
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

_OWS = re.compile(r"[ \t]*")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_QUOTED = re.compile(r'"(?P<inner>(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*)"')
_ESCAPED = re.compile(r"\\(.)")

# Of so many digits it does not matter how many there are.
_MANY_DIGITS = 9


class PreferError(ValueError):
    """The header can't be read; the message says where."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the caller would like.

    `wait` is how long an answer is waited for; zero says not at all, None nothing. With
    `respond_async` the request is to be answered later, rather than not at all.
    """

    wait: timedelta | None = None
    respond_async: bool = False


def parse_prefer(header: str) -> Preferences:
    """Read the header; several are one, joined by commas. What is not known is left alone, and of
    preferences of one name, which has no case, the first counts.

    Raises:
        PreferError: it has another syntax, or `wait` is no whole number of seconds.
    """
    first: dict[str, str] = {}
    for name, value in _preferences(header):
        first.setdefault(name.lower(), value)
    return Preferences(
        wait=_seconds(first["wait"]) if "wait" in first else None,
        # It has no value; an empty one is none.
        respond_async=first.get("respond-async") == "",
    )


def _seconds(text: str) -> timedelta:
    if not (text.isascii() and text.isdecimal()):
        raise PreferError(f"wait takes a whole number of seconds, not {text!r:.100}")
    digits = text.lstrip("0")
    return timedelta(seconds=int(digits or "0") if len(digits) <= _MANY_DIGITS else 10**9)


def _preferences(header: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each; its parameters are read and dropped."""
    at = _skip(header, 0)
    while at < len(header):
        if header[at] != ",":
            name, value, at = _pair(header, at)
            yield name, value
            while header[at : at + 1] == ";":
                at = _skip(header, at + 1)
                if header[at : at + 1] not in ("", ",", ";"):
                    _, _, at = _pair(header, at)
            if header[at : at + 1] not in ("", ","):
                raise _unreadable(header, at)
        at = _skip(header, at + 1)


def _pair(header: str, at: int) -> tuple[str, str, int]:
    """Read `token [= word]` and the blanks after it; return both, and where it ends."""
    token = _TOKEN.match(header, at)
    if token is None:
        raise _unreadable(header, at)
    at = _skip(header, token.end())
    if header[at : at + 1] != "=":
        return token[0], "", at
    at = _skip(header, at + 1)
    if word := _TOKEN.match(header, at):
        return token[0], word[0], _skip(header, word.end())
    if quoted := _QUOTED.match(header, at):
        value = _ESCAPED.sub(r"\1", quoted["inner"])
        return token[0], value, _skip(header, quoted.end())
    raise _unreadable(header, at)


def _skip(header: str, at: int) -> int:
    blanks = _OWS.match(header, at)
    return at if blanks is None else blanks.end()


def _unreadable(header: str, at: int) -> PreferError:
    rest = header[at:]
    where = f"at {rest!r:.100}" if rest else "where it ends"
    return PreferError(f"the header Prefer can't be read {where}")
