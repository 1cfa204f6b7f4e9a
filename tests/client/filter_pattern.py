"""CloudWatch's filter patterns for JSON, as far as the CLI writes them, held against a line.

A pattern that has anything else in it is an AssertionError: what a quote or an asterisk within a
text would mean, AWS does not say.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-json-log-events.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<sign>\(|\)|&&|\|\|)
    | \$\.(?P<name>[a-z_]+)\ (?P<comparison>=|!=|>=|<=)\ (?:(?P<number>\d+)|"(?P<text>[^"\\]*)")
    )""",
    re.VERBOSE,
)


class _Pattern:
    """Reads from left to right; && binds tighter than ||."""

    def __init__(self, text: str, fields: Mapping[str, object]) -> None:
        assert len(text) <= 1024, "AWS takes no longer one"
        assert text.startswith("{ ")
        assert text.endswith(" }")
        self._rest = text[2:-2]
        self._fields = fields

    def matches(self) -> bool:
        outcome = self._either()
        assert not self._rest.strip(), self._rest
        return outcome

    def _either(self) -> bool:
        outcome = self._both()
        while self._take("||"):
            outcome = self._both() or outcome
        return outcome

    def _both(self) -> bool:
        outcome = self._one()
        while self._take("&&"):
            outcome = self._one() and outcome
        return outcome

    def _one(self) -> bool:
        if self._take("("):
            outcome = self._either()
            assert self._take(")"), self._rest
            return outcome
        found = _TOKEN.match(self._rest)
        assert found is not None, self._rest
        assert found["name"], self._rest
        self._rest = self._rest[found.end() :]
        return self._compares(found)

    def _take(self, sign: str) -> bool:
        found = _TOKEN.match(self._rest)
        if found is None or found["sign"] != sign:
            return False
        self._rest = self._rest[found.end() :]
        return True

    def _compares(self, found: re.Match[str]) -> bool:
        value, comparison = self._fields.get(found["name"]), found["comparison"]
        if found["number"]:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            bound = int(found["number"])
            return value >= bound if comparison == ">=" else value <= bound
        text = found["text"]
        assert "*" not in text.strip("*"), "an asterisk stands at either end"
        pieces = re.escape(text).replace(r"\*", ".*")
        is_equal = isinstance(value, str) and re.fullmatch(pieces, value, re.DOTALL) is not None
        assert comparison in ("=", "!=")
        return is_equal if comparison == "=" else not is_equal


def lets_through(pattern: str, fields: Mapping[str, object]) -> bool:
    """Whether FilterLogEvents returns a line of these fields."""
    return _Pattern(pattern, fields).matches()
