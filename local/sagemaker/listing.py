"""List… operations: filter, sort, page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from local import paging
from local.sagemaker import errors
from local.sagemaker.control import Json, Store
from local.sagemaker.records import Endpoint, EndpointConfig, Model

Record = TypeVar("Record", Model, EndpointConfig, Endpoint)
MOST_IN_A_PAGE = 100
DEFAULT_IN_A_PAGE = 10


def _moment(value: Any) -> datetime:
    return (
        datetime.fromtimestamp(value, UTC)
        if isinstance(value, int | float)
        else datetime.fromisoformat(value)
    )


def _time_matches(request: Json, name: str, at: datetime) -> bool:
    after, before = request.get(f"{name}After"), request.get(f"{name}Before")
    return (after is None or at > _moment(after)) and (before is None or at < _moment(before))


def _page(request: Json, found: list[Json]) -> tuple[list[Json], str | None]:
    size = min(int(request.get("MaxResults") or DEFAULT_IN_A_PAGE), MOST_IN_A_PAGE)
    try:
        return paging.page(found, size, request.get("NextToken"))
    except ValueError:
        raise errors.validation("Invalid NextToken.") from None


def _listed(
    request: Json,
    records: Iterable[Record],
    member: str,
    row: Callable[[Record], Json],
) -> Json:
    wanted = request.get("NameContains", "").lower()
    found = [
        record
        for record in records
        if wanted in record.name.lower()
        and _time_matches(request, "CreationTime", record.created_at)
    ]
    by_name = request.get("SortBy") == "Name"
    found.sort(
        key=lambda record: (record.name if by_name else "", record.created_at, record.name),
        # Without SortOrder SageMaker shows the youngest first; by name it counts upwards.
        reverse=request.get("SortOrder", "Ascending" if by_name else "Descending") == "Descending",
    )
    rows, token = _page(request, [row(record) for record in found])
    return {member: rows, **({"NextToken": token} if token else {})}


def list_models(store: Store, request: Json) -> Json:
    """ListModels."""
    return _listed(
        request,
        store.models.values(),
        "Models",
        lambda m: {"ModelName": m.name, "ModelArn": m.arn, "CreationTime": m.created_at},
    )


def list_endpoint_configs(store: Store, request: Json) -> Json:
    """ListEndpointConfigs."""
    return _listed(
        request,
        store.configs.values(),
        "EndpointConfigs",
        lambda c: {
            "EndpointConfigName": c.name,
            "EndpointConfigArn": c.arn,
            "CreationTime": c.created_at,
        },
    )


def list_endpoints(store: Store, request: Json) -> Json:
    """ListEndpoints. A summary has neither the configuration's name nor a FailureReason."""
    status = request.get("StatusEquals")
    return _listed(
        request,
        [
            endpoint
            for endpoint in store.endpoints.values()
            if (status is None or endpoint.status == status)
            and _time_matches(request, "LastModifiedTime", endpoint.modified_at)
        ],
        "Endpoints",
        lambda e: {
            "EndpointName": e.name,
            "EndpointArn": e.arn,
            "CreationTime": e.created_at,
            "LastModifiedTime": e.modified_at,
            "EndpointStatus": str(e.status),
        },
    )
