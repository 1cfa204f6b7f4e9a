"""The front door among stand-ins, before one managed endpoint."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from types import MappingProxyType
from typing import Any

from dormouse.adapters.state import EndpointsTable
from dormouse.async_invocations import AsyncInvocations
from dormouse.demanding import Demand
from dormouse.domain.call import Ask, Cancel, Invoke, InvokeAsync
from dormouse.domain.invocation import (
    Execution,
    Forwarded,
    InvocationRequest,
    InvocationResponse,
)
from dormouse.domain.lease import LeaseTerms
from dormouse.domain.ledger import Closing, Decision
from dormouse.domain.parked_request import (
    Kind,
    ParkedRequest,
    Result,
    Status,
    answered,
    claimed,
    released,
)
from dormouse.domain.prefer import parse_prefer
from dormouse.domain.principals import Caller
from dormouse.domain.terms import Terms
from dormouse.handled import Handled
from dormouse.holding import Holding
from dormouse.inquiry import Inquiry
from dormouse.joining import Joining
from dormouse.parking import Parking
from dormouse.permissions import Permissions
from dormouse.proxy import Proxy
from dormouse.sending import Sender
from tests.fakes.clock import FakeClock
from tests.fakes.deployment import ACCOUNT, DEPLOYMENT
from tests.fakes.hold_slots import FakeHoldSlots
from tests.fakes.ledger import FakeLedgers
from tests.fakes.requests import (
    FakeLocations,
    FakePayloads,
    FakeRequestRecords,
    FakeWorkQueue,
)
from tests.fakes.world import FakeCatalog, FakeNudge, FakeRuntime, config

INTERVAL = timedelta(seconds=30)
LEASES = LeaseTerms(INTERVAL, timedelta(seconds=70), timedelta(seconds=10))
WAKE = timedelta(minutes=8)
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:answers"
BASE = "https://door.example"
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
NOT_READY = Forwarded(
    InvocationResponse(429, {"x-amzn-errortype": "ModelNotReadyException"}, b'{"Message": "wait"}')
)
STAY_UP = Decision("stay up", "recent activity", "in use")
STAY_DOWN = Decision("stay down", "otherwise down", "nobody needs it")
NO_HEADERS: Mapping[str, str] = MappingProxyType({})

# No two containers draw the same.
_TOKENS = count(1)


@dataclass
class FrontDoor:
    """A front door whose only claimed endpoint is `reviews`; anybody of the account may invoke it.

    Its containers die and come back with `restart`. `pauses` are how long it has slept; before each
    of them ends, `on_pause` lets somebody else act.
    """

    state: EndpointsTable | FakeLedgers = field(default_factory=FakeLedgers)
    clock: FakeClock = field(default_factory=FakeClock)
    runtime: FakeRuntime = field(default_factory=lambda: FakeRuntime(ANSWER))
    nudge: FakeNudge = field(default_factory=FakeNudge)
    catalog: FakeCatalog = field(default_factory=lambda: FakeCatalog([config("reviews")]))
    records: FakeRequestRecords = field(default_factory=FakeRequestRecords)
    payloads: FakePayloads = field(default_factory=FakePayloads)
    locations: FakeLocations = field(default_factory=FakeLocations)
    work: FakeWorkQueue = field(default_factory=FakeWorkQueue)
    slots: FakeHoldSlots = field(default_factory=lambda: FakeHoldSlots(4))
    backlog_limit: int = 3
    pauses: list[float] = field(default_factory=list)
    on_pause: Callable[[int], None] = field(default=lambda _: None)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin with a container that remembers nothing."""
        demand = Demand(self.state, self.nudge, self.clock)
        self.permissions = Permissions(
            state=self.state,
            catalog=self.catalog,
            clock=self.clock,
            deployment=DEPLOYMENT,
            account_id=ACCOUNT,
            interval=INTERVAL,
        )
        self.parking = Parking(
            records=self.records,
            payloads=self.payloads,
            work=self.work,
            demand=demand,
            clock=self.clock,
            draw_token=self.draw_token,
            time_to_live=timedelta(hours=6),
            backlog_limit=self.backlog_limit,
            completion_topics=frozenset({TOPIC}),
            expected_wake=WAKE,
        )
        sender = Sender(self.runtime, self.state, self.clock, LEASES)
        self.joining = Joining(self.records, self.payloads, self.clock, self.draw_token)
        self.proxy = Proxy(
            sender=sender,
            runtime=self.runtime,
            state=self.state,
            demand=demand,
            permissions=self.permissions,
            holding=Holding(
                sender=sender,
                state=self.state,
                slots=self.slots,
                joining=self.joining,
                demand=demand,
                clock=self.clock,
                sleep=self.sleep,
                jitter=lambda: 0.5,
            ),
            parking=self.parking,
            clock=self.clock,
            draw_token=self.draw_token,
            longest_hold=timedelta(seconds=800),
            expected_wake=WAKE,
        )
        self.async_invocations = AsyncInvocations(
            state=self.state,
            permissions=self.permissions,
            parking=self.parking,
            locations=self.locations,
            clock=self.clock,
            draw_token=self.draw_token,
            requests_bucket="requests",
        )
        self.inquiry = Inquiry(self.records, self.payloads, self.state, self.parking, self.clock)

    def draw_token(self) -> str:
        """Draw the next number."""
        return f"{next(_TOKENS):032x}"

    def sleep(self, seconds: float) -> None:
        """Let the time pass, and others act."""
        self.pauses.append(seconds)
        self.clock.advance(seconds=seconds)
        self.on_pause(len(self.pauses))

    # ------------------------------------------------------------------------------ the endpoint

    def know(self, decision: Decision = STAY_DOWN, terms: Terms | None = None) -> None:
        """Let `reconcile` have looked at the endpoint."""
        self.state.record_terms("reviews", terms or Terms())
        self.decide(decision)

    def decide(self, decision: Decision, endpoint: str = "reviews") -> None:
        """Let `reconcile` have decided this."""
        ledger = self.state.read(endpoint)
        assert self.state.record_decision(endpoint, decision, self.clock(), ledger)

    def serve(self, terms: Terms | None = None) -> None:
        """Let the endpoint serve, as far as the ledger knows."""
        self.know(STAY_UP, terms)
        ledger = self.state.read("reviews")
        self.state.record_serving("reviews", ledger, self.clock(), None, None)
        self.state.mark_met("reviews", ledger.demand_version)

    def close(self, *, is_forced: bool = False) -> None:
        """Let its teardown be claimed."""
        ledger = self.state.read("reviews")
        closed = self.state.begin_closing(
            "reviews", ledger, "idle", self.clock(), is_forced=is_forced, warm_set=()
        )
        assert closed is not None and isinstance(closed.closing, Closing)

    def delete(self) -> None:
        """Let DeleteEndpoint be called, after the last lease."""
        ledger = self.state.read("reviews")
        now = max(self.clock(), ledger.lease_until or self.clock())
        assert self.state.begin_deleting("reviews", ledger, now)

    # ----------------------------------------------------------------------------- the requests

    def handle(
        self,
        caller: Caller = CALLER,
        endpoint: str = "reviews",
        *,
        prefer: str = "",
        body: bytes = b"{}",
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Handled:
        """Handle the request of a caller, with headers beside REQUEST's."""
        invocation = replace(
            REQUEST,
            caller=caller,
            endpoint=endpoint,
            body=body,
            headers={**REQUEST.headers, **headers},
        )
        return self.proxy.handle(Invoke(invocation, parse_prefer(prefer), BASE))

    def invoke_async(
        self,
        own: Mapping[str, str],
        caller: Caller = CALLER,
        endpoint: str = "reviews",
        *,
        body: bytes = b"",
        sdk_name: str | None = None,
    ) -> Handled:
        """Handle an asynchronous invocation; `own` are the headers of its protocol, without their
        prefix, and `sdk_name` is what the SDK names it by.
        """
        named = {f"x-amzn-sagemaker-{name}": value for name, value in own.items()}
        if sdk_name is not None:
            named["amz-sdk-invocation-id"] = sdk_name
        invocation = InvocationRequest(endpoint, named, body, caller, "request-1")
        return self.async_invocations.handle(InvokeAsync(invocation, BASE))

    def ask(self, request_id: str, caller: Caller = CALLER) -> Handled:
        """Ask how a request stands."""
        return self.inquiry.ask(Ask(request_id, caller, BASE))

    def cancel(self, request_id: str, caller: Caller = CALLER) -> Handled:
        """Cancel a request."""
        return self.inquiry.cancel(Cancel(request_id, caller))

    @property
    def parked(self) -> list[ParkedRequest]:
        """What is recorded and not held, in no order."""
        return [one for one in self.records.stored.values() if one.kind is not Kind.HELD]

    @property
    def held(self) -> list[ParkedRequest]:
        """What is recorded of those that are held."""
        return [one for one in self.records.stored.values() if one.kind is Kind.HELD]

    def is_untouched(self) -> bool:
        """Whether nothing is stored, sent or nudged."""
        return not (
            self.records.stored or self.payloads.stored or self.work.sent or self.nudge.sent
        )

    def answer(self, one: ParkedRequest) -> None:
        """Let `drain` answer a request with ANSWER."""
        now: datetime = self.clock()
        steps = one if one.status is not Status.PARKED else released(one, now)
        if steps is not one:
            assert self.records.change(one, steps)
        mine = claimed(steps, "claim", now + timedelta(minutes=2))
        assert self.records.change(steps, mine)
        key = f"requests/{one.endpoint}/{one.id}/result-claim"
        self.payloads.put(key, ANSWER.response.body, "application/json")
        result = Result(200, ANSWER.response.headers, key)
        assert self.records.change(mine, answered(mine, result, now))


def executed(
    response: InvocationResponse, model: str | None = None, alias: str | None = None
) -> InvocationResponse:
    """Say which model SageMaker was asked for this response, in no time."""
    return replace(response, execution=Execution(model, alias, timedelta(0)))


def message(handled: Handled) -> str:
    """Read the answer's Message."""
    return str(members(handled)["Message"])


def members(handled: Handled) -> dict[str, Any]:
    """Read the answer's JSON."""
    read: dict[str, Any] = json.loads(handled.response.body)
    return read
