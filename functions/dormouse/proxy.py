"""The front door's work: forward an invocation, or note its demand and say when to come again."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from dormouse import errors
from dormouse.domain.invocation import (
    Forwarded,
    InvocationRequest,
    InvocationResponse,
    NotServing,
    Unanswered,
)
from dormouse.domain.ledger import RecordedDemand
from dormouse.domain.plan import Rule
from dormouse.domain.principals import is_permitted
from dormouse.errors import AwsError
from dormouse.permissions import NotKnownYet, Permissions, Permitted
from dormouse.ports import Catalog, Clock, Nudge, ProxyState, Runtime

# An unmet demand as old as this is written again, so that a nudge that got lost is sent again too,
# while a thousand callers at once still make one write and one nudge.
DEMAND_RENEWAL = timedelta(seconds=15)

# Until the next tick has looked at the endpoint.
NOT_KNOWN_RETRY_SECONDS = 60


class Fate(StrEnum):
    """What became of a request."""

    FORWARDED = "forwarded"
    COLD = "cold"
    DENIED = "denied"
    UNDECIDED = "undecided"
    UNKNOWN_ENDPOINT = "unknown endpoint"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Handled:
    """The answer to a request, its fate, and the faults on the way that did not decide it."""

    response: InvocationResponse
    fate: Fate
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proxy:
    """Stands before SageMaker's runtime and keeps the ledger of what was asked."""

    runtime: Runtime
    catalog: Catalog
    state: ProxyState
    nudge: Nudge
    clock: Clock
    permissions: Permissions
    expected_wake: timedelta
    ledger_interval: timedelta
    own_endpoint: str
    _noted_at: dict[str, datetime] = field(default_factory=dict)

    def handle(self, request: InvocationRequest) -> Handled:
        """Answer one invocation; never raises for what AWS does."""
        match self.permissions.of(request.endpoint):
            case NotKnownYet(why, problem):
                response = errors.permission_unknown(request.endpoint, why, NOT_KNOWN_RETRY_SECONDS)
                return Handled(response, Fate.UNDECIDED, () if problem is None else (problem,))
            case Permitted(principals) if is_permitted(request.caller, principals):
                return self._forward(request)
            case Permitted():
                return Handled(errors.denied(request.caller.arn, request.endpoint), Fate.DENIED)
            case other:
                assert_never(other)

    def _forward(self, request: InvocationRequest) -> Handled:
        problems = self._note(request.endpoint)
        match self.runtime.forward(request):
            case Forwarded(response):
                handled = Handled(response, Fate.FORWARDED)
            case NotServing(response, denial):
                handled = self._cold(request, response)
                problems += () if denial is None else (denial,)
            case Unanswered(why, may_have_run):
                response = errors.unanswered(why) if may_have_run else errors.unreachable(why)
                handled = Handled(response, Fate.UNANSWERED, (why,))
            case other:
                assert_never(other)
        return replace(handled, problems=problems + handled.problems)

    def _note(self, endpoint: str) -> tuple[str, ...]:
        """Write the request to the ledger before it is sent, at most once in the interval.

        A ledger that can't be written costs no request, since CloudWatch still sees it, and is left
        alone for the interval.
        """
        now = self.clock()
        noted_at = self._noted_at.get(endpoint)
        if noted_at is not None and now < noted_at + self.ledger_interval:
            return ()
        self._noted_at[endpoint] = now
        try:
            self.state.record_request(endpoint, now)
        except AwsError as error:
            return (str(error),)
        return ()

    def _cold(self, request: InvocationRequest, refusal: InvocationResponse) -> Handled:
        """Record the demand for what does not serve, and say when to come again."""
        endpoint = request.endpoint
        retry_after_seconds = int(self.expected_wake.total_seconds())
        try:
            recorded = self._record_demand(endpoint)
        except AwsError as error:
            response = errors.demand_not_recorded(endpoint, retry_after_seconds)
            return Handled(response, Fate.COLD, (str(error),))
        if recorded is None:
            return Handled(refusal, Fate.UNKNOWN_ENDPOINT)
        problems: tuple[str, ...] = ()
        if recorded.is_written:
            try:
                self.nudge(endpoint, request.request_id)
            except AwsError as error:
                # The demand stands, and the next scheduled tick finds it.
                problems = (str(error),)
        if recorded.decision is not None and recorded.decision.rule == Rule.REFUSED:
            response = errors.refused(endpoint, recorded.decision.reason, retry_after_seconds)
        else:
            response = errors.cold(endpoint, retry_after_seconds)
        return Handled(response, Fate.COLD, problems)

    def _record_demand(self, endpoint: str) -> RecordedDemand | None:
        """Write the demand; None, having written nothing, where nobody manages the endpoint.

        What is known costs one write. The tagging API is asked only about what is not: a thousand
        callers would have it throttle the ticks as well.
        """
        now = self.clock()
        since = now - DEMAND_RENEWAL
        recorded = self.state.record_demand(endpoint, now, since, known_only=True)
        if recorded.decision is not None:
            return recorded
        # This stack's own endpoint is managed, though its first tick may be to come.
        if endpoint != self.own_endpoint and not self.catalog.tagged_configs(endpoint):
            return None
        return self.state.record_demand(endpoint, now, since, known_only=False)
