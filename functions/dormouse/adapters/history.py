"""The decisions table: one DynamoDB item for each decision about an endpoint, by its time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dormouse.adapters.calls import aws_call
from dormouse.adapters.moments import read_moment, write_moment
from dormouse.domain.ledger import Decision, KeptDown, PastDecision

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

# DynamoDB deletes an item some time after `expires_at`.
KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class DecisionsTable:
    """Implements History. Every method may raise AwsError."""

    client: "DynamoDBClient"
    table_name: str

    def append(self, endpoint: str, past: PastDecision) -> None:
        """Keep one for 90 days."""
        expires_at = int((past.at + KEPT).timestamp())
        with aws_call("PutItem"):
            self.client.put_item(
                TableName=self.table_name,
                Item={
                    "endpoint": {"S": endpoint},
                    "decided_at": {"S": write_moment(past.at)},
                    "expires_at": {"N": str(expires_at)},
                    **write_decision(past.decision),
                },
            )

    def recent(
        self, endpoint: str, at_most: int, before: datetime | None = None
    ) -> Sequence[PastDecision]:
        """Read the latest, or the latest that were taken before a moment, newest first."""
        condition = "endpoint = :endpoint"
        values: dict[str, AttributeValueTypeDef] = {":endpoint": {"S": endpoint}}
        if before is not None:
            condition = f"{condition} AND decided_at < :before"
            values[":before"] = {"S": write_moment(before)}
        with aws_call("Query"):
            answer = self.client.query(
                TableName=self.table_name,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ScanIndexForward=False,
                Limit=at_most,
            )
        return [
            PastDecision(read_moment(item["decided_at"]["S"]), read_decision(item))
            for item in answer["Items"]
        ]


def write_decision(decision: Decision) -> dict[str, "AttributeValueTypeDef"]:
    """Write a decision as attributes."""
    fields: dict[str, AttributeValueTypeDef] = {
        "action": {"S": decision.action},
        "rule": {"S": decision.rule},
        "reason": {"S": decision.reason},
    }
    if decision.until is not None:
        fields["until"] = {"S": write_moment(decision.until)}
    if decision.kept_down is not None:
        fields["kept_down"] = {"M": _kept_down_value(decision.kept_down)}
    return fields


def read_decision(fields: Mapping[str, "AttributeValueTypeDef"]) -> Decision:
    """Read what `write_decision` wrote."""
    return Decision(
        action=fields["action"]["S"],
        rule=fields["rule"]["S"],
        reason=fields["reason"]["S"],
        until=_until(fields),
        kept_down=_read_kept_down(fields["kept_down"]["M"]) if "kept_down" in fields else None,
    )


def _kept_down_value(kept_down: KeptDown) -> dict[str, "AttributeValueTypeDef"]:
    fields: dict[str, AttributeValueTypeDef] = {
        "rule": {"S": kept_down.rule},
        "words": {"S": kept_down.words},
    }
    if kept_down.until is not None:
        fields["until"] = {"S": write_moment(kept_down.until)}
    return fields


def _read_kept_down(fields: Mapping[str, "AttributeValueTypeDef"]) -> KeptDown:
    return KeptDown(fields["rule"]["S"], fields["words"]["S"], _until(fields))


def _until(fields: Mapping[str, "AttributeValueTypeDef"]) -> datetime | None:
    return read_moment(fields["until"]["S"]) if "until" in fields else None
