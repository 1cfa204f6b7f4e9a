"""DynamoDB's tables in memory: conditional writes, pages of 1 MB, and the units that are billed.

A unit of reading is 4 KB read strongly consistent, half of one if eventually; a unit of writing is
1 KB of the larger of the item before and after, and is used by a write that is refused, too.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

import json
import math
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmarks.reconcile.expressions import (
    ExpressionError,
    Given,
    Item,
    Value,
    condition,
    project,
    update,
)
from benchmarks.reconcile.refusals import Refusal, UnknownCallError

PAGE_BYTES = 1024 * 1024
_READ_UNIT_BYTES = 4096
_WRITE_UNIT_BYTES = 1024

Key = tuple[str, ...]
Request = Mapping[str, Any]


@dataclass(slots=True)
class Units:
    """What has been used."""

    read: float = 0
    write: float = 0


@dataclass(frozen=True, slots=True)
class Declaration:
    """A table as the template declares it: its key, and the sort keys of its indexes."""

    key: tuple[str, ...]
    indexes: Mapping[str, str]


@dataclass(frozen=True)
class _Stored:
    """An item; how long it is, and how it travels, are worked out once."""

    item: Item

    @cached_property
    def size(self) -> int:
        return item_bytes(self.item)

    @cached_property
    def text(self) -> str:
        return json.dumps(self.item, separators=(",", ":"))


class Tables:
    """Answers the operations of DynamoDB; `units` counts what they use."""

    def __init__(self, declared: Mapping[str, Declaration]) -> None:
        self.declared = declared
        self.units = Units()
        self._stored: dict[str, dict[Key, _Stored]] = {name: {} for name in declared}
        # By the first part of their keys, which every Query names.
        self._keys: dict[str, dict[str, dict[Key, None]]] = {name: {} for name in declared}
        self._operations: Mapping[str, Callable[[Request], Any]] = {
            "GetItem": self._get_item,
            "BatchGetItem": self._batch_get_item,
            "Query": self._query,
            "Scan": self._scan,
            "PutItem": self._put_item,
            "UpdateItem": self._update_item,
            "DeleteItem": self._delete_item,
            "BatchWriteItem": self._batch_write_item,
        }

    def answer(self, operation: str, request: Request) -> str:
        """Carry out an operation; the answer's JSON.

        Raises:
            Refusal: DynamoDB would refuse it.
            UnknownCallError: it is not among those that are known here.
        """
        answer = self.carry_out(operation, request)
        return answer if isinstance(answer, str) else json.dumps(answer)

    def carry_out(self, operation: str, request: Request) -> Any:
        """Carry out an operation; its answer, which is JSON already where it has a page of items.

        Raises:
            Refusal: DynamoDB would refuse it.
            UnknownCallError: it is not among those that are known here.
        """
        known = self._operations.get(operation)
        if known is None:
            raise UnknownCallError(f"dynamodb:{operation}")
        try:
            return known(request)
        except (ExpressionError, KeyError) as error:
            raise Refusal("ValidationException", f"{operation}: {error}") from error

    def items(self, table: str) -> Sequence[Item]:
        """List the items of a table."""
        return [stored.item for stored in self._stored[table].values()]

    def rewrite(self, table: str, change: Callable[[str], str], keys: Iterable[str]) -> None:
        """Change the JSON of items, by the first part of their keys; nobody is billed for it."""
        stored, wanted = self._stored[table], frozenset(keys)
        for key, item in stored.items():
            if key[0] in wanted:
                stored[key] = _Stored(json.loads(change(item.text)))

    # -- reading

    def _get_item(self, request: Request) -> Any:
        found = self._read(request["TableName"], request["Key"], request)
        return {} if found is None else {"Item": found}

    def _batch_get_item(self, request: Request) -> Any:
        answers = {
            table: [
                item
                for key in wanted["Keys"]
                if (item := self._read(table, key, wanted)) is not None
            ]
            for table, wanted in request["RequestItems"].items()
        }
        if sum(len(wanted["Keys"]) for wanted in request["RequestItems"].values()) > 100:
            raise Refusal("ValidationException", "Too many items requested for the BatchGetItem")
        return {"Responses": answers, "UnprocessedKeys": {}}

    def _read(self, table: str, key: Item, request: Request) -> Item | None:
        stored = self._stored[table].get(self._key(table, key))
        self._use_reads(0 if stored is None else stored.size, request)
        if stored is None:
            return None
        projection = request.get("ProjectionExpression")
        return stored.item if projection is None else project(stored.item, projection, _of(request))

    def _query(self, request: Request) -> Any:
        table = request["TableName"]
        sort_key = self._sort_key(table, request.get("IndexName"))
        is_wanted, given = condition(request["KeyConditionExpression"]), _of(request)
        found = [
            stored
            for stored in self._partition(table, request)
            if (sort_key is None or sort_key in stored.item) and is_wanted(stored.item, given)
        ]
        if sort_key is not None:
            found.sort(
                key=lambda stored: _sortable(stored.item[sort_key]),
                reverse=not request.get("ScanIndexForward", True),
            )
        return self._page(table, found, request)

    def _partition(self, table: str, request: Request) -> Sequence[_Stored]:
        name, text = self.declared[table].key[0], request["KeyConditionExpression"]
        found = re.search(rf"\b{name} = (:\w+)", text)
        if found is None:
            raise ExpressionError(f"{text!r} does not say which {name} is asked for")
        first = request["ExpressionAttributeValues"][found[1]]["S"]
        return [self._stored[table][key] for key in self._keys[table].get(first, ())]

    def _scan(self, request: Request) -> Any:
        table = request["TableName"]
        stored: Iterable[_Stored] = self._stored[table].values()
        if "TotalSegments" in request:
            segment, segments = request["Segment"], request["TotalSegments"]
            stored = [
                each
                for key, each in self._stored[table].items()
                if zlib.crc32(key[0].encode()) % segments == segment
            ]
        return self._page(table, list(stored), request)

    def _page(self, table: str, found: Sequence[_Stored], request: Request) -> str:
        """Answer with the items after ExclusiveStartKey, until Limit or 1 MB is reached."""
        start = request.get("ExclusiveStartKey")
        first = 0
        if start is not None:
            keys = [self._key(table, stored.item) for stored in found]
            first = keys.index(self._key(table, start)) + 1
        at_most = request.get("Limit", len(found))
        page: list[_Stored] = []
        length = 0
        for stored in found[first:]:
            if len(page) == at_most or length >= PAGE_BYTES:
                break
            page.append(stored)
            length += stored.size
        self._use_reads(length, request)
        given = _of(request)
        kept = page
        if (text := request.get("FilterExpression")) is not None:
            is_wanted = condition(text)
            kept = [stored for stored in page if is_wanted(stored.item, given)]
        projection = request.get("ProjectionExpression")
        texts = (
            [stored.text for stored in kept]
            if projection is None
            else [json.dumps(project(stored.item, projection, given)) for stored in kept]
        )
        listed = "" if request.get("Select") == "COUNT" else f'"Items":[{",".join(texts)}],'
        last = ""
        if page and first + len(page) < len(found):
            key = json.dumps({n: page[-1].item[n] for n in self._key_names(table, request)})
            last = f',"LastEvaluatedKey":{key}'
        return f'{{{listed}"Count":{len(kept)},"ScannedCount":{len(page)}{last}}}'

    # -- writing

    def _put_item(self, request: Request) -> Any:
        table, item = request["TableName"], request["Item"]
        key = self._key(table, item)
        before = self._judged(table, key, request)
        self._write(table, key, item)
        return _image(request, before, item)

    def _update_item(self, request: Request) -> Any:
        table = request["TableName"]
        key = self._key(table, request["Key"])
        before = self._judged(table, key, request)
        item = request["Key"] if before is None else before
        if (text := request.get("UpdateExpression")) is not None:
            item = update(text).apply(item, _of(request))
        self._write(table, key, item)
        return _image(request, before, item)

    def _delete_item(self, request: Request) -> Any:
        table = request["TableName"]
        key = self._key(table, request["Key"])
        before = self._judged(table, key, request)
        self._write(table, key, None)
        return _image(request, before, None)

    def _batch_write_item(self, request: Request) -> Any:
        for table, writes in request["RequestItems"].items():
            for write in writes:
                if "PutRequest" in write:
                    item = write["PutRequest"]["Item"]
                    self._write(table, self._key(table, item), item)
                else:
                    self._write(table, self._key(table, write["DeleteRequest"]["Key"]), None)
        return {"UnprocessedItems": {}}

    def _judged(self, table: str, key: Key, request: Request) -> Item | None:
        """Return what stands there, if the condition holds of it.

        Raises:
            Refusal: it does not hold.
        """
        stored = self._stored[table].get(key)
        before = None if stored is None else stored.item
        text = request.get("ConditionExpression")
        if text is None or condition(text)(before or {}, _of(request)):
            return before
        self._use_writes(0 if stored is None else stored.size)
        wants_it = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        raise Refusal(
            "ConditionalCheckFailedException",
            "The conditional request failed",
            {"Item": before} if wants_it and before is not None else {},
        )

    def _write(self, table: str, key: Key, item: Item | None) -> None:
        before = self._stored[table].get(key)
        sizes = [0 if before is None else before.size]
        if item is None:
            self._stored[table].pop(key, None)
            self._keys[table].get(key[0], {}).pop(key, None)
        else:
            self._stored[table][key] = _Stored(item)
            self._keys[table].setdefault(key[0], {})[key] = None
            sizes.append(self._stored[table][key].size)
        self._use_writes(max(sizes))

    # -- keys and units

    def _key(self, table: str, item: Item) -> Key:
        return tuple(item[name]["S"] for name in self.declared[table].key)

    def _key_names(self, table: str, request: Request) -> Iterable[str]:
        index = request.get("IndexName")
        key = self.declared[table].key
        return key if index is None else (*key, self.declared[table].indexes[index])

    def _sort_key(self, table: str, index: str | None) -> str | None:
        if index is not None:
            return self.declared[table].indexes[index]
        key = self.declared[table].key
        return key[1] if len(key) > 1 else None

    def _use_reads(self, length: int, request: Request) -> None:
        units = max(1, math.ceil(length / _READ_UNIT_BYTES))
        self.units.read += units if request.get("ConsistentRead") else units / 2

    def _use_writes(self, length: int) -> None:
        self.units.write += max(1, math.ceil(length / _WRITE_UNIT_BYTES))


def item_bytes(item: Item) -> int:
    """Return the size by which DynamoDB pages and bills.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Value) -> int:
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            return math.ceil(len(held.strip("-").replace(".", "")) / 2) + 1
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(member.encode()) for member in held)
        case "L":
            return 3 + sum(1 + _value_bytes(member) for member in held)
        case "M":
            return 3 + sum(1 for _ in held) + item_bytes(held)
        case _:
            raise UnknownCallError(f"an attribute of the type {kind}")


def _of(request: Request) -> Given:
    return Given(
        request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    )


def _image(request: Request, before: Item | None, after: Item | None) -> Any:
    match request.get("ReturnValues", "NONE"):
        case "ALL_NEW":
            return {"Attributes": after}
        case "ALL_OLD":
            return {} if before is None else {"Attributes": before}
        case "NONE":
            return {}
        case other:
            raise UnknownCallError(f"ReturnValues {other}")


def _sortable(value: Value) -> Any:
    return value["S"].encode() if "S" in value else float(value["N"])
