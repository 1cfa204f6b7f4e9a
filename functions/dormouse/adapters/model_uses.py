"""The model uses table: an item for each endpoint and minute, with a counter for each model.

It serves to guess which models will be wanted, so it may lose a count, and stays small:
- of one call the 500 most used models are counted, the most used first;
- DynamoDB refuses an item of more than 400 KB: 4,000 models of ordinary names in one minute, or 380
  of the longest. What is left of a call then is not counted;
- of the past at most 1 MB is read, the newest minutes first.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from dormouse.adapters.calls import aws_call, error_code, error_message

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

# DynamoDB deletes an item some time after `expires_at`.
KEPT = timedelta(days=28)

# No model's counter can be taken for another attribute.
_PREFIX = "uses of "

_MOST_MODELS = 500
_LONGEST_NAME = 1024

# An expression has 4 KB and 300 operators; each model takes some 10 characters of it. The names
# stand outside, and are kept below 64 KB together.
_MODELS_AT_ONCE = 100
_NAME_BYTES_AT_ONCE = 60_000


@dataclass(frozen=True, slots=True)
class ModelUsesTable:
    """Implements ModelLedger. Every method may raise AwsError."""

    client: "DynamoDBClient"
    table_name: str

    def record_uses(self, endpoint: str, uses: Mapping[str, int], now: datetime) -> None:
        """Add to the minute's counts, which are kept for 28 days.

        After an error some may have been added: trying again may count them twice.
        """
        for chunk in _chunks(uses):
            try:
                self._add(endpoint, chunk, now)
            except _FullItemError:
                return

    def hot_models(self, endpoint: str, since: datetime, at_most: int) -> Sequence[str]:
        """Name the models used since the beginning of that minute, the most used first; of equals
        the one that was used last, then by name.
        """
        with aws_call("Query"):
            # One page, which DynamoDB ends at 1 MB.
            answer = self.client.query(
                TableName=self.table_name,
                KeyConditionExpression="endpoint = :endpoint AND #minute >= :since",
                ExpressionAttributeNames={"#minute": "minute"},
                ExpressionAttributeValues={
                    ":endpoint": {"S": endpoint},
                    ":since": {"S": _write_minute(since)},
                },
                ScanIndexForward=False,
            )
        counts: Counter[str] = Counter()
        ages: dict[str, int] = {}
        for age, item in enumerate(answer["Items"]):
            for name, value in item.items():
                if name.startswith(_PREFIX):
                    model = name.removeprefix(_PREFIX)
                    counts[model] += int(value["N"])
                    ages.setdefault(model, age)
        ordered = sorted(counts, key=lambda model: (-counts[model], ages[model], model))
        return ordered[: max(at_most, 0)]

    def _add(self, endpoint: str, chunk: Sequence[tuple[str, int]], now: datetime) -> None:
        added = ", ".join(f"#{number} :{number}" for number in range(len(chunk)))
        counts: dict[str, AttributeValueTypeDef] = {
            f":{number}": {"N": str(count)} for number, (_, count) in enumerate(chunk)
        }
        expires_at = int((now + KEPT).timestamp())
        with aws_call("UpdateItem"):
            try:
                self.client.update_item(
                    TableName=self.table_name,
                    Key={"endpoint": {"S": endpoint}, "minute": {"S": _write_minute(now)}},
                    UpdateExpression=f"SET expires_at = :expires_at ADD {added}",
                    ExpressionAttributeNames={
                        f"#{number}": _PREFIX + model for number, (model, _) in enumerate(chunk)
                    },
                    ExpressionAttributeValues={":expires_at": {"N": str(expires_at)}, **counts},
                )
            except ClientError as error:
                if _is_full(error):
                    raise _FullItemError from error
                raise


class _FullItemError(Exception):
    """The minute's item has no room for these models."""


def _is_full(error: ClientError) -> bool:
    # "Item size to update has exceeded the maximum allowed size"
    return error_code(error) == "ValidationException" and "maximum allowed size" in error_message(
        error
    )


def _chunks(uses: Mapping[str, int]) -> Iterator[Sequence[tuple[str, int]]]:
    """Split the counts into pieces that one UpdateItem carries, the most used first."""
    counted = [
        (model, count)
        for model, count in uses.items()
        if count > 0 and 0 < len(model) <= _LONGEST_NAME
    ]
    counted.sort(key=lambda use: (-use[1], use[0]))
    chunk: list[tuple[str, int]] = []
    room = _NAME_BYTES_AT_ONCE
    for model, count in counted[:_MOST_MODELS]:
        size = len((_PREFIX + model).encode())
        if len(chunk) == _MODELS_AT_ONCE or size > room:
            yield chunk
            chunk, room = [], _NAME_BYTES_AT_ONCE
        chunk.append((model, count))
        room -= size
    if chunk:
        yield chunk


def _write_minute(moment: datetime) -> str:
    """Write the minute, as in `2026-02-14T17:25Z`: the order of texts is the order of time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
