"""What the reconciler and the proxy need of the world, as Protocols; `adapters/` fulfil them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from dormouse.domain.activity import Measured, Unreadable
from dormouse.domain.claims import TaggedConfig
from dormouse.domain.endpoint import Observation
from dormouse.domain.invocation import Forwarded, InvocationRequest, NotServing, Unanswered
from dormouse.domain.ledger import Decision, Ledger, RecordedDemand


class Clock(Protocol):
    """The time of day."""

    def __call__(self) -> datetime:
        """Return now, with a time zone."""


class Catalog(Protocol):
    """The EndpointConfigs that carry our tags."""

    def tagged_configs(self, endpoint: str | None = None) -> Sequence[TaggedConfig]:
        """List every one, or those that claim one endpoint.

        Raises:
            AwsError: the tags can't be read.
        """


class Endpoints(Protocol):
    """SageMaker's endpoints. Only the reconciler may hold one that can write."""

    def observe(self, endpoint: str) -> Observation:
        """Say what SageMaker says of it now.

        Raises:
            AwsError: SageMaker can't be asked, or reports a status that is not known here.
        """

    def create(self, endpoint: str, config_name: str, tags: Mapping[str, str]) -> None:
        """Ask for it to be created; that it exists already is no error (the next tick will see).

        Raises:
            AwsError: SageMaker refused, or did not answer.
        """

    def delete(self, endpoint: str) -> None:
        """Ask for it to be deleted; that it is gone already is no error.

        Raises:
            AwsError: SageMaker refused, or did not answer.
        """


class Metrics(Protocol):
    """CloudWatch's view of an endpoint, which includes callers that bypass the proxy."""

    def last_activity(
        self, endpoint: str, variant_names: Sequence[str], since: datetime, until: datetime
    ) -> Measured | Unreadable:
        """Find the end of the latest minute with an invocation within a window; never raises."""


class ReconcilerState(Protocol):
    """The ledger, as the reconciler uses it."""

    def read(self, endpoint: str) -> Ledger:
        """Read everything remembered of an endpoint, strongly consistent."""

    def record_hold(self, endpoint: str, until: datetime, now: datetime) -> None:
        """Keep it up until then; a longer hold stays. A demand: raises `demand_version`."""

    def record_demand(
        self, endpoint: str, now: datetime, unless_since: datetime, *, known_only: bool
    ) -> RecordedDemand:
        """Note that a request has just arrived. See `ProxyState.record_demand`."""

    def record_metrics_activity(self, endpoint: str, at: datetime) -> None:
        """Note until when CloudWatch showed invocations."""

    def mark_met(self, endpoint: str, demand_version: int) -> None:
        """Note that it was seen serving after this demand."""

    def begin_stop(self, endpoint: str, seen: Ledger, reason: str, now: datetime) -> bool:
        """Claim the right to stop it, on the condition that no demand and no request has come since
        the ledger was seen.

        The reason is kept, since the decision that holds it is soon followed by others. Returns
        False, having written nothing, where something has come.
        """

    def record_decision(self, endpoint: str, decision: Decision, now: datetime) -> None:
        """Keep the decision, for whoever asks why. It makes the endpoint known to the proxy."""

    def forget_decision(self, endpoint: str) -> None:
        """Note that no EndpointConfig claims it, as far as can be seen: the proxy asks again."""


class ProxyState(Protocol):
    """The ledger, as the proxy uses it."""

    def record_demand(
        self, endpoint: str, now: datetime, unless_since: datetime, *, known_only: bool
    ) -> RecordedDemand:
        """Note that a request found it cold: raises `demand_version`.

        Nothing is written where an unmet demand of `unless_since` or later is recorded already
        (then whoever wrote that one has sent the nudge too), nor, with `known_only`, for an
        endpoint that is not known.
        """

    def record_request(self, endpoint: str, now: datetime) -> None:
        """Note a request for an endpoint that is known; others are not written."""


class Nudge(Protocol):
    """A way to make the next tick of one endpoint come at once."""

    def __call__(self, endpoint: str, request_id: str) -> None:
        """Send it, without waiting for the tick. The request's id goes along, for the logs.

        Raises:
            AwsError: it could not be sent.
        """


class Runtime(Protocol):
    """SageMaker's runtime."""

    def forward(self, request: InvocationRequest) -> Forwarded | NotServing | Unanswered:
        """Send one invocation, once, and return the answer as it came."""
