"""The control plane's operations on models and endpoint configurations, tags, and the store all
operations share.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local.sagemaker import errors, naming
from local.sagemaker.naming import Place
from local.sagemaker.records import Endpoint, EndpointConfig, Model, Tags

Json = dict[str, Any]


class Store:
    """All that exists, under one lock."""

    def __init__(self, place: Place, today: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self.place = place
        self.today = today
        self.lock = threading.RLock()
        self.models: dict[str, Model] = {}
        self.configs: dict[str, EndpointConfig] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.tags: dict[str, Tags] = {}

    def config(self, name: str) -> EndpointConfig:
        """Find a configuration or refuse."""
        found = self.configs.get(naming.key(name))
        if found is None:
            raise errors.could_not_find(
                "endpoint configuration", self.place.arn("endpoint-config", name)
            )
        return found

    def model(self, name: str) -> Model:
        """Find a model or refuse."""
        found = self.models.get(naming.key(name))
        if found is None:
            raise errors.could_not_find("model", self.place.arn("model", name))
        return found

    def serving_variants(self, endpoint_name: str) -> tuple[str, ...]:
        """Name an endpoint's variants that have instances; none where there is no endpoint."""
        with self.lock:
            endpoint = self.endpoints.get(naming.key(endpoint_name))
            if endpoint is None or endpoint.serving is None:
                return ()
            return (endpoint.serving.variant["VariantName"],)

    def set_tags(self, arn: str, tags: list[dict[str, str]] | None) -> None:
        """Add tags to a resource."""
        self.tags.setdefault(arn, {}).update({tag["Key"]: tag["Value"] for tag in tags or []})

    def tagged(self) -> list[tuple[str, list[dict[str, str]]]]:
        """List every resource that has had tags, as the tagging API shows them."""
        with self.lock:
            return [(arn, tag_list(tags)) for arn, tags in self.tags.items()]


def tag_list(tags: Tags) -> list[dict[str, str]]:
    """Write tags as AWS does."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def create_model(store: Store, request: Json) -> Json:
    """CreateModel."""
    arn = store.place.arn("model", request["ModelName"])
    if naming.key(request["ModelName"]) in store.models:
        raise errors.already_exists("model", arn)
    if bool(request.get("PrimaryContainer")) == bool(request.get("Containers")):
        raise errors.validation("Exactly one of PrimaryContainer and Containers must be provided.")
    container = request.get("PrimaryContainer") or request["Containers"][0]
    url = container.get("ModelDataUrl", "")
    if container.get("Mode") == "MultiModel" and not url.startswith("s3://"):
        raise errors.validation(
            "ModelDataUrl must be an S3 prefix when the container's Mode is MultiModel."
        )
    model = Model(request["ModelName"], arn, store.today(), request)
    store.models[naming.key(model.name)] = model
    store.set_tags(arn, request.get("Tags"))
    return {"ModelArn": arn}


def describe_model(store: Store, request: Json) -> Json:
    """DescribeModel."""
    model = store.model(request["ModelName"])
    shown = {k: v for k, v in model.request.items() if k != "Tags"}
    if "PrimaryContainer" in shown:
        shown["PrimaryContainer"] = {"Mode": "SingleModel", **shown["PrimaryContainer"]}
    return {
        "EnableNetworkIsolation": False,
        **shown,
        "ModelArn": model.arn,
        "CreationTime": model.created_at,
    }


def delete_model(store: Store, request: Json) -> Json:
    """DeleteModel."""
    model = store.model(request["ModelName"])
    del store.models[naming.key(model.name)]
    store.tags.pop(model.arn, None)
    return {}


def create_endpoint_config(store: Store, request: Json) -> Json:
    """CreateEndpointConfig."""
    name = request["EndpointConfigName"]
    arn = store.place.arn("endpoint-config", name)
    if naming.key(name) in store.configs:
        raise errors.already_exists("endpoint configuration", arn)
    for variant in request["ProductionVariants"]:
        model = store.model(variant["ModelName"])
        capture = request.get("DataCaptureConfig", {}).get("EnableCapture")
        if capture and model.container.get("Mode") == "MultiModel":
            raise errors.validation("DataCapture feature is not supported with MultiModel mode.")
    config = EndpointConfig(name, arn, store.today(), request)
    store.configs[naming.key(name)] = config
    store.set_tags(arn, request.get("Tags"))
    return {"EndpointConfigArn": arn}


def describe_endpoint_config(store: Store, request: Json) -> Json:
    """DescribeEndpointConfig."""
    config = store.config(request["EndpointConfigName"])
    shown = {k: v for k, v in config.request.items() if k != "Tags"}
    shown["ProductionVariants"] = [
        {"InitialVariantWeight": 1.0, **variant} for variant in shown["ProductionVariants"]
    ]
    return {
        "EnableNetworkIsolation": False,
        **shown,
        "EndpointConfigArn": config.arn,
        "CreationTime": config.created_at,
    }


def delete_endpoint_config(store: Store, request: Json) -> Json:
    """DeleteEndpointConfig. SageMaker lets one delete a configuration in use; so does this."""
    config = store.config(request["EndpointConfigName"])
    del store.configs[naming.key(config.name)]
    store.tags.pop(config.arn, None)
    return {}


def _existing(store: Store, arn: str) -> str:
    lowered = arn.lower()
    known = {
        *(m.arn for m in store.models.values()),
        *(c.arn for c in store.configs.values()),
        *(e.arn for e in store.endpoints.values()),
    }
    if lowered not in known:
        raise errors.could_not_find("resource", arn)
    return lowered


def add_tags(store: Store, request: Json) -> Json:
    """AddTags."""
    arn = _existing(store, request["ResourceArn"])
    store.set_tags(arn, request["Tags"])
    return {"Tags": tag_list(store.tags[arn])}


def list_tags(store: Store, request: Json) -> Json:
    """ListTags. Fifty tags are the most a resource may have, so one page holds them."""
    return {"Tags": tag_list(store.tags.get(_existing(store, request["ResourceArn"]), {}))}


def delete_tags(store: Store, request: Json) -> Json:
    """DeleteTags."""
    tags = store.tags.get(_existing(store, request["ResourceArn"]), {})
    for name in request["TagKeys"]:
        tags.pop(name, None)
    return {}
