"""DynamoDB's expressions, evaluated: conditions and updates, by the grammar of its manual.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html

What is not known here (contains, a path within brackets) raises, so that no request is
answered by a guess.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

# As they travel: {"S": "text"}, {"M": {…}}, and so on.
Value = Mapping[str, Any]
Item = Mapping[str, Value]


class ExpressionError(Exception):
    """An expression that can't be read, or can't be applied to the item that is there."""


@dataclass(frozen=True, slots=True)
class Given:
    """What comes with an expression: the names that stand for its `#x`, the values for its `:x`."""

    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)


Path = tuple[str, ...]
Condition = Callable[[Item, Given], bool]
_Operand = Callable[[Item, Given], Value | None]


@dataclass(frozen=True, slots=True)
class Update:
    """What is set, removed, added, and taken out of sets; all is judged by the item as it was."""

    sets: tuple[tuple[Path, _Operand], ...]
    removes: tuple[Path, ...]
    adds: tuple[tuple[Path, _Operand], ...]
    deletes: tuple[tuple[Path, _Operand], ...]

    def apply(self, item: Item, given: Given) -> dict[str, Value]:
        """Return the item after it; the one that is given stays as it is."""
        after = {name: _copy(value) for name, value in item.items()}
        for path, operand in self.sets:
            value = operand(item, given)
            if value is None:
                raise ExpressionError(f"{'.'.join(path)} is set to an attribute that is not there")
            _place(after, _named(path, given), value)
        for path in self.removes:
            _remove(after, _named(path, given))
        for path, operand in self.adds:
            names, added = _named(path, given), operand(item, given)
            if added is None:
                raise ExpressionError(f"ADD of what is not there to {'.'.join(names)}")
            _place(after, names, _sum(_find(item, names), added))
        for path, operand in self.deletes:
            names, taken = _named(path, given), operand(item, given)
            left = _less(_find(item, names), taken)
            if left is None:
                _remove(after, names)
            else:
                _place(after, names, left)
        return after


@lru_cache(maxsize=512)
def condition(text: str) -> Condition:
    """Read a ConditionExpression, FilterExpression or KeyConditionExpression.

    Raises:
        ExpressionError: it can't be read.
    """
    reader = _Reader(text)
    found = reader.any_of()
    reader.end()
    return found


@lru_cache(maxsize=512)
def update(text: str) -> Update:
    """Read an UpdateExpression.

    Raises:
        ExpressionError: it can't be read.
    """
    reader = _Reader(text)
    found = reader.update()
    reader.end()
    return found


@lru_cache(maxsize=512)
def paths(text: str) -> tuple[Path, ...]:
    """Read a ProjectionExpression.

    Raises:
        ExpressionError: it can't be read.
    """
    reader = _Reader(text)
    found = reader.listed(reader.path)
    reader.end()
    return tuple(found)


def project(item: Item, text: str, given: Given) -> dict[str, Value]:
    """Return what a ProjectionExpression leaves of an item."""
    left: dict[str, Value] = {}
    for path in paths(text):
        names = _named(path, given)
        value = _find(item, names)
        if value is None:
            continue
        for depth in range(1, len(names)):
            if _find(left, names[:depth]) is None:
                _place(left, names[:depth], {"M": {}})
        _place(left, names, value)
    return left


_TOKEN = re.compile(r"\s*(?:([#:]?\w+)|(<>|<=|>=|[=<>(),.+-]))")
_KEYWORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"})
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


class _Reader:
    """Reads from the left to the right; each method takes what it is named after."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            token = _TOKEN.match(text, at)
            if token is None:
                raise ExpressionError(f"what stands at {text[at:]!r} of {text!r} is not known")
            self.tokens.append(token[1] or token[2])
            at = token.end()
        self.tokens.reverse()

    @property
    def next(self) -> str:
        return self.tokens[-1] if self.tokens else ""

    def take(self, wanted: str | None = None) -> str:
        token = self.tokens.pop() if self.tokens else ""
        if not token or (wanted is not None and token.upper() != wanted):
            raise ExpressionError(f"{token!r} is not expected in {self.text!r}")
        return token

    def is_next(self, *words: str) -> bool:
        return self.next.upper() in words

    def end(self) -> None:
        if self.tokens:
            raise ExpressionError(f"{self.next!r} is not expected in {self.text!r}")

    def listed(self, read: Callable[[], Any]) -> list[Any]:
        found = [read()]
        while self.is_next(","):
            self.take()
            found.append(read())
        return found

    # -- conditions

    def any_of(self) -> Condition:
        parts = [self.all_of()]
        while self.is_next("OR"):
            self.take()
            parts.append(self.all_of())
        return lambda item, given: any(part(item, given) for part in parts)

    def all_of(self) -> Condition:
        parts = [self.negation()]
        while self.is_next("AND"):
            self.take()
            parts.append(self.negation())
        return lambda item, given: all(part(item, given) for part in parts)

    def negation(self) -> Condition:
        if self.is_next("NOT"):
            self.take()
            part = self.negation()
            return lambda item, given: not part(item, given)
        if self.is_next("("):
            self.take()
            part = self.any_of()
            self.take(")")
            return part
        return self.comparison()

    def comparison(self) -> Condition:
        if self.is_next("ATTRIBUTE_EXISTS", "ATTRIBUTE_NOT_EXISTS"):
            wants = self.take().lower() == "attribute_exists"
            self.take("(")
            path = self.path()
            self.take(")")
            return lambda item, given: (_find(item, _named(path, given)) is not None) == wants
        if self.is_next("BEGINS_WITH"):
            self.take()
            self.take("(")
            whole, beginning = self.listed(self.operand)
            self.take(")")
            return lambda item, given: _begins(whole(item, given), beginning(item, given))
        left = self.operand()
        if self.is_next("BETWEEN"):
            self.take()
            low = self.operand()
            self.take("AND")
            high = self.operand()
            return lambda item, given: (
                _compare(">=", left(item, given), low(item, given))
                and _compare("<=", left(item, given), high(item, given))
            )
        if self.is_next("IN"):
            self.take()
            self.take("(")
            members = self.listed(self.operand)
            self.take(")")
            return lambda item, given: any(
                _compare("=", left(item, given), member(item, given)) for member in members
            )
        sign = self.take()
        right = self.operand()
        return lambda item, given: _compare(sign, left(item, given), right(item, given))

    # -- updates

    def update(self) -> Update:
        sets: list[tuple[Path, _Operand]] = []
        removes: list[Path] = []
        adds: list[tuple[Path, _Operand]] = []
        deletes: list[tuple[Path, _Operand]] = []
        while self.tokens:
            match self.take().upper():
                case "SET":
                    sets += self.listed(self.assignment)
                case "REMOVE":
                    removes += self.listed(self.path)
                case "ADD":
                    adds += self.listed(self.members)
                case "DELETE":
                    deletes += self.listed(self.members)
                case other:
                    raise ExpressionError(f"{other!r} is not expected in {self.text!r}")
        return Update(tuple(sets), tuple(removes), tuple(adds), tuple(deletes))

    def assignment(self) -> tuple[Path, _Operand]:
        path = self.path()
        self.take("=")
        left = self.operand()
        if not self.is_next("+", "-"):
            return path, left
        sign = -1 if self.take() == "-" else 1
        right = self.operand()
        return path, lambda item, given: _number(
            _decimal(left(item, given)) + sign * _decimal(right(item, given))
        )

    def members(self) -> tuple[Path, _Operand]:
        return self.path(), self.operand()

    # -- what both have

    def operand(self) -> _Operand:
        if self.next.startswith(":"):
            name = self.take()
            return lambda _, given: given.values[name]
        match self.next.lower():
            case "if_not_exists":
                self.take()
                self.take("(")
                path = self.path()
                self.take(",")
                otherwise = self.operand()
                self.take(")")
                return lambda item, given: (
                    _find(item, _named(path, given)) or otherwise(item, given)
                )
            case "list_append":
                self.take()
                self.take("(")
                first, second = self.listed(self.operand)
                self.take(")")
                return lambda item, given: {
                    "L": [*_list(first(item, given)), *_list(second(item, given))]
                }
            case "size":
                self.take()
                self.take("(")
                path = self.path()
                self.take(")")
                return lambda item, given: _size(_find(item, _named(path, given)))
            case _:
                path = self.path()
                return lambda item, given: _find(item, _named(path, given))

    def path(self) -> Path:
        parts = [self.name()]
        while self.is_next("."):
            self.take()
            parts.append(self.name())
        return tuple(parts)

    def name(self) -> str:
        token = self.take()
        if not (token[0] == "#" or token[0] == "_" or token[0].isalpha()) or (
            token.upper() in _KEYWORDS
        ):
            raise ExpressionError(f"{token!r} is no name of an attribute in {self.text!r}")
        return token


