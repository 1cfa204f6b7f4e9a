"""Small templates on the local CloudFormation: create, change, delete, look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import botocore.auth
import botocore.awsrequest
import botocore.httpsession
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.local.conftest import LocalAws, wait_until

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
LAMBDA_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def get(logical_id: str, attribute: str) -> dict[str, list[str]]:
    """Fn::GetAtt."""
    return {"Fn::GetAtt": [logical_id, attribute]}


def function(code: str, **properties: Any) -> dict[str, Any]:
    """A function of one file, as a SAM resource."""
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "InlineCode": code,
            "Timeout": 30,
            **properties,
        },
    }


@dataclass
class SmallStack:
    """A stack by its name, which may or may not exist."""

    aws: LocalAws
    name: str

    @cached_property
    def cloudformation(self) -> Any:
        return self.aws.client("cloudformation")

    def _request(self, resources: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
        template = {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Transform": "AWS::Serverless-2016-10-31",
            "Resources": resources,
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        return {
            "StackName": self.name,
            "TemplateBody": json.dumps(template),
            "Capabilities": CAPABILITIES,
        }

    def create(
        self, resources: Mapping[str, Any], outputs: Mapping[str, Any], status: str = ""
    ) -> None:
        """Create it and wait for the status it is expected to end in."""
        self.cloudformation.create_stack(**self._request(resources, outputs))
        self.settle(status or "CREATE_COMPLETE")

    def update(
        self, resources: Mapping[str, Any], outputs: Mapping[str, Any], status: str = ""
    ) -> None:
        """Change it and wait for the status it is expected to end in."""
        self.cloudformation.update_stack(**self._request(resources, outputs))
        self.settle(status or "UPDATE_COMPLETE")

    def delete(self, status: str | None = None) -> None:
        """Delete it and wait until it is gone, or for the status it is expected to end in."""
        self.cloudformation.delete_stack(StackName=self.name)
        self.settle(status)

    def described(self) -> dict[str, Any] | None:
        """What DescribeStacks says; None where there is none of the name."""
        try:
            (stack,) = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            assert "does not exist" in str(error), error
            return None
        return dict(stack)

    def status(self) -> str | None:
        described = self.described()
        return str(described["StackStatus"]) if described else None

    def settle(self, status: str | None) -> None:
        """Wait until nothing goes on, and compare."""

        def settled() -> bool:
            return not (self.status() or "").endswith("_IN_PROGRESS")

        wait_until(settled, 60)
        assert self.status() == status, self.events()

    def outputs(self) -> dict[str, str]:
        described = self.described()
        assert described is not None
        return {row["OutputKey"]: row["OutputValue"] for row in described["Outputs"]}

    def resources(self) -> dict[str, str]:
        """Physical ids by logical ids."""
        answer = self.cloudformation.describe_stack_resources(StackName=self.name)
        return {
            row["LogicalResourceId"]: row["PhysicalResourceId"] for row in answer["StackResources"]
        }

    def events(self, stack_id: str = "") -> list[tuple[str, str, str]]:
        """Logical id, status and reason of every event, the oldest first."""
        answer = self.cloudformation.describe_stack_events(StackName=stack_id or self.name)
        return [
            (row["LogicalResourceId"], row["ResourceStatus"], row.get("ResourceStatusReason", ""))
            for row in reversed(answer["StackEvents"])
        ]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


def call(
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    service: str | None = "execute-api",
    credentials: Credentials | None = None,
) -> Answer:
    """Send a request, signed for a service unless that is None."""
    request = botocore.awsrequest.AWSRequest(method, url, dict(headers or {}), body)
    if service is not None:
        signer = botocore.auth.SigV4Auth(
            credentials or Credentials("test", "test"), service, "us-east-1"
        )
        signer.add_auth(request)
    session = botocore.httpsession.URLLib3Session(timeout=30)
    try:
        response = session.send(request.prepare())
        lowered = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, lowered, response.content)
    finally:
        session.close()
