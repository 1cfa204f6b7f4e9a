"""An operator's desk: how each endpoint stands and why, and what may be asked of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dormouse.domain.claims import Claim, Refusal, TaggedConfig, settle_claims
from dormouse.domain.decision_page import Decided, Page, page_of
from dormouse.domain.dry_run import DryRun, dry_run, read_at
from dormouse.domain.endpoint import Absent, Observation
from dormouse.domain.intent import Intent
from dormouse.domain.ledger import Ledger, PastDecision
from dormouse.domain.named_schedules import NamedSchedules
from dormouse.domain.parked_request import ParkedRequest
from dormouse.domain.plan import Action, Plan
from dormouse.domain.rule import Rule
from dormouse.domain.spec import Spec
from dormouse.domain.spending import Spent, spent_by
from dormouse.domain.timing import Timing
from dormouse.domain.waiting import NOBODY
from dormouse.domain.wake_time import expected_wake
from dormouse.intents import Intents
from dormouse.named import named_in
from dormouse.ports import Catalog, Clock, ControlState, EndpointsList, History, Nudge, Schedules
from dormouse.waiting_requests import Backlog, Replay, WaitingRequests

RECENT = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """How one endpoint stands: what is asked for it, what is remembered, what SageMaker says.

    `history` is None where it was not asked for. `account_id` may invoke it where nobody is listed.
    `expected_wake` is how long a wake is expected to take. `spent` is what it has cost this month.
    `backlog` is None where nothing waits.
    """

    at: datetime
    account_id: str
    expected_wake: timedelta
    claim: Claim
    ledger: Ledger
    seen: Observation
    spent: Spent
    backlog: Backlog | None = None
    history: Sequence[PastDecision] | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """Answers for the endpoints of one deployment, and takes intents for them.

    `timing` is what `reconcile` decides by.
    """

    intents: Intents
    catalog: Catalog
    schedules: Schedules
    endpoints: EndpointsList
    state: ControlState
    history: History
    requests: WaitingRequests
    nudge: Nudge
    clock: Clock
    account_id: str
    timing: Timing

    def list_all(self) -> Sequence[Standing]:
        """Say how every managed endpoint stands, in order of names.

        Raises:
            AwsError: the tags, the ledger, the requests or SageMaker can't be read.
        """
        deployment = self.intents.deployment
        configs = self.catalog.tagged_configs()
        claims = list(settle_claims(configs, deployment, self._names_in(configs)))
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
        return self._describe(self._claim(endpoint))

    def dry_run(self, endpoint: str, query: Mapping[str, str]) -> DryRun:
        """Say what would be done with one endpoint now, or at the moment that the query of a URL
        names, if nothing happened until then. Nothing is changed, and CloudWatch not asked.

        Raises:
            DryRunError: the query names a moment that can't be tried.
            UnmanagedEndpointError: no EndpointConfig claims it.
            AwsError: the tags, the ledger, the requests or SageMaker can't be read.
        """
        now = self.clock()
        at = read_at(query, now)
        claim = self._claim(endpoint)
        if isinstance(claim, Refusal):
            reason = f"left as it is, since {claim.reason}"
            return DryRun(at, Plan(Action.WAIT, Rule.REFUSED, reason), (), ())
        ledger = self.state.read(claim.endpoint)
        seen = self.endpoints.observe(claim.endpoint)
        waiting = self.requests.look(claim.endpoint) if ledger.has_requests else NOBODY
        return dry_run(claim, ledger, seen, waiting, timing=self.timing, at=at, now=now)

    def decisions(self, endpoint: str, page: Page) -> Decided:
        """List what was decided of one endpoint, newest first.

        Raises:
            UnmanagedEndpointError: no EndpointConfig claims it.
            AwsError: the tags or the decisions can't be read.
        """
        endpoint = self.intents.claim(endpoint).endpoint
        # One more, which says that there is a next page.
        return page_of(self.history.recent(endpoint, page.limit + 1, page.before), page)

    def carry_out(self, intent: Intent, request_id: str, by: str | None = None) -> Standing:
        """Record an intent of `by`, let `reconcile` look at the endpoint at once, and say how it
        stands.

        Raises:
            UnmanagedEndpointError, RefusedEndpointError, IntentError: see `Intents.record`.
            AwsError: the tags, the ledger or SageMaker can't be reached. Where the intent was
                recorded before, it stands, and the next tick finds it.
        """
        claim = self.intents.record(intent, by)
        self.nudge(claim.endpoint, request_id)
        if isinstance(claim, Spec) and "@" in f"{claim.schedule}{claim.blackout}":
            # An intent needs no named schedule to be read; how it stands does.
            claim = self._claim(claim.endpoint)
        return self._describe(claim)

    def waiting_requests(self, endpoint: str) -> Sequence[ParkedRequest]:
        """List the requests that wait for an endpoint, the oldest first, and at most a hundred.

        Raises:
            UnmanagedEndpointError: no EndpointConfig claims it.
            AwsError: the tags or the requests can't be read.
        """
        return self.requests.waiting(self.intents.claim(endpoint).endpoint)

    def replay(
        self,
        endpoint: str,
        ids: Collection[str] | None,
        request_id: str,
        by: str | None = None,
    ) -> Replay:
        """Let failed requests wait once more, and let `reconcile` look at the endpoint at once.

        All that have failed, or those of these ids, which may also have expired. `by` is who asks
        for that.

        Raises:
            UnmanagedEndpointError, RefusedEndpointError: see `Intents.obeyed_claim`; nothing is
                replayed.
            AwsError: the tags, the ledger or the requests can't be reached. What was replayed
                before stands; the same again does the rest.
        """
        claim = self.intents.obeyed_claim(endpoint)
        replay = self.requests.replay(claim.endpoint, ids, by)
        if replay.replayed:
            self.nudge(claim.endpoint, request_id)
        return replay

    def _claim(self, endpoint: str) -> Claim:
        return self.intents.claim(endpoint, self._names_in)

    def _names_in(self, configs: Sequence[TaggedConfig]) -> NamedSchedules:
        return named_in(configs, self.schedules)

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
        now = self.clock()
        up_since = ledger.billed_since(bills_creation=self.timing.bills_creation)
        return Standing(
            at=now,
            account_id=self.account_id,
            expected_wake=expected_wake(ledger.wakes, self.timing.expected_wake),
            claim=claim,
            ledger=ledger,
            seen=seen,
            spent=spent_by(ledger.spent, up_since, ledger.rate, now),
            # Most endpoints have none, at most times: they are looked for where there may be some.
            backlog=self.requests.backlog(claim.endpoint) if ledger.has_requests else None,
            history=history,
        )
