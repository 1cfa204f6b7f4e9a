"""Prices that the operator says himself, in a setting such as `ml.m5.xlarge=0.23`."""

import re
from collections.abc import Mapping
from decimal import Decimal

from dormouse.domain.price import Price

_EXAMPLE = "write types of instances and dollars an hour, as in ml.m5.xlarge=0.23 ml.t2.medium=0.05"
# Any that SageMaker may come to have.
_INSTANCE_TYPE = re.compile(r"ml\.[a-z0-9-]{1,30}\.[a-z0-9-]{1,30}", re.ASCII)
_USD = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6})?", re.ASCII)


def parse_price_overrides(text: str) -> Mapping[str, Price]:
    """Read prices by types of instances, separated by spaces; none of them in an empty text.

    Raises:
        ValueError: a part has another form, or a type comes twice; the message names it and shows
            an example.
    """
    prices: dict[str, Price] = {}
    for part in text.split():
        instance_type, equals, usd = part.partition("=")
        if not equals:
            raise ValueError(f"{part!r} has no '=': {_EXAMPLE}")
        if _INSTANCE_TYPE.fullmatch(instance_type) is None:
            raise ValueError(f"{instance_type!r} in {part!r} is no type of instance: {_EXAMPLE}")
        if _USD.fullmatch(usd) is None or not Decimal(usd):
            raise ValueError(
                f"{usd!r} in {part!r} is no number of dollars above 0, with six decimals at the "
                f"most: {_EXAMPLE}"
            )
        if instance_type in prices:
            raise ValueError(f"{part!r} is the second price of {instance_type}: {_EXAMPLE}")
        prices[instance_type] = Price(Decimal(usd))
    return prices
