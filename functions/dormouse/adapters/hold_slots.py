"""The places of those who wait at the door: two more kinds of items in the endpoints table.

One item has all the holders, and one for each endpoint has those of that endpoint, who may take
half of the places, so that one endpoint's callers never starve another's. A holder that crashes
leaves a place that expires: it goes to whoever finds none free.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dormouse.adapters.items import EndpointItems, Written, moment_value, number_value
from dormouse.adapters.moments import write_moment

if TYPE_CHECKING:
    from dormouse.adapters.items import Item, Value

# No endpoint's name has a colon.
_ALL = "dormouse:holds"

# Places that have expired are removed so many at a time: an expression ends at 4 KB.
_REMOVED_AT_ONCE = 20

# Each attempt but the last met somebody else's step.
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class HoldSlotsTable(EndpointItems):
    """Implements HoldSlots. Every method may raise AwsError."""

    total: int

    def take(self, endpoint: str, holder: str, now: datetime, until: datetime) -> bool:
        """Take a place until then; False where all, or all of this endpoint, are taken.

        Whoever has one keeps it, until then.
        """
        if not self._take(_ALL, self.total, holder, now, until):
            return False
        if self._take(_of(endpoint), (self.total + 1) // 2, holder, now, until):
            return True
        self._give_up(_ALL, holder)
        return False

    def give_up(self, endpoint: str, holder: str) -> None:
        """Leave it; that it has expired is no error."""
        self._give_up(_of(endpoint), holder)
        self._give_up(_ALL, holder)

    def _take(self, key: str, at_most: int, holder: str, now: datetime, until: datetime) -> bool:
        for _ in range(_ATTEMPTS):
            outcome = self._update(
                key,
                "SET holders.#holder = :until",
                {":until": moment_value(until), ":most": number_value(at_most)},
                "attribute_exists(holders.#holder)"
                " OR (attribute_exists(holders) AND size(holders) < :most)",
                names={"#holder": holder},
                returned="NONE",
            )
            if isinstance(outcome, Written):
                return True
            if "holders" not in outcome.item:
                # A map has to be there before something is put into it.
                self._update(
                    key,
                    "SET holders = :none",
                    {":none": {"M": {}}},
                    "attribute_not_exists(holders)",
                )
                continue
            holders = outcome.item["holders"]["M"]
            expired = _expired(holders, now)
            if expired:
                self._remove(key, expired)
            elif len(holders) >= at_most:
                return False
        return False

    def _remove(self, key: str, expired: "Item") -> None:
        """Remove places, unless one of them has been given up or taken anew."""
        names: dict[str, str] = {}
        values: dict[str, Value] = {}
        for number, (holder, until) in enumerate(expired.items()):
            names[f"#h{number}"] = holder
            values[f":u{number}"] = until
        count = range(len(expired))
        self._update(
            key,
            "REMOVE " + ", ".join(f"holders.#h{number}" for number in count),
            values,
            " AND ".join(f"holders.#h{number} = :u{number}" for number in count),
            names=names,
        )

    def _give_up(self, key: str, holder: str) -> None:
        self._update(
            key,
            "REMOVE holders.#holder",
            {},
            "attribute_exists(holders.#holder)",
            names={"#holder": holder},
        )


def _of(endpoint: str) -> str:
    return f"{_ALL}:{endpoint}"


def _expired(holders: "Item", now: datetime) -> "Item":
    past = [holder for holder, until in holders.items() if until["S"] < write_moment(now)]
    return {holder: holders[holder] for holder in past[:_REMOVED_AT_ONCE]}
