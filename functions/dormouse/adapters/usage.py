"""The usage table: an item for each part of a minute that a container has counted, and one for each
model with its last use. (And one for each day of demand: see demand_days.py.)

A part's item has the counts so far, and each write of it stands in the place of the one before: a
write that is tried again counts nothing twice. Both kinds are written in batches:
- `minute#2026-02-14T17:25Z#<part>`: `models`, a map from model to `requests`, `in`, `out`,
  `errors_4xx`, `errors_5xx`, `cold`, `waited_ms` and `latency` (those that are 0 are left out),
  `no_model` with the same counts for what was asked of none, `callers`, a map from principal to
  requests, and `demand`, how many have arrived. DynamoDB deletes it after 28 days.
- `model#<name>`: `last_used_at`. DynamoDB deletes it after 400 days.

With four models of ordinary names an item has less than 1 KB, so to write it is one unit.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from dormouse.adapters.calls import aws_call
from dormouse.adapters.demand_days import DemandDaysTable
from dormouse.adapters.moments import read_moment, write_moment
from dormouse.domain.latencies import Latencies
from dormouse.domain.usage import (
    NO_MODEL,
    LastUse,
    MinutePart,
    Tally,
    Usage,
    hottest,
    minute_of,
    usage_of,
)
from dormouse.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        QueryInputTypeDef,
        WriteRequestTypeDef,
    )

    Value = AttributeValueTypeDef
    Item = Mapping[str, AttributeValueTypeDef]

# DynamoDB deletes an item some time after `expires_at`.
MINUTES_KEPT = timedelta(days=28)
LAST_USES_KEPT = timedelta(days=400)

# BatchWriteItem takes so many items. Together they have far less than the 16 MB that it takes too:
# a part has less than 100 KB, since it is bounded in models and callers.
_ITEMS_AT_ONCE = 25

# What DynamoDB has not done of a batch is asked of it again at once, so often: somebody waits. What
# is left then comes with the next write.
_ATTEMPTS = 3

# DynamoDB ends a page at 1 MB, which is about a thousand parts of minutes or ten thousand models.
_USAGE_PAGES = 16
_LAST_USES_PAGES = 4
_HOT_MODELS_PAGES = 1
_PARTS_PAGES = 4

_MINUTE = "minute#"
_MODEL = "model#"

_MILLISECOND = timedelta(milliseconds=1)
_ONE_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class UsageTable(DemandDaysTable):
    """Implements UsageLedger and DemandLedger. Every method may raise AwsError."""

    def record(self, parts: Sequence[MinutePart], last_uses: Sequence[LastUse]) -> None:
        """Write the parts, and when models were last used, 25 of them in a call."""
        items = [*map(_write_part, parts), *map(_write_last_use, last_uses)]
        for start in range(0, len(items), _ITEMS_AT_ONCE):
            self._write(items[start : start + _ITEMS_AT_ONCE])

    def usage(self, endpoint: str, since: datetime, until: datetime) -> Usage:
        """Add up the minutes of a window, which is widened to whole ones.

        The newest 16 MB are read: eleven days of a busy container of few models, or a day of eleven
        of them. If there is more, the usage is that since the first minute that was read whole.
        """
        first, end = minute_of(since), _end_of_minute(until)
        parts, is_all = self._parts(endpoint, first, end, _USAGE_PAGES)
        if not is_all:
            first = min(part.minute for part in parts) + _ONE_MINUTE
        return usage_of(parts, first, end)

    def last_uses(self, endpoint: str) -> Mapping[str, datetime]:
        """Say when each model was last used; of more than 4 MB of them, of the first by name."""
        items, _ = self._query(endpoint, _MODEL, _after(_MODEL), True, _LAST_USES_PAGES)
        with _reading():
            return {
                item["item"]["S"].removeprefix(_MODEL): read_moment(item["last_used_at"]["S"])
                for item in items
            }

    def hot_models(self, endpoint: str, since: datetime, at_most: int) -> Sequence[str]:
        """Name the models used since the beginning of that minute, the most used first.

        It serves to guess which models will be wanted: the newest 1 MB is read, and what was before
        does not count.
        """
        parts, _ = self._parts(endpoint, minute_of(since), None, _HOT_MODELS_PAGES)
        return hottest(parts, at_most)

    def parts_of(
        self, endpoint: str, since: datetime, until: datetime
    ) -> tuple[Sequence[MinutePart], datetime]:
        """Read the parts of whole minutes, the oldest first, and say up to where that is all.

        The oldest 4 MB are read, of which one minute at least counts as read.
        """
        first, last = _MINUTE + _write_minute(since), _MINUTE + _write_minute(until)
        items, is_all = self._query(endpoint, first, last, True, _PARTS_PAGES)
        with _reading():
            parts = [_read_part(item) for item in items]
        if is_all:
            return parts, until
        # The last minute may go on.
        end = max(parts[-1].minute, parts[0].minute + _ONE_MINUTE)
        return [part for part in parts if part.minute < end], end

    def _write(self, items: Sequence["Item"]) -> None:
        """Write a batch, and what DynamoDB leaves of it again."""
        left: list[WriteRequestTypeDef] = [{"PutRequest": {"Item": item}} for item in items]
        for _ in range(_ATTEMPTS):
            with aws_call("BatchWriteItem"):
                answer = self.client.batch_write_item(RequestItems={self.table_name: left})
            unprocessed = answer.get("UnprocessedItems", {}).get(self.table_name, ())
            left = cast("list[WriteRequestTypeDef]", unprocessed)
            if not left:
                return
        raise AwsError(f"BatchWriteItem left {len(left)} of {len(items)} items unwritten")

    def _parts(
        self, endpoint: str, first: datetime, end: datetime | None, pages: int
    ) -> tuple[list[MinutePart], bool]:
        """Read the parts of minutes from `first` to before `end`, the newest first, and whether
        these are all.
        """
        # Every key of a minute goes on after it, and so comes after the minute itself.
        last = _after(_MINUTE) if end is None else _MINUTE + _write_minute(end)
        items, is_all = self._query(endpoint, _MINUTE + _write_minute(first), last, False, pages)
        with _reading():
            return [_read_part(item) for item in items], is_all

    def _query(
        self, endpoint: str, first: str, last: str, is_forward: bool, pages: int
    ) -> tuple[list["Item"], bool]:
        """Read the items between two sort keys, so many pages at the most, and whether these are
        all.
        """
        request: QueryInputTypeDef = {
            "TableName": self.table_name,
            "KeyConditionExpression": "endpoint = :endpoint AND #item BETWEEN :first AND :last",
            "ExpressionAttributeNames": {"#item": "item"},
            "ExpressionAttributeValues": {
                ":endpoint": {"S": endpoint},
                ":first": {"S": first},
                ":last": {"S": last},
            },
            "ScanIndexForward": is_forward,
        }
        items: list[Item] = []
        for _ in range(pages):
            with aws_call("Query"):
                answer = self.client.query(**request)
            items += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return items, True
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return items, False


@contextmanager
def _reading() -> Iterator[None]:
    """Raise AwsError for an item that another version has written."""
    try:
        yield
    except (KeyError, ValueError) as error:
        raise AwsError(f"the usage table has an item that can't be read: {error!r}") from error


def _write_part(part: MinutePart) -> "Item":
    named = {model: tally for model, tally in part.models.items() if model != NO_MODEL}
    item: dict[str, Value] = {
        "endpoint": {"S": part.endpoint},
        "item": {"S": f"{_MINUTE}{_write_minute(part.minute)}#{part.name}"},
        "expires_at": _write_number(int((part.minute + MINUTES_KEPT).timestamp())),
        "models": {"M": {model: {"M": _write_tally(tally)} for model, tally in named.items()}},
        "callers": {"M": {caller: _write_number(count) for caller, count in part.callers.items()}},
        "demand": _write_number(part.demand),
    }
    # No name of a map's member may be empty.
    if NO_MODEL in part.models:
        item["no_model"] = {"M": _write_tally(part.models[NO_MODEL])}
    return item


def _read_part(item: "Item") -> MinutePart:
    minute, _, name = item["item"]["S"].removeprefix(_MINUTE).partition("#")
    models = {model: _read_tally(tally["M"]) for model, tally in item["models"]["M"].items()}
    if "no_model" in item:
        models[NO_MODEL] = _read_tally(item["no_model"]["M"])
    callers = {caller: int(count["N"]) for caller, count in item["callers"]["M"].items()}
    part = MinutePart(item["endpoint"]["S"], read_moment(minute), name, models, callers)
    # A version that did not count what had arrived knew only what had ended.
    return replace(part, demand=int(item["demand"]["N"]) if "demand" in item else part.requests)


def _write_tally(tally: Tally) -> "Item":
    counts = {
        "requests": tally.requests,
        "errors_4xx": tally.errors_4xx,
        "errors_5xx": tally.errors_5xx,
        "cold": tally.cold,
        "waited_ms": tally.waited // _MILLISECOND,
        "in": tally.bytes_in,
        "out": tally.bytes_out,
    }
    attributes = {name: _write_number(count) for name, count in counts.items() if count}
    latency = tally.latency.write()
    return {**attributes, "latency": {"S": latency}} if latency else attributes


def _read_tally(attributes: "Item") -> Tally:
    def count(name: str) -> int:
        return int(attributes[name]["N"]) if name in attributes else 0

    return Tally(
        requests=count("requests"),
        errors_4xx=count("errors_4xx"),
        errors_5xx=count("errors_5xx"),
        cold=count("cold"),
        waited=count("waited_ms") * _MILLISECOND,
        bytes_in=count("in"),
        bytes_out=count("out"),
        latency=Latencies.parse(attributes["latency"]["S"] if "latency" in attributes else ""),
    )


def _write_last_use(use: LastUse) -> "Item":
    return {
        "endpoint": {"S": use.endpoint},
        "item": {"S": _MODEL + use.model},
        "expires_at": _write_number(int((use.at + LAST_USES_KEPT).timestamp())),
        "last_used_at": {"S": write_moment(use.at)},
    }


def _write_number(number: int) -> "Value":
    return {"N": str(number)}


def _write_minute(minute: datetime) -> str:
    """Write a minute, as in `2026-02-14T17:25Z`: the order of texts is the order of time."""
    return minute.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def _end_of_minute(moment: datetime) -> datetime:
    minute = minute_of(moment)
    return minute if minute == moment else minute + _ONE_MINUTE


def _after(prefix: str) -> str:
    """Write a key that comes after all that begin so, and before all others that do."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
