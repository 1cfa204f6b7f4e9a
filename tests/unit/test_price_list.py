"""The documents of the price list: one price, or a reason why there is none; never a guess."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.price import Unpriced
from dormouse.domain.price_list import pricing_region, read_price
from tests.fakes.price_documents import document, product

WHAT = "ml.m5.xlarge in us-east-1"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def read(*documents: str) -> Decimal | Unpriced:
    """Read the price of an ml.m5.xlarge in us-east-1."""
    return read_price(documents, "us-east-1", "ml.m5.xlarge")


def test_the_price_of_an_hour_is_read() -> None:
    """Exactly, from the documented place."""
    assert read(document()) == Decimal("0.23")
    assert read(document("0.7364000000")) == Decimal("0.7364")


@given(st.decimals(Decimal("0.000000000001"), Decimal("999999.99"), places=12))
def test_each_price_is_read(usd: Decimal) -> None:
    """As it is written."""
    assert read(document(f"{usd:f}")) == usd


@pytest.mark.parametrize(
    "other",
    [
        document("0.99", instance_type="ml.m5.2xlarge"),
        document("0.99", region="eu-central-1"),
        document("0.99", component="Training"),
        # Billed by something else than the hour.
        document("0.99", unit="GB-Mo"),
        # A free tier beside the price.
        document("0.0000000000"),
        # Two products that agree.
        document("0.230", sku="ANOTHER"),
    ],
)
def test_what_is_beside_it_does_not_disturb(other: str) -> None:
    """Wherever it stands."""
    assert read(other, document()) == Decimal("0.23")
    assert read(document(), other) == Decimal("0.23")


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    """Build a document and change it."""
    made = product()
    change(made)
    return json.dumps(made)


def offer(made: dict[str, Any]) -> dict[str, Any]:
    """Find the only offer on demand."""
    only: dict[str, Any] = next(iter(made["terms"]["OnDemand"].values()))
    return only


def dimension(made: dict[str, Any]) -> dict[str, Any]:
    """Find the only price of the only offer."""
    only: dict[str, Any] = next(iter(offer(made)["priceDimensions"].values()))
    return only


@pytest.mark.parametrize(
    ("documents", "reason"),
    [
        ([], f"the price list has no price for hosting on {WHAT}"),
        ([document(component="Training")], f"the price list has no price for hosting on {WHAT}"),
        ([document("0.0000000000")], f"the price list has no price for hosting on {WHAT}"),
        # As in China.
        (
            [changed(lambda made: dimension(made).update(pricePerUnit={"CNY": "1.5"}))],
            f"the price list has no price for hosting on {WHAT}",
        ),
        # Nothing on demand.
        (
            [changed(lambda made: made["terms"].clear())],
            f"the price list has no price for hosting on {WHAT}",
        ),
        (
            [document("0.25"), document("0.23")],
            f"the price list has several prices for {WHAT} ($0.23, $0.25)",
        ),
    ],
)
def test_without_one_price_there_is_none(documents: list[str], reason: str) -> None:
    """And it says why."""
    assert read(*documents) == Unpriced(reason)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("", "a document is no JSON"),
        ("{", "a document is no JSON"),
        ("[" * 100_000, "a document is no JSON"),
        ("1" * 5_000, "a document is no JSON"),
        ("null", "no 'product'"),
        ("[]", "no 'product'"),
        ('{"product": {}}', "no 'attributes'"),
        ('{"product": {"attributes": []}}', "no 'attributes'"),
        (changed(lambda made: made.pop("terms")), "no 'terms'"),
        (changed(lambda made: made["terms"].update(OnDemand=[])), "no 'OnDemand'"),
        (changed(lambda made: offer(made).pop("priceDimensions")), "no 'priceDimensions'"),
        (changed(lambda made: dimension(made).pop("pricePerUnit")), "no 'pricePerUnit'"),
        *(
            (document(usd), "USD is ")
            for usd in ("", "-0.23", "1e3", "NaN", "Infinity", "0,23", "٣", 0.23, None, "1234567")
        ),
    ],
)
def test_what_cannot_be_read_is_no_price(broken: str, says: str) -> None:
    """Even beside one that can: it might disagree."""
    for documents in ([broken], [broken, document()], [document(), broken]):
        answer = read(*documents)
        assert isinstance(answer, Unpriced)
        assert answer.reason.startswith(f"the price list can't be read for {WHAT}: ")
        assert says in answer.reason


@given(st.lists(st.text() | JSON.map(json.dumps), max_size=3))
def test_any_document_is_read_or_refused(documents: list[str]) -> None:
    """Nothing is raised, and no price comes of what is none."""
    assert isinstance(read(*documents), Unpriced)


PATHS: list[list[str]] = [
    ["product"],
    ["product", "attributes"],
    ["product", "attributes", "instanceName"],
    ["terms"],
    ["terms", "OnDemand"],
    ["terms", "OnDemand", "7XZJ9N4QW2K8TB5H.JRTCKXETXF"],
]


@given(st.sampled_from(PATHS), JSON)
def test_any_part_of_a_document_may_be_anything(path: list[str], value: Any) -> None:
    """It is no price then, and nothing is raised."""

    def put(made: dict[str, Any]) -> None:
        for name in path[:-1]:
            made = made[name]
        made[path[-1]] = value

    assert isinstance(read(changed(put)), Unpriced)


@given(JSON)
def test_a_price_may_be_anything(value: Any) -> None:
    """What is read is a number of dollars above nothing."""
    answer = read(document(value))
    if isinstance(answer, Decimal):
        assert Decimal(value) == answer > 0


@pytest.mark.parametrize(
    ("region", "asked"),
    [
        ("us-east-1", "us-east-1"),
        ("us-west-2", "us-east-1"),
        ("ca-central-1", "us-east-1"),
        ("sa-east-1", "us-east-1"),
        ("eu-west-3", "eu-central-1"),
        ("me-south-1", "eu-central-1"),
        ("af-south-1", "eu-central-1"),
        ("il-central-1", "eu-central-1"),
        ("ap-southeast-2", "ap-south-1"),
        ("mars-north-1", "us-east-1"),
    ],
)
def test_where_the_list_is_asked(region: str, asked: str) -> None:
    """It is in three regions."""
    assert pricing_region(region) == asked
