"""GetProducts."""

from typing import Any

import pytest

from dormouse.domain.price_list import SERVICE_CODE, attributes_of, read_price
from tests.local.conftest import LocalAws
from tests.local.shapes import check_answer


def products(aws: LocalAws, service_code: str = SERVICE_CODE, **attributes: str) -> list[str]:
    """The documents with these attributes."""
    answer = aws.client("pricing").get_products(
        ServiceCode=service_code,
        Filters=[
            {"Type": "TERM_MATCH", "Field": field, "Value": value}
            for field, value in attributes.items()
        ],
        FormatVersion="aws_v1",
    )
    check_answer("pricing", "GetProducts", answer)
    return [str(document) for document in answer["PriceList"]]


@pytest.mark.parametrize(
    ("instance_type", "usd"), [("ml.m5.xlarge", "0.23"), ("ml.g4dn.xlarge", "0.7364")]
)
def test_a_price_is_found_as_on_aws(aws: LocalAws, instance_type: str, usd: str) -> None:
    """By the same filters, in a document that is read by the same reader."""
    found = products(aws, **attributes_of("us-east-1", instance_type))
    assert len(found) == 1
    assert str(read_price(found, "us-east-1", instance_type)).rstrip("0") == usd


@pytest.mark.parametrize(
    "other",
    [
        {"regionCode": "eu-west-1"},
        {"instanceName": "ml.p5.48xlarge"},
        {"component": "Training"},
        {"nonsense": "x"},
        {"service_code": "AmazonEC2"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_nothing_else_matches(aws: LocalAws, other: dict[str, str]) -> None:
    """No product has other attributes."""
    wanted = {**attributes_of("us-east-1", "ml.m5.xlarge"), **other}
    assert products(aws, **wanted) == []


def test_products_come_in_pages(aws: LocalAws) -> None:
    """NextToken leads through all of them once."""
    pricing: Any = aws.client("pricing")
    pages = pricing.get_paginator("get_products").paginate(
        ServiceCode=SERVICE_CODE, PaginationConfig={"PageSize": 3}
    )
    found = [document for page in pages for document in page["PriceList"]]
    assert len(found) > 3
    assert sorted(found) == sorted(products(aws))
    assert len(set(found)) == len(found)
    with pytest.raises(pricing.exceptions.InvalidNextTokenException):
        pricing.get_products(ServiceCode=SERVICE_CODE, NextToken="%")
