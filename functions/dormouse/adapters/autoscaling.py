"""Application Auto Scaling of an endpoint's variants, which dies with the endpoint.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dormouse.adapters.calls import aws_call
from dormouse.errors import AwsError, AwsUnansweredError

_NAMESPACE = "sagemaker"

_ONCE = re.compile(r"at\((?P<at>[0-9T:.-]+)\)")

# Of what is described, what is taken when it is registered again.
_OF_TARGETS = (
    "ServiceNamespace",
    "ResourceId",
    "ScalableDimension",
    "MinCapacity",
    "MaxCapacity",
    "SuspendedState",
)
_OF_POLICIES = (
    "PolicyName",
    "ServiceNamespace",
    "ResourceId",
    "ScalableDimension",
    "PolicyType",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
    "PredictiveScalingPolicyConfiguration",
)
_OF_ACTIONS = (
    "ServiceNamespace",
    "Schedule",
    "Timezone",
    "ScheduledActionName",
    "ResourceId",
    "ScalableDimension",
    "StartTime",
    "EndTime",
    "ScalableTargetAction",
)


@dataclass(frozen=True, slots=True)
class EndpointScaling:
    """Implements Scaling. `client` is boto3's of `application-autoscaling`."""

    client: Any
    clock: Callable[[], datetime]

    def read(self, endpoint: str, variant_names: Sequence[str]) -> str | None:
        """Read the targets of the variants, their policies and their scheduled actions, as JSON;
        None where no variant is scaled.

        Raises:
            AwsError: they can't be read.
        """
        if not variant_names:
            return None
        resources = [_resource(endpoint, name) for name in variant_names]
        with aws_call("DescribeScalableTargets"):
            targets = list(
                self._all("describe_scalable_targets", "ScalableTargets", ResourceIds=resources)
            )
        if not targets:
            return None
        policies: list[Mapping[str, Any]] = []
        actions: list[Mapping[str, Any]] = []
        for resource in sorted({target["ResourceId"] for target in targets}):
            with aws_call("DescribeScalingPolicies"):
                policies += self._all(
                    "describe_scaling_policies", "ScalingPolicies", ResourceId=resource
                )
            with aws_call("DescribeScheduledActions"):
                actions += self._all(
                    "describe_scheduled_actions", "ScheduledActions", ResourceId=resource
                )
        scaling = {
            "targets": [_only(each, _OF_TARGETS) for each in targets],
            "policies": [_only(each, _OF_POLICIES) for each in policies],
            "actions": [_only(each, _OF_ACTIONS) for each in actions],
        }
        return json.dumps(scaling, sort_keys=True, default=_write_time)

    def restore(self, endpoint: str, scaling: str, variant_names: Sequence[str]) -> None:
        """Register again what is of these variants; what is there already stays or is written over
        by the same. One that is refused keeps back no other.

        Scheduled actions whose time is over are left out: they would be refused.

        Raises:
            AwsUnansweredError: there was no answer; the rest was not tried.
            AwsError: not all of it was taken.
        """
        saved = json.loads(scaling)
        left = {_resource(endpoint, name) for name in variant_names}
        refusals: list[str] = []
        for target in saved["targets"]:
            if target["ResourceId"] in left and not _is_taken(
                "RegisterScalableTarget", self.client.register_scalable_target, target, refusals
            ):
                # Without a target, all else of it would be refused as well.
                left.discard(target["ResourceId"])
        for policy in saved["policies"]:
            if policy["ResourceId"] in left:
                _is_taken("PutScalingPolicy", self.client.put_scaling_policy, policy, refusals)
        now = self.clock()
        for action in saved["actions"]:
            due = _still_due(action, now)
            if due is not None and due["ResourceId"] in left:
                _is_taken("PutScheduledAction", self.client.put_scheduled_action, due, refusals)
        if refusals:
            raise AwsError("; ".join(refusals))

    def _all(self, operation: str, member: str, **wanted: Any) -> Iterator[Mapping[str, Any]]:
        pages = self.client.get_paginator(operation).paginate(ServiceNamespace=_NAMESPACE, **wanted)
        for page in pages:
            yield from page[member]


def _resource(endpoint: str, variant_name: str) -> str:
    return f"endpoint/{endpoint}/variant/{variant_name}"


def _is_taken(
    operation: str, call: Callable[..., Any], request: Mapping[str, Any], refusals: list[str]
) -> bool:
    """Call it, and add to the refusals if it is refused."""
    try:
        with aws_call(operation):
            call(**request)
    except AwsUnansweredError:
        raise
    except AwsError as error:
        refusals.append(str(error))
        return False
    return True


def _still_due(action: Mapping[str, Any], now: datetime) -> Mapping[str, Any] | None:
    """Give a scheduled action as it is to be put now; None if its time is over."""
    once = _once(action)
    if once is not None and once <= now:
        return None
    times = {
        name: datetime.fromisoformat(action[name])
        for name in ("StartTime", "EndTime")
        if name in action
    }
    if "EndTime" in times and times["EndTime"] <= now:
        return None
    due = {**action, **times}
    if "StartTime" in times and times["StartTime"] <= now:
        # It has begun, which needs no saying.
        del due["StartTime"]
    return due


def _once(action: Mapping[str, Any]) -> datetime | None:
    """Say when an action comes that comes only once; None for all others, and where that can't be
    read: then it is AWS's to refuse.
    """
    found = _ONCE.fullmatch(action["Schedule"])
    if found is None:
        return None
    try:
        zone = ZoneInfo(action.get("Timezone", "UTC"))
        return datetime.fromisoformat(found["at"]).replace(tzinfo=zone)
    except (ValueError, KeyError):
        return None


def _only(described: Mapping[str, Any], members: Sequence[str]) -> Mapping[str, Any]:
    return {name: described[name] for name in members if name in described}


def _write_time(moment: object) -> str:
    if not isinstance(moment, datetime):
        raise TypeError(f"{type(moment).__name__} is no part of autoscaling as it is kept")
    return moment.isoformat()
