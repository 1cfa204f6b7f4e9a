"""The days of demand, which lie in the usage table beside the counts that they are made of.

An item for each day in UTC in which anybody has asked, `day#2026-02-14`: `counts` as text, as in
`540=3,1 600=1` (3 requests in the minute 540 of the day, 1 in the next, 1 in minute 600), `until`
when that is all, and `version`, how often it was written. DynamoDB deletes it after 28 days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from dormouse.adapters.calls import aws_call
from dormouse.adapters.moments import read_moment, write_moment
from dormouse.domain.demand_history import (
    DemandDay,
    beginning_of_day,
    parse_counts,
    write_counts,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, PutItemInputTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

DAYS_KEPT = timedelta(days=28)

_DAY = "day#"
# The next one by the order of texts.
_AFTER_DAYS = "day$"


@dataclass(frozen=True, slots=True)
class DemandDaysTable:
    """Implements DemandDays. Every method may raise AwsError."""

    client: "DynamoDBClient"
    table_name: str

    def days(self, endpoint: str, first: date) -> Sequence[DemandDay]:
        """Read the days from one on, the oldest first, strongly consistent.

        They are as many as are kept, and far less than what DynamoDB answers at once.
        """
        with aws_call("Query"):
            answer = self.client.query(
                TableName=self.table_name,
                KeyConditionExpression="endpoint = :endpoint AND #item BETWEEN :first AND :last",
                ExpressionAttributeNames={"#item": "item"},
                ExpressionAttributeValues={
                    ":endpoint": {"S": endpoint},
                    ":first": {"S": f"{_DAY}{first.isoformat()}"},
                    ":last": {"S": _AFTER_DAYS},
                },
                ConsistentRead=True,
            )
        return [_read_day(item) for item in answer["Items"]]

    def keep_day(self, endpoint: str, day: DemandDay) -> bool:
        """Write a day in the place of the one that was read."""
        expires_at = beginning_of_day(day.day) + timedelta(days=1) + DAYS_KEPT
        request: PutItemInputTypeDef = {
            "TableName": self.table_name,
            "Item": {
                "endpoint": {"S": endpoint},
                "item": {"S": f"{_DAY}{day.day.isoformat()}"},
                "expires_at": {"N": str(int(expires_at.timestamp()))},
                "until": {"S": write_moment(day.until)},
                "counts": {"S": write_counts(day.counts)},
                "version": {"N": str(day.version + 1)},
            },
            "ExpressionAttributeNames": {"#version": "version"},
            "ConditionExpression": "attribute_not_exists(#version)",
        }
        if day.version > 0:
            request["ConditionExpression"] = "#version = :seen"
            request["ExpressionAttributeValues"] = {":seen": {"N": str(day.version)}}
        with aws_call("PutItem"):
            try:
                self.client.put_item(**request)
            except self.client.exceptions.ConditionalCheckFailedException:
                return False
        return True


def _read_day(item: "Item") -> DemandDay:
    """Read a day; one that another version has written is as good as none, and is written anew."""
    day = date.fromisoformat(item["item"]["S"].removeprefix(_DAY))
    version = int(item["version"]["N"]) if "version" in item else 0
    began_at = beginning_of_day(day)
    try:
        until, counts = read_moment(item["until"]["S"]), parse_counts(item["counts"]["S"])
    except (KeyError, ValueError):
        return DemandDay(day, began_at, {}, version)
    return DemandDay(day, until, counts, version)
