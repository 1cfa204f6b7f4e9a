"""AWS's price list: what its documents say of an instance for hosting.

https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from dormouse.domain.price import Unpriced
from dormouse.domain.spending import dollars

SERVICE_CODE = "AmazonSageMaker"

# More than any instance costs. No exponent: with one, a few digits could be a number without end.
_USD = re.compile(r"[0-9]{1,6}(\.[0-9]{1,12})?", re.ASCII)

# The API is in three regions, and answers in each for all of them.
_AMERICAS, _EUROPE, _ASIA = "us-east-1", "eu-central-1", "ap-south-1"
_REGIONS_BY_PREFIX = {"eu": _EUROPE, "me": _EUROPE, "af": _EUROPE, "il": _EUROPE, "ap": _ASIA}


class _UnreadableError(ValueError):
    """A document has another form than the documented one; the message says where."""


def pricing_region(region: str) -> str:
    """Say in which region the Price List API is asked by a deployment in this one."""
    return _REGIONS_BY_PREFIX.get(region.partition("-")[0], _AMERICAS)


def attributes_of(region: str, instance_type: str) -> Mapping[str, str]:
    """Say which attributes the product has that is an instance for hosting in a region."""
    return {"regionCode": region, "instanceName": instance_type, "component": "Hosting"}


def read_price(documents: Iterable[str], region: str, instance_type: str) -> Decimal | Unpriced:
    """Find the price on demand of an instance for an hour, in dollars.

    The documents are the strings of GetProducts' PriceList. Those of other products are passed
    over. A free tier's price of nothing is none. Several prices, or a document that can't be read,
    leave it unclear: no guess is made.
    """
    what = f"{instance_type} in {region}"
    wanted = attributes_of(region, instance_type)
    found: set[Decimal] = set()
    try:
        for document in documents:
            found.update(price for price in _hourly_prices(_parsed(document), wanted) if price)
    except _UnreadableError as error:
        return Unpriced(f"the price list can't be read for {what}: {error}")
    if not found:
        return Unpriced(f"the price list has no price for hosting on {what}")
    if len(found) > 1:
        several = ", ".join(dollars(price) for price in sorted(found))
        return Unpriced(f"the price list has several prices for {what} ({several})")
    return found.pop()


def _parsed(document: str) -> object:
    try:
        return json.loads(document)
    except (ValueError, RecursionError) as error:
        raise _UnreadableError("a document is no JSON") from error


def _hourly_prices(document: object, wanted: Mapping[str, str]) -> Iterator[Decimal]:
    product = _mapping(document, "product")
    attributes = _mapping(product, "attributes")
    if any(attributes.get(name) != value for name, value in wanted.items()):
        return
    terms = _mapping(document, "terms")
    if "OnDemand" not in terms:
        return
    offers = _mapping(terms, "OnDemand")
    for code in offers:
        dimensions = _mapping(_mapping(offers, code), "priceDimensions")
        for rate_code in dimensions:
            yield from _hourly_price(_mapping(dimensions, rate_code))


def _hourly_price(dimension: Mapping[str, object]) -> Iterator[Decimal]:
    if dimension.get("unit") != "Hrs":
        return
    prices = _mapping(dimension, "pricePerUnit")
    if "USD" not in prices:
        # In China it is CNY.
        return
    usd = prices["USD"]
    if not isinstance(usd, str) or _USD.fullmatch(usd) is None:
        raise _UnreadableError(f"USD is {str(usd)[:40]!r}, and not as in '0.2300000000'")
    yield Decimal(usd)


def _mapping(owner: object, name: str) -> Mapping[str, object]:
    value = owner.get(name) if isinstance(owner, dict) else None
    if not isinstance(value, dict):
        raise _UnreadableError(f"a document has no {name!r} where one belongs")
    return value
