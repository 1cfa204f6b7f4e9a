"""SageMaker's control plane as a story tells it: golden answers of DescribeEndpoint, read by the
real adapter.

botocore writes each request and parses each answer; only the network is left out.
"""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from dormouse.domain.spec import STACK_TAG
from tests.fakes.endpoints import STACK

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_sagemaker import SageMakerClient

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/reviews"

NO_ANSWER = "no answer"

_CHANGES = ("CreateEndpoint", "UpdateEndpoint", "DeleteEndpoint")


class _Body(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, **_options: object) -> Iterator[bytes]:
        yield self.read()


@dataclass
class GoldenSageMaker:
    """A region whose only endpoint is `reviews`, in the state that was last told.

    A change that it takes leaves the state as it is: what comes of it is told by the story.
    """

    described: Mapping[str, Any] | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: {STACK_TAG: STACK})
    refuses: Mapping[str, str] = field(default_factory=dict)
    """What it refuses, by operation: a code, a colon and the text; or what it does not answer."""
    calls: list[str] = field(default_factory=list)
    """The changes that were asked for, taken or not, each with its EndpointConfig."""
    has_changed: bool = False
    """Whether it has taken one."""

    def client(self) -> "SageMakerClient":
        """Make a client that talks to this instead of the network."""
        client = boto3.client(
            "sagemaker",
            # For AWS's own, moto would answer too, while it holds the tables.
            endpoint_url="https://sagemaker.invalid",
            config=Config(retries={"total_max_attempts": 1}),
        )
        client.meta.events.register(
            "before-send.sagemaker",
            self._answer,  # type: ignore[arg-type] # the stubs know no handler that answers
        )
        return client

    def _answer(self, request: "AWSPreparedRequest", **_event: object) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).partition(".")[2]
        body = request.body
        assert isinstance(body, bytes)
        asked = json.loads(body)
        if operation in _CHANGES:
            config = asked.get("EndpointConfigName")
            self.calls.append(operation if config is None else f"{operation} {config}")
        if self.refuses.get(operation) == NO_ANSWER:
            raise ReadTimeoutError(endpoint_url=request.url)
        if operation in self.refuses:
            code, _, text = self.refuses[operation].partition(": ")
            return _response(request, 400, {"__type": code, "message": text})
        return self._carry_out(request, operation, asked)

    def _carry_out(
        self, request: "AWSPreparedRequest", operation: str, asked: Mapping[str, Any]
    ) -> AWSResponse:
        match operation:
            case "DescribeEndpoint" if self.described is None:
                text = f'Could not find endpoint "{ARN}".'
                return _response(request, 400, {"__type": "ValidationException", "message": text})
            case "DescribeEndpoint":
                return _response(request, 200, self.described)
            case "ListEndpoints":
                return _response(request, 200, {"Endpoints": self._summaries()})
            case "ListTags":
                tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
                return _response(request, 200, {"Tags": tags})
            case "CreateEndpoint":
                self.tags = {tag["Key"]: tag["Value"] for tag in asked["Tags"]}
                self.has_changed = True
                return _response(request, 200, {"EndpointArn": ARN})
            case "UpdateEndpoint" | "DeleteEndpoint":
                self.has_changed = True
                return _response(request, 200, {"EndpointArn": ARN})
            case _:
                raise AssertionError(f"no story tells what SageMaker answers to {operation}")

    def _summaries(self) -> list[dict[str, Any]]:
        members = (
            "EndpointName",
            "EndpointArn",
            "CreationTime",
            "LastModifiedTime",
            "EndpointStatus",
        )
        seen = [] if self.described is None else [self.described]
        return [{member: each[member] for member in members} for each in seen]


def _response(
    request: "AWSPreparedRequest", status: int, document: Mapping[str, Any] | None
) -> AWSResponse:
    headers = HTTPHeaders.from_dict({"Content-Type": "application/x-amz-json-1.1"})
    return AWSResponse(request.url, status, headers, _Body(json.dumps(document).encode()))
