"""GetProducts of the Price List API, with the prices of a few instances for hosting models.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
"""

from __future__ import annotations

import json
import uuid

from local import paging
from local.json_api import Json
from local.sagemaker import validation
from local.sagemaker.errors import ServiceError

TARGET = "AWSPriceListService"
SERVICE_CODE = "AmazonSageMaker"
MOST_IN_A_PAGE = 100
# Dollars an hour, about what they cost in us-east-1. Every region has the same here.
HOSTING = {
    "ml.t2.medium": "0.0560000000",
    "ml.m5.large": "0.1150000000",
    "ml.m5.xlarge": "0.2300000000",
    "ml.m5.2xlarge": "0.4610000000",
    "ml.c5.xlarge": "0.2040000000",
    "ml.c5.2xlarge": "0.4080000000",
    "ml.g4dn.xlarge": "0.7364000000",
}


class PriceList:
    """The one operation. It belongs to one region, since the names of the others' locations would
    be long to tell.
    """

    def __init__(self, region: str):
        self._products = [_product(region, name, usd) for name, usd in HOSTING.items()]

    def call(self, operation: str, request: Json) -> Json:
        """Check the request and carry it out; raises ServiceError."""
        if operation != "GetProducts":
            raise ServiceError(
                "UnknownOperationException", f"The local price list has no operation {operation}."
            )
        validation.check("pricing", operation, request)
        found = [each for each in self._products if _matches(each, request)]
        size = min(request.get("MaxResults") or MOST_IN_A_PAGE, MOST_IN_A_PAGE)
        try:
            rows, token = paging.page(found, size, request.get("NextToken"))
        except ValueError:
            raise ServiceError("InvalidNextTokenException", "Invalid NextToken.") from None
        return {
            "FormatVersion": "aws_v1",
            "PriceList": [json.dumps(each) for each in rows],
            **({"NextToken": token} if token else {}),
        }


def _matches(product: Json, request: Json) -> bool:
    if request["ServiceCode"] != SERVICE_CODE:
        return False
    attributes = product["product"]["attributes"]
    return all(
        # The only kind of filter that boto3's model has had for most of its life.
        each["Type"] == "TERM_MATCH" and attributes.get(each["Field"]) == each["Value"]
        for each in request.get("Filters", ())
    )


def _product(region: str, instance_type: str, usd: str) -> Json:
    # The same at each start, as a SKU is.
    sku = uuid.uuid5(uuid.NAMESPACE_DNS, f"{region} {instance_type}").hex[:16].upper()
    offer = f"{sku}.JRTCKXETXF"
    rate = f"{offer}.6YS6EN2CT7"
    return {
        "product": {
            "productFamily": "ML Instance",
            "attributes": {
                "regionCode": region,
                "servicecode": SERVICE_CODE,
                "servicename": "Amazon SageMaker",
                "instanceType": f"{instance_type}-Hosting",
                "instanceName": instance_type,
                "component": "Hosting",
                "operation": "RunInstance",
            },
            "sku": sku,
        },
        "serviceCode": SERVICE_CODE,
        "terms": {
            "OnDemand": {
                offer: {
                    "priceDimensions": {
                        rate: {
                            "unit": "Hrs",
                            "beginRange": "0",
                            "endRange": "Inf",
                            "description": f"${usd} per Hosting {instance_type} hour",
                            "appliesTo": [],
                            "rateCode": rate,
                            "pricePerUnit": {"USD": usd},
                        }
                    },
                    "sku": sku,
                    "effectiveDate": "2026-11-01T00:00:00Z",
                    "offerTermCode": "JRTCKXETXF",
                    "termAttributes": {},
                }
            }
        },
        "version": "20261101000000",
        "publicationDate": "2026-11-01T00:00:00Z",
    }
