"""A rate: what an EndpointConfig's instances cost in an hour, with where the price comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from dormouse.domain.price import Instances, Price, Unpriced
from dormouse.domain.price_override import parse_price_overrides
from dormouse.domain.spending import Rate
from dormouse.errors import AwsError
from dormouse.pricing import Pricing
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
M5, G4 = "ml.m5.xlarge", "ml.g4dn.xlarge"


@dataclass
class FakeConfigs:
    """EndpointConfigs whose instances are known, and others that DescribeEndpointConfig refuses."""

    by_name: Mapping[str, Sequence[Instances] | Unpriced]

    def instances(self, config_name: str) -> Sequence[Instances] | Unpriced:
        """Say what was given."""
        if config_name not in self.by_name:
            raise AwsError("DescribeEndpointConfig refused: ThrottlingException: Rate exceeded")
        return self.by_name[config_name]


@dataclass
class FakeList:
    """A price list, and which types it was asked for."""

    asked: list[str] = field(default_factory=list)

    def price(self, instance_type: str, now: datetime) -> Price | Unpriced:
        """Say the price of an ml.m5.xlarge; no other is known."""
        self.asked.append(instance_type)
        if instance_type == M5:
            return Price(Decimal("0.2300000000"), now)
        return Unpriced(f"the price list has no price for hosting on {instance_type}")


def rate(
    instances: Sequence[Instances] | Unpriced | None, overrides: str = ""
) -> tuple[Rate, list[str]]:
    """Make the rate of config c1, and say which prices were asked for."""
    prices = FakeList()
    configs = FakeConfigs({} if instances is None else {"c1": instances})
    pricing = Pricing(configs, prices, FakeClock(NOW), parse_price_overrides(overrides))
    return pricing.rate("c1"), sorted(prices.asked)


def test_by_the_price_list() -> None:
    """With the date of the list, in UTC."""
    assert rate([Instances(M5, 2)]) == (
        Rate("c1", Decimal("0.46"), "2 x ml.m5.xlarge at $0.23 an hour, list price of 2026-11-20"),
        [M5],
    )


def test_the_date_of_the_list_is_one_of_utc() -> None:
    """Wherever the moment is written."""
    assert Price(Decimal(1), NOW.astimezone(timezone(timedelta(hours=9)))).source == (
        "list price of 2026-11-20"
    )


def test_the_operators_price_wins() -> None:
    """And the list is not asked."""
    assert rate([Instances(M5, 1)], f"{M5}=0.18") == (
        Rate("c1", Decimal("0.18"), "1 x ml.m5.xlarge at $0.18 an hour, override"),
        [],
    )


def test_several_types_add_up() -> None:
    """Each with its own source."""
    assert rate([Instances(M5, 1), Instances(G4, 2)], f"{G4}=0.7364") == (
        Rate(
            "c1",
            Decimal("1.7028"),
            "1 x ml.m5.xlarge at $0.23 an hour, list price of 2026-11-20"
            " + 2 x ml.g4dn.xlarge at $0.7364 an hour, override",
        ),
        [M5],
    )


@pytest.mark.parametrize(
    ("instances", "reason"),
    [
        (
            [Instances(M5, 1), Instances(G4, 1)],
            "the price list has no price for hosting on ml.g4dn.xlarge",
        ),
        (Unpriced("its variant a is serverless"), "its variant a is serverless"),
        ([], "its EndpointConfig names no instances"),
        (None, "DescribeEndpointConfig refused: ThrottlingException: Rate exceeded"),
    ],
)
def test_what_is_not_known_is_said(
    instances: Sequence[Instances] | Unpriced | None, reason: str
) -> None:
    """Nothing is raised, and a part of the sum is none."""
    assert rate(instances)[0] == Rate("c1", None, f"the price is not known: {reason}")
