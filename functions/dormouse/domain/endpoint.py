"""A SageMaker endpoint as it is observed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class EndpointStatus(StrEnum):
    """SageMaker's EndpointStatus, verbatim.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
    """

    OUT_OF_SERVICE = "OutOfService"
    CREATING = "Creating"
    UPDATING = "Updating"
    SYSTEM_UPDATING = "SystemUpdating"
    ROLLING_BACK = "RollingBack"
    IN_SERVICE = "InService"
    DELETING = "Deleting"
    FAILED = "Failed"
    UPDATE_ROLLBACK_FAILED = "UpdateRollbackFailed"

    @property
    def is_serving(self) -> bool:
        """Whether SageMaker answers InvokeEndpoint in this status."""
        return self in _SERVING

    @property
    def is_changing(self) -> bool:
        """Whether SageMaker is busy with it, so that it can be neither updated nor deleted."""
        return self in _CHANGING


_SERVING = frozenset(
    {
        EndpointStatus.IN_SERVICE,
        EndpointStatus.UPDATING,
        EndpointStatus.SYSTEM_UPDATING,
        EndpointStatus.ROLLING_BACK,
        EndpointStatus.UPDATE_ROLLBACK_FAILED,
    }
)

_CHANGING = frozenset(
    {
        EndpointStatus.CREATING,
        EndpointStatus.UPDATING,
        EndpointStatus.SYSTEM_UPDATING,
        EndpointStatus.ROLLING_BACK,
        EndpointStatus.DELETING,
    }
)


@dataclass(frozen=True, slots=True)
class Absent:
    """SageMaker says that no endpoint of this name exists."""


@dataclass(frozen=True, slots=True)
class Present:
    """What DescribeEndpoint says of an endpoint that exists.

    `last_modified_at` is when the status last changed, or later: an endpoint that serves has done
    so since then at the latest. `config_name` is the EndpointConfig that it runs on.
    `deployment_config` is the DeploymentConfig of its last update, as JSON.
    """

    arn: str
    status: EndpointStatus
    config_name: str
    variant_names: tuple[str, ...]
    last_modified_at: datetime
    failure_reason: str | None = None
    deployment_config: str | None = None


Observation = Absent | Present


@dataclass(frozen=True, slots=True)
class Ownership:
    """What an endpoint's own tags say of whose it is: names of stacks, None where no tag says so.

    `created_by` is set by CreateEndpoint. `adopted_by` is set by whoever hands over an endpoint
    that runs already. `tags` are all of them.
    """

    created_by: str | None = None
    adopted_by: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
