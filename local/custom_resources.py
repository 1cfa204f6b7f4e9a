"""Custom resources as CloudFormation asks them: asynchronously, with its own words for an answer
that says FAILED or never comes, and with a Delete for what a failed Create may have made.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref.html
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, replace
from typing import Any

from local import ministack_hooks, ministack_stacks

logger = logging.getLogger("local.custom_resources")


class FailedError(Exception):
    """The function answered FAILED, or did not answer."""

    def __init__(self, reason: str, physical_id: str | None = None):
        super().__init__(reason)
        self.physical_id = physical_id


@dataclass(frozen=True, slots=True)
class Question:
    """What a custom resource's function is asked to do."""

    request_type: str
    logical_id: str
    resource_type: str
    stack_id: str
    properties: dict[str, Any]
    old_properties: dict[str, Any] | None
    physical_id: str | None

    def ask(self, default_seconds: float) -> tuple[str, dict[str, Any]]:
        """Ask, and wait for ServiceTimeout or by default so long; returns the physical id and the
        attributes.

        Raises:
            FailedError: it was not done.
        """
        request_id = str(uuid.uuid4())
        answer = ministack_stacks.ExpectedAnswer()
        event = {
            "RequestType": self.request_type,
            "RequestId": request_id,
            "StackId": self.stack_id,
            "ResponseURL": answer.url,
            "ResourceType": self.resource_type,
            "LogicalResourceId": self.logical_id,
            "ResourceProperties": ministack_stacks.as_text(self.properties),
        }
        if self.physical_id is not None:
            event["PhysicalResourceId"] = self.physical_id
        if self.old_properties is not None:
            event["OldResourceProperties"] = ministack_stacks.as_text(self.old_properties)
        function = self.properties["ServiceToken"]
        if not ministack_hooks.invoke_later(function, event):
            raise FailedError(f"There is no function {function}.")
        said = answer.wait(float(self.properties.get("ServiceTimeout", default_seconds)))
        if said is None:
            raise FailedError(
                "CloudFormation did not receive a response from your Custom Resource. Please check "
                f"your logs for requestId [{request_id}]. If you are using the Python cfn-response "
                "module, you may need to update your Lambda function code so that CloudFormation "
                "can attach the updated version."
            )
        physical_id = said.get("PhysicalResourceId")
        if said.get("Status") != "SUCCESS":
            raise FailedError(
                "Received response status [FAILED] from custom resource. Message returned: "
                f"{said.get('Reason', '')} (RequestId: {request_id})",
                physical_id,
            )
        if not physical_id:
            raise FailedError("Invalid PhysicalResourceId: a custom resource must answer with one.")
        return physical_id, said.get("Data") or {}


def install(default_seconds: float) -> None:
    """Take effect."""

    def ask(  # noqa: PLR0917  # as ministack calls it
        request_type: str,
        logical_id: str,
        properties: dict[str, Any],
        _stack_name: str,
        stack_id: str,
        resource_type: str,
        physical_id: str | None = None,
        old_props: dict[str, Any] | None = None,
    ) -> tuple[str, dict[str, Any]]:
        question = Question(
            request_type, logical_id, resource_type, stack_id, properties, old_props, physical_id
        )
        try:
            return question.ask(default_seconds)
        except FailedError as failed:
            if request_type == "Create" and failed.physical_id:
                undo = replace(question, request_type="Delete", physical_id=failed.physical_id)
                try:
                    undo.ask(default_seconds)
                except FailedError:
                    logger.exception("%s could not be deleted either", logical_id)
            raise

    ministack_stacks.ask_custom_resources(ask)
