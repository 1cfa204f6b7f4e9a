"""The endpoints table: one DynamoDB item for each endpoint, its key the endpoint's name.

Each write names the attributes that it changes and nothing else, so the writes of the proxy and of
the reconciler never undo one another. The items whose key is no endpoint's name are the tombstone,
which says that the deployment is being deleted, and the places of those who wait at the door.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dormouse.adapters.calls import aws_call
from dormouse.adapters.endpoint_life import EndpointLife, is_version
from dormouse.adapters.history import write_decision
from dormouse.adapters.items import (
    Refused,
    Written,
    asker_written,
    moment_value,
    number_value,
    read_moment_of,
)
from dormouse.adapters.ledger_item import read_ledger, terms_value
from dormouse.adapters.life_item import untold_value
from dormouse.adapters.moments import write_moment
from dormouse.adapters.operator_intents import OperatorIntents
from dormouse.domain.ledger import Decision, Lease, Ledger, RecordedDemand
from dormouse.domain.notice import Notice
from dormouse.domain.terms import Terms
from dormouse.ports import Survey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import ScanInputTypeDef

    from dormouse.adapters.items import Item, Value

# reconcile has decided about it, so an EndpointConfig claims it, or did until lately.
_KNOWN = "attribute_exists(decision)"

# No endpoint's name has a colon.
_TOMBSTONE = "dormouse:removal"


@dataclass(frozen=True, slots=True)
class EndpointsTable(EndpointLife, OperatorIntents):
    """Implements the states of ports.py. Every method may raise AwsError."""

    def read(self, endpoint: str) -> Ledger:
        """Read everything remembered of an endpoint, strongly consistent."""
        return read_ledger(self._read(endpoint))

    def read_all(self) -> Mapping[str, Ledger]:
        """Read everything remembered of every endpoint, by its name."""
        return self.survey().ledgers

    def _scan(self) -> "Mapping[str, Item]":
        items: dict[str, Item] = {}
        request: ScanInputTypeDef = {"TableName": self.table_name, "ConsistentRead": True}
        while True:
            with aws_call("Scan"):
                page = self.client.scan(**request)
            items |= {item["endpoint"]["S"]: item for item in page["Items"]}
            if "LastEvaluatedKey" not in page:
                return items
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def survey(self) -> Survey:
        """Read everything, each item strongly consistent."""
        items = self._scan()
        tombstone = items.get(_TOMBSTONE, {})
        return Survey(
            removal_began_at=read_moment_of(tombstone, "removal_began_at"),
            ledgers={key: read_ledger(item) for key, item in items.items() if ":" not in key},
        )

    def record_demand(
        self,
        endpoint: str,
        now: datetime,
        unless_since: datetime,
        *,
        known_only: bool,
        by: str | None = None,
    ) -> RecordedDemand:
        """Note that a request has just arrived, unless an unmet one is as recent as that."""
        values: dict[str, Value] = {
            ":now": moment_value(now),
            ":one": number_value(1),
            ":since": moment_value(unless_since),
        }
        sets, removes = asker_written(by, values)
        is_news = (
            "(attribute_not_exists(demand_at) OR demand_at < :since"
            " OR (attribute_exists(met_version) AND demand_version <= met_version))"
        )
        outcome = self._update(
            endpoint,
            f"SET demand_at = :now, last_request_at = :now{sets}{removes} ADD demand_version :one",
            values,
            f"{_KNOWN} AND {is_news}" if known_only else is_news,
        )
        is_written = isinstance(outcome, Written)
        return RecordedDemand(is_written, is_written, read_ledger(outcome.item))

    def raise_demand(
        self,
        endpoint: str,
        now: datetime,
        news_since: datetime,
        *,
        has_requests: bool,
        by: str | None = None,
    ) -> RecordedDemand:
        """Note that a request is held or parked, and say whether that is news."""
        moments = {"demand_at": write_moment(now), "last_request_at": write_moment(now)}
        changed: dict[str, Value] = {"has_requests": {"BOOL": True}} if has_requests else {}
        removes = ""
        if by is None:
            removes = " REMOVE demand_by"
        else:
            changed["demand_by"] = {"S": by}
        while True:
            changed |= {name: {"S": text} for name, text in moments.items()}
            outcome = self._update(
                endpoint,
                f"{_set_all(changed)}{removes} ADD demand_version :one",
                {":one": number_value(1), **{f":{name}": changed[name] for name in changed}},
                " AND ".join(_not_later(moments)) or None,
                returned="ALL_OLD",
            )
            if isinstance(outcome, Written):
                break
            # Another machine's clock is ahead: its time stays, and the demand is raised all the
            # same.
            for name in _later_ones(outcome.item, moments):
                del moments[name], changed[name]
        before = read_ledger(outcome.item)
        raised = number_value(before.demand_version + 1)
        is_news = (
            not before.has_unmet_demand
            or before.demand_at is None
            or write_moment(before.demand_at) < write_moment(news_since)
        )
        left = {name: value for name, value in outcome.item.items() if name != "demand_by"}
        after = read_ledger({**left, **changed, "demand_version": raised})
        return RecordedDemand(is_written=True, is_news=is_news, ledger=after)

    def take_lease(
        self, endpoint: str, now: datetime, until: datetime, *, is_request: bool
    ) -> Lease:
        """Write until when requests may be under way, and that one has come, if this is for one.

        What stands there already and is later stays, and is as good.
        """
        moments = {"lease_until": write_moment(until)}
        if is_request:
            moments["last_request_at"] = write_moment(now)
        while True:
            outcome = self._update(
                endpoint,
                _set_all(moments),
                {f":{name}": {"S": text} for name, text in moments.items()},
                " AND ".join([_KNOWN, "attribute_not_exists(closing)", *_not_later(moments)]),
            )
            ledger = read_ledger(outcome.item)
            if isinstance(outcome, Refused):
                if not ledger.is_known or ledger.closing is not None:
                    return Lease(None, ledger)
                for name in _later_ones(outcome.item, moments):
                    del moments[name]
            if isinstance(outcome, Written) or not moments:
                return Lease(ledger.lease_until, ledger)

    def clear_requests(self, endpoint: str, demand_version: int) -> None:
        """Note that no request is waiting, on the condition that no demand has come since."""
        values: dict[str, Value] = {}
        condition = is_version(demand_version, values)
        self._update(
            endpoint,
            "REMOVE has_requests",
            values,
            f"attribute_exists(has_requests) AND {condition}",
        )

    def record_metrics_activity(self, endpoint: str, at: datetime) -> None:
        """Note until when CloudWatch showed invocations; it never goes back."""
        self._update(
            endpoint,
            "SET metrics_active_at = :at",
            {":at": moment_value(at)},
            "attribute_not_exists(metrics_active_at) OR metrics_active_at < :at",
        )

    def mark_met(self, endpoint: str, demand_version: int) -> None:
        """Note that it was seen serving after this demand."""
        self._update(
            endpoint,
            "SET met_version = :version",
            {":version": number_value(demand_version)},
            "attribute_not_exists(met_version) OR met_version < :version",
        )

    def record_terms(self, endpoint: str, terms: Terms | None) -> None:
        """Keep them for the front door; None where they are not this deployment's to say."""
        if terms is None:
            self._update(endpoint, "REMOVE terms", {})
        else:
            self._update(endpoint, "SET terms = :terms", {":terms": terms_value(terms)})

    def record_decision(
        self,
        endpoint: str,
        decision: Decision,
        now: datetime,
        seen: Ledger,
        untold: Sequence[Notice] = (),
    ) -> bool:
        """Keep the decision; False where another one was kept since."""
        values: dict[str, Value] = {
            ":decision": {"M": write_decision(decision)},
            ":now": moment_value(now),
        }
        expression = "SET decision = :decision, decided_at = :now"
        if untold:
            expression = f"{expression} ADD untold :untold"
            values[":untold"] = untold_value(untold)
        condition = "attribute_not_exists(decided_at)"
        if seen.decided_at is not None:
            condition = "decided_at = :seen"
            values[":seen"] = moment_value(seen.decided_at)
        return isinstance(self._update(endpoint, expression, values, condition), Written)

    def record_untold(self, endpoint: str, untold: Sequence[Notice]) -> None:
        """Keep notices that are to be told."""
        self._update(endpoint, "ADD untold :untold", {":untold": untold_value(untold)})

    def clear_untold(self, endpoint: str, told: Sequence[Notice]) -> None:
        """Note that these notices were told; that none is left takes the set away."""
        self._update(endpoint, "DELETE untold :told", {":told": untold_value(told)})

    def forget_decision(self, endpoint: str) -> None:
        """Note that it is not managed, as far as can be seen."""
        self._update(endpoint, "REMOVE decision, decided_at", {}, _KNOWN)

    def removal_began_at(self) -> datetime | None:
        """Say since when the deployment is being deleted, None where it is not."""
        return read_moment_of(self._read(_TOMBSTONE), "removal_began_at")

    def begin_removal(self, now: datetime) -> None:
        """Note that the deployment is being deleted; the first time stays."""
        self._update(
            _TOMBSTONE,
            "SET removal_began_at = if_not_exists(removal_began_at, :now)",
            {":now": moment_value(now)},
        )

    def cancel_removal(self) -> None:
        """Note that it is not."""
        self._update(_TOMBSTONE, "REMOVE removal_began_at", {})


def _set_all(names: Iterable[str]) -> str:
    """Set each attribute to the value of its name; nothing for none of them."""
    assignments = ", ".join(f"{name} = :{name}" for name in names)
    return f"SET {assignments}" if assignments else ""


def _not_later(moments: Iterable[str]) -> list[str]:
    """Return the conditions that what stands there is not later."""
    return [f"(attribute_not_exists({name}) OR {name} <= :{name})" for name in moments]


def _later_ones(item: "Item", moments: Mapping[str, str]) -> list[str]:
    """Name those for which something later stands there."""
    return [name for name, text in moments.items() if name in item and item[name]["S"] > text]
