"""What the endpoints table remembers of an operator's intents: holds, sleeps, suspensions."""

from dataclasses import dataclass
from datetime import datetime

from dormouse.adapters.items import (
    EndpointItems,
    Refused,
    asker_written,
    moment_value,
    number_value,
)


@dataclass(frozen=True, slots=True)
class OperatorIntents(EndpointItems):
    """Implements the part of IntentState that the module's name says."""

    def record_hold(
        self, endpoint: str, until: datetime, now: datetime, by: str | None = None
    ) -> None:
        """Keep it up until then, or for longer if it is held for longer already."""
        values = {":now": moment_value(now), ":one": number_value(1)}
        sets, removes = asker_written(by, values)
        demand = f"demand_at = :now{sets}{removes} ADD demand_version :one"
        values[":until"] = moment_value(until)
        is_longer = "attribute_not_exists(hold_until) OR hold_until < :until"
        # One of the two holds, unless a sleep or a release comes in between.
        while isinstance(
            self._update(endpoint, f"SET hold_until = :until, {demand}", values, is_longer),
            Refused,
        ) and isinstance(
            self._update(endpoint, f"SET {demand}", values, "hold_until >= :until"), Refused
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
            " REMOVE hold_until, slept_reason",
            {":zero": number_value(0), ":now": moment_value(now)},
        )

    def suspend(self, endpoint: str, now: datetime, by: str | None = None) -> None:
        """Keep it down until it is resumed; the first time stays, and who said so then."""
        values = {":now": moment_value(now)}
        sets, removes = "SET suspended_at = :now", " REMOVE suspended_by"
        if by is not None:
            sets, removes = f"{sets}, suspended_by = :by", ""
            values[":by"] = {"S": by}
        self._update(endpoint, f"{sets}{removes}", values, "attribute_not_exists(suspended_at)")

    def resume(self, endpoint: str) -> None:
        """Suspend it no longer, and forget the failures of its EndpointConfigs."""
        self._update(endpoint, "REMOVE suspended_at, suspended_by, failures", {})
