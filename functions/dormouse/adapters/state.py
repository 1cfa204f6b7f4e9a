"""The endpoints table: one DynamoDB item for each endpoint, its key the endpoint's name.

Each write names the attributes that it changes and nothing else, so the writes of the proxy and of
the reconciler never undo one another. One item more, whose key is no endpoint's name, is the
tombstone: it says that the deployment is being deleted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dormouse.adapters.calls import aws_call
from dormouse.adapters.history import read_decision, write_decision
from dormouse.adapters.moments import read_moment, write_moment
from dormouse.domain.ledger import Decision, Ledger, RecordedDemand

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, UpdateItemInputTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

# reconcile has decided about it, so an EndpointConfig claims it, or did until lately.
_KNOWN = "attribute_exists(decision)"

# No endpoint's name has a colon.
_TOMBSTONE = "dormouse:removal"


@dataclass(frozen=True, slots=True)
class EndpointsTable:
    """Implements the states of ports.py. Every method may raise AwsError."""

    client: "DynamoDBClient"
    table_name: str

    def read(self, endpoint: str) -> Ledger:
        """Read everything remembered of an endpoint, strongly consistent."""
        with aws_call("GetItem"):
            answer = self.client.get_item(
                TableName=self.table_name, Key={"endpoint": {"S": endpoint}}, ConsistentRead=True
            )
        return _ledger(answer.get("Item", {}))

    def read_all(self) -> Mapping[str, Ledger]:
        """Read everything remembered of every endpoint, by its name."""
        with aws_call("Scan"):
            pages = self.client.get_paginator("scan").paginate(
                TableName=self.table_name, ConsistentRead=True
            )
            items = [item for page in pages for item in page["Items"]]
        ledgers = {item["endpoint"]["S"]: _ledger(item) for item in items}
        ledgers.pop(_TOMBSTONE, None)
        return ledgers

    def known_endpoints(self) -> Sequence[str]:
        """Name every endpoint that something is remembered of."""
        return sorted(self.read_all())

    def record_demand(
        self, endpoint: str, now: datetime, unless_since: datetime, *, known_only: bool
    ) -> RecordedDemand:
        """Note that a request has just arrived, unless an unmet one is as recent as that."""
        is_news = (
            "(attribute_not_exists(demand_at) OR demand_at < :since"
            " OR (attribute_exists(met_version) AND demand_version <= met_version))"
        )
        item = self._update(
            endpoint,
            "SET demand_at = :now, last_request_at = :now ADD demand_version :one",
            {":now": _s(now), ":one": {"N": "1"}, ":since": _s(unless_since)},
            condition=f"{_KNOWN} AND {is_news}" if known_only else is_news,
        )
        if item is None:
            return RecordedDemand(is_written=False, decision=self.read(endpoint).decision)
        return RecordedDemand(is_written=True, decision=_decision(item))

    def record_request(self, endpoint: str, now: datetime) -> None:
        """Note a request for an endpoint that is known, unless a later one is noted."""
        self._update(
            endpoint,
            "SET last_request_at = :now",
            {":now": _s(now)},
            condition=f"{_KNOWN}"
            " AND (attribute_not_exists(last_request_at) OR last_request_at < :now)",
        )

    def record_metrics_activity(self, endpoint: str, at: datetime) -> None:
        """Note until when CloudWatch showed invocations; it never goes back."""
        self._update(
            endpoint,
            "SET metrics_active_at = :at",
            {":at": _s(at)},
            condition="attribute_not_exists(metrics_active_at) OR metrics_active_at < :at",
        )

    def record_hold(self, endpoint: str, until: datetime, now: datetime) -> None:
        """Keep it up until then, or for longer if it is held for longer already."""
        demand = "demand_at = :now ADD demand_version :one"
        values: dict[str, AttributeValueTypeDef] = {
            ":now": _s(now),
            ":one": {"N": "1"},
            ":until": _s(until),
        }
        is_longer = "attribute_not_exists(hold_until) OR hold_until < :until"
        # One of the two holds, unless a sleep or a release comes in between.
        while (
            self._update(endpoint, f"SET hold_until = :until, {demand}", values, is_longer) is None
            and self._update(endpoint, f"SET {demand}", values, "hold_until >= :until") is None
        ):
            pass

    def release_hold(self, endpoint: str) -> None:
        """Hold it no longer."""
        self._update(endpoint, "REMOVE hold_until", {})

    def record_sleep(self, endpoint: str, now: datetime) -> None:
        """Hold it no longer, and overrule every demand that has come so far.

        The demand counts as met, so that the next cold request is news however soon it comes.
        """
        self._update(
            endpoint,
            "SET slept_version = if_not_exists(demand_version, :zero),"
            " met_version = if_not_exists(demand_version, :zero), slept_at = :now"
            " REMOVE hold_until",
            {":zero": {"N": "0"}, ":now": _s(now)},
        )

    def mark_met(self, endpoint: str, demand_version: int) -> None:
        """Note that it was seen serving after this demand."""
        self._update(
            endpoint,
            "SET met_version = :version",
            {":version": {"N": str(demand_version)}},
            condition="attribute_not_exists(met_version) OR met_version < :version",
        )

    def begin_stop(
        self, endpoint: str, seen: Ledger, reason: str, now: datetime, *, is_forced: bool
    ) -> bool:
        """Claim the right to stop it; False where demand (or a request, unless the stop is forced)
        has come since then.
        """
        values: dict[str, AttributeValueTypeDef] = {
            ":version": {"N": str(seen.demand_version)},
            ":now": _s(now),
            ":reason": {"S": reason},
        }
        nothing_came = "demand_version = :version"
        if seen.demand_version == 0:
            nothing_came = "attribute_not_exists(demand_version)"
        if not is_forced and seen.last_request_at is None:
            nothing_came += " AND attribute_not_exists(last_request_at)"
        elif not is_forced and seen.last_request_at is not None:
            nothing_came += " AND last_request_at = :last"
            values[":last"] = _s(seen.last_request_at)
        item = self._update(
            endpoint,
            "SET met_version = :version, stopped_at = :now, stop_reason = :reason"
            " REMOVE updated_to",
            values,
            condition=nothing_came,
        )
        return item is not None

    def record_update(self, endpoint: str, config_name: str) -> None:
        """Note that UpdateEndpoint was asked for this EndpointConfig."""
        self._update(endpoint, "SET updated_to = :config", {":config": {"S": config_name}})

    def record_principals(self, endpoint: str, principals: Sequence[str] | None) -> None:
        """Keep who may invoke it; None where that is not this deployment's to say."""
        if principals is None:
            self._update(endpoint, "REMOVE principals", {})
        else:
            listed: AttributeValueTypeDef = {"L": [{"S": text} for text in principals]}
            self._update(endpoint, "SET principals = :listed", {":listed": listed})

    def record_decision(self, endpoint: str, decision: Decision, now: datetime) -> None:
        """Keep the decision, for whoever asks why."""
        self._update(
            endpoint,
            "SET decision = :decision, decided_at = :now",
            {":decision": {"M": write_decision(decision)}, ":now": _s(now)},
        )

    def forget_decision(self, endpoint: str) -> None:
        """Note that it is not managed, as far as can be seen."""
        self._update(endpoint, "REMOVE decision, decided_at", {}, condition=_KNOWN)

    def removal_began_at(self) -> datetime | None:
        """Say since when the deployment is being deleted, None where it is not."""
        with aws_call("GetItem"):
            answer = self.client.get_item(
                TableName=self.table_name, Key={"endpoint": {"S": _TOMBSTONE}}, ConsistentRead=True
            )
        return _moment(answer.get("Item", {}), "removal_began_at")

    def begin_removal(self, now: datetime) -> None:
        """Note that the deployment is being deleted; the first time stays."""
        self._update(
            _TOMBSTONE,
            "SET removal_began_at = if_not_exists(removal_began_at, :now)",
            {":now": _s(now)},
        )

    def cancel_removal(self) -> None:
        """Note that it is not."""
        self._update(_TOMBSTONE, "REMOVE removal_began_at", {})

    def _update(
        self, endpoint: str, expression: str, values: "Item", condition: str | None = None
    ) -> "Item | None":
        """Apply one UpdateItem and return the whole item; None where its condition did not hold."""
        request: UpdateItemInputTypeDef = {
            "TableName": self.table_name,
            "Key": {"endpoint": {"S": endpoint}},
            "UpdateExpression": expression,
            "ReturnValues": "ALL_NEW",
        }
        if values:
            request["ExpressionAttributeValues"] = values
        if condition is not None:
            request["ConditionExpression"] = condition
        with aws_call("UpdateItem"):
            try:
                return self.client.update_item(**request)["Attributes"]
            except self.client.exceptions.ConditionalCheckFailedException:
                return None


def _ledger(item: "Item") -> Ledger:
    return Ledger(
        demand_version=_number(item, "demand_version"),
        met_version=_number(item, "met_version"),
        demand_at=_moment(item, "demand_at"),
        last_request_at=_moment(item, "last_request_at"),
        metrics_active_at=_moment(item, "metrics_active_at"),
        hold_until=_moment(item, "hold_until"),
        slept_version=_number(item, "slept_version") if "slept_version" in item else None,
        slept_at=_moment(item, "slept_at"),
        updated_to=item["updated_to"]["S"] if "updated_to" in item else None,
        principals=(
            tuple(listed["S"] for listed in item["principals"]["L"])
            if "principals" in item
            else None
        ),
        decision=_decision(item),
        decided_at=_moment(item, "decided_at"),
    )


def _s(moment: datetime) -> "AttributeValueTypeDef":
    return {"S": write_moment(moment)}


def _number(item: "Item", name: str) -> int:
    return int(item[name]["N"]) if name in item else 0


def _moment(item: "Item", name: str) -> datetime | None:
    return read_moment(item[name]["S"]) if name in item else None


def _decision(item: "Item") -> Decision | None:
    return read_decision(item["decision"]["M"]) if "decision" in item else None
