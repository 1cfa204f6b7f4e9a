"""The control plane's front: an operation by its name."""

from __future__ import annotations

from collections.abc import Callable

from local.sagemaker import control, listing, validation
from local.sagemaker.control import Json, Store
from local.sagemaker.endpoints import Endpoints
from local.sagemaker.errors import ServiceError

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
        validation.check("sagemaker", operation, request)
        with self._store.lock:
            return carry_out(request)
