"""The control plane's front: JSON 1.1 in, an operation by its name, JSON 1.1 out."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from local.sagemaker import control, errors, listing, validation
from local.sagemaker.control import Json, Store
from local.sagemaker.endpoints import Endpoints
from local.sagemaker.errors import ServiceError

TARGET_PREFIX = "SageMaker."
Operation = Callable[[Json], Json]


class ControlPlane:
    """Every operation that this SageMaker has."""

    def __init__(self, store: Store, endpoints: Endpoints):
        self._store = store

        def on_store(operation: Callable[[Store, Json], Json]) -> Operation:
            return lambda request: operation(store, request)

        self._operations: dict[str, Operation] = {
            "CreateModel": on_store(control.create_model),
            "DescribeModel": on_store(control.describe_model),
            "DeleteModel": on_store(control.delete_model),
            "ListModels": on_store(listing.list_models),
            "CreateEndpointConfig": on_store(control.create_endpoint_config),
            "DescribeEndpointConfig": on_store(control.describe_endpoint_config),
            "DeleteEndpointConfig": on_store(control.delete_endpoint_config),
            "ListEndpointConfigs": on_store(listing.list_endpoint_configs),
            "CreateEndpoint": endpoints.create,
            "DescribeEndpoint": endpoints.describe,
            "UpdateEndpoint": endpoints.update,
            "DeleteEndpoint": endpoints.delete,
            "ListEndpoints": on_store(listing.list_endpoints),
            "AddTags": on_store(control.add_tags),
            "ListTags": on_store(control.list_tags),
            "DeleteTags": on_store(control.delete_tags),
        }

    def call(self, operation: str, request: Json) -> Json:
        """Check the request and carry it out; raises ServiceError."""
        carry_out = self._operations.get(operation)
        if carry_out is None:
            raise ServiceError(
                "UnknownOperationException", f"The local SageMaker has no operation {operation}."
            )
        validation.check(operation, request)
        with self._store.lock:
            return carry_out(request)

    def answer(self, target: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Answer an HTTP request, whose X-Amz-Target is given."""
        try:
            result = self.call(target.removeprefix(TARGET_PREFIX), _parsed(body))
        except ServiceError as error:
            return _failure(error)
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, _dump(result)


def _parsed(body: bytes) -> Json:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise ServiceError("SerializationException", "The request is not a JSON object.")
    return request


def _failure(error: ServiceError) -> tuple[int, dict[str, str], bytes]:
    body = {"__type": error.code, "Message": error.message, **error.members}
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": error.code}
    return error.status, headers, _dump(body)


def failure_of(error: Exception) -> tuple[int, dict[str, str], bytes]:
    """Shape a fault of this program itself, so that clients see what AWS would show them."""
    return _failure(errors.internal_failure(f"{type(error).__name__}: {error}"))


def _dump(value: Json) -> bytes:
    return json.dumps(value, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"{type(value).__name__} has no JSON form")
