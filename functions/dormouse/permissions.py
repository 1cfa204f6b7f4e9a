"""What the front door knows of an endpoint's terms without asking for each request: who may invoke
it, and what becomes of a cold request.

The proxy acts with its own role, so it would lend that to anybody who reaches it, if it did not ask
whom the endpoint's owner has listed (the confused deputy).
https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dormouse.domain.capture_policy import DEFAULT_CAPTURE, CapturePolicy
from dormouse.domain.claims import Deployment, Refusal, Why, settle_claims
from dormouse.domain.principals import Kind, Principal, parse_principals
from dormouse.domain.rule import Rule
from dormouse.domain.spec import Spec
from dormouse.domain.terms import Terms, terms_of
from dormouse.errors import AwsError
from dormouse.ports import Catalog, Clock, ProxyState

# Names are the caller's to choose, so they must not fill the memory.
REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Permitted:
    """These, and nobody else, may invoke it; the rest is as in Terms."""

    principals: Sequence[Principal]
    cold_wait: timedelta | None = None
    completion_topic: str | None = None
    capture: CapturePolicy = DEFAULT_CAPTURE


@dataclass(frozen=True, slots=True)
class NotKnownYet:
    """It can't be said who may. `problem` is the fault on the side of AWS, if it is one."""

    why: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Permissions:
    """Reads the ledger, in which `reconcile` keeps the terms of each endpoint, at most once in an
    interval. While it can't be read, whoever was permitted at last is.
    """

    state: ProxyState
    catalog: Catalog
    clock: Clock
    deployment: Deployment
    account_id: str
    interval: timedelta
    _known: dict[str, tuple[datetime, Permitted | NotKnownYet]] = field(default_factory=dict)

    def of(self, endpoint: str) -> Permitted | NotKnownYet:
        """Say who may invoke it; never raises for what AWS does.

        Of an endpoint that nobody manages, the own account's callers may learn that there is none.
        """
        now = self.clock()
        read_at, known = self._known.get(endpoint, (None, None))
        if known is not None and read_at is not None and now < read_at + self.interval:
            return known
        try:
            permission = self._ask(endpoint)
        except AwsError as error:
            if not isinstance(known, Permitted):
                return NotKnownYet("what is known of it can't be read", str(error))
            permission = known
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[endpoint] = (now, permission)
        return permission

    def is_claimed(self, endpoint: str) -> bool:
        """Whether an EndpointConfig claims what `reconcile` has not looked at yet.

        To be asked of nothing else: a thousand callers would have the tagging API throttle the
        ticks as well.

        Raises:
            AwsError: the tags can't be read.
        """
        # This stack's own endpoint is managed, though its first tick may be to come.
        is_own = endpoint == self.deployment.endpoint
        return is_own or bool(self.catalog.tagged_configs(endpoint))

    def _ask(self, endpoint: str) -> Permitted | NotKnownYet:
        ledger = self.state.read(endpoint)
        if ledger.terms is not None and ledger.decision is not None:
            return self._permitted(ledger.terms)
        if ledger.decision is not None and ledger.decision.rule == Rule.REFUSED:
            return NotKnownYet(f"it is {ledger.decision.reason}")
        # reconcile has not looked at it since it was tagged.
        claims = settle_claims(self.catalog.tagged_configs(endpoint), self.deployment)
        claim = next(iter(claims), None)
        if isinstance(claim, Spec):
            return self._permitted(terms_of(claim))
        is_another_s = claim is not None and claim.why is Why.NOT_OURS
        if ledger.terms is not None and not is_another_s:
            # That no config can be seen must not open what was closed, nor close what was open.
            return self._permitted(ledger.terms)
        if isinstance(claim, Refusal):
            return NotKnownYet(f"it is left as it is, since {claim.reason}")
        if endpoint == self.deployment.endpoint:
            return NotKnownYet("the tags of its EndpointConfig are not visible yet")
        return self._permitted(Terms())

    def _permitted(self, terms: Terms) -> Permitted:
        own_account = Principal(self.account_id, Kind.ACCOUNT, self.account_id)
        listed = parse_principals(" ".join(terms.principals)) if terms.principals else ()
        return Permitted(
            listed or (own_account,), terms.cold_wait, terms.completion_topic, terms.capture
        )
