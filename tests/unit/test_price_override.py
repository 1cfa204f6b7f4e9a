"""Prices that the operator says himself: read as written, or refused with the bad part named."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.price import Price
from dormouse.domain.price_override import parse_price_overrides

TYPES = st.from_regex(r"ml\.[a-z0-9-]{1,8}\.[a-z0-9]{1,8}", fullmatch=True)
PRICES = st.decimals(Decimal("0.000001"), Decimal("9999.99"), places=6)


def test_prices_are_read() -> None:
    """By their types of instances; from an empty text none."""
    assert parse_price_overrides("ml.m5.xlarge=0.23  ml.p6-b200.48xlarge=113\n") == {
        "ml.m5.xlarge": Price(Decimal("0.23")),
        "ml.p6-b200.48xlarge": Price(Decimal(113)),
    }
    assert parse_price_overrides(" ") == {}


@given(st.dictionaries(TYPES, PRICES))
def test_what_is_written_is_read(prices: dict[str, Decimal]) -> None:
    """All of them."""
    text = " ".join(f"{name}={usd:f}" for name, usd in prices.items())
    assert parse_price_overrides(text) == {name: Price(usd) for name, usd in prices.items()}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ml.m5.xlarge", ["'ml.m5.xlarge' has no '='"]),
        ("ml.m5.xlarge=0.23 ml.t2.medium", ["'ml.t2.medium' has no '='"]),
        ("m5.xlarge=0.23", ["'m5.xlarge' in 'm5.xlarge=0.23'", "no type of instance"]),
        ("ML.M5.xlarge=0.23", ["'ML.M5.xlarge'"]),
        ("=0.23", ["'' in '=0.23'"]),
        ("ml.m5.xlarge=", ["'' in 'ml.m5.xlarge='", "no number"]),
        ("ml.m5.xlarge=0", ["'0' in", "above 0"]),
        ("ml.m5.xlarge=-1", ["'-1' in"]),
        ("ml.m5.xlarge=1e3", ["'1e3' in"]),
        ("ml.m5.xlarge=$0.23", ["'$0.23' in"]),
        ("ml.m5.xlarge=0.2345678", ["'0.2345678' in", "six decimals"]),
        ("ml.m5.xlarge=0.23,ml.t2.medium=0.05", ["'0.23,ml.t2.medium=0.05' in"]),
        ("ml.m5.xlarge=1 ml.m5.xlarge=1", ["'ml.m5.xlarge=1' is the second price"]),
    ],
)
def test_a_bad_part_is_named(text: str, says: list[str]) -> None:
    """With an example."""
    with pytest.raises(ValueError) as refusal:
        parse_price_overrides(text)
    assert all(part in str(refusal.value) for part in (*says, "as in ml.m5.xlarge=0.23"))


@given(st.text() | st.text("ml.5x= 0"))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No other exception escapes, and every price is above nothing."""
    try:
        prices = parse_price_overrides(text)
    except ValueError:
        return
    assert all(price.usd_per_hour > 0 for price in prices.values())
    assert len(prices) == len(text.split())
