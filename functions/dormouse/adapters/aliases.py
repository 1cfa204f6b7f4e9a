"""The aliases of an endpoint, as an operator switches them: attributes of the endpoint's item.

Each write names one alias, so two operators who switch two of them at once don't undo each other's
change, nor anything else that is written there.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dormouse.adapters.items import Refused, moment_value, number_value
from dormouse.adapters.ledger_item import read_ledger
from dormouse.adapters.moments import write_moment
from dormouse.adapters.state import EndpointsTable
from dormouse.domain.ledger import Ledger
from dormouse.errors import AliasRefusedError

if TYPE_CHECKING:
    from dormouse.adapters.items import Item

# The claim of a model that is being retired is an attribute of its own, until when it stands.
_CLAIM = "retiring "

_NO_ALIASES: "Item" = {":none": {"M": {}}}


@dataclass(frozen=True, slots=True)
class AliasesTable(EndpointsTable):
    """Implements AliasState. Every method may raise AwsError."""

    def set_alias(
        self, endpoint: str, alias: str, model: str, now: datetime, at_most: int
    ) -> str | None:
        """Let an alias stand for a model, and return what it stood for until now."""
        while True:
            outcome = self._update(
                endpoint,
                "SET #aliases.#alias = :model",
                {
                    ":model": {"S": model},
                    ":now": moment_value(now),
                    ":most": number_value(at_most),
                },
                "attribute_exists(#aliases)"
                " AND (attribute_exists(#aliases.#alias) OR size(#aliases) < :most)"
                " AND (attribute_not_exists(#claim) OR #claim < :now)",
                names={"#aliases": "aliases", "#alias": alias, "#claim": _CLAIM + model},
                returned="ALL_OLD",
            )
            before = read_ledger(outcome.item).aliases
            if not isinstance(outcome, Refused):
                return before.get(alias)
            if "aliases" not in outcome.item:
                # DynamoDB sets a member of a map that is there, and of no other.
                self._update(
                    endpoint,
                    "SET #aliases = if_not_exists(#aliases, :none)",
                    _NO_ALIASES,
                    names={"#aliases": "aliases"},
                )
            elif len(before) >= at_most and alias not in before:
                raise AliasRefusedError(
                    f"{endpoint} has {len(before)} aliases already, and may have {at_most}: remove "
                    "one that nobody uses"
                )
            elif not _has_ended(outcome.item, _CLAIM + model, now):
                raise AliasRefusedError(f"{model} is being retired, or was just now")

    def remove_alias(self, endpoint: str, alias: str) -> str | None:
        """Let an alias stand for nothing, and return what it stood for until now."""
        outcome = self._update(
            endpoint,
            "REMOVE #aliases.#alias",
            {},
            "attribute_exists(#aliases.#alias)",
            names={"#aliases": "aliases", "#alias": alias},
            returned="ALL_OLD",
        )
        if isinstance(outcome, Refused):
            return None
        return read_ledger(outcome.item).aliases.get(alias)

    def begin_retiring(self, endpoint: str, model: str, now: datetime, until: datetime) -> Ledger:
        """Claim a model until then, and return the ledger after that."""
        outcome = self._update(
            endpoint,
            "SET #claim = :until",
            {":until": moment_value(until)},
            names={"#claim": _CLAIM + model},
        )
        self._remove_ended(endpoint, outcome.item, now)
        return read_ledger(outcome.item)

    def end_retiring(self, endpoint: str, model: str) -> None:
        """Give the claim up."""
        self._update(endpoint, "REMOVE #claim", {}, names={"#claim": _CLAIM + model})

    def _remove_ended(self, endpoint: str, item: "Item", now: datetime) -> None:
        """Remove the claims of the past."""
        for name in item:
            if name.startswith(_CLAIM) and _has_ended(item, name, now):
                self._update(
                    endpoint,
                    "REMOVE #claim",
                    {":now": moment_value(now)},
                    "#claim < :now",
                    names={"#claim": name},
                )


def _has_ended(item: "Item", claim: str, now: datetime) -> bool:
    return claim not in item or item[claim]["S"] < write_moment(now)
