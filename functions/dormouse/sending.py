"""Sending a request to SageMaker's runtime, under a lease: never while a teardown is claimed."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from dormouse.domain.invocation import (
    Forwarded,
    InvocationRequest,
    InvocationResponse,
    NotServing,
    Unanswered,
)
from dormouse.domain.lease import LeaseTerms
from dormouse.domain.ledger import Lease, Ledger
from dormouse.errors import AwsError
from dormouse.ports import Clock, LeaseState, ModelLedger, Runtime

# A closing that is undone may be claimed anew; whoever meets that so often calls it closed.
_LEASE_ATTEMPTS = 3

_FIRST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Cold:
    """It was not executed, since the endpoint does not serve or is being torn down.

    `refusal` is SageMaker's own answer, where it was asked; `denial` is IAM's refusal, where that
    was the answer, which may hide an endpoint that serves. `ledger` is what was remembered of the
    endpoint, where that had to be read.
    """

    refusal: InvocationResponse | None = None
    denial: str | None = None
    ledger: Ledger | None = None


@dataclass(frozen=True, slots=True)
class NotKnown:
    """It was not sent, since nothing is known of the endpoint: no lease can be given."""


@dataclass(frozen=True, slots=True)
class NoLedger:
    """It was not sent, since the ledger can't be written, and so no lease be had."""

    why: str


Sent = Forwarded | Unanswered | Cold | NotKnown | NoLedger


@dataclass(slots=True)
class Sender:
    """Keeps this container's leases and sends under them.

    The first request in an interval writes the lease, which also notes in the ledger that one has
    come; those that follow within it cost nothing. How often each model was used is written as
    often, with the first use after an interval, so that what a frozen container has not written is
    one interval's counts at the most.
    """

    runtime: Runtime
    state: LeaseState
    models: ModelLedger
    clock: Clock
    terms: LeaseTerms
    problems: list[str] = field(default_factory=list, init=False)
    """Faults on the way that decided nothing; whoever reports them empties the list."""
    _leases: dict[tuple[str, bool], datetime] = field(default_factory=dict, init=False)
    _uses: dict[str, dict[str, int]] = field(default_factory=dict, init=False)
    _written_at: dict[str, datetime] = field(default_factory=dict, init=False)

    def send(self, request: InvocationRequest, *, is_request: bool = True) -> Sent:
        """Send it once, if a lease covers the call; never raises for what AWS does.

        With `is_request` False it is no demand, and not counted as a use of the model.
        """
        now = self.clock()
        # A request is not sent under a warm-up's lease, which says nothing of requests.
        key = (request.endpoint, is_request)
        lease_until = self._leases.get(key)
        if lease_until is None or not self.terms.covers(lease_until, now):
            try:
                lease = self._take_lease(request.endpoint, is_request=is_request)
            except AwsError as error:
                return NoLedger(str(error))
            if lease.until is None:
                return Cold(ledger=lease.ledger) if lease.ledger.is_known else NotKnown()
            self._leases[key] = lease.until
        match self.runtime.forward(request):
            case NotServing(response, denial):
                return Cold(response, denial)
            case Unanswered() as unanswered:
                return unanswered
            case Forwarded(response) as answer:
                # Names that no model has are the caller's to invent.
                if is_request and response.status < _FIRST_ERROR:
                    self._count(request, now)
                return answer
            case other:
                assert_never(other)

    def _take_lease(self, endpoint: str, *, is_request: bool) -> Lease:
        for _ in range(_LEASE_ATTEMPTS):
            now = self.clock()
            until = self.terms.until(now)
            lease = self.state.take_lease(endpoint, now, until, is_request=is_request)
            closing = lease.ledger.closing
            if lease.until is not None or closing is None or not is_request:
                return lease
            if closing.is_forced or lease.ledger.is_deleting:
                return lease
            # It still serves, and somebody needs it: better than to let it go and start it again.
            self.state.reopen(endpoint, lease.ledger)
        return lease

    def _count(self, request: InvocationRequest, now: datetime) -> None:
        """Count a use of the model, and write the counts down once in an interval."""
        if request.target_model is None:
            return
        uses = self._uses.setdefault(request.endpoint, {})
        uses[request.target_model] = uses.get(request.target_model, 0) + 1
        written_at = self._written_at.get(request.endpoint)
        if written_at is not None and now < written_at + self.terms.renewal_interval:
            return
        self._written_at[request.endpoint] = now
        self._uses[request.endpoint] = {}
        try:
            self.models.record_uses(request.endpoint, uses, now)
        except AwsError as error:
            self.problems.append(str(error))
