"""The callers at the front door: what they ask, and what they must never be told."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from dormouse.domain.call import Ask, Cancel, Invoke, InvokeAsync
from dormouse.domain.invocation import InvocationRequest, InvocationResponse
from dormouse.domain.parked_request import Kind
from dormouse.domain.prefer import Preferences
from dormouse.domain.principals import Caller
from dormouse.domain.request_identity import fingerprint_of
from tests.state_machine.cloud import ENDPOINT

ACCOUNT = "123456789012"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:done"
CALLER = Caller(f"arn:aws:iam::{ACCOUNT}:user/jo", ACCOUNT)
BASE_URL = "https://door"


class Manner(Enum):
    """By which door, and with which preferences, a request comes."""

    PLAIN = "plain"
    WAIT = "wait"
    RESPOND_ASYNC = "respond-async"
    WAIT_THEN_RESPOND_ASYNC = "wait, respond-async"
    ASYNC_INVOCATION = "async-invocation"

    @property
    def kind(self) -> Kind:
        """How it is kept, if it is."""
        is_async = self is Manner.ASYNC_INVOCATION
        return Kind.ASYNC_INVOCATION if is_async else Kind.RESPOND_ASYNC


@dataclass(slots=True, eq=False)
class Request:
    """One request, which may be sent more than once. `name` is its InferenceId, `sdk_name` what the
    SDK names it by; None where it has no such name.
    """

    number: int
    manner: Manner
    model: str
    is_bad: bool
    wait: timedelta
    name: str | None
    sdk_name: str | None
    topic: str | None
    sent: int = 0
    answers: list[tuple[datetime, InvocationResponse]] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """What the model gets, unlike any other's."""
        return f"{'bad' if self.is_bad else 'good'} request {self.number}".encode()

    @property
    def has_name(self) -> bool:
        """Whether what is sent again is the same request."""
        if self.manner is Manner.ASYNC_INVOCATION:
            return self.name is not None
        if self.manner in (Manner.WAIT, Manner.WAIT_THEN_RESPOND_ASYNC):
            return self.sdk_name is not None
        return self.name is not None or self.sdk_name is not None

    @property
    def fingerprints(self) -> list[str]:
        """What its records as a held one are recognised by."""
        headers = self._headers()
        runtime = InvocationRequest(ENDPOINT, headers, self.body, CALLER).runtime_headers
        return [fingerprint_of(Kind.HELD, runtime, self.body)]

    def call(self) -> Invoke | InvokeAsync:
        """Send it, or send it again."""
        self.sent += 1
        headers = self._headers()
        lambda_id = f"lambda-{self.number}-{self.sent}"
        invocation = InvocationRequest(ENDPOINT, headers, self.body, CALLER, lambda_id)
        if self.manner is Manner.ASYNC_INVOCATION:
            return InvokeAsync(invocation, BASE_URL)
        waits = self.manner in (Manner.WAIT, Manner.WAIT_THEN_RESPOND_ASYNC)
        parks = self.manner in (Manner.RESPOND_ASYNC, Manner.WAIT_THEN_RESPOND_ASYNC)
        return Invoke(invocation, Preferences(self.wait if waits else None, parks), BASE_URL)

    def _headers(self) -> dict[str, str]:
        headers = {
            "content-type": "text/plain",
            "x-amzn-sagemaker-target-model": self.model,
            "amz-sdk-request": f"attempt={self.sent}",
        }
        if self.name is not None:
            headers["x-amzn-sagemaker-inference-id"] = self.name
        if self.sdk_name is not None:
            headers["amz-sdk-invocation-id"] = self.sdk_name
        if self.topic is not None:
            headers["dormouse-completion-topic"] = self.topic
        return headers


def ask(request_id: str) -> Ask:
    """Ask how one stands."""
    return Ask(request_id, CALLER, BASE_URL)


def cancel(request_id: str) -> Cancel:
    """Cancel one."""
    return Cancel(request_id, CALLER)
