"""What the endpoints table remembers of changes that are asked of SageMaker, and how they ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dormouse.adapters.items import (
    EndpointItems,
    Written,
    moment_value,
    number_value,
)
from dormouse.adapters.ledger_item import history_value
from dormouse.adapters.life_item import (
    described_value,
    failures_value,
    keepsake_value,
    rate_value,
    spent_value,
)
from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.endpoint import Present
from dormouse.domain.failures import Failure
from dormouse.domain.keepsake import Keepsake
from dormouse.domain.ledger import Ledger
from dormouse.domain.spending import Rate, Spent

if TYPE_CHECKING:
    from dormouse.adapters.items import Value

# What is true of one life of an endpoint only.
LIFE = (
    "serving_since, started_at, created_at, warm_up, invoked_models, updated_to, updated_at,"
    " described, restored_at"
)


@dataclass(frozen=True, slots=True)
class EndpointActs(EndpointItems):
    """Implements the part of ReconcilerState that the module's name says."""

    def begin_act(self, endpoint: str, seen: Ledger, now: datetime, until: datetime) -> bool:
        """Claim the right to ask SageMaker for one change; False where somebody else has."""
        values: dict[str, Value] = {
            ":now": moment_value(now),
            ":until": moment_value(until),
            ":one": number_value(1),
        }
        outcome = self._update(
            endpoint,
            "SET acting_until = :until ADD acts :one",
            values,
            f"{_are_acts(seen.acts, values)}"
            " AND (attribute_not_exists(acting_until) OR acting_until < :now)",
        )
        return isinstance(outcome, Written)

    def end_act(self, endpoint: str, seen: Ledger, created_at: datetime | None) -> None:
        """Give up the claim that was made of this ledger."""
        # What reads or writes failures in between counts as no act.
        values: dict[str, Value] = {}
        condition = _are_acts(seen.acts + 1, values)
        expression = "REMOVE acting_until"
        if created_at is not None:
            expression = f"SET created_at = :created {expression}"
            values[":created"] = moment_value(created_at)
        self._update(endpoint, expression, values, condition)

    def record_start(self, endpoint: str, now: datetime, rate: Rate | None) -> None:
        """Note that CreateEndpoint is about to be called, so that it does not serve now, and what
        it will cost.

        One that somebody else has deleted leaves a note of serving behind.
        """
        values: dict[str, Value] = {":now": moment_value(now)}
        sets, removes = "started_at = :now", LIFE.replace("started_at, ", "")
        if rate is None:
            removes = f"{removes}, rate"
        else:
            sets = f"{sets}, rate = :rate"
            values[":rate"] = rate_value(rate)
        self._update(endpoint, f"SET {sets} REMOVE {removes}", values)

    def record_failures(self, endpoint: str, seen: Ledger, failures: Mapping[str, Failure]) -> bool:
        """Keep the failures of its EndpointConfigs; False where an act or another has come since.

        It is not being started, nor being updated, after that.
        """
        values: dict[str, Value] = {}
        conditions = [_are_acts(seen.acts, values)]
        if seen.updated_to is None:
            conditions.append("attribute_not_exists(updated_to)")
        else:
            conditions.append("updated_to = :updated_to")
            values[":updated_to"] = {"S": seen.updated_to}
        removes = "started_at, updated_to, updated_at"
        expression = f"REMOVE {removes}, failures"
        if failures:
            values[":failures"] = failures_value(failures)
            expression = f"SET failures = :failures REMOVE {removes}"
        outcome = self._update(endpoint, expression, values, " AND ".join(conditions))
        return isinstance(outcome, Written)

    def record_update(self, endpoint: str, config_name: str, now: datetime) -> None:
        """Note that UpdateEndpoint was asked for this EndpointConfig."""
        self._update(
            endpoint,
            "SET updated_to = :config, updated_at = :now",
            {":config": {"S": config_name}, ":now": moment_value(now)},
        )

    def record_described(self, endpoint: str, described: Present) -> None:
        """Keep what DescribeEndpoint said."""
        self._update(
            endpoint, "SET described = :described", {":described": described_value(described)}
        )

    def record_keepsake(self, endpoint: str, seen: Ledger, keepsake: Keepsake) -> bool:
        """Keep what is about to die with an endpoint; False where it may be dead already."""
        # Both are written before DeleteEndpoint is called. Whoever has read it after that has read
        # less, and must not write over what was read before.
        values: dict[str, Value] = {":keepsake": keepsake_value(keepsake)}
        condition = f"{_are_acts(seen.acts, values)} AND attribute_not_exists(closing.deleting_at)"
        outcome = self._update(endpoint, "SET keepsake = :keepsake", values, condition)
        return isinstance(outcome, Written)

    def record_restored(self, endpoint: str, now: datetime) -> None:
        """Note that what had died with it was given back to it."""
        self._update(endpoint, "SET restored_at = :now", {":now": moment_value(now)})

    def record_vanished(self, endpoint: str, seen: Ledger, spent: Spent | None) -> bool:
        """Note that somebody else has deleted it; False where an act has come since."""
        values: dict[str, Value] = {}
        condition = f"{_are_acts(seen.acts, values)} AND attribute_not_exists(closing)"
        expression = f"REMOVE {LIFE}"
        if spent is not None:
            values[":spent"] = spent_value(spent)
            expression = f"SET spent = :spent {expression}"
        return isinstance(self._update(endpoint, expression, values, condition), Written)

    def record_budget_warning(self, endpoint: str, spent: Spent) -> None:
        """Note that its owner is warned this month."""
        self._update(endpoint, "SET spent = :spent", {":spent": spent_value(spent)})

    def record_superseded(self, endpoint: str, superseded: Mapping[str, datetime]) -> None:
        """Note since when nothing asks for configs of the template any more."""
        if not superseded:
            self._update(endpoint, "REMOVE superseded", {})
            return
        since = {config: moment_value(at) for config, at in superseded.items()}
        self._update(endpoint, "SET superseded = :superseded", {":superseded": {"M": since}})

    def record_demand_history(
        self, endpoint: str, seen: Ledger, history: DemandHistory | None
    ) -> bool:
        """Keep what its idle policy has learned; False where more was learned since."""
        values: dict[str, Value] = {}
        expression, condition = "REMOVE history", None
        if history is not None:
            expression = "SET history = :history"
            values[":history"] = history_value(history)
        if seen.demand_history is not None:
            condition = "history.folded_until = :seen"
            values[":seen"] = moment_value(seen.demand_history.folded_until)
        return isinstance(self._update(endpoint, expression, values, condition), Written)


def _are_acts(acts: int, values: "dict[str, Value]") -> str:
    """Return the condition that so many acts have been claimed, and add its value."""
    if acts == 0:
        return "attribute_not_exists(acts)"
    values[":acts"] = number_value(acts)
    return "acts = :acts"
