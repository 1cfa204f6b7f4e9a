"""An operator's desk: how each endpoint stands and why, and what may be asked of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dormouse.domain.claims import Claim, settle_claims
from dormouse.domain.endpoint import Absent, Observation
from dormouse.domain.intent import Intent
from dormouse.domain.ledger import Ledger, PastDecision
from dormouse.domain.parked_request import ParkedRequest
from dormouse.domain.wake_time import expected_wake
from dormouse.intents import Intents
from dormouse.ports import Catalog, Clock, ControlState, EndpointsList, History, Nudge
from dormouse.waiting_requests import Backlog, Replay, WaitingRequests

RECENT = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """How one endpoint stands: what is asked for it, what is remembered, what SageMaker says.

    `history` is None where it was not asked for. `account_id` may invoke it where nobody is listed.
    `expected_wake` is how long a wake is expected to take. `backlog` is None where nothing waits.
    """

    at: datetime
    account_id: str
    expected_wake: timedelta
    claim: Claim
    ledger: Ledger
    seen: Observation
    backlog: Backlog | None = None
    history: Sequence[PastDecision] | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """Answers for the endpoints of one deployment, and takes intents for them.

    `expected_wake` is for an endpoint of which no wake is remembered.
    """

    intents: Intents
    catalog: Catalog
    endpoints: EndpointsList
    state: ControlState
    history: History
    requests: WaitingRequests
    nudge: Nudge
    clock: Clock
    account_id: str
    expected_wake: timedelta

    def list_all(self) -> Sequence[Standing]:
        """Say how every managed endpoint stands, in order of names.

        Raises:
            AwsError: the tags, the ledger, the requests or SageMaker can't be read.
        """
        deployment = self.intents.deployment
        claims = list(settle_claims(self.catalog.tagged_configs(), deployment))
        if deployment.endpoint.lower() not in {claim.endpoint.lower() for claim in claims}:
            claims.append(self.intents.own_claim())
        ledgers, seen = self.state.read_all(), self.endpoints.observe_all()
        return [
            self._standing(
                claim, ledgers.get(claim.endpoint, Ledger()), seen.get(claim.endpoint, Absent())
            )
            for claim in sorted(claims, key=lambda claim: claim.endpoint)
        ]

    def describe(self, endpoint: str) -> Standing:
        """Say how one endpoint stands, with its latest decisions.

        Raises:
            UnmanagedEndpointError: no EndpointConfig claims it.
            AwsError: the tags, the ledger, the requests or SageMaker can't be read.
        """
        return self._describe(self.intents.claim(endpoint))

    def carry_out(self, intent: Intent, request_id: str) -> Standing:
        """Record an intent, let `reconcile` look at the endpoint at once, and say how it stands.

        Raises:
            UnmanagedEndpointError, RefusedEndpointError, IntentError: see `Intents.record`.
            AwsError: the tags, the ledger or SageMaker can't be reached. Where the intent was
                recorded before, it stands, and the next tick finds it.
        """
        claim = self.intents.record(intent)
        self.nudge(claim.endpoint, request_id)
        return self._describe(claim)

    def waiting_requests(self, endpoint: str) -> Sequence[ParkedRequest]:
        """List the requests that wait for an endpoint, the oldest first, and at most a hundred.

        Raises:
            UnmanagedEndpointError: no EndpointConfig claims it.
            AwsError: the tags or the requests can't be read.
        """
        return self.requests.waiting(self.intents.claim(endpoint).endpoint)

    def replay(self, endpoint: str, ids: Collection[str] | None, request_id: str) -> Replay:
        """Let failed requests wait once more, and let `reconcile` look at the endpoint at once.

        All that have failed, or those of these ids, which may also have expired.

        Raises:
            UnmanagedEndpointError, RefusedEndpointError: see `Intents.obeyed_claim`; nothing is
                replayed.
            AwsError: the tags, the ledger or the requests can't be reached. What was replayed
                before stands; the same again does the rest.
        """
        claim = self.intents.obeyed_claim(endpoint)
        replay = self.requests.replay(claim.endpoint, ids)
        if replay.replayed:
            self.nudge(claim.endpoint, request_id)
        return replay

    def _describe(self, claim: Claim) -> Standing:
        endpoint = claim.endpoint
        return self._standing(
            claim,
            self.state.read(endpoint),
            self.endpoints.observe(endpoint),
            self.history.recent(endpoint, RECENT),
        )

    def _standing(
        self,
        claim: Claim,
        ledger: Ledger,
        seen: Observation,
        history: Sequence[PastDecision] | None = None,
    ) -> Standing:
        return Standing(
            at=self.clock(),
            account_id=self.account_id,
            expected_wake=expected_wake(ledger.wakes, self.expected_wake),
            claim=claim,
            ledger=ledger,
            seen=seen,
            # Most endpoints have none, at most times: they are looked for where there may be some.
            backlog=self.requests.backlog(claim.endpoint) if ledger.has_requests else None,
            history=history,
        )
