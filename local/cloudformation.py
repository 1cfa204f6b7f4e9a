"""AWS::SageMaker::Model, EndpointConfig and Endpoint, which ministack's CloudFormation lacks.

Ref is the ARN for all; GetAtt gives the name. Of a Model and an EndpointConfig every property but
Tags needs a replacement; an Endpoint is updated.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_SageMaker.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from local import ministack_stacks
from local.sagemaker import validation
from local.sagemaker.control_plane import ControlPlane
from local.sagemaker.errors import ServiceError

LONGEST_NAME = 63
POLL_SECONDS = 0.2


def _typed(shape: Any, value: Any) -> Any:
    """Give a template's values the types that the API wants: in YAML and after Sub a number may be
    a string.
    """
    match shape.type_name, value:
        case "structure", Mapping():
            return {
                name: _typed(shape.members[name], member) if name in shape.members else member
                for name, member in value.items()
            }
        case "list", list():
            return [_typed(shape.member, member) for member in value]
        case "map", Mapping():
            return {str(k): _typed(shape.value, v) for k, v in value.items()}
        case "string", int() | float() if not isinstance(value, bool):
            return str(value)
        case (("integer" | "long"), str()):
            return int(value)
        case (("float" | "double"), str()):
            return float(value)
        case "boolean", str():
            return value.lower() == "true"
    return value


class NamedResource:
    """One of the types; all are created, tagged and deleted alike."""

    def __init__(
        self,
        control_plane: ControlPlane,
        kind: str,
        name_member: str,
        arn_member: str,
        missing: str,
    ):
        self._control_plane = control_plane
        self._kind = kind
        self._name_member = name_member
        self._arn_member = arn_member
        self._missing = missing

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._control_plane.call(operation, request)
        except ServiceError as error:
            # CloudFormation shows the reason of a failed resource from a ValueError.
            raise ValueError(error.message) from error

    def create(
        self, logical_id: str, properties: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        """Create it; the physical id is the ARN."""
        operation = f"Create{self._kind}"
        name = properties.get(self._name_member) or ministack_stacks.generated_name(
            stack_name, logical_id, LONGEST_NAME
        )
        shape = validation.service_model("sagemaker").operation_model(operation).input_shape
        request = _typed(
            shape, {**properties, self._name_member: name, "Tags": _tags_of(properties)}
        )
        arn = str(self._call(operation, request)[self._arn_member])
        return arn, {self._name_member: name}

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], _stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        """Change the tags in place; any other change was a replacement."""
        before = {tag["Key"] for tag in _tags_of(old)}
        tags = _tags_of(new)
        if gone := sorted(before - {tag["Key"] for tag in tags}):
            self._call("DeleteTags", {"ResourceArn": physical_id, "TagKeys": gone})
        if tags:
            self._call("AddTags", {"ResourceArn": physical_id, "Tags": tags})
        shown = self._call(f"Describe{self._kind}", {self._name_member: _name_of(physical_id)})
        return physical_id, {self._name_member: shown[self._name_member]}

    def delete(self, physical_id: str, _properties: dict[str, Any]) -> None:
        """Delete it; that it is gone already is as good."""
        try:
            self._call(f"Delete{self._kind}", {self._name_member: _name_of(physical_id)})
        except ValueError as error:
            if self._missing not in str(error):
                raise


class EndpointResource(NamedResource):
    """The type whose changes take time, for which CloudFormation waits."""

    def __init__(self, control_plane: ControlPlane):
        super().__init__(
            control_plane, "Endpoint", "EndpointName", "EndpointArn", "Could not find endpoint"
        )

    def create(
        self, logical_id: str, properties: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        """Create it; it serves then."""
        arn, attributes = super().create(logical_id, properties, stack_name)
        self._settle(attributes["EndpointName"])
        return arn, attributes

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        """Move it to the EndpointConfig that the template names now."""
        name = _name_of(physical_id)
        if old["EndpointConfigName"] != new["EndpointConfigName"]:
            request = {"EndpointName": name, "EndpointConfigName": new["EndpointConfigName"]}
            self._call("UpdateEndpoint", request)
            self._settle(name)
        return super().update(physical_id, old, new, stack_name)

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Delete it; it is gone then."""
        super().delete(physical_id, properties)
        name = _name_of(physical_id)
        while self._status(name) is not None:
            time.sleep(POLL_SECONDS)

    def _settle(self, name: str) -> None:
        while (status := self._status(name)) != "InService":
            if status not in {"Creating", "Updating", "RollingBack"}:
                raise ValueError(f"{name} is {status or 'gone'} and not InService.")
            time.sleep(POLL_SECONDS)
        reason = self._call("DescribeEndpoint", {"EndpointName": name}).get("FailureReason")
        if reason:
            raise ValueError(reason)

    def _status(self, name: str) -> str | None:
        try:
            return str(self._call("DescribeEndpoint", {"EndpointName": name})["EndpointStatus"])
        except ValueError as error:
            if self._missing not in str(error):
                raise
            return None


def _tags_of(properties: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the template's and the stack's tags. CloudFormation's own, which ministack adds, do
    not come with these types.
    """
    return [
        {"Key": str(tag["Key"]), "Value": str(tag["Value"])}
        for tag in properties.get("Tags") or []
        if not str(tag["Key"]).startswith("aws:")
    ]


def _name_of(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def install(control_plane: ControlPlane) -> None:
    """Take effect."""
    model = NamedResource(control_plane, "Model", "ModelName", "ModelArn", "Could not find model")
    ministack_stacks.add_resource_type(
        "AWS::SageMaker::Model",
        create=model.create,
        update=model.update,
        delete=model.delete,
        replacing=(
            "Containers",
            "EnableNetworkIsolation",
            "ExecutionRoleArn",
            "InferenceExecutionConfig",
            "ModelName",
            "PrimaryContainer",
            "VpcConfig",
        ),
        is_tagged=True,
    )
    config = NamedResource(
        control_plane,
        "EndpointConfig",
        "EndpointConfigName",
        "EndpointConfigArn",
        "Could not find endpoint configuration",
    )
    ministack_stacks.add_resource_type(
        "AWS::SageMaker::EndpointConfig",
        create=config.create,
        update=config.update,
        delete=config.delete,
        replacing=(
            "AsyncInferenceConfig",
            "DataCaptureConfig",
            "EnableNetworkIsolation",
            "EndpointConfigName",
            "ExecutionRoleArn",
            "ExplainerConfig",
            "KmsKeyId",
            "ProductionVariants",
            "ShadowProductionVariants",
            "VpcConfig",
        ),
        is_tagged=True,
    )
    endpoint = EndpointResource(control_plane)
    ministack_stacks.add_resource_type(
        "AWS::SageMaker::Endpoint",
        create=endpoint.create,
        update=endpoint.update,
        delete=endpoint.delete,
        replacing=("EndpointName",),
        is_tagged=True,
    )
