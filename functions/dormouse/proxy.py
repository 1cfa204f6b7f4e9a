"""The front door's work: forward an invocation, or note its demand and say when to come again."""

from dataclasses import dataclass, field
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
from dormouse.errors import AwsError
from dormouse.ports import Catalog, Clock, Nudge, ProxyState, Runtime

# An unmet demand as old as this is written again, so that a nudge that got lost is sent again too,
# while a thousand callers at once still make one write and one nudge.
DEMAND_RENEWAL = timedelta(seconds=15)


class Fate(StrEnum):
    """What became of a request."""

    FORWARDED = "forwarded"
    COLD = "cold"
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
    expected_wake: timedelta
    ledger_interval: timedelta
    _noted_at: dict[str, datetime] = field(default_factory=dict)

    def handle(self, request: InvocationRequest) -> Handled:
        """Answer one invocation; never raises for what AWS does."""
        problems = self._note(request.endpoint)
        match self.runtime.forward(request):
            case Forwarded(response):
                return Handled(response, Fate.FORWARDED, problems)
            case NotServing(response):
                return self._cold(request.endpoint, response, problems)
            case Unanswered(why, may_have_run):
                response = errors.unanswered(why) if may_have_run else errors.unreachable(why)
                return Handled(response, Fate.UNANSWERED, (*problems, why))
            case other:
                assert_never(other)

    def _note(self, endpoint: str) -> tuple[str, ...]:
        """Write the request to the ledger before it is sent, at most once in the interval.

        A ledger that can't be written costs no request: CloudWatch still sees it.
        """
        now = self.clock()
        noted_at = self._noted_at.get(endpoint)
        if noted_at is not None and now < noted_at + self.ledger_interval:
            return ()
        try:
            self.state.record_request(endpoint, now)
        except AwsError as error:
            return (str(error),)
        self._noted_at[endpoint] = now
        return ()

    def _cold(
        self, endpoint: str, refusal: InvocationResponse, problems: tuple[str, ...]
    ) -> Handled:
        try:
            managed = bool(self.catalog.tagged_configs(endpoint))
        except AwsError as error:
            # Unknown is said on evidence only: demand for an endpoint that nobody manages does
            # nothing, while an error that claims it does not exist would lose a request.
            managed, problems = True, (*problems, str(error))
        if not managed:
            return Handled(refusal, Fate.UNKNOWN_ENDPOINT, problems)
        retry_after_seconds = int(self.expected_wake.total_seconds())
        now = self.clock()
        try:
            is_news = self.state.record_demand(endpoint, now, unless_since=now - DEMAND_RENEWAL)
        except AwsError as error:
            response = errors.demand_not_recorded(endpoint, retry_after_seconds)
            return Handled(response, Fate.COLD, (*problems, str(error)))
        if is_news:
            try:
                self.nudge(endpoint)
            except AwsError as error:
                # The demand stands, and the next scheduled tick finds it.
                problems = (*problems, str(error))
        return Handled(errors.cold(endpoint, retry_after_seconds), Fate.COLD, problems)