def _named(path: Path, given: Given) -> Path:
    return tuple(given.names[part] if part.startswith("#") else part for part in path)


def _find(item: Item, path: Path) -> Value | None:
    members: Item = item
    found: Value | None = None
    for name in path:
        found = members.get(name)
        if found is None:
            return None
        members = found.get("M", {})
    return found


def _holder(item: dict[str, Any], path: Path) -> dict[str, Any] | None:
    """Return the map in which the last name of a path stands."""
    members = item
    for name in path[:-1]:
        found = members.get(name)
        if found is None or "M" not in found:
            return None
        members = found["M"]
    return members


def _place(item: dict[str, Any], path: Path, value: Value) -> None:
    holder = _holder(item, path)
    if holder is None:
        raise ExpressionError(
            "The document path provided in the update expression is invalid for update"
        )
    holder[path[-1]] = value


def _remove(item: dict[str, Any], path: Path) -> None:
    holder = _holder(item, path)
    if holder is None:
        raise ExpressionError(
            "The document path provided in the update expression is invalid for update"
        )
    holder.pop(path[-1], None)


def _copy(value: Value) -> Value:
    """Copy what an update could change: maps, down to their members."""
    if "M" not in value:
        return value
    return {"M": {name: _copy(member) for name, member in value["M"].items()}}


