"""CreateEndpoint, UpdateEndpoint, DeleteEndpoint, DescribeEndpoint, and the step by which endpoints
move on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Protocol

from local.sagemaker import errors, lifecycle, naming
from local.sagemaker.capacity import NoInstance
from local.sagemaker.control import Json, Store, tag_list
from local.sagemaker.lifecycle import Condition, Happening, IllegalTransition, Pace, Status
from local.sagemaker.records import Deployment, Endpoint, EndpointConfig, Host, Model

# The event spells the statuses differently from the API.
EVENT_STATUS = {
    Status.CREATING: "CREATING",
    Status.UPDATING: "UPDATING",
    Status.ROLLING_BACK: "ROLLING_BACK",
    Status.IN_SERVICE: "IN_SERVICE",
    Status.DELETING: "DELETING",
    Status.FAILED: "FAILED",
}
DELETED_EVENT = "DELETED"
# A container that dies at once again must not be started five times a second.
RESTART_SECONDS = 5.0


class Hosting(Protocol):
    """Starts containers."""

    def start(self, endpoint_name: str, variant_name: str, model: Model) -> Host:
        """Start the model's container; what goes wrong shows in the host's condition."""
        ...


class Endpoints:
    """The endpoints' life. Nothing here waits: `advance` is called again and again and looks at
    what is.
    """

    def __init__(
        self,
        store: Store,
        hosting: Hosting,
        pace: Pace,
        *,
        instance_limit: int,
        lacking: Callable[[], frozenset[str]],
        changed: Callable[[Json], None],
        deleted: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ):
        self._store = store
        self._hosting = hosting
        self._pace = pace
        self._instance_limit = instance_limit
        self._lacking = lacking
        self._changed = changed
        self._deleted = deleted
        self._clock = clock

    # The operations

    def create(self, request: Json) -> Json:
        """CreateEndpoint."""
        store = self._store
        name = request["EndpointName"]
        arn = store.place.arn("endpoint", name)
        if naming.key(name) in store.endpoints:
            raise errors.already_exists("endpoint", arn)
        config = store.config(request["EndpointConfigName"])
        self._admit(config, releases=0)
        now = store.today()
        endpoint = Endpoint(
            name=name,
            arn=arn,
            created_at=now,
            modified_at=now,
            status=Status.CREATING,
            status_since=self._clock(),
            starting=self._deploy(config, self._provision(name, config)),
            last_config_name=config.name,
            deployment_config=request.get("DeploymentConfig"),
        )
        store.endpoints[naming.key(name)] = endpoint
        # A tag of a former endpoint of the name died with it.
        store.tags.pop(arn, None)
        store.set_tags(arn, request.get("Tags"))
        self._tell(endpoint)
        return {"EndpointArn": arn}

    def update(self, request: Json) -> Json:
        """UpdateEndpoint: the former container serves until the new one does."""
        endpoint = self._find(request["EndpointName"])
        if endpoint.status is Status.FAILED:
            raise errors.not_updatable(endpoint.arn)
        following = self._follow(endpoint, Happening.UPDATE_ASKED)
        config = self._store.config(request["EndpointConfigName"])
        former = self._store.configs.get(naming.key(endpoint.config_name))
        self._admit(config, releases=former.instances if former else 0)
        host = self._provision(endpoint.name, config)
        endpoint.starting = self._deploy(config, host)
        endpoint.failure_reason = None
        if not request.get("RetainDeploymentConfig", False):
            endpoint.deployment_config = request.get("DeploymentConfig")
        self._enter(endpoint, following)
        return {"EndpointArn": endpoint.arn}

    def delete(self, request: Json) -> Json:
        """DeleteEndpoint. What scales its variants is gone at once."""
        endpoint = self._find(request["EndpointName"])
        following = self._follow(endpoint, Happening.DELETE_ASKED)
        self._leave(endpoint, endpoint.serving, endpoint.starting)
        endpoint.serving = endpoint.starting = None
        self._enter(endpoint, following)
        self._deleted(endpoint.name)
        return {}

    def describe(self, request: Json) -> Json:
        """DescribeEndpoint."""
        endpoint = self._find(request["EndpointName"])
        shown: Json = {
            "EndpointName": endpoint.name,
            "EndpointArn": endpoint.arn,
            "EndpointConfigName": endpoint.config_name,
            "EndpointStatus": str(endpoint.status),
            "CreationTime": endpoint.created_at,
            "LastModifiedTime": endpoint.modified_at,
        }
        if endpoint.serving:
            shown["ProductionVariants"] = [_variant_summary(endpoint.serving)]
        if endpoint.failure_reason:
            shown["FailureReason"] = endpoint.failure_reason
        if endpoint.deployment_config:
            shown["LastDeploymentConfig"] = endpoint.deployment_config
        return shown

    def serving_host(self, name: str) -> tuple[Host, dict[str, Any]] | None:
        """Find what answers invocations of the exact name, and its variant, if anything does."""
        with self._store.lock:
            endpoint = self._store.endpoints.get(naming.key(name))
            if (
                endpoint is None
                or endpoint.name != name
                or endpoint.status not in lifecycle.SERVING
                or endpoint.serving is None
            ):
                return None
            return endpoint.serving.host, endpoint.serving.variant

    # The step

    def advance(self) -> None:
        """Look at every endpoint once and let happen what is due."""
        now = self._clock()
        with self._store.lock:
            for endpoint in list(self._store.endpoints.values()):
                self._advance(endpoint, now - endpoint.status_since)

    def stop_all(self) -> list[Host]:
        """Begin to end every container; returns those that were there."""
        with self._store.lock:
            for endpoint in self._store.endpoints.values():
                self._leave(endpoint, endpoint.serving, endpoint.starting)
                endpoint.serving = endpoint.starting = None
            return [host for e in self._store.endpoints.values() for host in e.leaving]

    def _advance(self, endpoint: Endpoint, in_status_seconds: float) -> None:
        endpoint.leaving = [host for host in endpoint.leaving if not host.is_stopped()]
        if lifecycle.is_gone(endpoint.status, len(endpoint.leaving), in_status_seconds, self._pace):
            del self._store.endpoints[naming.key(endpoint.name)]
            self._tell(endpoint, DELETED_EVENT)
            self._store.tags.pop(endpoint.arn, None)
            return
        self._restart_crashed(endpoint)
        condition = endpoint.starting.host.condition() if endpoint.starting else None
        happening = lifecycle.due(endpoint.status, condition, in_status_seconds, self._pace)
        if happening is None:
            return
        if happening is Happening.SERVED:
            self._leave(endpoint, endpoint.serving)
            endpoint.serving, endpoint.starting = endpoint.starting, None
        elif happening is Happening.FAILED and endpoint.starting:
            endpoint.failure_reason = endpoint.starting.host.failure_reason()
            endpoint.last_config_name = endpoint.config_name
            self._leave(endpoint, endpoint.starting)
            endpoint.starting = None
        self._enter(endpoint, lifecycle.follow(endpoint.status, happening))

    def _restart_crashed(self, endpoint: Endpoint) -> None:
        """SageMaker starts a container that dies in service anew; the endpoint stays InService and
        has no models.
        """
        serving = endpoint.serving
        if (
            serving is None
            or serving.host.condition() is not Condition.ENDED
            or self._clock() - serving.started_at < RESTART_SECONDS
        ):
            return
        config = self._store.configs.get(naming.key(serving.config_name))
        if config is None or naming.key(config.variant["ModelName"]) not in self._store.models:
            return
        self._leave(endpoint, serving)
        # On the instance that it has.
        host = self._start(endpoint.name, config)
        endpoint.serving = self._deploy(config, host)

    # The parts

    def _find(self, name: str) -> Endpoint:
        endpoint = self._store.endpoints.get(naming.key(name))
        if endpoint is None:
            raise errors.could_not_find("endpoint", self._store.place.arn("endpoint", name))
        return endpoint

    def _follow(self, endpoint: Endpoint, happening: Happening) -> Status:
        try:
            return lifecycle.follow(endpoint.status, happening)
        except IllegalTransition:
            raise errors.in_progress(endpoint.arn) from None

    def _admit(self, config: EndpointConfig, releases: int) -> None:
        used = 0
        for endpoint in self._store.endpoints.values():
            found = self._store.configs.get(naming.key(endpoint.config_name))
            if endpoint.status not in {Status.FAILED, Status.DELETING}:
                used += found.instances if found else 1
        if used - releases + config.instances > self._instance_limit:
            raise errors.instance_limit(
                config.variant.get("InstanceType", "ml.m5.xlarge"),
                self._instance_limit,
                used,
                config.instances,
            )

    def _provision(self, endpoint_name: str, config: EndpointConfig) -> Host:
        if config.variant.get("InstanceType") in self._lacking():
            return NoInstance(self._clock() + self._pace.create_seconds, self._clock)
        return self._start(endpoint_name, config)

    def _start(self, endpoint_name: str, config: EndpointConfig) -> Host:
        model = self._store.model(config.variant["ModelName"])
        if model.container.get("Mode") != "MultiModel":
            raise errors.validation(
                f"The local SageMaker hosts multi-model containers only; {model.name} is none."
            )
        return self._hosting.start(endpoint_name, config.variant["VariantName"], model)

    def _deploy(self, config: EndpointConfig, host: Host) -> Deployment:
        model = self._store.model(config.variant["ModelName"])
        return Deployment(
            config_name=config.name,
            variant=config.variant,
            image=model.container.get("Image", ""),
            resolved_at=self._store.today(),
            host=host,
            started_at=self._clock(),
        )

    def _leave(self, endpoint: Endpoint, *deployments: Deployment | None) -> None:
        for deployment in deployments:
            if deployment:
                endpoint.last_config_name = deployment.config_name
                deployment.host.stop()
                endpoint.leaving.append(deployment.host)

    def _enter(self, endpoint: Endpoint, status: Status) -> None:
        endpoint.status = status
        endpoint.status_since = self._clock()
        endpoint.modified_at = self._store.today()
        self._tell(endpoint)

    def _tell(self, endpoint: Endpoint, status: str | None = None) -> None:
        self._changed(
            {
                "Source": "aws.sagemaker",
                "DetailType": "SageMaker Endpoint State Change",
                "Resources": [endpoint.arn],
                "Detail": json.dumps(self._detail(endpoint, status)),
            }
        )

    def _detail(self, endpoint: Endpoint, status: str | None) -> Json:
        deployment = endpoint.serving or endpoint.starting
        detail: Json = {
            "EndpointName": endpoint.name,
            "EndpointArn": endpoint.arn,
            "EndpointConfigName": endpoint.config_name,
            "ProductionVariants": [
                {
                    "DesiredWeight": deployment.variant.get("InitialVariantWeight", 1.0),
                    "DesiredInstanceCount": deployment.variant.get("InitialInstanceCount", 1),
                }
            ]
            if deployment
            else [],
            "EndpointStatus": status or EVENT_STATUS[endpoint.status],
            "CreationTime": _epoch_ms(endpoint.created_at.timestamp()),
            "LastModifiedTime": _epoch_ms(endpoint.modified_at.timestamp()),
            "Tags": {
                tag["Key"]: tag["Value"] for tag in tag_list(self._store.tags.get(endpoint.arn, {}))
            },
        }
        if endpoint.failure_reason:
            detail["FailureReason"] = endpoint.failure_reason
        return detail


def _epoch_ms(seconds: float) -> int:
    return round(seconds * 1000)


def _variant_summary(deployment: Deployment) -> Json:
    variant = deployment.variant
    weight = float(variant.get("InitialVariantWeight", 1.0))
    count = int(variant.get("InitialInstanceCount", 1))
    return {
        "VariantName": variant["VariantName"],
        "DeployedImages": [
            {
                "SpecifiedImage": deployment.image,
                "ResolvedImage": deployment.image,
                "ResolutionTime": deployment.resolved_at,
            }
        ],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
    }
