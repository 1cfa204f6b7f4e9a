"""What the control plane remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from local.sagemaker.lifecycle import Condition, Status

Tags = dict[str, str]


@dataclass(slots=True)
class Model:
    """What CreateModel was told."""

    name: str
    arn: str
    created_at: datetime
    request: dict[str, Any]

    @property
    def container(self) -> dict[str, Any]:
        """The container definition, in whichever of the two members it came."""
        container: dict[str, Any] = (
            self.request.get("PrimaryContainer") or self.request["Containers"][0]
        )
        return container


@dataclass(slots=True)
class EndpointConfig:
    """What CreateEndpointConfig was told."""

    name: str
    arn: str
    created_at: datetime
    request: dict[str, Any]

    @property
    def variant(self) -> dict[str, Any]:
        """The production variant: a multi-model endpoint has one here."""
        variant: dict[str, Any] = self.request["ProductionVariants"][0]
        return variant

    @property
    def instances(self) -> int:
        """How many instances an endpoint with this configuration takes."""
        return sum(
            int(v.get("InitialInstanceCount", 1)) for v in self.request["ProductionVariants"]
        )


class Host(Protocol):
    """A running container with its models, as the control plane sees it."""

    def condition(self) -> Condition:
        """What is known of the container now, without waiting."""
        ...

    def failure_reason(self) -> str:
        """Why it cannot serve, for FailureReason."""
        ...

    def stop(self) -> None:
        """Begin to end it, without waiting."""
        ...

    def is_stopped(self) -> bool:
        """Whether nothing of it is left."""
        ...


@dataclass(slots=True)
class Deployment:
    """A configuration and the host that runs it."""

    config_name: str
    variant: dict[str, Any]
    image: str
    resolved_at: datetime
    host: Host
    # On the clock that measures durations.
    started_at: float


@dataclass(slots=True)
class Endpoint:
    """An endpoint: its status, what serves, what is being started, and what is on its way out."""

    name: str
    arn: str
    created_at: datetime
    modified_at: datetime
    status: Status
    # On the clock that measures durations, not the calendar.
    status_since: float
    starting: Deployment | None = None
    serving: Deployment | None = None
    leaving: list[Host] = field(default_factory=list)
    failure_reason: str | None = None
    deployment_config: dict[str, Any] | None = None

    @property
    def config_name(self) -> str:
        """EndpointConfigName: the one that serves, else the one being started."""
        deployment = self.serving or self.starting
        return deployment.config_name if deployment else self.last_config_name

    last_config_name: str = ""
