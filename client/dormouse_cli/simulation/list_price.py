"""What an instance for hosting costs by AWS's price list, on demand, for an hour.

Needs `pricing:GetProducts`. The API is in three regions, which all know every region's prices:
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from dormouse_cli.aws import AwsSession, explained
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode

_API_REGIONS = {
    "eu": "eu-central-1",
    "me": "eu-central-1",
    "af": "eu-central-1",
    "il": "eu-central-1",
    "ap": "ap-south-1",
}


def list_price(aws: AwsSession, instance_type: str) -> Decimal:
    """Return dollars an hour in the session's region.

    Raises:
        CliError: the list can't be read, or has not just one such price; it says to give --price.
    """
    region = aws.region
    wanted = {"regionCode": region, "instanceName": instance_type, "component": "Hosting"}
    filters = [
        {"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()
    ]
    try:
        api_region = _API_REGIONS.get(region.partition("-")[0], "us-east-1")
        pricing = aws.client("pricing", region=api_region)
        with explained(f"reading the list price of {instance_type}"):
            pages = pricing.get_paginator("get_products").paginate(
                ServiceCode="AmazonSageMaker", Filters=filters, FormatVersion="aws_v1"
            )
            documents = [text for page in pages for text in page.get("PriceList", ())]
    except CliError as error:
        message = f"{error.message} Give the dollars of an hour by --price."
        raise CliError(message, error.exit_code, **error.details) from error
    prices = read_prices(documents)
    if len(prices) == 1:
        return prices.pop()
    found = ", ".join(map(str, sorted(prices))) if prices else "none"
    raise CliError(
        f"The price list should have one price for hosting on {instance_type} in {region}, and has "
        f"{found}. Is the type written as ml.m5.xlarge? Else give the dollars by --price.",
        ExitCode.NOT_FOUND if not prices else ExitCode.FAILED,
    )


def read_prices(documents: Iterable[str]) -> set[Decimal]:
    """Return all prices an hour on demand, above nothing, that such documents have.

    What has another form than AWS documents is passed over: it has no price.
    """
    return {price for document in documents for price in _prices(document) if price > 0}


def _prices(document: str) -> Iterator[Decimal]:
    try:
        offers = _inner(_inner(json.loads(document), "terms"), "OnDemand")
    except (ValueError, RecursionError):
        return
    for offer in offers.values():
        for dimension in _inner(offer, "priceDimensions").values():
            usd = _inner(dimension, "pricePerUnit").get("USD")
            if _inner({"it": dimension}, "it").get("unit") == "Hrs" and isinstance(usd, str):
                yield from _number(usd)


def _number(text: str) -> Iterator[Decimal]:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return
    if number.is_finite() and number < 1_000_000:
        yield number


def _inner(owner: object, name: str) -> dict[str, Any]:
    value = owner.get(name) if isinstance(owner, dict) else None
    return value if isinstance(value, dict) else {}
