"""The prices of instances: AWS's price list, and what was read of it, in the endpoints table.

One item has them, an attribute for each region and type. Who writes last wins: a price that two
read at once is the same. A container remembers what it has read, so that a fleet that starts does
not read the item for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from dormouse.adapters.calls import aws_call
from dormouse.adapters.items import EndpointItems, moment_value
from dormouse.adapters.moments import read_moment
from dormouse.domain.price import Price, Unpriced
from dormouse.domain.price_list import SERVICE_CODE, attributes_of, read_price
from dormouse.errors import AwsError

# No endpoint's name has a colon.
_PRICES = "dormouse:prices"

REFRESHED_AFTER = timedelta(days=7)
"""AWS changes a price seldom, and then for the better."""

ASKED_AGAIN_AFTER = timedelta(hours=1)
"""A list that could not be read is left alone for so long: a fleet that starts asks for each."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the item says of one type: when the list was asked last, and what it said."""

    asked_at: datetime
    answer: Price | Unpriced

    def is_fresh(self, now: datetime) -> bool:
        """Whether the list need not be asked."""
        listed_at = self.answer.listed_at if isinstance(self.answer, Price) else None
        if listed_at is not None and now - listed_at < REFRESHED_AFTER:
            return True
        return now - self.asked_at < ASKED_AGAIN_AFTER


@dataclass(frozen=True, slots=True)
class ListPrices(EndpointItems):
    """Implements InstancePrices.

    `pricing` is boto3's client of the Price List API, in `pricing_region(region)`; `region` is the
    one whose prices are asked for.
    """

    pricing: Any
    region: str
    _read_before: dict[str, _Known] = field(default_factory=dict, init=False, repr=False)

    def price(self, instance_type: str, now: datetime) -> Price | Unpriced:
        """Say what an instance costs in an hour; never raises.

        A price is kept for seven days, and after that for as long as the list can't be read.
        """
        name = f"{self.region} {instance_type}"
        known = self._read_before.get(name)
        if known is None or not known.is_fresh(now):
            known = self._known(name) or known
        if known is not None and known.is_fresh(now):
            self._read_before[name] = known
            return known.answer
        answer = self._ask(instance_type, now)
        if isinstance(answer, Unpriced) and known is not None and isinstance(known.answer, Price):
            answer = known.answer
        self._keep(name, _Known(now, answer))
        self._read_before[name] = _Known(now, answer)
        return answer

    def _ask(self, instance_type: str, now: datetime) -> Price | Unpriced:
        try:
            documents = self._documents(instance_type)
        except AwsError as error:
            return Unpriced(str(error))
        usd = read_price(documents, self.region, instance_type)
        return usd if isinstance(usd, Unpriced) else Price(usd, now)

    def _documents(self, instance_type: str) -> Sequence[str]:
        filters = [
            {"Type": "TERM_MATCH", "Field": field, "Value": value}
            for field, value in attributes_of(self.region, instance_type).items()
        ]
        with aws_call("GetProducts"):
            pages = self.pricing.get_paginator("get_products").paginate(
                ServiceCode=SERVICE_CODE, Filters=filters, FormatVersion="aws_v1"
            )
            return [document for page in pages for document in page.get("PriceList", ())]

    def _known(self, name: str) -> _Known | None:
        try:
            item = self._read(_PRICES)
        except AwsError:
            # Then the list is asked, as if nothing were known.
            return None
        if name not in item:
            return None
        kept = item[name]["M"]
        asked_at = read_moment(kept["asked_at"]["S"])
        if "usd" in kept:
            price = Price(Decimal(kept["usd"]["N"]), read_moment(kept["listed_at"]["S"]))
            return _Known(asked_at, price)
        return _Known(asked_at, Unpriced(kept["reason"]["S"]))

    def _keep(self, name: str, known: _Known) -> None:
        kept = {"asked_at": moment_value(known.asked_at)}
        match known.answer:
            case Unpriced(reason):
                kept["reason"] = {"S": reason}
            case Price(usd, listed_at):
                kept["usd"] = {"N": str(usd)}
                kept["listed_at"] = moment_value(listed_at or known.asked_at)
        try:
            self._update(
                _PRICES,
                "SET #price = :price",
                {":price": {"M": kept}},
                names={"#price": name},
                returned="NONE",
            )
        except AwsError:
            # It is asked for again.
            return
