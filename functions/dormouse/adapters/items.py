"""The items of the endpoints table: to read one, and to change one under a condition."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from dormouse.adapters.calls import aws_call
from dormouse.adapters.moments import read_moment, write_moment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.literals import ReturnValueType
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, UpdateItemInputTypeDef

    Value = AttributeValueTypeDef
    Item = Mapping[str, AttributeValueTypeDef]


@dataclass(frozen=True, slots=True)
class Written:
    """The update was applied. `item` is the item after it (or before it, if that was asked for)."""

    item: "Item"


@dataclass(frozen=True, slots=True)
class Refused:
    """The condition did not hold. `item` is what stands there instead, empty if nothing does.

    It is what the condition was judged by, unless nothing stood there then: DynamoDB returns no
    item in that case, and it is read.
    """

    item: "Item"


@dataclass(frozen=True, slots=True)
class EndpointItems:
    """The table. Every method may raise AwsError."""

    client: "DynamoDBClient"
    table_name: str

    def _read(self, key: str) -> "Item":
        """Read an item, strongly consistent; empty if there is none."""
        with aws_call("GetItem"):
            answer = self.client.get_item(
                TableName=self.table_name, Key={"endpoint": {"S": key}}, ConsistentRead=True
            )
        return answer.get("Item", {})

    def _update(
        self,
        key: str,
        expression: str,
        values: "Item",
        condition: str | None = None,
        *,
        names: Mapping[str, str] | None = None,
        returned: "ReturnValueType" = "ALL_NEW",
    ) -> Written | Refused:
        """Apply one UpdateItem; `returned` is the image to return where it is applied."""
        request: UpdateItemInputTypeDef = {
            "TableName": self.table_name,
            "Key": {"endpoint": {"S": key}},
            "UpdateExpression": expression,
            "ReturnValues": returned,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if values:
            request["ExpressionAttributeValues"] = values
        if names:
            request["ExpressionAttributeNames"] = names
        if condition is not None:
            request["ConditionExpression"] = condition
        with aws_call("UpdateItem"):
            try:
                return Written(self.client.update_item(**request).get("Attributes", {}))
            except self.client.exceptions.ConditionalCheckFailedException as error:
                item = cast("Item | None", error.response.get("Item"))
        return Refused(self._read(key) if item is None else item)


def moment_value(moment: datetime) -> "Value":
    """Write a moment as an attribute's value."""
    return {"S": write_moment(moment)}


def number_value(number: int) -> "Value":
    """Write a number as an attribute's value."""
    return {"N": str(number)}


def read_moment_of(item: "Item", name: str) -> datetime | None:
    """Read a moment, None if it is not there."""
    return read_moment(item[name]["S"]) if name in item else None


def read_number_of(item: "Item", name: str) -> int:
    """Read a number, 0 if it is not there."""
    return int(item[name]["N"]) if name in item else 0


def asker_written(by: str | None, values: "dict[str, Value]") -> tuple[str, str]:
    """Return what goes into the SET and the REMOVE clause of a write of demand so that the item
    says who has asked, and add its value. The last one counts, also where nobody knows who he is.
    """
    if by is None:
        return "", " REMOVE demand_by"
    values[":by"] = {"S": by}
    return ", demand_by = :by", ""
