"""What the front door is asked, one type for each of its paths."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dormouse.domain.invocation import InvocationRequest
from dormouse.domain.prefer import Preferences
from dormouse.domain.principals import Caller

_FIRST_ATTEMPT = re.compile(r"(?:.*;)?\s*attempt=1\s*(?:;.*)?")


_NONE = Preferences()


@dataclass(frozen=True, slots=True)
class Invoke:
    """POST /endpoints/{EndpointName}/invocations. `base_url` is the front door's own address."""

    invocation: InvocationRequest
    preferences: Preferences = _NONE
    base_url: str = ""

    @property
    def sdk_name(self) -> str | None:
        """What the SDK names it by, each time that it sends it."""
        return _sdk_name(self.invocation)

    @property
    def is_perhaps_repeated(self) -> bool:
        """Whether it may have been sent before, under the same name."""
        attempt = self.invocation.headers.get("amz-sdk-request", "")
        return _FIRST_ATTEMPT.fullmatch(attempt) is None

    @property
    def inference_id(self) -> str | None:
        """What its caller names it by."""
        return self.invocation.headers.get("x-amzn-sagemaker-inference-id") or None


@dataclass(frozen=True, slots=True)
class InvokeAsync:
    """POST /endpoints/{EndpointName}/async-invocations."""

    invocation: InvocationRequest
    base_url: str = ""

    @property
    def sdk_name(self) -> str | None:
        """What the SDK names it by, each time that it sends it."""
        return _sdk_name(self.invocation)


@dataclass(frozen=True, slots=True)
class Ask:
    """GET /requests/{id}."""

    request_id: str
    caller: Caller
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """DELETE /requests/{id}."""

    request_id: str
    caller: Caller


Call = Invoke | InvokeAsync | Ask | Cancel


def completion_topic_of(headers: Mapping[str, str]) -> str | None:
    """Read the topic that a request itself names."""
    return headers.get("dormouse-completion-topic") or None


def _sdk_name(invocation: InvocationRequest) -> str | None:
    return invocation.headers.get("amz-sdk-invocation-id") or None
