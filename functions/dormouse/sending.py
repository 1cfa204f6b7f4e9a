"""Sending a request to SageMaker's runtime, under a lease: never while a teardown is claimed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from dormouse.domain.alias import ALIAS_INTERVAL, is_alias, naming_alias, says_model_is_gone
from dormouse.domain.invocation import (
    Execution,
    Forwarded,
    InvocationRequest,
    InvocationResponse,
    NotServing,
    Unanswered,
)
from dormouse.domain.lease import LeaseTerms
from dormouse.domain.ledger import Lease, Ledger
from dormouse.errors import AwsError
from dormouse.ports import Clock, LeaseState, Runtime

# A closing that is undone may be claimed anew; whoever meets that so often calls it closed.
_LEASE_ATTEMPTS = 3


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


@dataclass(frozen=True, slots=True)
class _Known:
    """The aliases of an endpoint, as they were when they began to be read."""

    aliases: Mapping[str, str]
    read_at: datetime


@dataclass(slots=True)
class Sender:
    """Keeps this container's leases and sends under them.

    The first request in an interval writes the lease, which also notes in the ledger that one has
    come; those that follow within it cost nothing. A request that names an alias is sent to the
    model that this stood for within the last `ALIAS_INTERVAL`, which costs a read as often.
    """

    runtime: Runtime
    state: LeaseState
    clock: Clock
    terms: LeaseTerms
    problems: list[str] = field(default_factory=list, init=False)
    """Faults on the way that decided nothing; whoever reports them empties the list."""
    _leases: dict[tuple[str, bool], datetime] = field(default_factory=dict, init=False)
    _aliases: dict[str, _Known] = field(default_factory=dict, init=False)

    def send(self, request: InvocationRequest, *, is_request: bool = True) -> Sent:
        """Send it once, if a lease covers the call; never raises for what AWS does.

        With `is_request` False it is no demand.
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
            self._aliases[request.endpoint] = _Known(lease.ledger.aliases, now)
        # Last of all, so that what has waited follows a switch too.
        named = request.target_model
        target = None if named is None else self._stands_for(request.endpoint, named)
        if target is not None:
            headers = {**request.headers, "x-amzn-sagemaker-target-model": target}
            request = replace(request, headers=headers)
        asked_at = self.clock()
        answer = self.runtime.forward(request)
        # The clock may be set back meanwhile.
        latency = max(self.clock() - asked_at, timedelta(0))
        alias = None if target is None else named
        execution = Execution(request.target_model, alias, latency)
        match answer:
            case Unanswered(may_have_run=may_have_run):
                return replace(answer, execution=execution) if may_have_run else answer
            case NotServing(response, denial):
                return Cold(replace(response, execution=execution), denial)
            case Forwarded(response):
                response = replace(response, execution=execution)
                if alias is not None and target is not None and says_model_is_gone(response):
                    response = naming_alias(response, alias, request.endpoint, target)
                return Forwarded(response)
            case other:
                assert_never(other)

    def _stands_for(self, endpoint: str, named: str) -> str | None:
        """Say which model a name stands for; None where it is no alias.

        While they can't be read, the aliases stand as the lease found them, which lasts no longer
        than an interval.
        """
        if not is_alias(named):
            return None
        known, now = self._aliases[endpoint], self.clock()
        if not known.read_at <= now < known.read_at + ALIAS_INTERVAL:
            try:
                known = _Known(self.state.read(endpoint).aliases, now)
                self._aliases[endpoint] = known
            except AwsError as error:
                self.problems.append(f"{named} may stand for another model by now: {error}")
        return known.aliases.get(named)

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