def _compare(sign: str, left: Value | None, right: Value | None) -> bool:
    """Compare as DynamoDB does: what is not there, or of another type, is neither less nor more."""
    if sign == "=":
        return left is not None and right is not None and _plain(left) == _plain(right)
    if sign == "<>":
        return left is None or right is None or _plain(left) != _plain(right)
    order = _ORDERS.get(sign)
    if order is None:
        raise ExpressionError(f"{sign!r} is no comparison")
    if left is None or right is None or left.keys() != right.keys():
        return False
    return order(_plain(left)[1], _plain(right)[1])


def _plain(value: Value) -> tuple[str, Any]:
    """Return a value that is equal where DynamoDB takes the two as equal, and is ordered so."""
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return kind, Decimal(held)
        case "S":
            return kind, held.encode()
        case "SS" | "NS" | "BS":
            return kind, frozenset(held)
        case "L":
            return kind, [_plain(member) for member in held]
        case "M":
            return kind, {name: _plain(member) for name, member in held.items()}
        case _:
            return kind, held


def _begins(whole: Value | None, beginning: Value | None) -> bool:
    if whole is None or beginning is None or "S" not in whole or "S" not in beginning:
        return False
    is_so: bool = whole["S"].startswith(beginning["S"])
    return is_so


def _sum(before: Value | None, added: Value) -> Value:
    ((kind, held),) = added.items()
    if kind == "N":
        return _number((Decimal(0) if before is None else _decimal(before)) + Decimal(held))
    if kind not in ("SS", "NS", "BS"):
        raise ExpressionError(f"ADD takes numbers and sets, not {kind}")
    return {kind: sorted({*(before or {}).get(kind, ()), *held})}


def _less(before: Value | None, taken: Value | None) -> Value | None:
    """Return what is left of a set; of one that is empty, nothing is."""
    ((kind, held),) = (taken or {"": ()}).items()
    if kind not in ("SS", "NS", "BS") or (before is not None and kind not in before):
        raise ExpressionError(f"DELETE takes sets of one type, not {kind} out of {before}")
    left = sorted({*(before or {}).get(kind, ())} - {*held})
    return {kind: left} if left else None


def _decimal(value: Value | None) -> Decimal:
    if value is None or "N" not in value:
        raise ExpressionError(f"{value} is no number")
    return Decimal(value["N"])


def _number(number: Decimal) -> Value:
    return {"N": format(number, "f")}


def _list(value: Value | None) -> list[Value]:
    if value is None or "L" not in value:
        raise ExpressionError(f"{value} is no list")
    members: list[Value] = value["L"]
    return members


def _size(value: Value | None) -> Value | None:
    if value is None:
        return None
    ((kind, held),) = value.items()
    return {"N": str(len(held.encode() if kind == "S" else held))}
