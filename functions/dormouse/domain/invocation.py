"""An invocation in SageMaker's runtime protocol, and the three ways in which it can end.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from dormouse.domain.principals import Caller

# https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html
BODY_LIMIT_BYTES = 6_291_456


@dataclass(frozen=True, slots=True)
class InvocationRequest:
    """One InvokeEndpoint call: header names in lower case, the body as it came.

    `request_id` is Lambda's, by which the logs of both functions can be put together.
    """

    endpoint: str
    headers: Mapping[str, str]
    body: bytes
    caller: Caller
    request_id: str = ""

    @property
    def target_model(self) -> str | None:
        """The model that is asked for."""
        return self.headers.get("x-amzn-sagemaker-target-model")

    @property
    def runtime_headers(self) -> dict[str, str]:
        """The headers that are part of the protocol; what signs or routes stays behind."""
        return {
            name: value
            for name, value in self.headers.items()
            if name in ("content-type", "accept") or name.startswith("x-amzn-sagemaker-")
        }


@dataclass(frozen=True, slots=True)
class Execution:
    """The call to SageMaker's runtime that a response came from.

    `target_model` is the model that was asked, `alias` the name that stood for it, if one did;
    `latency` is how long the call took, the model's loading included.
    """

    target_model: str | None
    alias: str | None
    latency: timedelta


@dataclass(frozen=True, slots=True)
class InvocationResponse:
    """One HTTP response: status, headers in lower case, the body byte for byte.

    `execution` is no part of what its caller gets: None where SageMaker was not asked for it.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    execution: Execution | None = None


@dataclass(frozen=True, slots=True)
class Forwarded:
    """SageMaker answered: with a prediction, or with an error of its own or of the model."""

    response: InvocationResponse


@dataclass(frozen=True, slots=True)
class NotServing:
    """SageMaker did not execute the request, since the endpoint does not serve (or is unknown).

    `denial` is IAM's refusal, where that is what was answered: it may hide an endpoint that serves.
    """

    response: InvocationResponse
    denial: str | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer came. `may_have_run` says whether the model may have seen the request; then
    `execution` says which model that was.
    """

    why: str
    may_have_run: bool
    execution: Execution | None = None


def error_members(response: InvocationResponse) -> Mapping[str, object]:
    """Read the JSON object that an error's body is; empty where it is something else."""
    try:
        body = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def error_type(response: InvocationResponse) -> str:
    """Read the type of an error as botocore does; empty where there is none."""
    members = error_members(response)
    named = response.headers.get("x-amzn-errortype") or members.get("__type")
    # "aws.protocols#ValidationError:http://…" is the same type as "ValidationError".
    return str(named or members.get("code") or "").partition(":")[0].rpartition("#")[2]


def error_message(response: InvocationResponse) -> str:
    """Read what an error says, as botocore does; empty where it says nothing."""
    members = error_members(response)
    return str(members.get("Message") or members.get("message") or "")


# "Endpoint my-endpoint of account 123456789012 not found."
_NOT_FOUND = re.compile(r"Endpoint \S+ of account \S+ not found\.?", re.IGNORECASE)


def is_not_serving(status: int, error_type: str, message: str) -> bool:
    """Whether the runtime's error means that no serving endpoint has this name.

    A model's own errors come as ModelError 424 and are never taken for it. AccessDenied counts,
    because IAM checks an absent endpoint's tags too, and it has none; either way nothing was
    executed.
    """
    if status == 400 and error_type == "ValidationError":
        return _NOT_FOUND.search(message) is not None
    return status == 403 and error_type.startswith("AccessDenied")
