"""What one region of AWS answers about endpoints: SageMaker, tags, metrics, and the smaller ones.

Each operation takes the request as it travels, as JSON, and gives the answer as it travels. Pages
are as long as AWS makes them at the most.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from benchmarks.reconcile.names import ACCOUNT
from benchmarks.reconcile.refusals import Refusal, UnknownCallError

REGION = "us-east-1"
VARIANT = "AllTraffic"

_PAGE = 100
# ListEndpoints gives so many to whoever names no number.
_DEFAULT_PAGE = 10
_QUERIES_A_CALL = 500

_TAG_TYPES = {"sagemaker:endpoint": "endpoint", "sagemaker:endpoint-config": "endpoint-config"}

Request = Mapping[str, Any]
Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Config:
    """An EndpointConfig."""

    name: str
    instance_type: str
    tags: Tags
    created_at: datetime


@dataclass(slots=True)
class Endpoint:
    """An endpoint that exists; `used_at` are the minutes in which CloudWatch shows invocations."""

    name: str
    config_name: str
    tags: dict[str, str]
    created_at: datetime
    modified_at: datetime
    status: str = "InService"
    used_at: list[datetime] = field(default_factory=list)


class Region:
    """All of it. `created`, `updated` and `deleted` are the endpoints' names, in turn."""

    def __init__(
        self,
        configs: Sequence[Config],
        endpoints: Sequence[Endpoint],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self.configs = {config.name.lower(): config for config in configs}
        self.endpoints = {endpoint.name.lower(): endpoint for endpoint in endpoints}
        self.created: list[str] = []
        self.updated: list[str] = []
        self.deleted: list[str] = []
        self.metrics_asked = 0
        self.messages: Counter[str] = Counter()
        self._operations: Mapping[str, Callable[[Request], Any]] = {
            "tagging:GetResources": self._get_resources,
            "sagemaker:ListEndpoints": self._list_endpoints,
            "sagemaker:ListEndpointConfigs": self._list_endpoint_configs,
            "sagemaker:DescribeEndpoint": self._describe_endpoint,
            "sagemaker:DescribeEndpointConfig": self._describe_endpoint_config,
            "sagemaker:ListTags": self._list_tags,
            "sagemaker:AddTags": self._add_tags,
            "sagemaker:CreateEndpoint": self._create_endpoint,
            "sagemaker:UpdateEndpoint": self._update_endpoint,
            "sagemaker:DeleteEndpoint": self._delete_endpoint,
            "monitoring:GetMetricData": self._get_metric_data,
            "application-autoscaling:DescribeScalableTargets": lambda _: {"ScalableTargets": []},
            "application-autoscaling:DescribeScalingPolicies": lambda _: {"ScalingPolicies": []},
            "application-autoscaling:DescribeScheduledActions": lambda _: {"ScheduledActions": []},
            "application-autoscaling:RegisterScalableTarget": lambda _: {},
            "application-autoscaling:PutScalingPolicy": lambda _: {
                "PolicyARN": "arn",
                "Alarms": [],
            },
            "ssm:GetParameter": _get_parameter,
            "ssm:GetParameters": lambda asked: {
                "Parameters": [],
                "InvalidParameters": asked["Names"],
            },
            "pricing:GetProducts": _get_products,
            "events:PutEvents": self._put_events,
            "sqs:SendMessage": self._send_message,
            "sqs:SendMessageBatch": self._send_messages,
        }

    def answer(self, operation: str, request: Request) -> Any:
        """Carry out an operation, as in `sagemaker:ListEndpoints`: the name that is signed.

        Raises:
            Refusal: AWS would refuse it.
            UnknownCallError: it is not among those that are known here.
        """
        known = self._operations.get(operation)
        if known is None:
            raise UnknownCallError(operation)
        return known(request)

    # -- tags

    def _get_resources(self, request: Request) -> Any:
        kinds = {_TAG_TYPES.get(name, name) for name in request.get("ResourceTypeFilters", ())}
        filters = request.get("TagFilters", ())
        found = [
            tagged
            for tagged in self._tagged()
            if (not kinds or tagged[0] in kinds) and _has_tags(tagged[2], filters)
        ]
        page, token = _page(
            found, request.get("PaginationToken"), request.get("ResourcesPerPage", _PAGE)
        )
        return {
            "ResourceTagMappingList": [
                {"ResourceARN": arn(kind, name), "Tags": _listed(tags)} for kind, name, tags in page
            ],
            "PaginationToken": token,
        }

    def _tagged(self) -> Sequence[tuple[str, str, Tags]]:
        return [
            *(("endpoint-config", config.name, config.tags) for config in self.configs.values()),
            *(("endpoint", endpoint.name, endpoint.tags) for endpoint in self.endpoints.values()),
        ]

    # -- SageMaker

    def _list_endpoints(self, request: Request) -> Any:
        part, status = request.get("NameContains", "").lower(), request.get("StatusEquals")
        found = [
            endpoint
            for name, endpoint in self.endpoints.items()
            if part in name and status in (None, endpoint.status)
        ]
        page, token = _page(
            found, request.get("NextToken"), request.get("MaxResults", _DEFAULT_PAGE)
        )
        listed = [
            {
                "EndpointName": endpoint.name,
                "EndpointArn": arn("endpoint", endpoint.name),
                "CreationTime": _seconds(endpoint.created_at),
                "LastModifiedTime": _seconds(endpoint.modified_at),
                "EndpointStatus": endpoint.status,
            }
            for endpoint in page
        ]
        return {"Endpoints": listed} | ({"NextToken": token} if token else {})

    def _list_endpoint_configs(self, request: Request) -> Any:
        part = request.get("NameContains", "").lower()
        found = [config for name, config in self.configs.items() if part in name]
        page, token = _page(
            found, request.get("NextToken"), request.get("MaxResults", _DEFAULT_PAGE)
        )
        listed = [
            {
                "EndpointConfigName": config.name,
                "EndpointConfigArn": arn("endpoint-config", config.name),
                "CreationTime": _seconds(config.created_at),
            }
            for config in page
        ]
        return {"EndpointConfigs": listed} | ({"NextToken": token} if token else {})

    def _describe_endpoint(self, request: Request) -> Any:
        endpoint = self._endpoint(request)
        count = 0 if endpoint.status in ("Creating", "Deleting") else 1
        return {
            "EndpointName": endpoint.name,
            "EndpointArn": arn("endpoint", endpoint.name),
            "EndpointConfigName": endpoint.config_name,
            "ProductionVariants": [
                {
                    "VariantName": VARIANT,
                    "DeployedImages": [],
                    "CurrentWeight": 1.0,
                    "DesiredWeight": 1.0,
                    "CurrentInstanceCount": count,
                    "DesiredInstanceCount": 1,
                }
            ],
            "EndpointStatus": endpoint.status,
            "CreationTime": _seconds(endpoint.created_at),
            "LastModifiedTime": _seconds(endpoint.modified_at),
        }

    def _describe_endpoint_config(self, request: Request) -> Any:
        config = self._config(request)
        return {
            "EndpointConfigName": config.name,
            "EndpointConfigArn": arn("endpoint-config", config.name),
            "ProductionVariants": [
                {
                    "VariantName": VARIANT,
                    "ModelName": f"{config.name}-model",
                    "InitialInstanceCount": 1,
                    "InstanceType": config.instance_type,
                    "InitialVariantWeight": 1.0,
                }
            ],
            "CreationTime": _seconds(config.created_at),
            "EnableNetworkIsolation": False,
        }

    def _list_tags(self, request: Request) -> Any:
        return {"Tags": _listed(self._tags_of(request["ResourceArn"]))}

    def _add_tags(self, request: Request) -> Any:
        kind, _, name = request["ResourceArn"].rpartition(":")[2].partition("/")
        if kind != "endpoint" or name not in self.endpoints:
            raise UnknownCallError(f"sagemaker:AddTags to {request['ResourceArn']}")
        self.endpoints[name].tags |= {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        return {"Tags": request["Tags"]}

    def _tags_of(self, of: str) -> Tags:
        kind, _, name = of.rpartition(":")[2].partition("/")
        known: Mapping[str, Config | Endpoint] = (
            self.configs if kind == "endpoint-config" else self.endpoints
        )
        return known[name].tags if name in known else {}

    def _create_endpoint(self, request: Request) -> Any:
        name, config = request["EndpointName"], self._config(request)
        if name.lower() in self.endpoints:
            raise Refusal(
                "ValidationException",
                f'Cannot create already existing endpoint "{arn("endpoint", name)}".',
            )
        now = self._clock()
        tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        self.endpoints[name.lower()] = Endpoint(name, config.name, tags, now, now, "Creating")
        self.created.append(name)
        return {"EndpointArn": arn("endpoint", name)}

    def _update_endpoint(self, request: Request) -> Any:
        endpoint, config = self._settled(request), self._config(request)
        endpoint.status, endpoint.config_name = "Updating", config.name
        endpoint.modified_at = self._clock()
        self.updated.append(endpoint.name)
        return {"EndpointArn": arn("endpoint", endpoint.name)}

    def _delete_endpoint(self, request: Request) -> Any:
        endpoint = self._settled(request)
        endpoint.status, endpoint.modified_at = "Deleting", self._clock()
        self.deleted.append(endpoint.name)
        return {}

    def _endpoint(self, request: Request) -> Endpoint:
        name = request["EndpointName"].lower()
        if name not in self.endpoints:
            raise Refusal(
                "ValidationException", f'Could not find endpoint "{arn("endpoint", name)}".'
            )
        return self.endpoints[name]

    def _settled(self, request: Request) -> Endpoint:
        endpoint = self._endpoint(request)
        if endpoint.status != "InService":
            raise Refusal(
                "ValidationException",
                f'Cannot update in-progress endpoint "{arn("endpoint", endpoint.name)}".',
            )
        return endpoint

    def _config(self, request: Request) -> Config:
        name = request["EndpointConfigName"].lower()
        if name not in self.configs:
            raise Refusal(
                "ValidationException",
                f'Could not find endpoint configuration "{arn("endpoint-config", name)}".',
            )
        return self.configs[name]

    # -- CloudWatch

    def _get_metric_data(self, request: Request) -> Any:
        queries = request["MetricDataQueries"]
        if len(queries) > _QUERIES_A_CALL:
            raise Refusal(
                "ValidationError",
                f"At most {_QUERIES_A_CALL} MetricDataQueries, not {len(queries)}",
            )
        if any("MetricStat" not in query for query in queries):
            raise UnknownCallError("monitoring:GetMetricData of an expression")
        self.metrics_asked += len(queries)
        first, end = (
            datetime.fromtimestamp(request[name], UTC) for name in ("StartTime", "EndTime")
        )
        return {
            "MetricDataResults": [
                self._metric(query["Id"], query["MetricStat"], first, end) for query in queries
            ],
            "Messages": [],
        }

    def _metric(self, name: str, asked: Any, first: datetime, end: datetime) -> Any:
        metric = asked["Metric"]
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        minutes: list[datetime] = []
        # Of Invocations there is nothing by the endpoint alone.
        if metric["MetricName"] == "Invocations" and dimensions.get("VariantName") == VARIANT:
            endpoint = self.endpoints.get(dimensions.get("EndpointName", "").lower())
            used_at = endpoint.used_at if endpoint is not None else []
            minutes = [minute for minute in used_at if first <= minute < end]
        return {
            "Id": name,
            "Label": metric["MetricName"],
            "Timestamps": [minute.timestamp() for minute in minutes],
            "Values": [3.0 for _ in minutes],
            "StatusCode": "Complete",
        }

    # -- messages

    def _put_events(self, request: Request) -> Any:
        self.messages["events"] += len(request["Entries"])
        return {
            "FailedEntryCount": 0,
            "Entries": [{"EventId": str(uuid4())} for _ in request["Entries"]],
        }

    def _send_message(self, _: Request) -> Any:
        self.messages["sqs"] += 1
        return {"MessageId": str(uuid4())}

    def _send_messages(self, request: Request) -> Any:
        self.messages["sqs"] += 1
        return {
            "Successful": [
                {"Id": entry["Id"], "MessageId": str(uuid4()), "MD5OfMessageBody": "0" * 32}
                for entry in request["Entries"]
            ],
            "Failed": [],
        }


def arn(kind: str, name: str) -> str:
    """Write an ARN, in lower case as SageMaker does."""
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name.lower()}"


def minute_before(now: datetime, ago: timedelta) -> datetime:
    """Return the beginning of the minute that was so long ago."""
    return (now - ago).replace(second=0, microsecond=0)


def _seconds(moment: datetime) -> float:
    """Write a moment, to the millisecond."""
    return round(moment.timestamp(), 3)


def _listed(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _has_tags(tags: Tags, wanted: Sequence[Any]) -> bool:
    return all(
        each["Key"] in tags and (not each.get("Values") or tags[each["Key"]] in each["Values"])
        for each in wanted
    )


def _page(found: Sequence[Any], token: str | None, at_most: int) -> tuple[Sequence[Any], str]:
    """Return a page of at most 100, and the token of the next one, empty if there is none."""
    if at_most > _PAGE:
        raise Refusal("ValidationException", f"a page has {_PAGE} at the most, not {at_most}")
    start = int(token) if token else 0
    end = start + at_most
    return found[start:end], str(end) if end < len(found) else ""


def _get_parameter(request: Request) -> Any:
    raise Refusal("ParameterNotFound", f"Parameter {request['Name']} not found.")


def _get_products(request: Request) -> Any:
    wanted = {each["Field"]: each["Value"] for each in request.get("Filters", ())}
    product = {
        "product": {
            "productFamily": "ML Instance",
            "attributes": {
                "regionCode": REGION,
                "component": "Hosting",
                "instanceName": wanted.get("instanceName", "ml.m5.xlarge"),
                "instanceType": f"{wanted.get('instanceName', 'ml.m5.xlarge')}-Hosting",
                "usagetype": "USE1-Host:ml.m5.xlarge",
                "operation": "RunInstance",
            },
            "sku": "ABCDEFGHIJKLMNOP",
        },
        "serviceCode": "AmazonSageMaker",
        "terms": {
            "OnDemand": {
                "ABCDEFGHIJKLMNOP.JRTCKXETXF": {
                    "priceDimensions": {
                        "ABCDEFGHIJKLMNOP.JRTCKXETXF.6YS6EN2CT7": {
                            "unit": "Hrs",
                            "endRange": "Inf",
                            "beginRange": "0",
                            "description": "$0.23 per Hosting hour",
                            "pricePerUnit": {"USD": "0.2300000000"},
                        }
                    },
                    "effectiveDate": "2026-01-01T00:00:00Z",
                    "termAttributes": {},
                }
            }
        },
    }
    return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(product)]}
