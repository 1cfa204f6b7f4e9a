"""Recording what an operator, or a schedule in his name, asks of an endpoint."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import uuid4

from dormouse.domain.asker import asker
from dormouse.domain.claims import (
    Claim,
    Deployment,
    Refusal,
    TaggedConfig,
    Why,
    settle_claims,
)
from dormouse.domain.intent import Hold, Intent, Release, Resume, Sleep, Suspend, Wake
from dormouse.domain.named_schedules import UNREAD, NamedSchedules
from dormouse.domain.spec import ENDPOINT_TAG, is_endpoint_name
from dormouse.domain.usage import MinutePart, minute_of
from dormouse.errors import AwsError, RefusedEndpointError, UnmanagedEndpointError
from dormouse.ports import Catalog, Clock, IntentState, UsageLedger


@dataclass(frozen=True, slots=True)
class Intents:
    """Writes intents to the ledger. What follows from them, the reconciler decides.

    `usage` is where a wake counts as demand, under a name that `new_name` makes.
    """

    catalog: Catalog
    state: IntentState
    usage: UsageLedger
    clock: Clock
    deployment: Deployment
    new_name: Callable[[], str] = lambda: uuid4().hex

    def claim(
        self,
        endpoint: str,
        names_in: Callable[[Sequence[TaggedConfig]], NamedSchedules] = lambda _: UNREAD,
    ) -> Claim:
        """Say what is asked for an endpoint by its EndpointConfig.

        `names_in` reads the schedules that tags refer to by name; without it they are taken for
        granted, with no window of theirs known, so that an intent needs nothing but the tags.

        Raises:
            UnmanagedEndpointError: no EndpointConfig claims it.
            AwsError: the tags can't be read.
        """
        if not is_endpoint_name(endpoint):
            raise UnmanagedEndpointError(f"{endpoint!r} is not the name of an endpoint")
        configs = self.catalog.tagged_configs(endpoint)
        for claim in settle_claims(configs, self.deployment, names_in(configs)):
            return claim
        if endpoint == self.deployment.endpoint:
            return self.own_claim()
        raise UnmanagedEndpointError(
            f"no EndpointConfig is tagged {ENDPOINT_TAG}={endpoint}, so it is not managed here"
        )

    def obeyed_claim(self, endpoint: str) -> Claim:
        """Say what is asked for an endpoint of which something more is to be asked.

        Raises:
            UnmanagedEndpointError: no EndpointConfig claims it.
            RefusedEndpointError: what is asked for it can't be obeyed.
            AwsError: the tags can't be read.
        """
        claim = self.claim(endpoint)
        if isinstance(claim, Refusal) and claim.why is not Why.NOT_VISIBLE_YET:
            raise RefusedEndpointError(f"{claim.endpoint} is left as it is, since {claim.reason}")
        return claim

    def own_claim(self) -> Refusal:
        """Stand in for the claim of the stack's own endpoint while its tags can't be seen."""
        reason = "the tags of its EndpointConfig are not visible yet"
        return Refusal(self.deployment.endpoint, reason, Why.NOT_VISIBLE_YET)

    def record(self, intent: Intent, by: str | None = None) -> Claim:
        """Record an intent of `by`, and say what else is asked for the endpoint.

        A wake counts as a request that has just arrived. A hold never shortens a longer one. While
        it is suspended, a wake and a hold are recorded, and count once it is resumed.

        Raises:
            UnmanagedEndpointError: no EndpointConfig claims the endpoint; nothing is recorded.
            RefusedEndpointError: what is asked for it can't be obeyed; nothing is recorded.
            IntentError: a hold ends too soon or too late; nothing is recorded.
            AwsError: the tags or the ledger can't be reached.
        """
        claim = self.obeyed_claim(intent.endpoint)
        # The name as the config's tag spells it: the ledger's key.
        endpoint, now, who = claim.endpoint, self.clock(), asker(by)
        match intent:
            case Wake():
                self.state.record_demand(endpoint, now, now, known_only=False, by=who)
                self._count(endpoint, now)
            case Hold():
                self.state.record_hold(endpoint, intent.ends_at(now), now, who)
            case Release():
                self.state.release_hold(endpoint)
            case Sleep():
                self.state.record_sleep(endpoint, now)
            case Suspend():
                self.state.suspend(endpoint, now, who)
            case Resume():
                self.state.resume(endpoint)
            case _:
                assert_never(intent)
        return claim

    def _count(self, endpoint: str, now: datetime) -> None:
        """Count a request, for idle policies that learn. No wake fails for that: it stands, and one
        that is not learned from changes little.
        """
        part = MinutePart(endpoint, minute_of(now), self.new_name()).plus_demand()
        with suppress(AwsError):
            self.usage.record([part], [])
