"""The price list is asked seldom, and what it said outlives it; nothing is ever raised."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from dormouse.adapters.prices import ASKED_AGAIN_AFTER, REFRESHED_AFTER, ListPrices
from dormouse.adapters.state import EndpointsTable
from dormouse.domain.price import Price, Unpriced
from tests.fakes.price_documents import document

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
M5 = "ml.m5.xlarge"
MOMENT = timedelta(seconds=1)
REFUSED = Unpriced("GetProducts refused: AccessDeniedException: not authorized")

EXPECTED: dict[str, Any] = {
    "ServiceCode": "AmazonSageMaker",
    "Filters": [
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-east-1"},
        {"Type": "TERM_MATCH", "Field": "instanceName", "Value": M5},
        {"Type": "TERM_MATCH", "Field": "component", "Value": "Hosting"},
    ],
    "FormatVersion": "aws_v1",
}

CLIENT = boto3.client(
    "pricing", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1})
)


@pytest.fixture
def stub() -> Iterator[Stubber]:
    """Every call of the client is expected."""
    with Stubber(CLIENT) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@dataclass(frozen=True)
class Containers:
    """Each asks once, so that it remembers nothing but what stands in the table."""

    client: Any
    region: str = "us-east-1"

    def one(self) -> ListPrices:
        """One that lives on."""
        return ListPrices(self.client, "endpoints", CLIENT, self.region)

    def price(self, instance_type: str, now: datetime) -> Price | Unpriced:
        """Ask a new one."""
        return self.one().price(instance_type, now)


@pytest.fixture
def prices(table: EndpointsTable, stub: Stubber) -> Containers:
    """The adapter under test, of us-east-1."""
    assert stub.client is CLIENT
    return Containers(table.client)


def listed(stub: Stubber, usd: str) -> None:
    """Let the list be asked once, and say this price."""
    stub.add_response("get_products", {"PriceList": [document(usd)]}, EXPECTED)


def refuse(stub: Stubber) -> None:
    """Let the list be asked once, and refuse."""
    stub.add_client_error("get_products", "AccessDeniedException", "not authorized")


def test_the_list_is_asked_once_in_a_week(stub: Stubber, prices: Containers) -> None:
    """For each type; by whoever comes first."""
    listed(stub, "0.2300000000")
    price = Price(Decimal("0.23"), NOW)
    assert prices.price(M5, NOW) == price
    assert prices.price(M5, NOW + REFRESHED_AFTER - MOMENT) == price

    listed(stub, "0.2000000000")
    assert prices.price(M5, NOW + REFRESHED_AFTER) == Price(Decimal("0.2"), NOW + REFRESHED_AFTER)


def test_a_container_remembers_what_it_has_read(
    stub: Stubber, prices: Containers, table: EndpointsTable
) -> None:
    """Neither the item nor the list is read again before the price is to be refreshed."""
    item: Any = {"TableName": "endpoints", "Key": {"endpoint": {"S": "dormouse:prices"}}}
    container = prices.one()
    listed(stub, "0.23")
    price = prices.price(M5, NOW)
    assert container.price(M5, NOW) == price
    table.client.delete_item(**item)
    assert container.price(M5, NOW + REFRESHED_AFTER - MOMENT) == price

    refuse(stub)
    later = NOW + REFRESHED_AFTER
    assert container.price(M5, later) == price

    later += ASKED_AGAIN_AFTER
    listed(stub, "0.25")
    assert container.price(M5, later) == Price(Decimal("0.25"), later)
    table.client.delete_item(**item)
    assert container.price(M5, later) == Price(Decimal("0.25"), later)


def test_every_page_is_read(stub: Stubber, prices: Containers) -> None:
    """A second one could disagree."""
    stub.add_response(
        "get_products", {"PriceList": [document("0.23")], "NextToken": "more"}, EXPECTED
    )
    stub.add_response(
        "get_products", {"PriceList": [document("0.25")]}, {**EXPECTED, "NextToken": "more"}
    )
    answer = prices.price(M5, NOW)
    assert isinstance(answer, Unpriced)
    assert "several prices" in answer.reason


def test_a_list_that_cannot_be_read_is_left_alone_for_an_hour(
    stub: Stubber, prices: Containers
) -> None:
    """A fleet that starts asks for each of its endpoints."""
    refuse(stub)
    assert prices.price(M5, NOW) == REFUSED
    assert prices.price(M5, NOW + ASKED_AGAIN_AFTER - MOMENT) == REFUSED

    listed(stub, "0.23")
    later = NOW + ASKED_AGAIN_AFTER
    assert prices.price(M5, later) == Price(Decimal("0.23"), later)


def test_an_old_price_stands_where_the_list_cannot_be_read(
    stub: Stubber, prices: Containers
) -> None:
    """With the date at which it was read; the list is asked again later."""
    listed(stub, "0.23")
    price = prices.price(M5, NOW)
    later = NOW + timedelta(days=30)
    refuse(stub)
    assert prices.price(M5, later) == price == Price(Decimal("0.23"), NOW)
    assert prices.price(M5, later + MOMENT) == price

    listed(stub, "0.25")
    later += ASKED_AGAIN_AFTER
    assert prices.price(M5, later) == Price(Decimal("0.25"), later)


def test_a_list_without_an_answer_is_no_price(stub: Stubber, prices: Containers) -> None:
    """No product, and not even a list of them."""
    stub.add_response("get_products", {}, EXPECTED)
    assert prices.price(M5, NOW) == Unpriced(
        "the price list has no price for hosting on ml.m5.xlarge in us-east-1"
    )


def test_types_and_regions_have_prices_of_their_own(
    stub: Stubber, table: EndpointsTable, prices: Containers
) -> None:
    """In one item, which is no endpoint."""
    listed(stub, "0.23")
    in_frankfurt = Containers(table.client, "eu-central-1")
    german = document("0.27", region="eu-central-1")
    gpu = document("0.7364", instance_type="ml.g4dn.xlarge")
    stub.add_response("get_products", {"PriceList": [german]})
    stub.add_response("get_products", {"PriceList": [gpu]})

    asked = [(prices, M5), (in_frankfurt, M5), (prices, "ml.g4dn.xlarge")]
    for _ in range(2):
        assert [one.price(name, NOW) for one, name in asked] == [
            Price(Decimal(usd), NOW) for usd in ("0.23", "0.27", "0.7364")
        ]
    assert table.read_all() == {}


def test_the_list_alone_is_enough(stub: Stubber) -> None:
    """Where the table can be neither read nor written."""
    dynamodb = boto3.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))
    with Stubber(dynamodb) as table:
        for call in ("get_item", "update_item", "get_item", "update_item"):
            table.add_client_error(call, "ThrottlingException", "Rate exceeded")
        prices = Containers(dynamodb)

        listed(stub, "0.23")
        assert prices.price(M5, NOW) == Price(Decimal("0.23"), NOW)
        refuse(stub)
        assert prices.price(M5, NOW) == REFUSED
        table.assert_no_pending_responses()


def test_nobody_answers(table: EndpointsTable) -> None:
    """The connection is refused, as where there is no way out of the VPC."""
    client = boto3.client(
        "pricing",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=1),
    )
    answer = ListPrices(table.client, "endpoints", client, "us-east-1").price(M5, NOW)
    assert isinstance(answer, Unpriced)
    assert answer.reason.startswith("GetProducts failed: ")
