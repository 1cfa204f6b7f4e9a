"""What the instances of an EndpointConfig cost in an hour, and where that price comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from dormouse.domain.spending import Rate, dollars


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one instance for an hour.

    `listed_at` is when it was read from AWS's price list; None where the operator has said it.
    """

    usd_per_hour: Decimal
    listed_at: datetime | None = None

    @property
    def source(self) -> str:
        """Say where it comes from: `list price of 2026-11-20`, or `override`."""
        if self.listed_at is None:
            return "override"
        return f"list price of {self.listed_at.astimezone(UTC).date().isoformat()}"


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A price, or what it would be of, is not known; the reason is a clause."""

    reason: str


@dataclass(frozen=True, slots=True)
class Instances:
    """So many instances of a type."""

    instance_type: str
    count: int


def rate_of(
    config_name: str,
    instances: Sequence[Instances] | Unpriced,
    prices: Mapping[str, Price | Unpriced],
) -> Rate:
    """Add up what the instances cost. Where one price is not known, neither is the sum.

    `prices` has one for each type of the instances.
    """
    if isinstance(instances, Unpriced):
        return _unknown(config_name, instances)
    usd_per_hour = Decimal(0)
    terms = []
    for each in instances:
        price = prices[each.instance_type]
        if isinstance(price, Unpriced):
            return _unknown(config_name, price)
        usd_per_hour += price.usd_per_hour * each.count
        terms.append(
            f"{each.count} x {each.instance_type} at {dollars(price.usd_per_hour)} an hour, "
            f"{price.source}"
        )
    if not terms:
        return _unknown(config_name, Unpriced("its EndpointConfig names no instances"))
    return Rate(config_name, usd_per_hour, " + ".join(terms))


def _unknown(config_name: str, unpriced: Unpriced) -> Rate:
    return Rate(config_name, None, f"the price is not known: {unpriced.reason}")
