"""Documents of AWS's price list, written after the documented format; the numbers are made up.

https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html
"""

import json
from typing import Any


def product(
    usd: Any = "0.2300000000",
    *,
    instance_type: str = "ml.m5.xlarge",
    region: str = "us-east-1",
    component: str = "Hosting",
    unit: str = "Hrs",
    sku: str = "7XZJ9N4QW2K8TB5H",
) -> dict[str, Any]:
    """Build one document, as a mapping."""
    offer = f"{sku}.JRTCKXETXF"
    rate_code = f"{offer}.6YS6EN2CT7"
    return {
        "product": {
            "productFamily": "ML Instance",
            "attributes": {
                "regionCode": region,
                "servicecode": "AmazonSageMaker",
                "servicename": "Amazon SageMaker",
                "instanceType": f"{instance_type}-{component}",
                "instanceName": instance_type,
                "component": component,
                "computeType": "Standard",
                "location": "US East (N. Virginia)",
                "locationType": "AWS Region",
                "usagetype": f"USE1-Host:{instance_type}",
                "operation": "RunInstance",
                "vCpu": "4",
                "memory": "16 GiB",
            },
            "sku": sku,
        },
        "serviceCode": "AmazonSageMaker",
        "terms": {
            "OnDemand": {
                offer: {
                    "priceDimensions": {
                        rate_code: {
                            "unit": unit,
                            "endRange": "Inf",
                            "description": f"${usd} per {component} {instance_type} hour",
                            "appliesTo": [],
                            "rateCode": rate_code,
                            "beginRange": "0",
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


def document(usd: Any = "0.2300000000", **attributes: Any) -> str:
    """Build one document, as GetProducts has it in its PriceList."""
    return json.dumps(product(usd, **attributes))
