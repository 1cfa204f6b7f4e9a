"""Application Auto Scaling, as far as the variants of endpoints need it: what is registered is
remembered, and nothing is ever scaled.

https://docs.aws.amazon.com/autoscaling/application/APIReference/Welcome.html
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from local import paging
from local.json_api import Json
from local.sagemaker import errors, validation
from local.sagemaker.errors import ServiceError
from local.sagemaker.naming import Place

TARGET = "AnyScaleFrontendService"
SERVICE = "application-autoscaling"
NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
RESOURCE = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")
IDENTITY = ("ServiceNamespace", "ResourceId", "ScalableDimension")
MOST_IN_A_PAGE = 50
MOST_POLICIES_IN_A_PAGE = 10


class Scaling:
    """Every operation that this Application Auto Scaling has.

    `variants_of` names the variants of an endpoint that can be scaled now.
    """

    def __init__(self, place: Place, variants_of: Callable[[str], tuple[str, ...]]):
        self._place = place
        self._variants_of = variants_of
        self._lock = threading.RLock()
        self._targets: dict[str, Json] = {}
        # By resource and name.
        self._policies: dict[tuple[str, str], Json] = {}
        self._actions: dict[tuple[str, str], Json] = {}
        self._operations: dict[str, Callable[[Json], Json]] = {
            "RegisterScalableTarget": self._register,
            "DescribeScalableTargets": self._describe_targets,
            "DeregisterScalableTarget": self._deregister,
            "PutScalingPolicy": self._put_policy,
            "DescribeScalingPolicies": self._describe_policies,
            "DeleteScalingPolicy": self._delete_policy,
            "PutScheduledAction": self._put_action,
            "DescribeScheduledActions": self._describe_actions,
            "DeleteScheduledAction": self._delete_action,
        }

    def call(self, operation: str, request: Json) -> Json:
        """Check the request and carry it out; raises ServiceError."""
        carry_out = self._operations.get(operation)
        if carry_out is None:
            raise ServiceError(
                "UnknownOperationException",
                f"The local Application Auto Scaling has no operation {operation}.",
            )
        validation.check(SERVICE, operation, request)
        if request["ServiceNamespace"] != NAMESPACE or (
            request.get("ScalableDimension", DIMENSION) != DIMENSION
        ):
            raise errors.validation(
                "Unsupported service namespace, resource type or scalable dimension"
            )
        with self._lock:
            return carry_out(request)

    def endpoint_deleted(self, endpoint: str) -> None:
        """Forget all that scaled an endpoint's variants, as DeleteEndpoint does without a word."""
        with self._lock:
            for resource in list(self._targets):
                matched = RESOURCE.fullmatch(resource)
                if matched and matched[1] == endpoint:
                    self._forget(resource)

    # Targets

    def _register(self, request: Json) -> Json:
        resource = request["ResourceId"]
        matched = RESOURCE.fullmatch(resource)
        if matched is None:
            raise errors.validation(
                "Unsupported service namespace, resource type or scalable dimension"
            )
        if matched[2] not in self._variants_of(matched[1]):
            # That it is refused is documented; in which words is not.
            raise errors.validation(f"There is no variant that could be scaled: {resource}")
        known = self._targets.get(resource)
        if known is None and not {"MinCapacity", "MaxCapacity"} <= request.keys():
            raise errors.validation("MinCapacity and MaxCapacity must be given for a new target.")
        target = known or {
            "CreationTime": datetime.now(UTC),
            "RoleARN": (
                f"arn:aws:iam::{self._place.account_id}:role/aws-service-role/"
                "sagemaker.application-autoscaling.amazonaws.com/"
                "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
            ),
            "ScalableTargetARN": (
                f"arn:aws:{SERVICE}:{self._place.region}:{self._place.account_id}"
                f":scalable-target/{uuid.uuid4().hex}"
            ),
            "SuspendedState": {
                "DynamicScalingInSuspended": False,
                "DynamicScalingOutSuspended": False,
                "ScheduledScalingSuspended": False,
            },
        }
        changed = {
            **target,
            **_only(request, (*IDENTITY, "MinCapacity", "MaxCapacity")),
            "SuspendedState": {**target["SuspendedState"], **request.get("SuspendedState", {})},
        }
        if changed["MinCapacity"] > changed["MaxCapacity"]:
            raise errors.validation("Maximum capacity cannot be less than minimum capacity")
        self._targets[resource] = changed
        return {"ScalableTargetARN": changed["ScalableTargetARN"]}

    def _describe_targets(self, request: Json) -> Json:
        wanted = request.get("ResourceIds") or list(self._targets)
        found = [target for name, target in sorted(self._targets.items()) if name in wanted]
        return _paged("ScalableTargets", found, request, MOST_IN_A_PAGE)

    def _deregister(self, request: Json) -> Json:
        self._require_target(request)
        self._forget(request["ResourceId"])
        return {}

    def _forget(self, resource: str) -> None:
        del self._targets[resource]
        for known in (self._policies, self._actions):
            for key in [key for key in known if key[0] == resource]:
                del known[key]

    def _require_target(self, request: Json) -> None:
        if request["ResourceId"] not in self._targets:
            raise ServiceError(
                "ObjectNotFoundException",
                f"No scalable target registered for service namespace: {NAMESPACE}, resource ID: "
                f"{request['ResourceId']}, scalable dimension: {DIMENSION}",
            )

    # Policies

    def _put_policy(self, request: Json) -> Json:
        self._require_target(request)
        key = request["ResourceId"], request["PolicyName"]
        known = self._policies.get(key) or {
            "PolicyARN": self._arn("scalingPolicy", "policyName", *key),
            "PolicyType": "StepScaling",
            "CreationTime": datetime.now(UTC),
        }
        policy = {**known, **request}
        policy["Alarms"] = list(self._alarms(policy))
        self._policies[key] = policy
        return _only(policy, ("PolicyARN", "Alarms"))

    def _alarms(self, policy: Json) -> Iterator[Json]:
        if policy["PolicyType"] != "TargetTrackingScaling":
            return
        for kind in ("AlarmHigh", "AlarmLow"):
            name = f"TargetTracking-{policy['ResourceId']}-{kind}-{uuid.uuid4()}"
            place = f"{self._place.region}:{self._place.account_id}"
            yield {"AlarmName": name, "AlarmARN": f"arn:aws:cloudwatch:{place}:alarm:{name}"}

    def _describe_policies(self, request: Json) -> Json:
        found = _matching(self._policies, request, "PolicyNames")
        return _paged("ScalingPolicies", found, request, MOST_POLICIES_IN_A_PAGE)

    def _delete_policy(self, request: Json) -> Json:
        return self._delete(self._policies, request, "PolicyName", "scaling policy")

    # Scheduled actions

    def _put_action(self, request: Json) -> Json:
        self._require_target(request)
        key = request["ResourceId"], request["ScheduledActionName"]
        known = self._actions.get(key) or {
            "ScheduledActionARN": self._arn("scheduledAction", "scheduledActionName", *key),
            "CreationTime": datetime.now(UTC),
        }
        self._actions[key] = {**known, **request}
        return {}

    def _describe_actions(self, request: Json) -> Json:
        found = _matching(self._actions, request, "ScheduledActionNames")
        return _paged("ScheduledActions", found, request, MOST_IN_A_PAGE)

    def _delete_action(self, request: Json) -> Json:
        return self._delete(self._actions, request, "ScheduledActionName", "scheduled action")

    # The parts

    def _delete(
        self, known: dict[tuple[str, str], Json], request: Json, name_member: str, kind: str
    ) -> Json:
        if known.pop((request["ResourceId"], request[name_member]), None) is None:
            raise ServiceError(
                "ObjectNotFoundException",
                f"No {kind} found for service namespace: {NAMESPACE}, resource ID: "
                f"{request['ResourceId']}, scalable dimension: {DIMENSION}, "
                f"name: {request[name_member]}",
            )
        return {}

    def _arn(self, kind: str, name_kind: str, resource: str, name: str) -> str:
        place = f"{self._place.region}:{self._place.account_id}"
        resource = f"resource/{NAMESPACE}/{resource}"
        return f"arn:aws:autoscaling:{place}:{kind}:{uuid.uuid4()}:{resource}:{name_kind}/{name}"


def _only(members: Mapping[str, Any], names: tuple[str, ...]) -> Json:
    return {name: members[name] for name in names if name in members}


def _matching(
    known: Mapping[tuple[str, str], Json], request: Json, names_member: str
) -> list[Json]:
    resource, names = request.get("ResourceId"), request.get(names_member)
    return [
        each
        for key, each in sorted(known.items())
        if resource in {None, key[0]} and (not names or key[1] in names)
    ]


def _paged(member: str, found: list[Json], request: Json, most: int) -> Json:
    size = min(request.get("MaxResults") or most, most)
    try:
        rows, token = paging.page(found, size, request.get("NextToken"))
    except ValueError:
        raise ServiceError("InvalidNextTokenException", "The NextToken is not valid.") from None
    return {member: rows, **({"NextToken": token} if token else {})}
