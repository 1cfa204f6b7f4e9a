"""A proxy among stand-ins, before one managed endpoint."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.invocation import (
    Forwarded,
    InvocationRequest,
    InvocationResponse,
)
from dormouse.domain.principals import Caller
from dormouse.permissions import Permissions
from dormouse.proxy import Handled, Proxy
from tests.fakes.clock import FakeClock
from tests.fakes.deployment import ACCOUNT, DEPLOYMENT
from tests.fakes.world import FakeCatalog, FakeNudge, FakeRuntime, config

INTERVAL = timedelta(seconds=30)
CALLER = Caller(f"arn:aws:iam::{ACCOUNT}:user/jo", ACCOUNT)
REQUEST = InvocationRequest(
    "reviews", {"content-type": "application/json"}, b"{}", CALLER, "request-1"
)
ANSWER = Forwarded(InvocationResponse(200, {"content-type": "application/json"}, b"[1]"))
NOT_FOUND = InvocationResponse(
    400,
    {"x-amzn-errortype": "ValidationError"},
    b'{"Message": "Endpoint reviews of account 1 not found."}',
)


@dataclass
class FrontDoor:
    """A proxy whose only claimed endpoint is `reviews`; anybody of the account may invoke it."""

    state: EndpointsTable
    clock: FakeClock = field(default_factory=FakeClock)
    runtime: FakeRuntime = field(default_factory=lambda: FakeRuntime(ANSWER))
    nudge: FakeNudge = field(default_factory=FakeNudge)
    catalog: FakeCatalog = field(default_factory=lambda: FakeCatalog([config("reviews")]))

    def __post_init__(self) -> None:
        self.permissions = Permissions(
            state=self.state,
            catalog=self.catalog,
            clock=self.clock,
            deployment=DEPLOYMENT,
            account_id=ACCOUNT,
            interval=INTERVAL,
        )
        self.proxy = Proxy(
            runtime=self.runtime,
            catalog=self.catalog,
            state=self.state,
            nudge=self.nudge,
            clock=self.clock,
            permissions=self.permissions,
            expected_wake=timedelta(minutes=8),
            ledger_interval=INTERVAL,
            own_endpoint=DEPLOYMENT.endpoint,
        )

    def handle(self, caller: Caller = CALLER, endpoint: str = "reviews") -> Handled:
        """Handle the request of a caller."""
        return self.proxy.handle(replace(REQUEST, caller=caller, endpoint=endpoint))


def message(handled: Handled) -> str:
    """Read the answer's Message."""
    return str(json.loads(handled.response.body)["Message"])
