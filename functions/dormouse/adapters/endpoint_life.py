"""What the endpoints table remembers of an endpoint's life: its wake, its warm-up, its teardown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dormouse.adapters.endpoint_acts import LIFE, EndpointActs
from dormouse.adapters.items import (
    Written,
    moment_value,
    number_value,
)
from dormouse.adapters.ledger_item import (
    closing_value,
    read_ledger,
    texts_value,
    wakes_value,
    warm_up_value,
)
from dormouse.adapters.life_item import failures_value, spent_value
from dormouse.domain.failures import Failure
from dormouse.domain.ledger import Closing, Ledger
from dormouse.domain.spending import Spent
from dormouse.domain.wake_time import REMEMBERED_WAKES
from dormouse.domain.warm_up import WarmUp

if TYPE_CHECKING:
    from dormouse.adapters.items import Value

_NOT_CLOSING = "attribute_not_exists(closing)"
_NOT_DELETING = "attribute_not_exists(closing.deleting_at)"


@dataclass(frozen=True, slots=True)
class EndpointLife(EndpointActs):
    """Implements the part of the states of ports.py that the module's name says."""

    def record_serving(
        self,
        endpoint: str,
        seen: Ledger,
        since: datetime,
        wake: timedelta | None,
        warm_up: WarmUp | None,
    ) -> bool:
        """Note that it serves; False where that is noted already or it is closing."""
        sets = ["serving_since = :since"]
        removes = ["started_at"]
        values = {":since": moment_value(since)}
        if seen.started_at is not None:
            # That it was created was not noted where SageMaker's answer was lost.
            sets.append("created_at = if_not_exists(created_at, :started)")
            values[":started"] = moment_value(seen.started_at)
        if wake is not None:
            # reconcile alone writes them, and once for each life: what was seen still stands.
            sets.append("wakes = :wakes")
            values[":wakes"] = wakes_value([*seen.wakes, wake][-REMEMBERED_WAKES:])
        if warm_up is None:
            removes.append("warm_up")
        else:
            sets.append("warm_up = :warm_up")
            values[":warm_up"] = warm_up_value(warm_up)
        if warm_up is None or not warm_up.invoked:
            removes.append("invoked_models")
        else:
            sets.append("invoked_models = :invoked")
            values[":invoked"] = {"SS": sorted(warm_up.invoked)}
        outcome = self._update(
            endpoint,
            f"SET {', '.join(sets)} REMOVE {', '.join(removes)}",
            values,
            f"attribute_not_exists(serving_since) AND {_NOT_CLOSING}",
        )
        return isinstance(outcome, Written)

    def record_invoked(self, endpoint: str, target_model: str, began_at: datetime) -> None:
        """Note that this warm-up has invoked a model; nothing where another has begun since."""
        self._update(
            endpoint,
            "ADD invoked_models :model",
            {":model": {"SS": [target_model]}, ":began": moment_value(began_at)},
            "warm_up.began_at = :began",
        )

    def end_warm_up(self, endpoint: str, warm_up: WarmUp, now: datetime) -> None:
        """Note that this warm-up has ended; the first time stays."""
        self._update(
            endpoint,
            "SET warm_up.ended_at = :now",
            {":now": moment_value(now), ":began": moment_value(warm_up.began_at)},
            "warm_up.began_at = :began AND attribute_not_exists(warm_up.ended_at)",
        )

    def begin_closing(
        self,
        endpoint: str,
        seen: Ledger,
        reason: str,
        now: datetime,
        *,
        is_forced: bool,
        warm_set: Sequence[str],
        sleeps: bool = False,
        failures: Mapping[str, Failure] | None = None,
    ) -> Ledger | None:
        """Claim the teardown; None where something has come since, or it is closing already.

        The demand that was seen counts as met, unless it is forced: what forces a stop need not
        have met it; with `sleeps` all demand does that has come by now. A forced one takes the
        place of one that is not, as long as that is not deleting.
        """
        closing = Closing(now, seen.demand_version, is_forced, reason)
        values: dict[str, Value] = {
            ":closing": closing_value(closing),
            ":warm_set": texts_value(warm_set),
        }
        sets = ["closing = :closing", "warm_set = :warm_set"]
        if failures is not None:
            sets.append("failures = :failures")
            values[":failures"] = failures_value(failures)
        if sleeps and is_forced:
            sets += [
                "slept_version = if_not_exists(demand_version, :zero)",
                "met_version = if_not_exists(demand_version, :zero)",
                "slept_at = :slept_at",
                "slept_reason = :slept_reason",
            ]
            values[":zero"] = number_value(0)
            values[":slept_at"] = moment_value(now)
            values[":slept_reason"] = {"S": reason}
        if is_forced:
            values[":false"] = {"BOOL": False}
            conditions = [f"({_NOT_CLOSING} OR (closing.is_forced = :false AND {_NOT_DELETING}))"]
        else:
            values[":seen"] = number_value(seen.demand_version)
            sets.append("met_version = :seen")
            conditions = [
                _NOT_CLOSING,
                is_version(seen.demand_version, values),
                _is_moment("last_request_at", seen.last_request_at, values),
                _is_moment("lease_until", seen.lease_until, values),
            ]
        outcome = self._update(
            endpoint,
            f"SET {', '.join(sets)}",
            values,
            " AND ".join(conditions),
        )
        return read_ledger(outcome.item) if isinstance(outcome, Written) else None

    def reopen(self, endpoint: str, seen: Ledger) -> bool:
        """Undo this closing; False where it is forced, deleting or another."""
        if seen.closing is None:
            return False
        values: dict[str, Value] = {":false": {"BOOL": False}}
        outcome = self._update(
            endpoint,
            "REMOVE closing",
            values,
            f"{_is_closing(seen.closing, values)}"
            f" AND closing.is_forced = :false AND {_NOT_DELETING}",
        )
        return isinstance(outcome, Written)

    def begin_deleting(
        self, endpoint: str, seen: Ledger, now: datetime, spent: Spent | None = None
    ) -> bool:
        """Claim the right to call DeleteEndpoint; False where a lease is left or demand has come,
        or the closing is another. `spent` is what is spent with the life that ends.

        This is the stop that `stopped_at` and `stop_reason` tell of, which nobody reads but people.
        """
        if seen.closing is None:
            return False
        values: dict[str, Value] = {
            ":now": moment_value(now),
            ":true": {"BOOL": True},
            ":zero": number_value(0),
        }
        no_demand_since = (
            "(closing.is_forced = :true OR demand_version = closing.version"
            " OR (attribute_not_exists(demand_version) AND closing.version = :zero))"
        )
        sets = "closing.deleting_at = :now, stopped_at = :now, stop_reason = closing.reason"
        if spent is not None:
            sets = f"{sets}, spent = :spent"
            values[":spent"] = spent_value(spent)
        outcome = self._update(
            endpoint,
            f"SET {sets} REMOVE {LIFE}",
            values,
            f"{_is_closing(seen.closing, values)} AND {_NOT_DELETING} AND {no_demand_since}"
            " AND (attribute_not_exists(lease_until) OR lease_until < :now)",
        )
        return isinstance(outcome, Written)

    def record_gone(self, endpoint: str, seen: Ledger) -> bool:
        """Note that it is gone; False where the closing is not the one that was seen."""
        if seen.closing is None:
            return False
        values: dict[str, Value] = {}
        condition = _is_closing(seen.closing, values)
        outcome = self._update(endpoint, f"REMOVE closing, {LIFE}", values, condition)
        return isinstance(outcome, Written)


def is_version(version: int, values: "dict[str, Value]") -> str:
    """Return the condition that the demand is still this one, and add its value."""
    if version == 0:
        return "attribute_not_exists(demand_version)"
    values[":version"] = number_value(version)
    return "demand_version = :version"


def _is_moment(name: str, moment: datetime | None, values: "dict[str, Value]") -> str:
    if moment is None:
        return f"attribute_not_exists({name})"
    values[f":{name}"] = moment_value(moment)
    return f"{name} = :{name}"


def _is_closing(closing: Closing, values: "dict[str, Value]") -> str:
    # Times alone don't tell a closing from the forced one that took its place in the same moment.
    values |= {
        ":began": moment_value(closing.at),
        ":closed": number_value(closing.version),
        ":forced": {"BOOL": closing.is_forced},
    }
    return "closing.began_at = :began AND closing.version = :closed AND closing.is_forced = :forced"
