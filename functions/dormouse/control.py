"""An operator's desk: how each endpoint stands and why, and what may be asked of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dormouse.domain.claims import Claim, settle_claims
from dormouse.domain.endpoint import Absent, Observation
from dormouse.domain.intent import Intent
from dormouse.domain.ledger import Ledger, PastDecision
from dormouse.intents import Intents
from dormouse.ports import Catalog, Clock, ControlState, EndpointsList, History, Nudge

RECENT = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """How one endpoint stands: what is asked for it, what is remembered, what SageMaker says.

    `history` is None where it was not asked for. `account_id` may invoke it where nobody is listed.
    `expected_wake` is how long a wake is expected to take.
    """

    at: datetime
    account_id: str
    expected_wake: timedelta
    claim: Claim
    ledger: Ledger
    seen: Observation
    history: Sequence[PastDecision] | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """Answers for the endpoints of one deployment, and takes intents for them."""

    intents: Intents
    catalog: Catalog
    endpoints: EndpointsList
    state: ControlState
    history: History
    nudge: Nudge
    clock: Clock
    account_id: str
    expected_wake: timedelta

    def list_all(self) -> Sequence[Standing]:
        """Say how every managed endpoint stands, in order of names.

        Raises:
            AwsError: the tags, the ledger or SageMaker can't be read.
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
            AwsError: the tags, the ledger or SageMaker can't be read.
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
            expected_wake=self.expected_wake,
            claim=claim,
            ledger=ledger,
            seen=seen,
            history=history,
        )
