"""The endpoints table: one DynamoDB item for each endpoint, its key the endpoint's name.

Each write names the attributes that it changes and nothing else, so the writes of the proxy and of
the reconciler never undo one another.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dormouse.adapters.calls import aws_call
from dormouse.adapters.moments import read_moment, write_moment
from dormouse.domain.ledger import Decision, Ledger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, UpdateItemInputTypeDef

    Item = Mapping[str, AttributeValueTypeDef]


@dataclass(frozen=True, slots=True)
class EndpointsTable:
    """Implements ReconcilerState and ProxyState. Every method may raise AwsError."""

    client: "DynamoDBClient"
    table_name: str

    def read(self, endpoint: str) -> Ledger:
        """Read everything remembered of an endpoint, strongly consistent."""
        with aws_call("GetItem"):
            answer = self.client.get_item(
                TableName=self.table_name, Key={"endpoint": {"S": endpoint}}, ConsistentRead=True
            )
        item = answer.get("Item", {})
        return Ledger(
            demand_version=_number(item, "demand_version"),
            met_version=_number(item, "met_version"),
            demand_at=_moment(item, "demand_at"),
            last_request_at=_moment(item, "last_request_at"),
            hold_until=_moment(item, "hold_until"),
            decision=_decision(item),
        )

    def record_demand(self, endpoint: str, now: datetime, unless_since: datetime) -> bool:
        """Note that a request has just arrived, unless an unmet one is as recent as that."""
        return self._update(
            endpoint,
            "SET demand_at = :now, last_request_at = :now ADD demand_version :one",
            {":now": _s(now), ":one": {"N": "1"}, ":since": _s(unless_since)},
            condition="attribute_not_exists(demand_at) OR demand_at < :since"
            " OR (attribute_exists(met_version) AND demand_version <= met_version)",
        )

    def record_request(self, endpoint: str, now: datetime) -> None:
        """Note a request for an endpoint that is in the table, unless a later one is noted."""
        self._update(
            endpoint,
            "SET last_request_at = :now",
            {":now": _s(now)},
            condition="attribute_exists(endpoint)"
            " AND (attribute_not_exists(last_request_at) OR last_request_at < :now)",
        )

    def record_hold(self, endpoint: str, until: datetime, now: datetime) -> None:
        """Keep it up until then; the latest hold counts, be it shorter or longer."""
        self._update(
            endpoint,
            "SET hold_until = :until, demand_at = :now ADD demand_version :one",
            {":until": _s(until), ":now": _s(now), ":one": {"N": "1"}},
        )

    def mark_met(self, endpoint: str, demand_version: int) -> None:
        """Note that it was seen serving after this demand."""
        self._update(
            endpoint,
            "SET met_version = :version",
            {":version": {"N": str(demand_version)}},
            condition="attribute_not_exists(met_version) OR met_version < :version",
        )

    def begin_stop(self, endpoint: str, demand_version: int, reason: str, now: datetime) -> bool:
        """Claim the right to stop it; False where newer demand than this is recorded."""
        unchanged = "demand_version = :version"
        if demand_version == 0:
            unchanged = "attribute_not_exists(demand_version)"
        return self._update(
            endpoint,
            "SET met_version = :version, stopped_at = :now, stop_reason = :reason",
            {
                ":version": {"N": str(demand_version)},
                ":now": _s(now),
                ":reason": {"S": reason},
            },
            condition=unchanged,
        )

    def record_decision(self, endpoint: str, decision: Decision, now: datetime) -> None:
        """Keep the decision, for whoever asks why."""
        fields: dict[str, AttributeValueTypeDef] = {
            name: {"S": text} for name, text in asdict(decision).items()
        }
        self._update(
            endpoint,
            "SET decision = :decision, decided_at = :now",
            {":decision": {"M": fields}, ":now": _s(now)},
        )

    def _update(
        self, endpoint: str, expression: str, values: "Item", condition: str | None = None
    ) -> bool:
        """Apply one UpdateItem; False where its condition did not hold, and nothing was written."""
        request: UpdateItemInputTypeDef = {
            "TableName": self.table_name,
            "Key": {"endpoint": {"S": endpoint}},
            "UpdateExpression": expression,
            "ExpressionAttributeValues": values,
        }
        if condition is not None:
            request["ConditionExpression"] = condition
        with aws_call("UpdateItem"):
            try:
                self.client.update_item(**request)
            except self.client.exceptions.ConditionalCheckFailedException:
                return False
        return True


def _s(moment: datetime) -> "AttributeValueTypeDef":
    return {"S": write_moment(moment)}


def _number(item: "Item", name: str) -> int:
    return int(item[name]["N"]) if name in item else 0


def _moment(item: "Item", name: str) -> datetime | None:
    return read_moment(item[name]["S"]) if name in item else None


def _decision(item: "Item") -> Decision | None:
    if "decision" not in item:
        return None
    fields = item["decision"]["M"]
    return Decision(fields["action"]["S"], fields["rule"]["S"], fields["reason"]["S"])
